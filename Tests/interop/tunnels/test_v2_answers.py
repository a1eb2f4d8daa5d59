"""A client of version 2 before servers made by hand: what it tells user agents, and which servers it believes."""
import contextlib
import json
import os
import re
import struct
import threading

from cryptography.exceptions import InvalidTag

from helpers.peers import agent
from helpers.peers.datagrams import Association
from helpers.peers.sealed import Impostor, Opening, SealedServer, now, unbox
from helpers.peers.target import read_exactly
from helpers.version2 import PEER, Version2
from helpers.waiting import eventually, standstill
from v2.handshake import ServerHandshake, payload, prologue
from v2.keys import ServerKey
from v2.messages import *
from v2.noise import Noise

ANSWERED = Request({}, Address.of('192.0.2.7', 4711)).pack()


class Answered(Version2):
    """`serve` of a subclass is what the server does with a tunnel."""
    OPENS_AHEAD = False

    def begin(self, serve, **options):
        self.hand_made = self.keep(SealedServer(self.raw_key, serve))
        self.wstan_client = self.client(self.hand_made, **options)

    def connect(self, host='192.0.2.1', port=80):
        return self.keep(agent.socks5(self.wstan_client.port, host, port))


def requests(tunnel, kind, body):
    """The requests on a tunnel, each with its number; the peer's end of each has come before the next."""
    number = 0
    while True:
        if kind in REQUESTS:
            yield number, Request.read(body)
            number += 1
        kind, body = tunnel.read()


class Replies(Answered):
    def test_codes(self):
        """The code of a RESET becomes the SOCKS reply."""
        expected = {**{code: code for code in range(1, 9)}, NO_SUCH_NAME: 4, TIMED_OUT: 6,
                    **{code: 1 for code in (RESET_BY_PEER, IDLE, OVER_LIMIT, KEY_EXPIRED, 25, 77, 255)}}
        codes = list(expected)

        def serve(tunnel, kind, body):
            for number, _ in requests(tunnel, kind, body):
                tunnel.send(RESET, bytes([number, codes.pop(0)]) + b'a reason \x1b[31m\xff')
        self.begin(serve)
        for code in list(codes):
            with self.subTest(code), self.assertRaises(agent.Refused) as caught:
                self.connect()
            self.assertEqual(caught.exception.code, expected[code])
        self.assertEqual(len(self.hand_made.heads), 1, 'a refused connection frees its tunnel')

    def test_requests(self):
        """Literals go out as addresses and names as names, in M1 and on a tunnel that was used."""
        asked = []

        def serve(tunnel, kind, body):
            for number, request in requests(tunnel, kind, body):
                asked.append(str(request.address))
                tunnel.send(RESET, bytes([number, REFUSED]))
        self.begin(serve)
        places = [('192.0.2.1', 80), ('2001:db8::7', 443), ('www.example.com', 8080)]
        for place in places * 2:
            with self.assertRaises(agent.Refused):
                self.connect(*place)
        self.assertEqual(asked, ['%s:%d' % place for place in places] * 2)

    def test_ok(self):
        """Data in the OK, data behind it, and the end."""
        def serve(tunnel, kind, body):
            tunnel.send(OK, Request({}, Address.of('192.0.2.7', 4711), b'first ').pack())
            tunnel.send(DATA, b'second ', 100)
            tunnel.send(REKEY)
            tunnel.send(FIN, b'third')
            tunnel.read()
        self.begin(serve)
        with self.connect() as s:
            self.assertEqual(read_exactly(s, 18), b'first second third')
            self.assertEqual(agent.outcome(s), 'end')

    def test_reset(self):
        """A RESET resets the user agent; a RESET 0 behind the server's FIN ends the connection in good order."""
        by_target, signal = (RESET, bytes([0, RESET_BY_PEER])), (RESET, bytes([0, NONE]))
        for messages, expected in ([by_target], 'reset'), ([signal], 'reset'), ([(FIN, b''), signal], 'end'):
            def serve(tunnel, kind, body):
                tunnel.send(OK, ANSWERED)
                tunnel.send(DATA, b'!')
                told.wait(5)
                for message in messages:
                    tunnel.send(*message)
                tunnel.read()
            told = threading.Event()
            self.begin(serve)
            with self.subTest(expected), self.connect() as s:
                self.assertEqual(read_exactly(s, 1), b'!')
                told.set()
                self.assertEqual(agent.outcome(s), expected)

    def test_bye(self):
        """A tunnel that got BYE carries what is open to its end, is closed with 1000, and is asked nothing more."""
        endings = []

        def serve(tunnel, kind, body):
            tunnel.send(OK, ANSWERED)
            tunnel.send(BYE, bytes([DRAINING]) + b'restart')
            tunnel.send(DATA, tunnel.expect(DATA))
            tunnel.expect(FIN)
            tunnel.send(FIN)
            endings.append(tunnel.ending())
        self.begin(serve)
        for number in range(2):
            with self.connect() as s:
                self.assertTrue(agent.echoes(s, b'still carried'))
            eventually(lambda: len(endings) > number, 'the tunnel ends')
        self.assertEqual(endings, [1000, 1000])


