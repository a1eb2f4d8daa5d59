"""Requests that were seen, sent once more: to the same server, to the next one, and to the next one after a kill."""
import json
import os
import random
import resource
import signal
import socket
import subprocess
import threading
import time

from helpers.peers import wire
from helpers.peers.target import echo
from helpers.process import CTL, OURS, free_port
from helpers.scenario import TARGETS_HERE, Scenario
from helpers.waiting import eventually

JOURNAL = 'seen-requests'


class Replays(Scenario):
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

    def test_seen_once(self):
        """A request is refused when it is sent again, after a restart, after kill -9, and after both again; a new one never is."""
        self.again()
        seen = self.opening()
        self.assertAdmitted(seen)
        self.assertRefused(seen)
        self.assertCounted(1)
        for successor in self.restart, self.kill, self.kill, self.restart:
            server = successor()
            self.assertRefused(seen)
            server.await_log('refused.*replayed')
            fresh = self.opening()
            self.assertAdmitted(fresh)
            self.assertRefused(fresh)
            self.assertCounted(2)
        self.assertEqual(len(self.echo.connections), 5)

    def test_kill_in_a_flood(self):
        """Killed at a random moment while requests come in from all sides: each that had its 101 is refused by the next server."""
        self.again()
        for _ in range(3):
            admitted = []
            ended = threading.Event()

            def knock():
                while not ended.is_set():
                    opening = self.opening()
                    try:
                        if self.status(opening) == 101:
                            admitted.append(opening)
                    except (OSError, ValueError):
                        return

            threads = [threading.Thread(target=knock) for _ in range(6)]
            for thread in threads:
                thread.start()
            enough = random.randrange(40, 160)
            eventually(lambda: len(admitted) >= enough, 'requests are admitted', 20, 0.001)
            self.serving.kill()
            ended.set()
            for thread in threads:
                thread.join(10)
            self.again()
            self.assertEqual({self.status(opening) for opening in admitted}, {404})
            self.assertAdmitted(self.opening())

    def test_damaged_journal(self):
        """Whatever is in the journal's place, the server starts, tells of it, and remembers from then on."""
        path = os.path.join(self.runtime, JOURNAL)
        for content in b'', b'garbage', os.urandom(100_000):
            with open(path, 'wb') as f:
                f.write(content)
            server = self.again()
            if content:
                server.await_log(JOURNAL + ' is damaged')
            seen = self.opening()
            self.assertAdmitted(seen)
            self.kill()
            self.assertRefused(seen)
            self.serving.kill()

    def test_no_room(self):
        """Where the journal has no room, or no place, the server says so, serves, and remembers as long as it runs."""
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        for options in {'prepare': small}, {'runtime': os.path.join(self.directory, 'nowhere')}:
            server = self.again(**options)
            server.await_log(r'seen requests are forgotten with a restart.*8 MB')
            seen = self.opening()
            self.assertAdmitted(seen)
            self.assertRefused(seen)
            server.kill()

    def test_longer_lifetime(self):
        """What the former server has remembered for a shorter time may be forgotten, so that time holds for older requests."""
        old = {'when': time.time() - 100}
        self.again('--request-ttl=1h')
        self.assertAdmitted(self.opening(**old))
        self.serving.kill()
        self.again('--request-ttl=60s')
        self.assertRefused(self.opening(**old))
        for _ in range(2):
            self.serving.kill()
            self.again('--request-ttl=1h')
            self.assertRefused(self.opening(**old))
            self.assertAdmitted(self.opening())

    def test_two_at_once(self):
        """A second server with the same runtime directory does not start, and says why; one that waits for the first to end does."""
        self.again()
        other = self.start('second', ['env', 'RUNTIME_DIRECTORY=' + self.runtime, OURS], '-s', 'ws://127.0.0.1:%d' % free_port(), self.key)
        self.assertEqual(other.exit_status(), 1)
        other.await_log('another wstand has .*' + JOURNAL)
        seen = self.opening()
        self.assertAdmitted(seen)
        former = self.serving
        port = free_port()
        patient = self.start('third', ['env', 'RUNTIME_DIRECTORY=%s:/nowhere' % self.runtime, OURS], '-s', 'ws://127.0.0.1:%d' % port, self.key)
        former.signal(signal.SIGTERM)
        patient.await_port(port)
        self.port = port
        self.assertRefused(seen)

    def test_mode_of_the_journal(self):
        """Nobody else can read the journal."""
        self.again()
        self.assertEqual(os.stat(os.path.join(self.runtime, JOURNAL)).st_mode & 0o777, 0o600)


class ReplaysUnderTLS(Replays):
    """The same behind a front that ends TLS: there a request is known by its tag."""
    SCHEME = 'wss'
    OPENING = staticmethod(wire.PlainOpening)

    def test_another_websocket_key(self):
        """After a restart too, another WebSocket key makes no new request of it."""
        self.again()
        seen = self.opening()
        self.assertAdmitted(seen)
        self.kill()
        seen.nonce = os.urandom(16)
        self.assertRefused(seen)
