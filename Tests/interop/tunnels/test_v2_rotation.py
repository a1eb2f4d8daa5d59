"""Keys of version 2 replaced under load: the user's, and the server's own."""
import os
import re
from concurrent.futures import ThreadPoolExecutor

from helpers.peers import agent
from helpers.version2 import Version2

STREAMS = 100


class Rotation(Version2):
    def setUp(self):
        super().setUp()
        self.commanded = self.target()
        self.wstan_server = self.server('--max-tunnel-rate=0')
        self.wstan_client = self.client(self.wstan_server)

    def streams(self, count):
        """Each echoes."""
        opened = []
        for _ in range(count):
            s = self.keep(agent.socks5(self.wstan_client.port, '127.0.0.1', self.commanded.port))
            s.sendall(b'echo\n')
            opened.append(s)
        self.assertAllEcho(opened)
        return opened

    def assertAllEcho(self, streams):
        with ThreadPoolExecutor(8) as threads:
            self.assertEqual(set(threads.map(lambda s: agent.echoes(s, os.urandom(20000)), streams)), {True})

    def adopt(self):
        """Gives the client what the server tells for it."""
        told = self.ctl(self.wstan_server, 'client-config')
        self.ctl(self.wstan_client, 'rotate-key', '--key-file', '-', stdin=re.search('^key = (.*)$', told, re.M).group(1) + '\n')

    def assertRotated(self, *command):
        """100 streams go on over it, and new ones begin before and after the client has its new string."""
        standing = self.streams(STREAMS)
        self.ctl(self.wstan_server, *command)
        self.assertAllEcho(standing)
        standing += self.streams(10)
        self.adopt()
        self.assertAllEcho(standing)
        standing += self.streams(10)
        self.assertAllEcho(standing)

    def test_user_key(self):
        """A user's key is replaced."""
        self.assertRotated('rotate-key')

    def test_server_key(self):
        """The server's key is replaced."""
        self.assertRotated('rotate-server-key')

    def test_both(self):
        """One after the other."""
        self.assertRotated('rotate-key')
        self.assertRotated('rotate-server-key')
