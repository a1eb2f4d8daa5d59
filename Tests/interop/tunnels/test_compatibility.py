"""Compatible mode, and wstan 0.4, with the real Python implementations at the other end.

0.4.1 is taken as it is. It refuses passphrases, its client has no -a, it sends every target as a name, literal addresses
too, and pools tunnels for 60 s. 0.5.1 ends at once with -z, which mended.py mends from outside.
"""
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from helpers import ROOT
from helpers.network.intermediaries import WebSocketProxy
from helpers.peers import agent
from helpers.process import OURS, free_port
from helpers.scenario import binary_key
from helpers.transfers import DIALS, Transfers

MB = 10 ** 6
OLD = os.environ.get('THEIRS_OLD')
MENDED = sys.executable, os.path.join(ROOT, 'Tests/interop/helpers/peers/mended.py')


class Compatibility:
    SIZE = 4 * MB
    OPENS_AHEAD = False
    CLIENT = SERVER = OURS
    OPTIONS = ()

    def setUp(self):
        super().setUp()
        if None in (self.CLIENT, self.SERVER):
            self.skipTest('wstan 0.4.1 needs a Python 3.7 to 3.10: on the PATH, or from pyenv')

    def start_server(self):
        return self.server(*self.OPTIONS, program=self.SERVER)

    def start_client(self, server, key=None):
        if self.CLIENT is OLD:  # it listens on localhost, and knows no -a
            port = free_port()
            client = self.start('client', OLD, 'ws://127.0.0.1:%d' % server.port, key or self.key, '-p', port, *self.OPTIONS)
            client.port = port
            client.await_port(port)
            return client
        return self.client(server, *self.OPTIONS, program=self.CLIENT, key=key)

    def assertEchoes(self, client, dial, *sizes):
        with dial(client.port, '127.0.0.1', self.commanded.port) as s:
            s.sendall(b'echo\n')
            for size in sizes:
                self.assertTrue(agent.echoes(s, os.urandom(size)))

    def test_transfers(self):
        """4 MB each way, by SOCKS5 and by CONNECT, have the same sums on both ends."""
        self.assertCarries(self.start_client(self.start_server()), rounds=1)

    def test_connections_at_once(self):
        """40 connections, 8 at a time, each get their own bytes back."""
        client = self.start_client(self.start_server())
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: self.assertEchoes(client, DIALS[number % 2], 1, 700, 20000), range(40)))

    def test_reused_tunnel(self):
        """Connections one after the other share one tunnel."""
        between = self.forwarder(self.start_server())
        client = self.start_client(between)
        for number in range(5):
            self.assertEchoes(client, DIALS[number % 2], 1000)
            between.settle()
        self.assertEqual(len(between.links), 1)

    def test_wrong_key(self):
        """A client with another key gets nothing through, and its user agent's connection is closed."""
        client = self.start_client(self.start_server(), key=binary_key())
        self.assertCarriesNothing(client)


class CompatibleMode(Compatibility):
    OPTIONS = ('-z',)

    def test_replaced_key(self):
        """Through a WebSocket proxy that replaces the Sec-WebSocket-Key, for which the mode is made, bytes come back too."""
        between = self.keep(WebSocketProxy(self.start_server().port))
        client = self.start_client(between)
        for dial in DIALS:
            self.assertEchoes(client, dial, 1, 70000)
        self.assertTrue(between.links)

    def test_every_letter(self):
        """Keys of many cookie names, and the nonces of several fresh tunnels under each, are understood."""
        for _ in range(4):
            self.key = binary_key()
            between = self.forwarder(self.start_server())
            client = self.start_client(between)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda number: self.assertEchoes(client, agent.socks5, 100), range(8)))
            self.assertGreater(len(between.links), 1)


class OldClientOurServer(Compatibility, Transfers):
    """wstan 0.4.1 in its default mode."""
    CLIENT = OLD


class OurClientOldServer(Compatibility, Transfers):
    SERVER = OLD


class OldClientOurServerCompatible(CompatibleMode, Transfers):
    """wstan 0.4.1 with -z, which works as it is."""
    CLIENT = OLD


class OurClientOldServerCompatible(CompatibleMode, Transfers):
    SERVER = OLD


class MendedClientOurServer(CompatibleMode, Transfers):
    """wstan 0.5.1 with -z, mended."""
    CLIENT = MENDED


class OurClientMendedServer(CompatibleMode, Transfers):
    SERVER = MENDED
