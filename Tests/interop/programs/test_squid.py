"""Squid on the way to the server, as in an office (docs/recipes.md)."""
import os
import shutil
import subprocess

from helpers.process import OURS, find, free_port
from helpers.transfers import Transfers

USER, PASSWORD = 'alice', 'p@ss:word'
AUTHENTICATOR = '/usr/lib/squid/basic_ncsa_auth'


class Squid:
    """Started by `scenario`; lets CONNECT through to `allowed` only, as Debian's squid.conf does to 443."""

    def __init__(self, scenario, allowed, passwords=None):
        self.port = free_port()
        directory = os.path.join(scenario.directory, 'squid%d' % self.port)
        os.mkdir(directory)
        lines = ['http_port 127.0.0.1:%d' % self.port, 'acl SSL_ports port %d' % allowed, 'acl CONNECT method CONNECT',
                 'http_access deny CONNECT !SSL_ports', 'pid_filename none', 'shutdown_lifetime 0 seconds',
                 'access_log stdio:%s/access.log' % directory, 'cache_log %s/cache.log' % directory, 'cache deny all',
                 'coredump_dir %s' % directory, 'netdb_filename none', 'visible_hostname squid.test']
        if passwords:
            lines += ['auth_param basic program %s %s' % (AUTHENTICATOR, passwords), 'auth_param basic realm office',
                      'acl known proxy_auth REQUIRED', 'http_access allow known']
        else:
            lines.append('http_access allow localhost')
        lines.append('http_access deny all')
        configuration = os.path.join(directory, 'squid.conf')
        with open(configuration, 'w') as f:
            f.write('\n'.join(lines) + '\n')
        # As root it becomes the user proxy, who must get at all of it.
        if os.getuid() == 0:
            for path in scenario.directory, directory:
                os.chmod(path, 0o755)
            shutil.chown(directory, 'proxy')
        self.process = scenario.start('squid', find('squid'), '-N', '-f', configuration)
        self.process.await_port(self.port)


class OnTheWay(Transfers):
    def setUp(self):
        super().setUp()
        if not find('squid'):
            self.skipTest('squid is not installed')
        self.wstan_server = self.server()

    def client_through(self, proxy, *options):
        port = free_port()
        client = self.start('client', OURS, 'ws://127.0.0.1:%d/' % self.wstan_server.port, self.key, '-a', '127.0.0.1', '-p', port,
                            '--proxy=' + proxy, *options)
        client.port = port
        client.await_port(port)
        return client

    def test_client(self):
        """Data go both ways, on fresh tunnels and on pooled ones."""
        squid = Squid(self, self.wstan_server.port)
        self.assertCarries(self.client_through('http://127.0.0.1:%d' % squid.port))

    def test_password(self):
        """With a percent-encoded password in the URI; without it the log names the proxy's demand."""
        passwords = os.path.join(self.directory, 'passwords')
        digest = subprocess.run(['openssl', 'passwd', '-apr1', PASSWORD], stdout=subprocess.PIPE, text=True, check=True).stdout
        with open(passwords, 'w') as f:
            f.write('%s:%s' % (USER, digest))
        os.chmod(passwords, 0o644)
        squid = Squid(self, self.wstan_server.port, passwords)
        self.assertCarries(self.client_through('http://alice:p%%40ss%%3Aword@127.0.0.1:%d' % squid.port))
        client = self.client_through('http://127.0.0.1:%d' % squid.port)
        client.await_log('407')

    def test_port_that_is_not_allowed(self):
        """A server on another port than Squid allows: the log names the proxy's refusal."""
        squid = Squid(self, 443)
        client = self.client_through('http://127.0.0.1:%d' % squid.port)
        client.await_log('403')
