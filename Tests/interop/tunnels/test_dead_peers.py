"""A peer that has vanished without a word, and one that only reads slowly. Takes a minute and a half: $WSTAN_LONG_TESTS asks for it."""
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.network.line import Line, established
from helpers.network.namespaces import need_namespaces
from helpers.peers import agent, payload
from helpers.peers.target import read_exactly, read_line, read_to_end
from helpers.process import MB, OURS, free_port
from helpers.scenario import TARGETS_HERE, Long, Scenario
from helpers.waiting import eventually

SILENCE = 75  # seconds in which nobody reads: longer than a dead peer is taken for a live one
FOUND_WITHIN = 65
SIZE = 64 * MB


class Silence(Long, Scenario):
    def connections(self, port):
        """How many TCP connections with this port at either end there are where the thread is."""
        return sum(port in (own[1], other[1]) for own, other in established())

    def test_silence(self):
        """A dead peer is found within a minute, and a slow reader is not taken for one."""
        parts = self.cut_line, self.user_agent_that_reads_nothing, self.target_that_reads_nothing
        with ThreadPoolExecutor(len(parts)) as pool:
            running = [(part, pool.submit(part)) for part in parts]
            for part, future in running:
                with self.subTest(part.__name__):
                    future.result()

    def cut_line(self):
        """A line goes silent under a quiet connection, under ones that are busy downwards and upwards, and a pooled tunnel."""
        need_namespaces()
        line = Line(self)
        port, client_port = free_port(), free_port()
        ends, moved, found = {}, {'downward': 0, 'upward': 0}, {}

        def serve(connection):
            name = read_line(connection)
            connection.sendall(b'!')
            try:
                if name == 'downward':
                    while True:
                        connection.sendall(payload.BLOCK)
                while part := connection.recv(1 << 16):
                    moved['upward'] += len(part)
            finally:
                ends[name] = time.monotonic()

        with line.server.entered():
            server = self.start('server beyond the line', OURS, '-s', 'ws://0.0.0.0:%d' % port, self.key, TARGETS_HERE, '--log-level=info')
            server.await_port(port)
            target = self.target(serve)
        agents = {}
        with line.client.entered():
            client = self.start('client before the line', OURS, 'ws://%s:%d' % (line.SERVER, port), self.key,
                                '-a', '127.0.0.1', '-p', client_port, '--log-level=info', '--pool-min=0')
            client.await_port(client_port)
            for name in 'quiet', 'downward', 'upward', 'pooled':
                s = agents[name] = self.keep(agent.socks5(client_port, '127.0.0.1', target.port, timeout=FOUND_WITHIN + 10))
                s.sendall(name.encode() + b'\n')
                read_exactly(s, 1)
            agents.pop('pooled').close()
            eventually(lambda: 'pooled' in ends, 'the tunnel of the closed connection goes to the pool')
            del ends['pooled']
            self.assertEqual(self.connections(port), 4)

        def read(name, s):
            try:
                while part := s.recv(1 << 16):
                    moved[name] += len(part)
            except ConnectionError:
                pass
            except OSError:
                return  # the test has ended
            found[name] = time.monotonic()

        def write(s):
            try:
                while True:
                    s.sendall(payload.BLOCK)
            except OSError:
                pass
        for name, s in agents.items():
            threading.Thread(target=read, args=(name, s), daemon=True).start()
        threading.Thread(target=write, args=(agents['upward'],), daemon=True).start()
        eventually(lambda: min(moved.values()) > 4 * MB, 'both busy connections move bytes', 20)
        line.cut()
        cut = time.monotonic()

        def soon(condition, what):
            eventually(condition, what, cut + FOUND_WITHIN - time.monotonic(), 0.1)
        for name in agents:
            soon(lambda: name in found, 'the user agent of the connection "%s" is told' % name)
            soon(lambda: name in ends, 'the target of the connection "%s" is told' % name)
        for end, namespace in ('client', line.client), ('server', line.server):
            with namespace.entered():
                soon(lambda: not self.connections(port), 'the %s gives up its pooled tunnel' % end)

    def user_agent_that_reads_nothing(self):
        """A user agent that reads nothing for longer than a dead peer lives, then gets every byte."""
        client, target = self.client(self.server()), self.target()
        with agent.socks5(client.port, '127.0.0.1', target.port, receive_buffer=65536, timeout=60) as s:
            s.sendall(b'down %d\n' % SIZE)
            time.sleep(SILENCE)  # that nothing happens is the matter here
            self.assertEqual(read_to_end(s), (SIZE, payload.sum_of(SIZE)))

    def target_that_reads_nothing(self):
        """A target that reads nothing for longer than a dead peer lives, then gets every byte."""
        go, result = threading.Event(), []

        def lazy(connection):
            go.wait(100)
            result.append(read_to_end(connection))
        client, target = self.client(self.server()), self.target(lazy)
        s = self.keep(agent.socks5(client.port, '127.0.0.1', target.port, timeout=100))

        def write():
            try:
                for block in payload.blocks(SIZE):
                    s.sendall(block)
            except OSError:
                return  # the sum tells
            # Closed, not shut down: version 1 of the protocol has no half-close that could tell the target.
            s.close()
        threading.Thread(target=write, daemon=True).start()
        time.sleep(SILENCE)
        go.set()
        eventually(lambda: result, 'the target has read everything', 30)
        self.assertEqual(result, [(SIZE, payload.sum_of(SIZE))])
