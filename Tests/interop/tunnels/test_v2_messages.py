"""A server of version 2, probed with messages made by hand: what is served, refused, or closes the tunnel."""
import os
import threading

from helpers.peers.probe import BINARY, CONTINUATION, TEXT, frame
from helpers.peers.probe import PING as WEBSOCKET_PING
from helpers.peers.probe import PONG as WEBSOCKET_PONG
from helpers.peers.sealed import Opening, SealedTunnel, connect_to
from helpers.peers.target import echo
from helpers.process import free_port
from helpers.scenario import Long
from helpers.version2 import PEER, Version2
from helpers.waiting import eventually
from v2.messages import *
from v2.records import EPOCH, TAG


class Probed(Version2):
    """A server, and an echo as its target."""

    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()
        self.echo = self.target(echo)

    def tunnel(self, kind=NOP, body=b'', **options):
        return self.keep(SealedTunnel.open(self.wstan_server.port, Opening(self.raw_key, kind, body, **options)))

    def connected(self, **options):
        """A tunnel with a connection to the echo, on which OK has come."""
        tunnel = self.tunnel(CONNECT, connect_to(self.echo), **options)
        tunnel.expect(OK)
        return tunnel

    def answer(self, tunnel):
        """What the target sends, from OK to FIN."""
        return Request.read(tunnel.expect(OK)).data + self.rest(tunnel)

    def rest(self, tunnel):
        """What the target sends, up to FIN."""
        data = b''
        while (message := tunnel.read())[0] == DATA:
            data += message[1]
        self.assertEqual(message[0], FIN)
        return data + message[1]

    def assertEchoes(self, tunnel, data=b'still here'):
        tunnel.send(DATA, data)
        self.assertEqual(tunnel.expect_data(len(data)), data)

    def assertServes(self, tunnel, data=b'the next one'):
        """A connection on an idle tunnel, to its end."""
        tunnel.send(CONNECT, connect_to(self.echo, data))
        tunnel.send(FIN)
        self.assertEqual(self.answer(tunnel), data)


