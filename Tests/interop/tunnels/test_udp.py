"""UDP through SOCKS5 UDP ASSOCIATE: what is carried, by whom, and what is not let through."""
import os
import re
import signal
import struct
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.peers import agent, probe, wire
from helpers.peers.datagrams import LARGEST, Association, DatagramTarget, udp_socket, wrapped
from helpers.peers.target import echo
from helpers.process import MB, OURS, THEIRS, free_port
from helpers.scenario import PairScenario, Scenario, binary_key
from helpers.waiting import eventually, standstill

OTHER_HOST = '127.0.0.2'  # of this machine too, as all of 127/8 is


class Ends:
    """What tests of datagrams make."""

    def association(self, client=None, **options):
        return self.keep(Association((client or self.wstan_client).port, **options))

    def datagrams(self, *arguments, **options):
        return self.keep(DatagramTarget(*arguments, **options))


class Names:
    """Of servers that look them up: with uvloop, which it takes where it is, Python's sends no datagram to a name."""

    def test_name(self):
        """A name is looked up by the server, and one that does not exist does no harm."""
        association = self.association()
        # localhost may be the IPv6 address first; the same port is free there.
        port = free_port()
        for host in '127.0.0.1', '::1':
            self.datagrams(host=host, port=port)
        association.send(b'is anybody there?', 'no-such-name.invalid', port)
        data, sender = association.ask(b'by name', 'localhost', port)
        self.assertEqual(data, b'by name')
        self.assertEqual(sender[1], port)


class Carriage(Ends):
    """What every pair carries."""
    CLIENT = SERVER = OURS
    SERVER_OPTIONS = ()

    def setUp(self):
        super().setUp()
        self.wstan_server = self.server(*self.SERVER_OPTIONS, program=self.SERVER)
        self.wstan_client = self.client(self.wstan_server, program=self.CLIENT)
        self.echo = self.datagrams()

    def test_sizes(self):
        """Datagrams up to the largest come back as they were sent."""
        association = self.association()
        for size in 1, 512, 1472, 9000, LARGEST:
            data = os.urandom(size)
            self.assertEqual(association.ask(data, *self.echo.address), (data, self.echo.address))

    def test_many_targets(self):
        """One association reaches many targets, and each answer bears the address of its sender."""
        association = self.association()
        targets = [self.datagrams(lambda data, n=n: data + b' from %d' % n) for n in range(20)]
        expected = {(b'hello from %d' % n, target.address) for n, target in enumerate(targets)}
        for target in targets:
            association.send(b'hello', *target.address)
        self.assertEqual({association.receive() for _ in targets}, expected)

    def test_many_associations(self):
        """Many associations at once each get their own datagrams back."""
        def one(number):
            association = self.association()
            data = [b'%d of %d' % (part, number) for part in range(5)]
            return [association.ask(each, *self.echo.address)[0] for each in data] == data
        with ThreadPoolExecutor(20) as pool:
            self.assertEqual(sum(pool.map(one, range(60))), 60)

    def test_beside_connections(self):
        """Associations and connections at the same time, and in turn, are not in each other's way."""
        target = self.target(echo)
        for number in range(5):
            association = self.association()
            with agent.socks5(self.wstan_client.port, '127.0.0.1', target.port) as s:
                for word in b'one', b'two':
                    self.assertTrue(agent.echoes(s, word))
                    self.assertEqual(association.ask(word, *self.echo.address)[0], word)
            association.close()


