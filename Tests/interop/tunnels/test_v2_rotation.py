"""Keys of version 2 replaced: under load, and as a client with a former one tells of it. The user's, and the server's own."""
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from helpers.peers import agent
from helpers.process import CTL, OURS
from helpers.version2 import Version2

STREAMS = 100


class WithServer(Version2):
    def setUp(self):
        super().setUp()
        self.commanded = self.target()
        self.wstan_server = self.server('--max-tunnel-rate=0')
        self.wstan_server.await_log('notice: wstand')  # its control socket is there

    def adopt(self):
        """Gives the client what the server tells for it."""
        told = self.ctl(self.wstan_server, 'client-config')
        self.ctl(self.wstan_client, 'rotate-key', '--key-file', '-', stdin=re.search('^key = (.*)$', told, re.M).group(1) + '\n')


class Told(WithServer):
    """A client whose key ends says so where people and monitors look, and what to do, until it has the next one."""
    OPENS_AHEAD = False

    def assertTold(self, left):
        with agent.socks5(self.wstan_client.port, '127.0.0.1', self.commanded.port) as s:
            s.sendall(b'echo\n')
            self.assertTrue(agent.echoes(s, b'as before'))
        self.wstan_client.await_log('warning: the key was replaced at the server .* ends=')
        status = self.ctl(self.wstan_client, 'status')
        self.assertRegex(status, r'the key expires on \S+, in %s' % left)
        self.assertIn('wstanctl rotate-key --key-file - takes the new key\n', status)
        key = re.search(r'client-config --key NAME prints the new key; NAME is that of the ID (\w+) in wstanctl keys', status)
        self.assertRegex(self.ctl(self.wstan_server, 'keys'), r'default +v2 +' + key.group(1))
        done = subprocess.run([CTL, 'check', '--socket', self.wstan_client.configuration + '.sock'], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r'WARNING - .*key for server \S+ expires on \S+, in %s.*: wstanctl rotate-key --key-file -' % left)
        doctor = subprocess.run([OURS, '--doctor', '--config', self.wstan_client.configuration, '--listen=127.0.0.1:0'],
                                capture_output=True, text=True, timeout=60)
        self.assertRegex(doctor.stdout, r'(?m)^warning  key: it expires on \S+, in %s.*, as the server says\n *-> at the server, ' % left)
        self.adopt()
        self.assertNotIn('the key expires', self.ctl(self.wstan_client, 'status'))

    def test_user_key(self):
        """The user's key is replaced."""
        self.ctl(self.wstan_server, 'rotate-key', '--grace', '2h')
        self.wstan_client = self.client(self.wstan_server)
        self.assertTold('1h 59min')

    def test_server_key(self):
        """The server's key is replaced."""
        self.ctl(self.wstan_server, 'rotate-server-key', '--grace', '3d')
        self.wstan_client = self.client(self.wstan_server)
        self.assertTold('2d 23h')


class Rotation(WithServer):
    def setUp(self):
        super().setUp()
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
