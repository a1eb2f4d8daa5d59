"""Starting, running out of file descriptors, draining and ending."""
import hashlib
import os
import re
import signal
import socket
import time

from helpers.peers import agent, payload
from helpers.peers.target import echo, read_exactly, slow_download
from helpers.process import MB, limited_files
from helpers.scenario import PairScenario, Scenario
from helpers.waiting import eventually


class Draining(PairScenario):
    SERVER_OPTIONS = CLIENT_OPTIONS = ('--drain-timeout=5s',)

    def refused(self, port):
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return False
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it was in the queue of the listener as that was closed
            return False

    def assertDrains(self, process):
        """Told to end in the midst of a transfer, it refuses newcomers, the transfer is whole, and its status is 0."""
        size = 16 * MB
        target = self.target(slow_download(size, 16))  # the slowness is the matter here: 1.6 s in all
        client = self.direct_client(*self.CLIENT_OPTIONS) if process is self.wstan_server else self.wstan_client
        with agent.socks5(client.port, '127.0.0.1', target.port) as s:
            s.sendall(b'down\n')
            begin = read_exactly(s, 8)
            self.assertEqual(begin, bytes(8))
            process.signal(signal.SIGTERM)
            eventually(lambda: self.refused(process.port), 'it refuses connections', 2)
            self.assertIsNone(process.popen.poll(), 'it did not wait for the transfer')
            count, digest = read_to_end_behind(begin, s)
        self.assertEqual((count, digest), (size, payload.sum_of(size)))
        self.assertEqual(process.exit_status(4), 0)

    def test_server_drains(self):
        """A server told to end lets a transfer finish within --drain-timeout=5s, refuses newcomers, and ends with 0."""
        self.assertDrains(self.wstan_server)

    def test_client_drains(self):
        """A client told to end lets a transfer finish within --drain-timeout=5s, refuses newcomers, and ends with 0."""
        self.assertDrains(self.wstan_client)

    def test_drain_timeout(self):
        """A connection that does not finish holds neither process up for longer than --drain-timeout=1s."""
        server = self.server('--drain-timeout=1s')
        client = self.client(server, '--drain-timeout=1s')
        target = self.target(echo)
        for process in client, server:
            fresh = client if process is client else self.client(server)
            with agent.socks5(fresh.port, '127.0.0.1', target.port) as s:
                self.assertTrue(agent.echoes(s, b'here to stay'))
                process.signal(signal.SIGTERM)
                self.assertEqual(process.exit_status(4), 0)
                self.assertIn(agent.outcome(s, 4), ('end', 'reset'))

    def test_idle_processes_end_at_once(self):
        """SIGTERM and SIGINT end an idle pair at once, pooled tunnels or not, with status 0."""
        target = self.target(echo)
        for number in signal.SIGTERM, signal.SIGINT:
            server = self.server(*self.SERVER_OPTIONS)
            client = self.client(server, *self.CLIENT_OPTIONS)
            with agent.socks5(client.port, '127.0.0.1', target.port) as s:
                self.assertTrue(agent.echoes(s, b'so that there is a tunnel'))
            for process in server, client:
                process.signal(number)
                self.assertEqual(process.exit_status(3), 0, '%s after %s' % (process.name, number.name))


def read_to_end_behind(begin, s):
    """As read_to_end, for bytes of which the beginning was read already."""
    digest, count = hashlib.sha256(begin), len(begin)
    while part := s.recv(1 << 18):
        digest.update(part)
        count += len(part)
    return count, digest.hexdigest()


class Descriptors(Scenario):
    def log_lines(self, process):
        return [line for line in process.log().splitlines() if re.search(r'descriptor|too many open files|EMFILE', line, re.IGNORECASE)]

    def exhaust(self, limited, client, target):
        began = time.monotonic()
        established = self.keep(agent.socks5(client.port, '127.0.0.1', target.port))
        self.assertTrue(agent.echoes(established, b'first'))
        crowd = []
        for _ in range(80):
            s = self.keep(agent.dial(client.port))
            s.sendall(b'\x05\x01\x00' + b'\x05\x01\x00' + agent.address('127.0.0.1', target.port) + b'hello')
            crowd.append(s)
            self.assertTrue(agent.echoes(established, os.urandom(500)))
        end = time.monotonic() + 2
        while time.monotonic() < end:
            self.assertTrue(agent.echoes(established, os.urandom(500)))
            time.sleep(0.05)
        for s in crowd:
            s.close()
        self.assertTrue(agent.echoes(established, b'still here'))

        def works():
            try:
                with agent.socks5(client.port, '127.0.0.1', target.port, timeout=2) as s:
                    return agent.echoes(s, b'new')
            except (OSError, EOFError, agent.Refused):
                return False
        eventually(works, 'a new connection works again', 15, 0.1)
        self.assertTrue(agent.echoes(established, b'to the end'))
        lines = self.log_lines(limited)
        self.assertTrue(lines, 'the log does not tell that descriptors ran out')
        self.assertLess(len(lines), time.monotonic() - began + 4, '\n'.join(lines))

    def test_server_out_of_descriptors(self):
        """A server with 64 descriptors keeps its tunnels, tells of it once a second at most, and goes on when some are free."""
        server = self.server(prepare=limited_files(64))
        self.exhaust(server, self.client(server), self.target(echo))

    def test_client_out_of_descriptors(self):
        """A client with 64 descriptors keeps its tunnels, tells of it once a second at most, and goes on when some are free."""
        server = self.server()
        client = self.client(server, prepare=limited_files(64))
        self.exhaust(client, client, self.target(echo))


class Keys(Scenario):
    def test_key_file(self):
        """A pair that reads its key from a file works, and the key shows in neither command line nor log."""
        path = os.path.join(self.directory, 'key')
        with open(path, 'w') as f:
            f.write(self.key + '\n')
        os.chmod(path, 0o600)
        server = self.server('--key-file', path)
        client = self.client(server, '--key-file', path)
        with agent.socks5(client.port, '127.0.0.1', self.target(echo).port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
        for process in server, client:
            with open('/proc/%d/cmdline' % process.popen.pid) as f:
                self.assertNotIn(self.key, f.read())
            self.assertNotIn(self.key, process.log())

    def test_quiet_by_default(self):
        """Nothing is logged for an ordinary connection unless -d asks for it, and then no byte of it."""
        target = self.target(echo)
        for options in (), ('-d',):
            server = self.server(*options)
            client = self.client(server, *options)
            with agent.socks5(client.port, '127.0.0.1', target.port) as s:
                self.assertTrue(agent.echoes(s, b'what is logged at the start has been logged'))
            before = [len(p.log()) for p in (server, client)]
            for _ in range(5):
                with agent.socks5(client.port, '127.0.0.1', target.port) as s:
                    self.assertTrue(agent.echoes(s, b'a-very-private-word'))
            for process, length in zip((server, client), before):
                if options:
                    self.assertGreater(len(process.log()), length)
                else:
                    self.assertEqual(process.log()[length:], '')
                self.assertNotIn('a-very-private-word', process.log())