class OurPair(Carriage, Names, Scenario):
    def test_empty(self):
        """An empty datagram is one."""
        self.assertEqual(self.association().ask(b'', *self.echo.address), (b'', self.echo.address))

    def test_ipv6_target(self):
        """Targets of both families in one association."""
        other = self.datagrams(host='::1')
        association = self.association()
        for target in other, self.echo, other:
            data = os.urandom(20000)
            self.assertEqual(association.ask(data, *target.address), (data, target.address))

    def test_mapped_target(self):
        """An address of IPv4 in the form of IPv6 (RFC 4291 section 2.5.5.2) is that of IPv4, as for a connection."""
        host, port = self.echo.address
        association = self.association()
        association.send(b'mapped', '::ffff:' + host, port)
        self.assertEqual(association.receive(), (b'mapped', self.echo.address))

    def test_ipv6_user_agent(self):
        """A user agent that comes by IPv6 has a relay there."""
        port = free_port()
        client = self.start('client', OURS, 'ws://127.0.0.1:%d' % self.wstan_server.port, self.key, '-a', '::1', '-p', port)
        client.port = port
        client.await_port(port, host='::1')
        association = self.association(client, host='::1')
        self.assertEqual(association.relay[0], '::1')
        data = os.urandom(LARGEST)
        self.assertEqual(association.ask(data, *self.echo.address), (data, self.echo.address))

    def test_compatible_mode(self):
        """In compatible mode too."""
        client = self.client(self.server('-z'), '-z')
        self.assertEqual(self.association(client).ask(b'hello', *self.echo.address)[0], b'hello')

    def test_nobody_there(self):
        """Datagrams to a port where nobody listens do no harm to the others."""
        association = self.association()
        nobody = free_port()
        for _ in range(5):
            association.send(b'is anybody there?', '127.0.0.1', nobody)
            self.assertEqual(association.ask(b'hello', *self.echo.address)[0], b'hello')

    def test_large_first(self):
        """A first datagram that is too long for a request in the URI comes through."""
        for size in 4096, 4097, LARGEST:
            data = os.urandom(size)
            self.assertEqual(self.association().ask(data, *self.echo.address), (data, self.echo.address))


class OurClientTheirServer(Carriage, Scenario):
    SERVER = THEIRS


