"""Requests that were seen, sent once more: to the same server, to the next one, and to the next one after a kill."""
import contextlib
import os
import random
import resource
import signal
import socket
import threading
import time

from helpers.peers import wire
from helpers.peers.probe import BINARY, Tunnel, frame
from helpers.process import OURS, free_port
from helpers.restarting import JOURNAL, Restarting
from helpers.waiting import eventually


class Replays(Restarting):
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
            server.await_log(r'seen requests are forgotten with a restart.*10 MB')
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

    def test_message_sent_again(self):
        """A request that came as a message is refused in a URI, on the same tunnel, on another one, and by the next server."""
        self.again()
        body = wire.request_body('127.0.0.1', self.echo.port, b'pay')
        tunnel = Tunnel(self.port, wire.PlainOpening(self.raw_key, wire.empty_body()))
        tunnel.send(body)
        self.assertEqual(tunnel.read_data(3), b'pay')
        tunnel.send(wire.reset_body())
        tunnel.read_reset()
        tunnel.send(body)
        self.assertIsNotServed(tunnel)
        for successor in None, self.kill:
            if successor:
                successor()
            again = wire.PlainOpening(self.raw_key, body)
            self.assertRefused(again)
            other = Tunnel(self.port, wire.PlainOpening(self.raw_key, wire.empty_body()))
            other.send(body)
            self.assertIsNotServed(other)

    def assertIsNotServed(self, tunnel):
        """What came last on it; the echo has had one connection before."""
        code = None
        with contextlib.suppress(AssertionError):
            code = tunnel.close_code()
        self.assertEqual(len(self.echo.connections), 1)
        self.assertIn(code, (3000, 3001))

    def test_opening_sent_again_as_a_message(self):
        """A request that came in a URI is refused as a message."""
        self.again()
        opening = self.opening()
        self.assertAdmitted(opening)
        tunnel = Tunnel(self.port, wire.PlainOpening(self.raw_key, wire.empty_body()))
        tunnel.send(wire.request_body('127.0.0.1', self.echo.port, b'ok'))
        self.assertEqual(tunnel.read_data(2), b'ok')
        other = Tunnel(self.port, wire.PlainOpening(self.raw_key, wire.empty_body()))
        other.send_raw(frame(BINARY, opening.message))
        self.assertIn(other.close_code(), (3000, 3001))
        self.assertEqual(len(self.echo.connections), 2)

    def test_clients_without_a_clock(self):
        """Without replay-under-tls a client without a clock may ask for the same target again, as a message too."""
        self.again('--replay-under-tls=no')
        for _ in range(2):
            tunnel = Tunnel(self.port, wire.PlainOpening(self.raw_key, wire.empty_body(0)))
            for _ in range(2):
                tunnel.send(wire.request_body('127.0.0.1', self.echo.port, b'x', when=0))
                self.assertEqual(tunnel.read_data(1), b'x')
                tunnel.send(wire.reset_body())
                tunnel.read_reset()
