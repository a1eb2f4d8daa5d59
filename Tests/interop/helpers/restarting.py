"""A server that is ended and started again, and requests that are sent to it as they are."""
import json
import os
import signal
import socket
import subprocess

from helpers.peers import wire
from helpers.peers.target import echo
from helpers.process import CTL, OURS, free_port
from helpers.scenario import TARGETS_HERE, Scenario

JOURNAL = 'seen-requests'


class Restarting(Scenario):
    """A server with a runtime directory that is ended and started again at will."""
    SCHEME = 'ws'
    OPENING = staticmethod(wire.Opening)

    def setUp(self):
        super().setUp()
        self.raw_key = wire.key_bytes(self.key)
        self.echo = self.target(echo)
        self.runtime = os.path.join(self.directory, 'run')
        os.mkdir(self.runtime)
        self.control = os.path.join(self.directory, 'control')
        self.port = free_port()
        self.serving = None

    def again(self, *options, runtime=None, prepare=None):
        """The next server, on the same port."""
        directory = self.runtime if runtime is None else runtime
        self.serving = self.start(
            'server', ['env', 'RUNTIME_DIRECTORY=' + directory, OURS], '-s', '%s://127.0.0.1:%d' % (self.SCHEME, self.port), self.key,
            '--listen=127.0.0.1:%d' % self.port, '--log-level=info', '--control-socket=' + self.control, TARGETS_HERE, *options,
            prepare=prepare)
        self.serving.await_port(self.port)
        return self.serving

    def opening(self, **options):
        return self.OPENING(self.raw_key, wire.request_body('127.0.0.1', self.echo.port, b'hi', **options))

    def status(self, opening):
        with socket.create_connection(('127.0.0.1', self.port), 5) as s:
            s.sendall(opening.head())
            return int(s.recv(12)[9:12])

    def assertAdmitted(self, opening):
        self.assertEqual(self.status(opening), 101)

    def assertRefused(self, opening):
        """As a replay, which the log says, or counts among others of a minute."""
        self.assertEqual(self.status(opening), 404)

    def assertCounted(self, count):
        """As replays, since its start; wstanctl tells, in words and as JSON."""
        def status(*options):
            return subprocess.run([CTL, 'status', '--socket', self.control, *options], check=True, capture_output=True, text=True).stdout
        self.assertEqual(json.loads(status('--json'))['rejects']['replay'], count)
        self.assertIn('rejects  %d replayed\n' % count, status())

    def restart(self):
        self.serving.signal(signal.SIGTERM)
        self.assertEqual(self.serving.exit_status(), 0)
        return self.again()

    def kill(self):
        self.serving.kill()
        return self.again()