class TheirClientOurServer(Carriage, Names, Scenario):
    CLIENT = THEIRS
    SERVER_OPTIONS = ('--allow-bare-dgm=yes',)

    def test_pooled_tunnel(self):
        """An association on a tunnel of the pool, which Python opens with a datagram that has no MAC."""
        between = self.forwarder(self.wstan_server)
        client, target = self.client(between, program=THEIRS), self.target(echo)
        with agent.socks5(client.port, '127.0.0.1', target.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
        between.settle()
        self.assertEqual(self.association(client).ask(b'by the pool', *self.echo.address)[0], b'by the pool')
        self.assertEqual(len(between.links), 1)


class TheirClientOurStrictServer(Ends, Scenario):
    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()
        self.between = self.forwarder(self.wstan_server)
        self.wstan_client = self.client(self.between, program=THEIRS)
        self.echo = self.datagrams()

    def test_fresh_and_pooled(self):
        """Without --allow-bare-dgm Python's fresh tunnels carry datagrams; those of its pool are closed, which the log tells.

        Python's client then never sends again for that association; the next one works."""
        self.assertEqual(self.association().ask(b'fresh', *self.echo.address)[0], b'fresh')
        self.between.cut('close')
        target = self.target(echo)
        with agent.socks5(self.wstan_client.port, '127.0.0.1', target.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
        self.between.settle()
        self.association().send(b'by the pool', *self.echo.address)
        self.wstan_server.await_log('a message on a tunnel was refused.*bad-authentication')
        self.assertEqual(self.association().ask(b'fresh again', *self.echo.address)[0], b'fresh again')
        self.assertEqual(self.echo.heard, [b'fresh', b'fresh again'])


class WhatIsLetThrough(Ends, PairScenario):
    def setUp(self):
        super().setUp()
        self.echo = self.datagrams()

    def assertOnlyArrives(self, data, association):
        """Sends `data`, which is all that arrives at the target: what was sent before it did not."""
        self.assertEqual(association.ask(data, *self.echo.address)[0], data)
        self.assertEqual(self.echo.heard, [data])

    def test_fragments_and_malformed_headers(self):
        """Fragments, and what is no SOCKS5 datagram, are dropped, also as the first ones."""
        association = self.association()
        good = wrapped(b'x', *self.echo.address)
        bad = [b'\0\0\1' + good[3:], b'\0\0\x80' + good[3:], b'\0\1' + good[2:], b'\0\0\0\2' + good[4:], b'\0\0\0\3\0' + good[8:]]
        bad += [good[:length] for length in range(10)]
        for datagram in bad:
            association.socket.sendto(datagram, association.relay)
        self.assertOnlyArrives(b'good', association)
        for datagram in bad:
            association.socket.sendto(datagram, association.relay)
        self.assertEqual(association.ask(b'good again', *self.echo.address)[0], b'good again')
        self.assertEqual(self.echo.heard, [b'good', b'good again'])

    def test_another_host(self):
        """Datagrams from another host than the user agent's are dropped, also before its own first one."""
        association = self.association()
        with udp_socket(OTHER_HOST) as stranger:
            stranger.sendto(wrapped(b'strange', *self.echo.address), association.relay)
            self.assertOnlyArrives(b'good', association)

    def test_another_port(self):
        """Once the first datagram has come, those from another port are dropped."""
        association = self.association()
        self.assertOnlyArrives(b'good', association)
        with udp_socket('127.0.0.1') as stranger:
            stranger.sendto(wrapped(b'strange', *self.echo.address), association.relay)
            self.assertEqual(association.ask(b'good again', *self.echo.address)[0], b'good again')
            self.assertEqual(self.echo.heard, [b'good', b'good again'])
            stranger.settimeout(0.05)
            with self.assertRaises(TimeoutError):
                stranger.recv(100)

    def test_declared_port(self):
        """A user agent that says from which port it will send is believed: others are dropped from the start."""
        with udp_socket('127.0.0.1') as declared:
            association = self.association(declared_port=declared.getsockname()[1])
            association.send(b'strange', *self.echo.address)
            declared.sendto(wrapped(b'good', *self.echo.address), association.relay)
            declared.settimeout(5)
            self.assertTrue(declared.recv(100).endswith(b'good'))
        self.assertEqual(self.echo.heard, [b'good'])

    def test_answers_of_strangers(self):
        """What comes from a host that nothing was sent to is not let through; from another port of one that was, it is."""
        association = self.association()
        association.ask(b'hello', *self.echo.address)
        outside = self.echo.received[0][1]
        with udp_socket(OTHER_HOST) as stranger, udp_socket('127.0.0.1') as neighbour:
            stranger.sendto(b'from a stranger', outside)
            neighbour.sendto(b'from a neighbour', outside)
            self.assertEqual(association.receive(), (b'from a neighbour', neighbour.getsockname()))

    def test_one_port_for_all_targets(self):
        """All targets see the association at the same port, other associations at others."""
        other, association = self.datagrams(), self.association()
        for target in self.echo, other, self.echo:
            association.ask(b'hello', *target.address)
        self.association().ask(b'hello', *other.address)
        seen = [sender for _, sender in self.echo.received + other.received]
        self.assertEqual(seen[:-1], seen[:1] * 3)
        self.assertNotEqual(seen[-1], seen[0])

    def test_replayed_request(self):
        """The request of an association is refused a second time."""
        self.association().ask(b'once', *self.echo.address)
        answer = probe.exchange(self.wstan_server.port, self.between.heads()[0])
        self.assertEqual(answer.status, 404)
        self.wstan_server.await_log('refused.*replayed')
        self.assertEqual(self.echo.heard, [b'once'])


class End(Ends, PairScenario):
    OPENS_AHEAD = False
    CLIENT_OPTIONS = ('--udp-idle=1s',)

    def setUp(self):
        super().setUp()
        self.echo = self.datagrams()
        eventually(self.wstan_client.watches_network, 'the client watches the network')
        standstill(self.descriptors, 'the descriptors of client and server, after the start', 0.3)

    def descriptors(self):
        return self.wstan_client.descriptors(), self.wstan_server.descriptors()

    def assertDescriptorsComeBack(self, before):
        eventually(lambda: self.descriptors() <= before, 'the descriptors of client and server come back')

    def test_end_of_control_connection(self):
        """An association ends with its connection: its sockets and its tunnel are closed, on both sides."""
        with agent.socks5(self.wstan_client.port, '127.0.0.1', self.target(echo).port) as s:
            agent.echoes(s, b'warm')
        self.between.settle()
        before = self.descriptors()
        associations = [self.association() for _ in range(20)]
        for association in associations:
            association.ask(b'hello', *self.echo.address)
        client, server = self.descriptors()
        self.assertGreaterEqual(client, before[0] + 60)  # the connection, the relay, the tunnel
        self.assertGreaterEqual(server, before[1] + 40)  # the tunnel and the socket to the target
        for association in associations:
            association.close()
        self.assertDescriptorsComeBack(before)

    def test_never_used(self):
        """An association that never had a datagram opens no tunnel, and ends with its connection."""
        self.association().close()  # by then a fresh client has opened what it has for itself
        before = self.descriptors()
        for association in [self.association() for _ in range(5)]:
            association.close()
        self.assertDescriptorsComeBack(before)
        self.assertEqual(self.between.links, [])

    def test_idle(self):
        """An association that is not used for --udp-idle ends, not before: its connection is closed."""
        before = self.descriptors()
        association, began = self.association(), time.monotonic()
        while time.monotonic() < began + 1.5:
            self.assertEqual(association.ask(b'hello', *self.echo.address)[0], b'hello')
        last = time.monotonic()
        self.assertTrue(association.is_over(within=3))
        self.assertGreater(time.monotonic() - last, 0.9)
        self.assertDescriptorsComeBack(before)

    def test_asked_for_while_stopping(self):
        """A client that has been told to end grants none any more, and is not held up."""
        client = self.direct_client('--drain-timeout=30s')
        with agent.dial(client.port) as s:
            s.sendall(b'\5\1\0')
            self.assertEqual(s.recv(2), b'\5\0')
            client.signal(signal.SIGTERM)
            eventually(lambda: 'stopping' in client.log(), 'the client stops')
            s.sendall(b'\5\3\0' + agent.address('0.0.0.0', 0))
            self.assertEqual(agent.read_socks_reply(s), 1)
        self.assertEqual(client.exit_status(), 0)

    def test_idle_from_the_start(self):
        """So does one that is never used."""
        before = self.descriptors()
        self.assertTrue(self.association().is_over(within=3))
        self.assertDescriptorsComeBack(before)


class Trouble(Ends, PairScenario):
    def setUp(self):
        super().setUp()
        self.echo = self.datagrams()

    def test_wrong_key(self):
        """A wrong key is told by the client's log, once for many datagrams, and the association goes on trying."""
        client = self.client(self.wstan_server, '--log-level=debug', key=binary_key())
        association = self.association(client)
        for _ in range(50):
            association.send(b'hello', *self.echo.address)
        client.await_log('warning: the server answered .*compare the key')
        tries = client.log().count('debug: no tunnel')
        for _ in range(50):
            association.send(b'hello', *self.echo.address)

        def tries_again():
            association.send(b'hello', *self.echo.address)
            return client.log().count('debug: no tunnel') > tries
        eventually(tries_again, 'the client tries again', within=3, step=0.05)
        self.assertEqual(len(re.findall('warning: the server answered .*compare the key', client.log())), 1)
        self.assertEqual(self.echo.received, [])

    def test_server_restarted(self):
        """When the server has been restarted, the next datagrams of an association open a new tunnel."""
        association = self.association()
        association.ask(b'before', *self.echo.address)
        self.wstan_server.kill()
        self.assertFalse(association.answers(b'meanwhile', *self.echo.address))
        self.server(port=self.wstan_server.port)
        eventually(lambda: association.answers(b'after', *self.echo.address), 'the association works again')

    def test_tunnel_cut(self):
        """When its tunnel is cut, an association opens another with its next datagram."""
        association = self.association()
        for how in 'close', 'reset':
            association.ask(b'before', *self.echo.address)
            self.between.cut(how)
            eventually(lambda: association.answers(how.encode(), *self.echo.address), 'the association works again')

    def test_flood_upwards(self):
        """A flood from the user agent that the network does not take is dropped: memory stays where it was."""
        association = self.association()
        association.ask(b'before', *self.echo.address)
        before = self.peaks()
        self.between.hold_after_head = True
        for _ in range(20000):
            association.send(bytes(1200), *self.echo.address)
        self.assertWorksAfterwards(association)
        self.assertMemory(before)

    def test_flood_downwards(self):
        """So is one from a target."""
        association = self.association()
        association.ask(b'before', *self.echo.address)
        before = self.peaks()
        self.between.hold_answers = True
        outside = self.echo.received[0][1]
        for _ in range(20000):
            self.echo.socket.sendto(bytes(1200), outside)
        self.assertWorksAfterwards(association)
        self.assertMemory(before)

    def test_flood_both_ways(self):
        """A flood that is echoed, through a tunnel that takes it as fast as it can."""
        association = self.association()
        association.ask(b'before', *self.echo.address)
        before = self.peaks()
        for _ in range(20000):
            association.send(bytes(1200), *self.echo.address)
        self.assertWorksAfterwards(association)
        self.assertMemory(before)

    def peaks(self):
        return [process.peak() for process in (self.wstan_client, self.wstan_server)]

    def assertMemory(self, before):
        """Neither end has ever had 4 MB more than before; 24 MB were sent."""
        for former, peak in zip(before, self.peaks()):
            self.assertLess(peak - former, 4 * MB)

    def assertWorksAfterwards(self, association):
        self.between.release()
        eventually(lambda: association.answers(b'after', *self.echo.address), 'the association works again')
        self.assertEqual(self.association().ask(b'another', *self.echo.address)[0], b'another')


def forged(frame, known, wanted):
    """A masked frame whose message begins with `wanted` instead of `known`, whatever mask and key stream are."""
    begin = {126: 8, 127: 14}.get(frame[1] & 0x7f, 6)
    altered = bytearray(frame)
    for at, (a, b) in enumerate(zip(known, wanted), begin):
        altered[at] ^= a ^ b
    return bytes(altered)


class Forgery(Ends, Scenario):
    """One on the way who knows the data of a DAT message makes it a DGM: "send the rest to me by UDP"."""
    OPENS_AHEAD = False

    def attack(self, server, client_program=OURS):
        """A connection of a user agent that suffers it, and the thief."""
        between = self.forwarder(server)
        # Nothing but what the user agent sends may go through, or the forgery meets another frame.
        options = ['--early-reply=yes'] if client_program == OURS else []
        client = self.client(between, *options, program=client_program)
        target, thief = self.target(echo), self.datagrams(lambda data: None)
        s = self.keep(agent.socks5(client.port, '127.0.0.1', target.port))
        self.assertTrue(agent.echoes(s, b'hello'))
        known = b'GET / HTTP/1.1\r\nCookie: '
        between.forgery = lambda frame: forged(frame, bytes([wire.DAT]) + known, bytes([wire.DGM]) + wire.address(*thief.address))
        s.sendall(known + b'secret')
        return s, thief

    def test_against_our_server(self):
        """Nothing is sent to where the forged datagram points; the tunnel is closed, and the log tells."""
        for options in (), ('--allow-bare-dgm=yes',):
            for client_program in OURS, THEIRS:
                with self.subTest(options=options, client=client_program):
                    server = self.server(*options)
                    s, thief = self.attack(server, client_program)
                    self.assertIn(agent.outcome(s), ('end', 'reset'))
                    server.await_log('a message on a tunnel was refused.*unexpected-command')
                    with udp_socket('127.0.0.1') as other:
                        other.sendto(b'nothing before this', thief.address)
                    eventually(lambda: thief.received, 'the thief hears what is sent to him')
                    self.assertEqual(thief.heard, [b'nothing before this'])

    def test_request_of_a_pooled_tunnel(self):
        """A request on a pooled tunnel that was made a DGM is refused: its MAC no longer holds. The connection gets a new tunnel.

        With --allow-bare-dgm=yes the server takes it and sends the rest to near where the forger likes, as its documentation says.
        """
        server = self.server()
        between = self.forwarder(server)
        client, target = self.client(between), self.target(echo)
        with agent.socks5(client.port, '127.0.0.1', target.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
        between.settle()
        # Of the time, which comes first, the forger knows the upper half.
        known = bytes([wire.REQ]) + struct.pack('>d', time.time())[:4]
        between.forgery = lambda frame: forged(frame, known, bytes([wire.DGM, 0, 1, 127, 0]))
        with agent.socks5(client.port, '127.0.0.1', target.port) as s:
            self.assertTrue(agent.echoes(s, b'secret'))
        server.await_log('a message on a tunnel was refused.*bad-authentication')
        self.assertEqual(len(between.links), 2)

    def test_against_their_server(self):
        """Python's server sends it: so the attack is right."""
        _, thief = self.attack(self.server(program=THEIRS))
        eventually(lambda: thief.received, 'the secret arrives')
        self.assertIn(b'secret', thief.heard[0])
