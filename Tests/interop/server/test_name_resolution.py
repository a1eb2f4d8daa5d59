"""Names that nobody answers for, and names with a dead address: in a network namespace with a name server of the test's own."""
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.names import BLACK_HOLE, DEAD, GOOD, Names
from helpers.network.namespaces import join
from helpers.peers import agent
from helpers.peers.datagrams import Association, DatagramTarget
from helpers.peers.target import echo
from helpers.process import free_port
from helpers.waiting import eventually


class Flood(Names):
    def test_names_of_another_client(self):
        """200 dead names of one client do not delay another client's good names by a second, whenever they come."""
        other = self.other_client()
        self.assertLess(self.seconds(other, GOOD % 'before'), 1)
        self.flood(self.wstan_client, 200)
        for number in range(30):
            self.assertLess(self.seconds(other, GOOD % ('name%d' % number)), 1)

    def test_names_of_a_client_that_comes_late(self):
        """A client that comes first in the midst of the flood has its names looked up too, 8 at a time."""
        other = self.other_client()
        self.flood(self.wstan_client, 200)
        with ThreadPoolExecutor(8) as pool:
            took = list(pool.map(lambda number: self.seconds(other, GOOD % ('name%d' % number)), range(40)))
        self.assertLess(max(took), 1)

    def test_own_literals(self):
        """200 dead names of a client do not delay its own connections to literal addresses."""
        self.flood(self.wstan_client, 200)
        for _ in range(30):
            self.assertLess(self.seconds(self.wstan_client, '127.0.0.1'), 1)

    def test_after_the_flood(self):
        """Once the user agents of the flood have left, their client's good names are looked up again within 15 s."""
        for s in self.flood(self.wstan_client, 200):
            s.close()

        def works():
            try:
                return self.seconds(self.wstan_client, GOOD % 'later')
            except (EOFError, ConnectionError, agent.Refused):
                return None  # too many look-ups are waiting
        eventually(works, 'a name is looked up', within=15, step=0.2)


class Holes(Names):
    def setUp(self):
        super().setUp()
        join(self.namespace, self.namespace, 'hole', 'bottom')
        self.namespace.ip('addr', 'add', 'fd00:dead::2/64', 'dev', 'hole', 'nodad')
        self.namespace.ip('neigh', 'add', BLACK_HOLE, 'lladdr', '02:00:00:00:00:01', 'dev', 'hole', 'nud', 'permanent')


class Eyeballs(Holes):
    def test_dead_ipv6_address(self):
        """A name whose IPv6 address swallows everything is reached by its IPv4 address within a second, time and again."""
        for number in range(5):
            self.assertLess(self.seconds(self.wstan_client, 'name%d.hole.live.test' % number), 1)

    def test_refusing_ipv6_address(self):
        """A name whose IPv6 address refuses is reached by its IPv4 address at once, also when that one is known a little later."""
        took = [self.seconds(self.wstan_client, 'name%d.live.late.test' % number) for number in range(20)]
        self.assertLess(max(took), 0.2, took)

    def test_silence_about_ipv6(self):
        """A name for whose IPv6 address nobody answers is reached by its IPv4 address within a second, time and again."""
        for number in range(10):
            self.assertLess(self.seconds(self.wstan_client, 'name%d.silent.live.test' % number), 1)

    def test_silence_about_ipv4(self):
        """A name for whose IPv4 address nobody answers is reached by its IPv6 address within a second, time and again."""
        self.echo = self.target(echo, host='::1')
        for number in range(10):
            self.assertLess(self.seconds(self.wstan_client, 'name%d.live.silent.test' % number), 1)

    def test_one_family_only(self):
        """A name with one address, of either family, is reached at once."""
        self.assertLess(self.seconds(self.wstan_client, 'name.none.live.test'), 0.5)
        self.echo = self.target(echo, host='::1')
        self.assertLess(self.seconds(self.wstan_client, 'name.live.none.test'), 0.5)

    def test_no_address(self):
        """A name that does not exist, or has no address, ends the user agent's connection at once."""
        for name in 'name.none.none.test', 'name.example':
            began = time.monotonic()
            with agent.socks5(self.wstan_client.port, name, self.echo.port) as s:
                self.assertIn(agent.outcome(s), ('end', 'reset'))
            self.assertLess(time.monotonic() - began, 1)


class Datagrams(Names):
    """UDP tries one address only."""

    def seconds(self, host):
        """How long it takes until a datagram comes back from the target, which listens on either loopback."""
        association = self.keep(Association(self.wstan_client.port))
        began = time.monotonic()
        self.assertEqual(association.ask(b'hello', host, self.port)[0], b'hello')
        return time.monotonic() - began

    def setUp(self):
        super().setUp()
        self.port = free_port()
        for host in '127.0.0.1', '::1':
            self.keep(DatagramTarget(host=host, port=self.port))

    def test_one_family_only(self):
        """A name with one address, of either family, is reached at once."""
        for name in 'name.none.live.test', 'name.live.none.test':
            self.assertLess(self.seconds(name), 0.2)

    def test_silence_about_one_family(self):
        """A name for one of whose families nobody answers is reached by the other within a second."""
        for name in 'name.silent.live.test', 'name.live.silent.test':
            self.assertLess(self.seconds(name), 1)

    def test_flood(self):
        """An association that asks for 500 dead names does not delay its own literals and another client's names."""
        other = self.keep(Association(self.other_client().port))
        association = self.keep(Association(self.wstan_client.port))
        for number in range(500):
            association.send(b'hello', DEAD % ('name%d' % number), self.port)
        eventually(lambda: len(set(self.name_server.unanswered)) >= 16, 'the flood reaches the name server')
        began = time.monotonic()
        self.assertEqual(association.ask(b'hello', '127.0.0.1', self.port)[0], b'hello')
        self.assertEqual(other.ask(b'hello', GOOD % 'name', self.port)[0], b'hello')
        self.assertLess(time.monotonic() - began, 1)


class Deadline(Holes):
    OPENS_AHEAD = False
    SERVER_OPTIONS = ('--connect-timeout=2s', '--log-level=info')

    def setUp(self):
        super().setUp()
        self.between = self.forwarder(self.wstan_server)
        self.wstan_client = self.client(self.between)

    def assertGivenUp(self, host, reason):
        since, began = len(self.wstan_server.log()), time.monotonic()
        with agent.socks5(self.wstan_client.port, host, self.echo.port) as s:
            s.sendall(b'is anybody there?')
            self.assertIn(agent.outcome(s), ('end', 'reset'))
        took = time.monotonic() - began
        self.assertGreater(took, 1.5)
        self.assertLess(took, 3)
        self.wstan_server.await_log(reason, since=since)
        self.between.settle()
        self.assertLess(self.seconds(self.wstan_client, '127.0.0.1'), 1)
        self.between.settle()
        self.assertEqual(len(self.between.links), 1, 'the tunnel was not used again')

    def test_dead_name(self):
        """A dead name ends the user agent's connection after --connect-timeout=2s; the log says why; the tunnel is used again."""
        for number in range(2):
            self.assertGivenUp(DEAD % ('name%d' % number), 'looking up the name')

    def test_dead_address(self):
        """An address that swallows everything, literal or named, ends it so too."""
        self.assertGivenUp(BLACK_HOLE, 'timed out')
        self.assertGivenUp('name.hole.none.test', 'timed out')
