"""No byte lost, nothing unbounded: ends, resets and slow readers through our pair."""
import hashlib
import os
import socket
import threading
import time

from helpers.peers import agent, payload
from helpers.peers.target import read_exactly, read_to_end, reset, slow_download
from helpers.process import MB
from helpers.scenario import PairScenario
from helpers.waiting import eventually, standstill


def kernel_buffers():
    """The most that the kernel keeps on the three hops of a relayed connection, both ends of each."""
    total = 0
    for name in 'tcp_rmem', 'tcp_wmem':
        with open('/proc/sys/net/ipv4/' + name) as f:
            total += int(f.read().split()[2])
    return 3 * total


class Ends(PairScenario):
    OPENS_AHEAD = False

    def test_shutdown_with_the_request(self):
        """A user agent that shuts down its sending side right behind its request still gets a slow 20 MB answer whole."""
        size = 20 * MB
        target = self.target(slow_download(size, 32))  # the slowness is the matter here: 1 s in all
        for dial in agent.socks5, agent.connect:
            with dial(self.wstan_client.port, '127.0.0.1', target.port) as s:
                s.sendall(b'down please\n')
                s.shutdown(socket.SHUT_WR)
                self.assertEqual(read_to_end(s), (size, payload.sum_of(size)))

    def test_shutdown_in_the_answer(self):
        """A user agent that shuts down its sending side in the midst of the answer gets the rest."""
        target = self.target()
        size = 20 * MB
        with agent.socks5(self.wstan_client.port, '127.0.0.1', target.port) as s:
            s.sendall(b'down %d\n' % size)
            begin = read_exactly(s, 1000)
            s.shutdown(socket.SHUT_WR)
            count, digest = 0, hashlib.sha256(begin)
            while part := s.recv(1 << 18):
                digest.update(part)
                count += len(part)
            self.assertEqual((count + 1000, digest.hexdigest()), (size, payload.sum_of(size)))

    def test_closed_user_agent_frees_its_tunnel(self):
        """A user agent that closes an idle connection ends the target's within a second, and the next one reuses the tunnel."""
        ended = threading.Event()

        def watch(connection):
            try:
                while part := connection.recv(1 << 16):
                    connection.sendall(part)
            finally:
                ended.set()
        target = self.target(watch)
        for _ in range(3):
            ended.clear()
            s = agent.socks5(self.wstan_client.port, '127.0.0.1', target.port)
            self.assertTrue(agent.echoes(s, b'here I am'))
            s.close()
            self.assertTrue(ended.wait(1), 'the target saw no end within a second')
            self.between.settle()
        self.assertEqual(len(self.between.links), 1)

    def test_user_agent_gone_in_a_download(self):
        """A user agent that vanishes in the midst of an answer ends the target's sending at once."""
        ended = threading.Event()

        def endless(connection):
            try:
                while True:
                    connection.sendall(payload.BLOCK)
            finally:
                ended.set()
        target = self.target(endless)
        s = agent.socks5(self.wstan_client.port, '127.0.0.1', target.port)
        s.sendall(b'go')
        read_exactly(s, 1 * MB)
        s.close()
        self.assertTrue(ended.wait(2), 'the target could send for two more seconds')

    def test_reset_by_the_target(self):
        """A reset by the target is a reset for the user agent, behind the data that came before it."""
        def data_then_reset(connection):
            connection.sendall(b'data')
            connection.recv(1)
            reset(connection)
        target = self.target(data_then_reset)
        for dial in agent.socks5, agent.connect:
            with dial(self.wstan_client.port, '127.0.0.1', target.port) as s:
                self.assertEqual(read_exactly(s, 4), b'data')
                s.sendall(b'k')
                self.assertEqual(agent.outcome(s), 'reset')

    def test_end_by_the_target(self):
        """An orderly end by the target is an orderly end for the user agent, not a reset."""
        def data_then_end(connection):
            connection.sendall(b'data')
            connection.recv(1)
        target = self.target(data_then_end)
        for dial in agent.socks5, agent.connect:
            with dial(self.wstan_client.port, '127.0.0.1', target.port) as s:
                self.assertEqual(read_exactly(s, 4), b'data')
                s.sendall(b'k')
                self.assertEqual(agent.outcome(s), 'end')

    def test_reset_by_the_user_agent(self):
        """A reset by the user agent ends the target's connection at once."""
        ended = threading.Event()

        def watch(connection):
            try:
                connection.sendall(connection.recv(100))
                connection.recv(100)
            finally:
                ended.set()
        target = self.target(watch)
        s = agent.socks5(self.wstan_client.port, '127.0.0.1', target.port)
        self.assertTrue(agent.echoes(s, b'hello'))
        reset(s)
        self.assertTrue(ended.wait(1), 'the target saw nothing within a second')