class Requests(Probed):
    def assertRefusedWith(self, code, kind, request):
        """In M1, and on an idle tunnel; both serve the next request."""
        first, second = self.tunnel(kind, request.pack()), self.tunnel()
        second.send(kind, request.pack())
        for tunnel in first, second:
            tunnel.send(PING, bytes(8))  # some requests of M1 wait for a record (section 4.5)
            answers = dict((tunnel.read(), tunnel.read()))
            self.assertEqual(answers.keys(), {RESET, PONG})
            self.assertEqual(tuple(answers[RESET][:2]), (0, code))
            tunnel.send(RESET, bytes([0, NONE]))
            self.assertServes(tunnel)

    def test_connect(self):
        """OK, data, FIN answered by FIN; and the tunnel serves the next connection."""
        tunnel = self.connected()
        self.assertEchoes(tunnel)
        tunnel.send(FIN, b'and the last')
        self.assertEqual(self.rest(tunnel), b'and the last')
        for _ in range(3):
            self.assertServes(tunnel)

    def test_data_before_ok(self):
        """Data and the end may follow a request without waiting for the answer."""
        tunnel = self.tunnel()
        tunnel.send(CONNECT, connect_to(self.echo, b'one '))
        for word in b'two ', b'three ':
            tunnel.send(DATA, word)
        tunnel.send(FIN, b'four')
        self.assertEqual(self.answer(tunnel), b'one two three four')

    def test_name_that_is_a_literal(self):
        """A name that is an address stands for it."""
        tunnel = self.tunnel(CONNECT, Request({}, Address(NAME, b'127.0.0.1', self.echo.port), b'hi').pack())
        tunnel.send(FIN)
        self.assertEqual(self.answer(tunnel), b'hi')

    def test_codes(self):
        """A port without a listener, a name that does not exist, and one that no host can have."""
        for address, code in ((Address.of('127.0.0.1', free_port()), REFUSED),
                              (Address(NAME, b'no-such-name.invalid', 80), NO_SUCH_NAME),
                              (Address(NAME, b'a' * 255, 80), NO_SUCH_NAME)):
            with self.subTest(str(address)[:30]):
                self.assertRefusedWith(code, CONNECT, Request({}, address))

    def test_address_types(self):
        """An address that the request does not take."""
        self.assertRefusedWith(ADDRESS_TYPE, CONNECT, Request())
        self.assertRefusedWith(ADDRESS_TYPE, ASSOCIATE, Request({}, Address.of('127.0.0.1', 53)))

    def test_not_built(self):
        """Networks, listeners, requests of later versions and options that have to be known are not supported."""
        target = Address.of('127.0.0.1', self.echo.port)
        listener = Request({OPTION_LISTENKIND: b'\0'}, Address.of('127.0.0.1', 0))
        for kind, request in ((LISTEN, listener), (NETWORK, Request()), (0x17, Request()), (0x1f, Request({}, target)),
                              (CONNECT, Request({CRITICAL | 0x55: b''}, target))):
            with self.subTest(hex(kind)):
                self.assertRefusedWith(NOT_SUPPORTED, kind, request)

    def test_resume(self):
        """There is nothing to resume; without its options the request fails, and legs are not supported."""
        token, received, leg = {OPTION_TOKEN: bytes(16)}, {OPTION_RECEIVED: bytes(8)}, {OPTION_STRIPE: b'\0'}
        for options, code in ((token | received, NOTHING_TO_RESUME), (token, FAILED), (received, FAILED),
                              (token | received | leg, NOT_SUPPORTED)):
            with self.subTest(code):
                self.assertRefusedWith(code, RESUME, Request(options))

    def test_not_resumable(self):
        """A connection that asks to be resumable gets an OK without a token."""
        wanted = {OPTION_RESUMABLE: (1 << 18).to_bytes(4, 'big')}
        tunnel = self.tunnel(CONNECT, Request(wanted, Address.of('127.0.0.1', self.echo.port)).pack())
        self.assertNotIn(OPTION_RESUMABLE, Request.read(tunnel.expect(OK)).options)
        self.assertEchoes(tunnel)

    def test_park(self):
        """A tunnel that parks gets BYE 27 and is closed."""
        tunnel = self.tunnel()
        tunnel.send(PARK, Request({OPTION_LISTENER: bytes(8)}).pack())
        self.assertEqual(tunnel.expect(BYE)[0], NO_LISTENER)
        tunnel.ending()

    def test_ciphers(self):
        """The server takes the client's first choice that it has, and plain records only where TLS is shared."""
        for offered, expected in ((77, 3, 1), 3), ((2, 1), 2), ((1, 0x80), 1):
            tunnel = self.connected(ciphers=offered, options={OPTION_BINDING: os.urandom(32)})
            self.assertEqual(tunnel.answer.cipher, expected)
            self.assertEchoes(tunnel)


class Life(Probed):
    """Section 6."""

    def test_reset(self):
        """A RESET is answered, resets the target, and the next request may be right behind it."""
        tunnel = self.connected()
        tunnel.send(RESET, bytes([0, RESET_BY_PEER]) + b'gone')
        tunnel.send(CONNECT, connect_to(self.echo, b'pipelined'))
        self.assertEqual(tunnel.expect_reset(), (0, NONE))
        tunnel.send(FIN)
        self.assertEqual(self.answer(tunnel), b'pipelined')
        eventually(lambda: self.echo.errors, 'the target is reset')
        self.assertIsInstance(self.echo.errors[0], ConnectionResetError)

    def test_signal(self):
        """A RESET 0 behind the client's FIN ends the target's connection in good order, and the server's segment."""
        def serve(connection):
            connection.sendall(b'!')
            while connection.recv(1 << 16):
                pass
            ended.append(True)
            finished.wait(10)
        ended, finished = [], threading.Event()
        self.addCleanup(finished.set)
        tunnel = self.tunnel(CONNECT, connect_to(self.target(serve)))
        data = Request.read(tunnel.expect(OK)).data
        self.assertEqual(data or tunnel.expect_data(1), b'!')
        tunnel.send(FIN)
        tunnel.send(RESET, bytes([0, NONE]))
        self.assertEqual(tunnel.expect_reset(), (0, NONE))
        eventually(lambda: ended, 'the target hears the end')
        self.assertServes(tunnel)

    def test_numbers(self):
        """Connections are counted modulo 256."""
        tunnel = self.tunnel()
        for number in range(260):
            tunnel.send(CONNECT, connect_to(self.echo))
            tunnel.expect(OK)
            tunnel.send(RESET, bytes([number & 255, NONE]))
            self.assertEqual(tunnel.expect_reset(), (number & 255, NONE))
        self.assertServes(tunnel)

    def test_stale_resets(self):
        """RESETs and ACKs of connections that are over touch nothing."""
        tunnel = self.tunnel()
        for _ in range(3):
            self.assertServes(tunnel)
        tunnel.send(CONNECT, connect_to(self.echo))
        tunnel.expect(OK)
        for number in 0, 1, 2, 4, 255:
            tunnel.send(RESET, bytes([number, RESET_BY_PEER]))
            tunnel.send(ACK, bytes([number]) + bytes(8))
        self.assertEchoes(tunnel)

    def test_bye(self):
        """A client's BYE closes an idle tunnel with 1000, and an open one when its connection has ended."""
        tunnel = self.tunnel()
        tunnel.send(BYE, bytes([NONE]))
        self.assertEqual(tunnel.ending(), 1000)
        tunnel = self.connected()
        tunnel.send(BYE, bytes([NONE]))
        self.assertEchoes(tunnel)
        tunnel.send(FIN)
        tunnel.expect(FIN)
        self.assertEqual(tunnel.ending(), 1000)