class Wrongs(Answered):
    """What no server may send ends the tunnel at once, and resets what it carried."""

    def test_open(self):
        """On an open connection."""
        datagram = pack_pieces([Address.of('127.0.0.1', 9).pack() + b'x'])
        for kind, body in ((OK, ANSWERED), (CONNECT, ANSWERED), (INCOMING, ANSWERED), (DGRAM, datagram),
                           (0x3f, b''), (PING, bytes(7)), (NEED, bytes(8)), (RESET, b'\0'),
                           (DATA, bytes(DATA_MAX + 1))):
            endings = []

            def serve(tunnel, *_):
                tunnel.send(OK, ANSWERED)
                tunnel.send(DATA, b'!')
                told.wait(5)
                with contextlib.suppress(ConnectionError):  # it may be closed before all is sent
                    tunnel.send(kind, body)
                    tunnel.send(DATA, b'wrong')
                endings.append(tunnel.ending())
            told = threading.Event()
            self.begin(serve)
            with self.subTest(hex(kind)), self.connect() as s:
                self.assertEqual(read_exactly(s, 1), b'!')
                told.set()
                self.assertEqual(agent.outcome(s), 'reset')
                eventually(lambda: endings, 'the tunnel ends')
                self.assertEqual(endings, ['dropped'])

    def test_before_ok(self):
        """Data or the end before OK."""
        for kind in DATA, FIN:
            def serve(tunnel, *_):
                tunnel.send(kind, b'too early')
                tunnel.ending()
            self.begin(serve)
            with self.subTest(NAMES[kind]), self.assertRaises(agent.Refused):
                self.connect()

    def test_unknown_option(self):
        """An OK with an option that has to be known and is not: the client aborts, and the tunnel lives."""
        codes = []

        def serve(tunnel, *_):
            tunnel.send(OK, Request({CRITICAL | 0x55: b''}).pack())
            codes.append(tunnel.expect_reset())
            tunnel.send(RESET, bytes([0, NONE]))
            tunnel.ending()
        self.begin(serve)
        with self.assertRaises(agent.Refused):
            self.connect()
        eventually(lambda: codes, 'the client aborts')
        self.assertEqual(codes, [(0, NOT_SUPPORTED)])


