"""Streams of version 2: every carrier and cipher, half-close both ways, resets, and the tunnel that is used again."""
import itertools
import os
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

from helpers.peers import agent, payload
from helpers.peers.sealed import frames
from helpers.peers.target import echo, read_exactly, read_to_end, reset
from helpers.process import MB, OURS
from helpers.version2 import PEER, DeviceKeys, Version2Pair, shared_key
from helpers.waiting import eventually
from v2.carriers import CARRIERS
from v2.records import AES_128_GCM, CHACHA20_POLY1305, CIPHERS, TAG

SIZE = 3 * MB
SUM = payload.sum_of(SIZE)


def answer_after_the_end(connection):
    """Says what has come when all of it has."""
    connection.sendall(('%d %s' % read_to_end(connection)).encode())


class Streams:
    """What every pair carries."""

    @property
    def dials(self):
        """How user agents ask: the peer knows SOCKS5 only."""
        return (agent.socks5,) if self.CLIENT is PEER else (agent.socks5, agent.connect)

    def connect(self, target=None, client=None, **options):
        client, target = client or self.wstan_client, target or self.commanded
        return self.keep(agent.socks5(client.port, '127.0.0.1', target.port, **options))

    def assertCarries(self, client=None):
        """A connection gets its own bytes back."""
        with self.connect(client=client) as s:
            s.sendall(b'echo\n')
            for size in 1, 700, 70000:
                self.assertTrue(agent.echoes(s, os.urandom(size)))

    def assertTunnels(self, count):
        """The number of tunnels so far. Awaits quiet, in which a tunnel that was used is free again."""
        self.between.settle()
        self.assertEqual(len(self.between.links), count)

    def test_carriers(self):
        """By each carrier 3 MB go each way, through tunnels fresh and used before."""
        for carrier in CARRIERS:
            with self.subTest(carrier):
                self.pair(carrier=carrier)
                for _ in range(2):
                    self.assertEqual(agent.download(self.connect(), SIZE), (SIZE, SUM))
                    self.assertEqual(agent.upload(self.connect(), SIZE), SUM)
                head = self.between.heads()[0].lower()
                self.assertEqual(b'\r\ncookie: ' in head, carrier == 'cookie')
                self.assertEqual(b'\r\nsec-websocket-protocol: ' in head, carrier == 'protocol')
                self.assertEqual(head.startswith(b'get / http/1.1\r\n'), carrier != 'path')

    def test_early_data(self):
        """First bytes of any length come back whole, whether they ride in the request or not, by each carrier."""
        target = self.target(echo)
        for carrier in CARRIERS:
            self.pair(carrier=carrier, early=True)
            for size in 1, 1000, 2900, 4096, 4097, 70000:
                with self.subTest('%d by %s' % (size, carrier)), self.connect(target) as s:
                    self.assertTrue(agent.echoes(s, os.urandom(size)))

    def test_half_close_by_the_user_agent(self):
        """A target that waits for the end of the input answers, and the answer comes back."""
        target = self.target(answer_after_the_end)
        self.pair()
        for dial, size in itertools.product(self.dials, (0, 3, SIZE)):
            with dial(self.wstan_client.port, '127.0.0.1', target.port) as s:
                for block in payload.blocks(size):
                    s.sendall(block)
                s.shutdown(socket.SHUT_WR)
                expected = b'%d %s' % (size, payload.sum_of(size).encode())
                self.assertEqual(read_exactly(s, len(expected)), expected)
                self.assertEqual(agent.outcome(s), 'end')
            self.assertTunnels(1)

    def test_half_close_by_the_target(self):
        """A user agent goes on sending to a target that has finished."""
        heard = []

        def serve(connection):
            connection.sendall(b'enough')
            connection.shutdown(socket.SHUT_WR)
            heard.append(read_to_end(connection))
        target = self.target(serve)
        self.pair()
        for number, size in enumerate((0, 3, SIZE)):
            with self.connect(target) as s:
                self.assertEqual(read_exactly(s, 6), b'enough')
                self.assertEqual(agent.outcome(s), 'end')
                for block in payload.blocks(size):
                    s.sendall(block)
            eventually(lambda: len(heard) > number, 'the target hears the end')
            self.assertEqual(heard[number], (size, payload.sum_of(size)))
            self.assertTunnels(1)

    def test_early_half_close(self):
        """A user agent that finishes with its first bytes gets its answer."""
        target = self.target(answer_after_the_end)
        self.pair(early=True)
        for _ in range(3):
            with self.connect(target) as s:
                s.sendall(b'all')
                s.shutdown(socket.SHUT_WR)
                self.assertEqual(read_exactly(s, 2), b'3 ')
                self.assertEqual(len(read_exactly(s, 64)), 64)
                self.assertEqual(agent.outcome(s), 'end')

    def test_reset_by_the_target(self):
        """A target's reset resets the user agent, and the tunnel is used again."""
        def serve(connection):
            connection.sendall(b'!')
            if connection.recv(1) == b'?':
                reset(connection)
        target = self.target(serve)
        self.pair()
        for _ in range(3):
            with self.connect(target) as s:
                self.assertEqual(read_exactly(s, 1), b'!')
                s.sendall(b'?')
                self.assertEqual(agent.outcome(s), 'reset')
            self.assertTunnels(1)
        self.assertCarries()

    def test_reset_by_the_user_agent(self):
        """A user agent's reset resets the target, and the tunnel is used again."""
        target = self.target(echo)
        self.pair()
        for number in range(3):
            s = self.connect(target)
            self.assertTrue(agent.echoes(s, b'here'))
            reset(s)
            eventually(lambda: len(target.errors) > number, 'the target is reset')
            self.assertIsInstance(target.errors[number], ConnectionResetError)
            self.assertTunnels(1)
        self.assertCarries()

    def test_user_agent_gone(self):
        """A user agent that leaves in the midst of a download ends the target's connection, not the tunnel."""
        self.pair()
        for number in range(3):
            with self.connect() as s:
                s.sendall(b'down %d\n' % (64 * MB))
                read_exactly(s, 100_000)
            eventually(lambda: len(self.commanded.errors) > number, 'the target notices')
            self.assertTunnels(1)
        self.assertCarries()

    def test_both_ways(self):
        """Both directions at once."""
        target = self.target(echo)
        self.pair()
        with self.connect(target) as s:
            def write():
                for block in payload.blocks(16 * MB):
                    s.sendall(block)
                s.shutdown(socket.SHUT_WR)
            threading.Thread(target=write, daemon=True).start()
            self.assertEqual(read_to_end(s), (16 * MB, payload.sum_of(16 * MB)))

    def test_many(self):
        """100 connections, 10 at a time, each get their own bytes back."""
        self.pair()
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda _: self.assertCarries(), range(100)))

    def test_keys_of_devices(self):
        """A client with a device's key is served by its server, one with the key of another server is not."""
        if self.SERVER is PEER:
            device = DeviceKeys()
            server = self.server('--user', device.client, key=device.server)
            key = device.client
        else:
            server = self.server(key=DeviceKeys().server)
            key = re.search(r'wstan2:\S+', self.ctl(server, 'add-key', 'laptop', '--v2')).group()
        self.assertCarries(self.client(server, key=key))
        with self.assertRaises(agent.Refused):
            self.connect(client=self.client(server, key=DeviceKeys().client))

    def test_realms(self):
        """A server serves only clients whose key names its realm, although the secret is the same."""
        secret = os.urandom(32)
        here, there = (shared_key(realm, secret) for realm in (b'here', b'there'))
        server = self.server(key=here)
        self.assertCarries(self.client(server, key=here))
        for key in there, shared_key(b'', secret):
            with self.assertRaises(agent.Refused):
                self.connect(client=self.client(server, key=key))