class Harmless(Probed):
    """Messages and frames that may come at any time."""

    def test_types(self):
        """NOPs, PONGs, PINGs, REKEYs and unknown types from 40 on change nothing, padded or not."""
        tunnel = self.connected()
        for kind, body in (NOP, b'anything'), (PONG, bytes(8)), (REKEY, b''), (0x40, b'new'), (0x7f, b''), (DATA, b''):
            for padding in None, 0, 1000:
                tunnel.send(kind, body, padding)
                self.assertTrue(tunnel.ping())
        self.assertEchoes(tunnel)
        tunnel.send(DATA, b'padded', 5)
        self.assertEqual(tunnel.expect_data(6), b'padded')

    def test_largest(self):
        """The largest DATA and the largest record are taken."""
        tunnel = self.connected()
        for padding in None, PLAINTEXT_MAX - DATA_MAX - 3:
            data = os.urandom(DATA_MAX)
            tunnel.send(DATA, data, padding)
            self.assertEqual(tunnel.expect_data(DATA_MAX), data)

    def test_fragments(self):
        """A record in fragments, with empty ones and a ping among them, is one record."""
        tunnel = self.connected()
        record = tunnel.records.seal(plaintext(DATA, b'in pieces'))
        tunnel.send_record(record[:3], final=False)
        tunnel.send_record(b'', CONTINUATION, final=False)
        tunnel.send_record(b'are you there?', WEBSOCKET_PING)
        tunnel.send_record(record[3:], CONTINUATION)
        self.assertEqual(tunnel.read_frame(), (WEBSOCKET_PONG, b'are you there?'))
        self.assertEqual(tunnel.expect_data(9), b'in pieces')