class Impostors(Answered):
    """A 101 proves nothing: nothing is carried, nothing follows the request, and no other version is tried."""

    def check(self, forge, log='impostor'):
        server = self.keep(Impostor(self.raw_key, forge))
        between = self.forwarder(server)
        self.wstan_client = self.client(between)
        for _ in range(2):
            with self.assertRaises(agent.Refused):
                self.connect()
        self.wstan_client.await_log(log)
        standstill(lambda: len(server.heads), 'the client tries again', 0.5)
        for link in between.links:
            self.assertEqual(len(link.recorded), link.head_end, 'something was sent behind the request')
            self.assertEqual(link.head().split(b' ')[1], b'/', 'a request of another version')

    def test_noise(self):
        """A server that answers with anything."""
        self.check(lambda m1: os.urandom(90))

    def test_no_proof(self):
        """A server that opens a WebSocket and closes it."""
        self.check(lambda m1: None, 'proof|no tunnel')

    def test_own_request(self):
        """A server that sends the request back."""
        self.check(lambda m1: m1)

    def test_too_short(self):
        """A server whose answer is too short to be one."""
        self.check(lambda m1: b'hello')

    def test_stolen_key(self):
        """A thief of the user's key cannot answer as the server without the server's key."""
        def forge(m1):
            salt, sealed = m1[:16], m1[80:]
            kid, time, theirs = unbox(m1, self.raw_key)
            server, user = self.raw_key.server, self.raw_key.user
            made_up = ServerKey(server.public, os.urandom(32))
            noise = Noise(user.psk, prologue(salt, kid, time, b''), made_up, os.urandom(32))
            try:
                noise.read_request(theirs, sealed)
            except InvalidTag:
                noise.mix_hash(sealed)
            public, answer = noise.write_answer(payload(struct.pack('>QBB', time, 1, 0), {}, b'', 0))
            return bytes(a ^ b for a, b in zip(public, server.request_keys(salt)[1])) + answer
        self.check(forge)

    def test_answer_to_another(self):
        """The right server's answer to another request of the same user."""
        real = ServerHandshake([self.raw_key.server], [self.raw_key.user])

        def forge(m1):
            other = Opening(self.raw_key)
            return real.read(other.handshake.m1, now()).answer(now())[0]
        self.check(forge)

    def test_cipher_not_offered(self):
        """The right server, with plain records that were not agreed upon."""
        real = ServerHandshake([self.raw_key.server], [self.raw_key.user])

        def forge(m1):
            accepted = real.read(m1, now())
            public, answer = accepted.noise.write_answer(payload(struct.pack('>QBB', now(), 0x80, 0), {}, b'', 0))
            return bytes(a ^ b for a, b in zip(public, accepted.server.request_keys(accepted.salt)[1])) + answer
        self.check(forge)


class Retrying(Answered):
    def test_draining(self):
        """A request that is certainly not served is sent again, on another tunnel."""
        def serve(tunnel, kind, body):
            if len(self.hand_made.heads) == 1:
                tunnel.send(RESET, bytes([0, DRAINING]))
                tunnel.send(BYE, bytes([DRAINING]))
                tunnel.ending()
                return
            tunnel.send(OK, ANSWERED)
            tunnel.send(FIN, b'served')
            tunnel.read()
        self.begin(serve)
        with self.connect() as s:
            self.assertEqual(read_exactly(s, 6), b'served')


class RefusedAssociations(Answered):
    def test_refused(self):
        """A refused association is told of once, and is not asked for with each datagram: these are dropped and counted."""
        asked = []

        def serve(tunnel, kind, body):
            for number, request in requests(tunnel, kind, body):
                asked.append(request)
                tunnel.send(RESET, bytes([number, NOT_SUPPORTED]))
        self.begin(serve)
        association = self.keep(Association(self.wstan_client.port))
        told = 'the server refuses a UDP association.* reason="?the server does not support'
        association.send(b'the first', '127.0.0.1', 9)
        self.wstan_client.await_log(told)
        for _ in range(50):
            association.send(b'another', '127.0.0.1', 9)
        eventually(self.dropped(50), 'the others are dropped')
        self.assertEqual(len(asked), 1)
        self.assertEqual(len(re.findall(told, self.wstan_client.log())), 1)

    def dropped(self, count):
        return lambda: json.loads(self.ctl(self.wstan_client, 'status', '--json'))['droppedDatagrams'] >= count


class RepliesOfPeer(Replies):
    CLIENT = PEER


class WrongsOfPeer(Wrongs):
    CLIENT = PEER


class ImpostorsOfPeer(Impostors):
    CLIENT = PEER