class Ordered:
    """Pairs with a peer, of which ciphers and epochs can be ordered."""

    def test_ciphers(self):
        """Each cipher that both ends have carries 3 MB each way."""
        for cipher in self.CIPHERS:
            with self.subTest(cipher):
                orders = {'cipher': cipher}
                self.pair(**({} if self.CLIENT is OURS else orders), server={} if self.SERVER is OURS else orders)
                self.assertEqual(agent.download(self.connect(), SIZE), (SIZE, SUM))
                self.assertEqual(agent.upload(self.connect(), SIZE), SUM)
                peer = self.wstan_server if self.SERVER is PEER else self.wstan_client
                self.assertIn('cipher %d, by cookie' % cipher, peer.log())

    def test_rekeying(self):
        """Epochs of one record, and of seven."""
        for often in 1, 7:
            orders = {'fault': 'rekey:%d' % often}
            self.pair(**({} if self.CLIENT is OURS else orders), server={} if self.SERVER is OURS else orders)
            self.assertEqual(agent.download(self.connect(), SIZE), (SIZE, SUM))
            for _ in range(5):
                self.assertTunnels(1)
                self.assertCarries()
            self.assertEqual(agent.upload(self.connect(), SIZE), SUM)


class OurPair(Streams, Version2Pair):
    def test_idle_half(self):
        """A half-closed connection on which nothing moves ends, whichever end has finished; the tunnel is used again."""
        def silent(connection):
            if connection.recv(1) == b'e':
                connection.shutdown(socket.SHUT_WR)
            read_to_end(connection)
        target = self.target(silent)
        self.wstan_server = self.server('--idle-timeout=1s')
        self.between = self.forwarder(self.wstan_server)
        self.wstan_client = self.client(self.between)
        for word in b'e', b'w':
            s = self.connect(target)
            s.sendall(word)
            if word == b'w':
                s.shutdown(socket.SHUT_WR)
            else:
                self.assertEqual(agent.outcome(s), 'end')
            self.assertIn(agent.outcome(s), ('end', 'reset'))
            eventually(lambda: target.connections[-1].fileno() == -1, 'the target is told')
            self.assertTunnels(1)


class OurClientPeerServer(Ordered, Streams, Version2Pair):
    SERVER = PEER
    CIPHERS = AES_128_GCM, CHACHA20_POLY1305

    def test_padding(self):
        """A client pads its first records as the server's hint says, which counts plaintext."""
        self.pair(server={'shape': '700:800'})
        self.assertCarries()
        with self.connect() as s:
            s.sendall(b'echo\n')
            self.assertTrue(agent.echoes(s, b'x'))
        link = self.between.links[0]
        first, *others = frames(bytes(link.recorded[link.head_end:]))
        self.assertIn(len(first), range(700 + TAG, 800 + TAG + 1))


class PeerClientOurServer(Ordered, Streams, Version2Pair):
    CLIENT = PEER
    CIPHERS = CIPHERS


class PairOfPeers(Ordered, Streams, Version2Pair):
    CLIENT = SERVER = PEER
    CIPHERS = CIPHERS
    test_padding = OurClientPeerServer.test_padding
