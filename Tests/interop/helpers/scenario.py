"""The base of all tests: it starts what a test needs and ends all of it, also after a failure."""
import base64
import os
import shutil
import socket
import tempfile
import unittest

from helpers import waiting
from helpers.network.forwarder import Forwarder
from helpers.peers.target import Target, commands
from helpers.process import OURS, THEIRS, Process, free_port

# The Python wstan under test, to try the suite itself: it is spared the options that only wstand has.
SPARED = ('--handshake-timeout', '--max-handshakes', '--memory-limit', '--drain-timeout', '--request-ttl', '--allow-private')
# The targets of the tests are on this host, where a server of ours lets nobody go by default.
TARGETS_HERE = '--allow-private=yes'
PASSPHRASE = 'correct horse battery staple'


def binary_key():
    return base64.b64encode(os.urandom(16)).decode()


class Scenario(unittest.TestCase):
    LIMIT = 60  # seconds for one test
    OPENS_AHEAD = True  # whether our clients open tunnels before they need them; not where a test counts tunnels

    def setUp(self):
        self.processes = []
        self.directory = tempfile.mkdtemp(prefix='wstan-interop.')
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.enterContext(waiting.at_most(self.LIMIT, 'the test'))
        self.key = binary_key()

    def report(self):
        """The logs, for the report of a failure."""
        parts = []
        for process in self.processes:
            text = process.log()
            if len(text) > 6000:
                text = text[:2000] + '\n[...]\n' + text[-4000:]
            status = process.popen.poll()
            parts.append('\n--- log of %s (%s)\n%s' % (
                process.name, 'running' if status is None else 'ended with status %d' % status, text))
        return ''.join(parts)

    def start(self, name, program, *arguments, prepare=None, inherited=()):
        if os.path.realpath(OURS) == os.path.realpath(THEIRS):
            arguments = [a for a in arguments if not str(a).startswith(SPARED)]
        log_path = os.path.join(self.directory, '%d-%s.log' % (len(self.processes), name))
        command = [program] if isinstance(program, str) else program
        process = Process(name, [*command, *map(str, arguments)], log_path, prepare, inherited)
        self.processes.append(process)
        self.addCleanup(process.end)
        return process

    def server(self, *options, program=OURS, key=None, port=None, prepare=None):
        """A wstan server that listens; `.port` is where. Ours allows the targets of the tests, unless the options say something else."""
        port = port or free_port()
        key_part = [] if '--key-file' in options else [key or self.key]
        if program is OURS and not any(str(option).startswith('--allow-private') for option in options):
            options += TARGETS_HERE,
        process = self.start('server', program, '-s', 'ws://127.0.0.1:%d' % port, *key_part, *options, prepare=prepare)
        process.port = port
        process.await_port(port)
        return process

    def client(self, server, *options, program=OURS, key=None, prepare=None):
        """A wstan client of `server`, which is anything with a port."""
        port = free_port()
        key_part = [] if '--key-file' in options else [key or self.key]
        if program is OURS and not self.OPENS_AHEAD:
            options += '--pool-min=0',
        process = self.start('client', program, 'ws://127.0.0.1:%d' % server.port, *key_part,
                             '-a', '127.0.0.1', '-p', port, *options, prepare=prepare)
        process.port = port
        process.await_port(port)
        return process

    def target(self, serve=commands, host='127.0.0.1', **options):
        target = Target(serve, host, **options)
        self.addCleanup(target.close)
        return target

    def silent_target(self):
        """The port of a target that answers no connection: its backlog is full."""
        listener = self.keep(socket.create_server(('127.0.0.1', 0), backlog=0))
        for _ in range(4):  # the kernel takes one or two
            filler = self.keep(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        return listener.getsockname()[1]

    def forwarder(self, server):
        forwarder = Forwarder(server.port)
        self.addCleanup(forwarder.close)
        return forwarder

    def keep(self, closable):
        """Closes it when the test is over."""
        self.addCleanup(closable.close)
        return closable


class PairScenario(Scenario):
    """Our client and our server with a forwarder in between, started in `setUp` without further options."""
    SERVER_OPTIONS = ()
    CLIENT_OPTIONS = ()

    def setUp(self):
        super().setUp()
        self.wstan_server = self.server(*self.SERVER_OPTIONS)
        self.between = self.forwarder(self.wstan_server)
        self.wstan_client = self.client(self.between, *self.CLIENT_OPTIONS)

    def direct_client(self, *options):
        """Another client, with nothing between it and the server."""
        return self.client(self.wstan_server, *options)


class Long:
    """Before the scenario among a class's bases: it takes a minute or more, and $WSTAN_LONG_TESTS asks for it."""
    LIMIT = 150

    def setUp(self):
        if not os.environ.get('WSTAN_LONG_TESTS'):
            self.skipTest('it is long: set WSTAN_LONG_TESTS=1')
        super().setUp()
