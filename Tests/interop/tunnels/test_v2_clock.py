"""A client of version 2 whose clock is wrong: it learns the time from the server's answer, and from nothing else."""
import time

from helpers.peers import agent
from helpers.peers.sealed import m1_of, unbox
from helpers.version2 import PEER, Version2Pair
from helpers.wallclock import WrongClock


class Clock:
    """`begin` starts a pair whose client is wrong by so many seconds."""

    def begin(self, seconds):
        clock = WrongClock(self.directory)
        clock.set(seconds)
        self.CLIENT_PREFIX = clock.prefix
        self.pair()

    def errors(self):
        """By how many seconds the time of each request was wrong."""
        now = time.time()
        return [unbox(m1_of(head, self.raw_key), self.raw_key)[1] / 1000 - now for head in self.between.heads()]

    def connect(self):
        with agent.socks5(self.wstan_client.port, '127.0.0.1', self.commanded.port) as s:
            s.sendall(b'echo\n')
            self.assertTrue(agent.echoes(s, b'in time'))
        self.between.cut('close')  # the next one needs a tunnel of its own

    def test_corrected(self):
        """Half a minute ahead or behind: the first request tells the wrong time, all later ones the right time."""
        for seconds in -30, 30:
            with self.subTest(seconds):
                self.begin(seconds)
                for _ in range(3):
                    self.connect()
                first, *others = self.errors()
                self.assertAlmostEqual(first, seconds, delta=5)
                for error in others:
                    self.assertAlmostEqual(error, 0, delta=5)

    def test_out_of_time(self):
        """Off by an hour a client is refused, and learns no time from the refusal."""
        self.begin(-3600)
        for _ in range(2):
            with self.assertRaises(agent.Refused):
                self.connect()
        for error in self.errors():
            self.assertAlmostEqual(error, -3600, delta=5)
        self.assertEqual(self.commanded.connections, [])


class OurPair(Clock, Version2Pair):
    def test_cause(self):
        """The log names the clock among the causes of a refusal."""
        self.begin(-3600)
        with self.assertRaises(agent.Refused):
            self.connect()
        self.wstan_client.await_log('clock')


class OurClientPeerServer(Clock, Version2Pair):
    SERVER = PEER


class PairOfPeers(Clock, Version2Pair):
    CLIENT = SERVER = PEER

    def begin(self, seconds):
        self.pair(clock=str(seconds))