class Violations(Probed):
    """Closed at once: no WebSocket close, nothing more delivered, the target reset."""

    def assertCloses(self, name, act, begin=None):
        with self.subTest(name):
            tunnel = (begin or self.connected)()
            resets = len(self.echo.errors)
            act(tunnel)
            self.assertEqual(tunnel.ending(), 'dropped')
            if not begin:
                eventually(lambda: len(self.echo.errors) > resets, 'the target is reset')
                self.assertIsInstance(self.echo.errors[-1], ConnectionResetError)

    def test_records(self):
        """Anything but the client's next record."""
        def record(tunnel):
            return tunnel.records.seal(plaintext(DATA, b'wrong'))

        def reflected(tunnel):
            tunnel.send(PING, bytes(8))
            tunnel.send_record(tunnel.read_frame()[1])

        def twice(tunnel):
            once = record(tunnel)
            tunnel.send_record(once)
            tunnel.send_record(once)
        for name, act in dict(
                altered=lambda t: t.send_record(bytes([record(t)[0] ^ 1]) + record(t)[1:]),
                cut=lambda t: t.send_record(record(t)[:-1]),
                longer=lambda t: t.send_record(record(t) + b'\0'),
                out_of_order=lambda t: (record(t), t.send_record(record(t))),
                sent_twice=twice, reflected=reflected,
                empty=lambda t: t.send_record(b''),
                only_a_tag=lambda t: t.send_record(bytes(TAG)),
                too_long=lambda t: t.send_record(bytes(PLAINTEXT_MAX + TAG + 1))).items():
            self.assertCloses(name, act)

    def test_frames(self):
        """Anything but a binary message of a client."""
        def endless(tunnel):
            for number in range(1025):
                tunnel.send_record(b'', CONTINUATION if number else BINARY, final=False)
        for name, act in dict(
                text=lambda t: t.send_record(t.records.seal(plaintext(NOP)), TEXT),
                reserved_bit=lambda t: t.send_record(t.records.seal(plaintext(NOP)), reserved=4),
                no_mask=lambda t: t.socket.sendall(frame(BINARY, t.records.seal(plaintext(NOP)), masked=False)),
                no_beginning=lambda t: t.send_record(t.records.seal(plaintext(NOP)), CONTINUATION),
                long_ping=lambda t: t.send_record(bytes(126), WEBSOCKET_PING), endless=endless).items():
            self.assertCloses(name, act)

    def test_places(self):
        """Messages that have no place on a stream."""
        request = connect_to(self.echo)
        for kind, body in ((0x3f, b''), (CONNECT, request), (PARK, Request().pack()), (INCOMING, request),
                           (NEED, bytes(9)), (OK, Request().pack()), (DGRAM, datagram(b'x')),
                           (PACKET, pack_pieces([bytes(20)]))):
            self.assertCloses(NAMES.get(kind, 'unknown'), lambda t: t.send(kind, body))
        self.assertCloses('data after the end', lambda t: (t.send(FIN), t.send(DATA, b'x')), self.connected)

    def test_nothing_open(self):
        """Messages that have no place on an idle tunnel."""
        for kind, body in (DATA, b'x'), (FIN, b''), (OK, Request().pack()), (DGRAM, datagram(b'x')):
            self.assertCloses(NAMES[kind], lambda t: t.send(kind, body), self.tunnel)

    def test_malformed(self):
        """Messages of wrong lengths, even where they would be ignored."""
        options = {OPTION_RECEIVED: bytes(7)}
        target = Address.of('127.0.0.1', self.echo.port)
        for kind, body in ((PING, bytes(7)), (PONG, bytes(9)), (REKEY, b'x'), (RESET, b'\7'),
                           (RESET, bytes([7, 0]) + bytes(256)), (BYE, b''), (BYE, bytes(257)), (NEED, bytes(8)),
                           (ACK, bytes(8)), (DATA, bytes(DATA_MAX + 1)), (CONNECT, b'\0'),
                           (CONNECT, b'\0\0\x09abcd'), (CONNECT, b'\0\0\3\0\0\1'),
                           (CONNECT, Request(options, target).pack()), (DGRAM, b''), (DGRAM, pack_pieces([b'']))):
            self.assertCloses('%s of %d' % (NAMES[kind], len(body)), lambda t: t.send(kind, body))
        self.assertCloses('padding', lambda t: t.send_record(t.records.seal(bytes([DATA | PADDED, 0, 9]) + b'x')))

    def test_malformed_datagrams(self):
        """On an association: too many pieces, and one without an address."""
        def associated():
            tunnel = self.tunnel(ASSOCIATE, Request().pack())
            tunnel.expect(OK)
            return tunnel
        for name, body in (('65 pieces', datagram(b'x') * 65), ('cut', datagram(b'x')[:-1]),
                           ('no address', pack_pieces([b'']))):
            self.assertCloses(name, lambda t: t.send(DGRAM, body), associated)
        self.assertCloses('stream', lambda t: t.send(DATA, b'x'), associated)


def datagram(data):
    return pack_pieces([Address.of('127.0.0.1', 9).pack() + data])


class MinuteOfRecords(Long, Probed):
    def test_epoch(self):
        """An epoch takes 1,048,576 records even without the REKEY that should end it, and not one more."""
        tunnel = self.tunnel()
        for _ in range(EPOCH - 1):
            tunnel.send(NOP)
        tunnel.send(PING, bytes(8))
        self.assertEqual(tunnel.read(), (PONG, bytes(8)))
        tunnel.records.out.count = 0
        tunnel.send(NOP)
        self.assertEqual(tunnel.ending(), 'dropped')


class RequestsOfPeer(Requests):
    SERVER = PEER


class LifeOfPeer(Life):
    SERVER = PEER


class HarmlessOfPeer(Harmless):
    SERVER = PEER


class ViolationsOfPeer(Violations):
    SERVER = PEER