class SlowReaders(PairScenario):
    GROWTH = 8 * MB

    def setUp(self):
        super().setUp()
        # The forwarder would hold bytes of its own: these tests do without it.
        self.wstan_client = self.direct_client()
        self.commanded = self.target()
        agent.download(self.dial(), 8 * MB)  # so that what is allocated once has been
        agent.upload(self.dial(), 8 * MB)

    def dial(self, port=None, **options):
        return agent.socks5(self.wstan_client.port, '127.0.0.1', port or self.commanded.port, **options)

    def resident(self):
        return [p.resident() for p in (self.wstan_server, self.wstan_client)]

    def assertGrewLess(self, before, bound):
        for name, old, new in zip(('server', 'client'), before, self.resident()):
            self.assertLess(new - old, bound, 'the resident memory of the %s grew from %d to %d' % (name, old, new))

    def test_user_agent_reads_slowly(self):
        """A user agent that reads nothing stops the target; both processes stay small; then it gets every byte."""
        bound = kernel_buffers() + 2 * 512 * 1024
        size = bound + 32 * MB
        sent = [0]

        def much(connection):
            connection.recv(10)
            for block in payload.blocks(size):
                connection.sendall(block)
                sent[0] += len(block)
        target = self.target(much)
        before = self.resident()
        with self.dial(target.port, receive_buffer=65536) as s:
            s.sendall(b'go')
            eventually(lambda: sent[0], 'the target sends')
            stopped_at = standstill(lambda: sent[0], 'the target is stopped')
            self.assertLess(stopped_at, bound)
            self.assertGrewLess(before, self.GROWTH)
            self.assertEqual(read_to_end(s), (size, payload.sum_of(size)))
        self.assertGrewLess(before, self.GROWTH)

    def test_target_reads_slowly(self):
        """A target that reads nothing stops the user agent; both processes stay small; then it gets every byte."""
        bound = kernel_buffers() + 2 * 512 * 1024
        size = bound + 32 * MB
        go, result = threading.Event(), []

        def lazy(connection):
            go.wait(60)
            result.append(read_to_end(connection))
        target = self.target(lazy)
        before = self.resident()
        sent = [0]
        with self.dial(target.port) as s:
            def send():
                try:
                    for block in payload.blocks(size):
                        s.sendall(block)
                        sent[0] += len(block)
                except OSError:
                    return  # the test has ended
                # Closed, not shut down: version 1 of the protocol has no half-close that could tell the target.
                s.close()
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            eventually(lambda: sent[0], 'the user agent sends')
            stopped_at = standstill(lambda: sent[0], 'the user agent is stopped')
            self.assertLess(stopped_at, bound)
            self.assertGrewLess(before, self.GROWTH)
            go.set()
            sender.join(30)
            eventually(lambda: result, 'the target has read everything', 30)
        self.assertEqual(result, [(size, payload.sum_of(size))])
        self.assertGrewLess(before, self.GROWTH)

    def test_slow_reader_beside_others(self):
        """While one user agent reads nothing, others are served at once."""
        with self.dial(receive_buffer=65536) as slow:
            slow.sendall(b'down %d\n' % (400 * MB))
            self.assertTrue(slow.recv(1))
            began = time.monotonic()
            for _ in range(10):
                with self.dial() as s:
                    s.sendall(b'echo\n')
                    self.assertTrue(agent.echoes(s, os.urandom(1000)))
            self.assertLess(time.monotonic() - began, 3)


class MemoryLimit(SlowReaders):
    SERVER_OPTIONS = CLIENT_OPTIONS = ('--memory-limit=8M',)
    LIMIT = 90
    # Those of the base are not run a second time under the limit.
    test_user_agent_reads_slowly = test_target_reads_slowly = test_slow_reader_beside_others = None

    def direct_client(self, *options):
        return super().direct_client(*self.CLIENT_OPTIONS, *options)

    def crowd(self, dial_one, moved):
        before = self.resident()
        for _ in range(50):
            dial_one()
        eventually(moved, 'bytes move')
        standstill(moved, 'all 50 are stopped', within=30)
        self.assertGrewLess(before, 14 * MB)
        with self.dial() as s:
            s.sendall(b'echo\n')
            for _ in range(20):
                self.assertTrue(agent.echoes(s, os.urandom(200)))
        self.assertGrewLess(before, 14 * MB)

    def test_50_slow_user_agents(self):
        """50 user agents that read nothing keep both processes within --memory-limit=8M, and another connection still works."""
        sent = [0]

        def much(connection):
            connection.recv(10)
            for block in payload.blocks(16 * MB):
                connection.sendall(block)
                sent[0] += len(block)
        target = self.target(much, send_buffer=65536)

        def dial_one():
            self.keep(self.dial(target.port, receive_buffer=16384)).sendall(b'go')
        self.crowd(dial_one, lambda: sent[0])

    def test_50_slow_targets(self):
        """50 targets that read nothing keep both processes within --memory-limit=8M, and another connection still works."""
        stop = threading.Event()
        self.addCleanup(stop.set)
        target = self.target(lambda connection: stop.wait(80))
        sent = [0]

        def dial_one():
            s = self.keep(self.dial(target.port))

            def send():
                try:
                    for block in payload.blocks(16 * MB):
                        s.sendall(block)
                        sent[0] += len(block)
                except OSError:
                    pass
            threading.Thread(target=send, daemon=True).start()
        self.crowd(dial_one, lambda: sent[0])
