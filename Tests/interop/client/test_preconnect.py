"""Tunnels that are open before anybody asks for one, and what becomes of them when the network is another."""
import base64
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.network.intermediaries import Intermediary
from helpers.network.line import Line, established
from helpers.network.namespaces import need_namespaces
from helpers.peers import agent, wire
from helpers.peers.target import echo, read_exactly
from helpers.process import OURS, THEIRS, free_port
from helpers.scenario import TARGETS_HERE, PairScenario, Scenario
from helpers.waiting import eventually, standstill

BURST = 16


def command(head, key):
    """What the request in the path of a handshake asks for: wire.REQ, or wire.RST when it is empty."""
    message = base64.urlsafe_b64decode(head.split(b' ')[1].rsplit(b'/', 1)[1])
    nonce = base64.b64decode(re.search(rb'(?im)^sec-websocket-key: *(\S+)', head).group(1))
    return wire.Half(key, nonce).open(message)[0]


class OldServer(Intermediary):
    """Refuses the empty request as 0.4 does, and passes on the others."""

    def __init__(self, server_port, key):
        self.key, self.empty = key, 0
        super().__init__(server_port)

    def arrange(self, client):
        head = agent.read_head(client)
        if command(head, self.key) == wire.RST:
            self.empty += 1
            client.sendall(b'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
            return None
        server = self.reach_server()
        server.sendall(head)
        return server


class Counting:
    """How many tunnels a forwarder has seen, and how many of them were opened by a request for a connection."""

    def begin(self, between):
        self.between, self.raw_key = between, wire.key_bytes(self.key)
        self.echo = self.target(echo)

    def alive(self):
        return [link for link in self.between.links if link.alive and link.down.moved]

    def asked(self, what):
        return sum(command(head, self.raw_key) == what for head in self.between.heads())

    def await_alive(self, count, within=5.0):
        eventually(lambda: len(self.alive()) == count, '%d tunnels are open' % count, within)
        # The client has to see the server's answer, too.
        self.between.settle()
        self.assertEqual(len(self.alive()), count)

    def visit(self, client, hold=None):
        s = agent.socks5(client.port, '127.0.0.1', self.echo.port)
        try:
            self.assertTrue(agent.echoes(s, b'hello'))
        finally:
            if hold is None:
                s.close()
            else:
                hold.append(self.keep(s))

    def burst(self, client, hold=None):
        with ThreadPoolExecutor(BURST) as pool:
            list(pool.map(lambda _: self.visit(client, hold), range(BURST)))


class Ahead(Counting, PairScenario):
    def setUp(self):
        super().setUp()
        self.begin(self.between)

    def test_first(self):
        """A fresh client has a tunnel open, by an empty request; its first connection goes there, and another is opened."""
        self.await_alive(1)
        self.assertEqual(self.asked(wire.RST), 1)
        held = []
        self.visit(self.wstan_client, held)
        self.assertGreater(self.between.links[0].up.moved, self.between.links[0].head_end)
        self.await_alive(2)
        self.assertEqual((self.asked(wire.RST), self.asked(wire.REQ)), (2, 0))

    def test_burst(self):
        """After a burst of 16, of which all are in use still, another finds 16 tunnels open."""
        self.await_alive(1)
        held = []
        self.burst(self.wstan_client, held)
        self.await_alive(2 * BURST)
        asked = self.asked(wire.REQ)
        self.burst(self.wstan_client, held)
        self.assertEqual(self.asked(wire.REQ), asked)
        for s in held:
            self.assertTrue(agent.echoes(s, b'still here'))

    def test_size(self):
        """No more than --pool-size are open ahead, whatever the bursts."""
        between = self.forwarder(self.wstan_server)
        client = self.client(between, '--pool-size=4', '--pool-min=3')
        self.between = between
        self.await_alive(3)
        self.burst(client)
        self.between.settle()
        eventually(lambda: len(self.alive()) <= 4, 'what is above the size is closed')
        self.assertEqual(standstill(lambda: len(self.alive()), 'open tunnels'), 4)

    def test_server_restarted(self):
        """When the server was killed and is back, the pool is made anew by itself, and a connection works."""
        self.await_alive(1)
        self.wstan_server.kill()
        eventually(lambda: not self.alive(), 'the tunnel is gone')
        self.server(port=self.wstan_server.port)
        self.await_alive(1, 10)
        self.visit(self.wstan_client)
        self.assertEqual(self.asked(wire.REQ), 0)

    def test_cut(self):
        """What a front cuts is replaced, with pauses as long as it cuts soon, and no connection fails."""
        for _ in range(3):
            self.await_alive(1)
            cut = self.alive()
            self.between.cut('reset')
            eventually(lambda: not any(link.alive for link in cut), 'they are cut')
        self.await_alive(1)
        opened = len(self.between.links)
        self.visit(self.wstan_client)
        self.assertLess(opened, 12)

    def test_drain(self):
        """A client that is told to end opens nothing more, and ends at once."""
        self.await_alive(1)
        opened = len(self.between.links)
        self.wstan_client.signal(15)
        self.assertEqual(self.wstan_client.exit_status(3), 0)
        self.assertEqual(len(self.between.links), opened)


class Nobody:
    """Stands for a server that is not there."""

    def __init__(self, port):
        self.port = port


class Away(Scenario):
    def test_told_once(self):
        """A server that is not there is told of at once, and not with every try; when it comes, the pool is filled."""
        port = free_port()
        client = self.client(Nobody(port))
        client.await_log('cannot reach the server')
        time.sleep(2)  # three more tries
        self.assertEqual(client.log().count('cannot reach the server'), 1, client.log())
        self.server('--log-level=info', port=port).await_log('tunnel opened', within=10)


class OldServers(Counting, Scenario):
    def assertAskedTwiceAtMost(self, client, empty):
        for _ in range(6):
            self.visit(client)
        self.assertLessEqual(empty(), 2)
        # Told once, as a possible fault, since a wrong key looks the same; 404 is a word of its own: a port may hold these digits.
        told = re.findall(r'.*\b404\b.*', client.log())
        self.assertLessEqual(len(told), 1, told)
        for line in told:
            self.assertIn('connections may fail', line)

    def test_refusing_server(self):
        """A server that refuses empty requests is asked twice at most, and told of once."""
        server = self.server()
        old = self.keep(OldServer(server.port, wire.key_bytes(self.key)))
        self.begin(old)
        client = self.client(old)
        eventually(lambda: old.empty, 'it is asked')
        self.assertAskedTwiceAtMost(client, lambda: old.empty)
        self.assertGreaterEqual(old.empty, 1)

    def test_python_0_4(self):
        """The real Python 0.4.1 too."""
        program = os.environ.get('THEIRS_OLD')
        if not program:
            self.skipTest('wstan 0.4.1 is not installed')
        between = self.forwarder(self.server(program=program))
        self.begin(between)
        client = self.client(between)
        self.assertAskedTwiceAtMost(client, lambda: self.asked(wire.RST))

    def test_python_0_5(self):
        """The Python 0.5.1 opens tunnels ahead, and connections use them, again and again."""
        between = self.forwarder(self.server(program=THEIRS))
        self.begin(between)
        client = self.client(between)
        self.await_alive(1)
        for _ in range(5):
            self.visit(client)
            self.between.settle()
        self.assertEqual(self.asked(wire.REQ), 0)
        self.assertLessEqual(self.asked(wire.RST), 6)


class Roaming(Scenario):
    """A client and a server with a router between them, in namespaces of their own."""
    LIMIT = 90

    def setUp(self):
        super().setUp()
        need_namespaces()
        self.line = Line(self)
        self.wstan_port, self.client_port = free_port(), free_port()
        with self.line.server.entered():
            self.wstan_server = self.start('server', OURS, '-s', 'ws://0.0.0.0:%d' % self.wstan_port, self.key, TARGETS_HERE)
            self.wstan_server.await_port(self.wstan_port)
            self.echo = self.target(echo)
        self.enterContext(self.line.client.entered())
        self.wstan_client = self.start('client', OURS, 'ws://%s:%d' % (Line.SERVER, self.wstan_port), self.key, '--proxy=none',
                                       '-a', '127.0.0.1', '-p', self.client_port)
        self.wstan_client.await_port(self.client_port)

    def tunnels(self, address=None):
        """The client's ends of its connections to the server: (address, port)."""
        return {own for own, other in established() if other[1] == self.wstan_port and address in (None, own[0])}

    def connect(self):
        """A connection that works, and the seconds that it took."""
        began = time.monotonic()
        s = self.keep(agent.socks5(self.client_port, '127.0.0.1', self.echo.port))
        self.assertTrue(agent.echoes(s, b'hello'))
        return s, time.monotonic() - began

    def await_tunnels(self, count, address=None, within=5.0):
        eventually(lambda: len(self.tunnels(address)) == count, '%d tunnels are open' % count, within)
        return standstill(lambda: self.tunnels(address), 'the tunnels', 0.3)

    def change_address(self):
        self.line.client.ip('addr', 'del', Line.CLIENT + '/24', 'dev', 'way')
        self.line.client.ip('addr', 'add', '10.97.1.9/24', 'dev', 'way')
        self.line.client.ip('route', 'replace', 'default', 'via', '10.97.1.1')

    def test_swallowed(self):
        """When what is in the pool is swallowed on the way, without a word, a connection comes through within a second."""
        s, _ = self.connect()
        before = self.await_tunnels(2)
        for _, port in before:
            self.line.router.ip('rule', 'add', 'ipproto', 'tcp', 'sport', port, 'blackhole')
        _, seconds = self.connect()
        self.assertLess(seconds, 1.2)  # half a second, and what a busy machine adds
        self.assertTrue(self.tunnels() - before)
        self.assertGreater(len(self.echo.connections), 1)

    def test_another_address(self):
        """When the host gets another address, new connections work at once, and those that are dead end within seconds."""
        used, _ = self.connect()
        self.await_tunnels(2)
        self.change_address()
        began = time.monotonic()
        _, seconds = self.connect()
        self.assertLess(seconds, 1.2)
        self.assertIn(agent.outcome(used, 10), ('end', 'reset'))
        self.assertLess(time.monotonic() - began, 8)
        self.assertEqual(self.tunnels(Line.CLIENT), set(), 'what had the former address is gone')
        eventually(lambda: len(self.tunnels('10.97.1.9')) >= 2, 'a tunnel is open ahead again')

    def test_not_begun(self):
        """A connection that has got nothing yet when the address changes is begun again, and its user agent does not know."""
        def serve(connection):
            # The first one keeps silent.
            if len(target.connections) > 1:
                echo(connection)
            else:
                read_exactly(connection, 6)
        with self.line.server.entered():
            target = self.target(serve)
        s = self.keep(agent.socks5(self.client_port, '127.0.0.1', target.port))
        s.sendall(b'hello')
        eventually(lambda: target.connections, 'the target is reached')
        self.change_address()
        self.assertEqual(read_exactly(s, 5), b'hello')

    def test_link_down_and_up(self):
        """A link that is down for ten seconds and comes back with its address costs no tunnel that is in use."""
        quiet, _ = self.connect()
        busy, _ = self.connect()
        self.await_tunnels(3)
        self.line.client.ip('link', 'set', 'way', 'down')
        busy.sendall(b'sent while the link is down')
        time.sleep(10)  # the outage
        self.line.client.ip('link', 'set', 'way', 'up')
        self.line.client.ip('route', 'replace', 'default', 'via', '10.97.1.1')
        _, seconds = self.connect()
        self.assertLess(seconds, 5)
        busy.settimeout(40)
        self.assertEqual(read_exactly(busy, 27), b'sent while the link is down')
        self.assertTrue(agent.echoes(quiet, b'so am I'))

    def test_unrelated_interface(self):
        """An interface that comes up for others, as a container's does, costs no tunnel, neither in use nor in the pool."""
        used, _ = self.connect()
        before = self.await_tunnels(2)
        self.line.client.ip('link', 'add', 'name', 'others', 'type', 'veth', 'peer', 'name', 'container')
        self.line.client.ip('addr', 'add', '10.98.0.1/24', 'dev', 'others')
        self.line.client.ip('link', 'set', 'others', 'up')
        self.line.client.ip('link', 'set', 'container', 'up')
        self.line.client.ip('route', 'add', '10.98.7.0/24', 'via', '10.98.0.2')
        self.assertEqual(standstill(self.tunnels, 'the tunnels', 1.0), before)
        self.assertTrue(agent.echoes(used, b'still here'))
        _, seconds = self.connect()
        self.assertLess(seconds, 1)

    def test_default_route_changed(self):
        """A default route that is replaced by one that leads the same way costs a ping, and no tunnel."""
        used, _ = self.connect()
        before = self.await_tunnels(2)
        self.line.client.ip('route', 'replace', 'default', 'via', '10.97.1.1', 'mtu', '1400')
        self.assertEqual(standstill(self.tunnels, 'the tunnels', 5.0), before)
        self.assertTrue(agent.echoes(used, b'still here'))
