"""Our client with the Python server, the Python client with our server, and our pair."""
import os
from concurrent.futures import ThreadPoolExecutor

from helpers.peers import agent, payload
from helpers.process import OURS, THEIRS, free_port
from helpers.scenario import PASSPHRASE, Scenario, binary_key

MB = 10 ** 6
SUM = {size: payload.sum_of(size) for size in (4 * MB, 50 * MB)}


class Interoperation:
    OPENS_AHEAD = False
    CLIENT = SERVER = OURS
    UPLOAD = 50 * MB

    def pair(self, key):
        self.wstan_server = self.server(program=self.SERVER, key=key)
        return self.client(self.wstan_server, program=self.CLIENT, key=key)

    def transfers(self, key, dial, up):
        client, target = self.pair(key), self.target()
        self.assertEqual(agent.download(dial(client.port, '127.0.0.1', target.port), 50 * MB), (50 * MB, SUM[50 * MB]))
        self.assertEqual(agent.upload(dial(client.port, '127.0.0.1', target.port), up), SUM[up])

    def test_transfer_socks5_binary_key(self):
        """50 MB each way through SOCKS5 under a binary key have the same sums on both ends."""
        self.transfers(binary_key(), agent.socks5, 50 * MB)

    def test_transfer_socks5_passphrase(self):
        """50 MB each way through SOCKS5 under a passphrase have the same sums on both ends."""
        self.transfers(PASSPHRASE, agent.socks5, self.UPLOAD)

    def test_transfer_connect_binary_key(self):
        """50 MB each way through CONNECT under a binary key have the same sums on both ends."""
        self.transfers(binary_key(), agent.connect, self.UPLOAD)

    def test_transfer_connect_passphrase(self):
        """50 MB each way through CONNECT under a passphrase have the same sums on both ends."""
        self.transfers(PASSPHRASE, agent.connect, self.UPLOAD)

    def test_200_connections(self):
        """200 connections, 20 at a time, by SOCKS5 and CONNECT in turn, each get their own bytes back."""
        client, target = self.pair(self.key), self.target()

        def one(number):
            dial = (agent.socks5, agent.connect)[number % 2]
            with dial(client.port, '127.0.0.1', target.port) as s:
                s.sendall(b'echo\n')
                return all(agent.echoes(s, os.urandom(size)) for size in (1, 700, 20000))
        with ThreadPoolExecutor(20) as pool:
            self.assertEqual(sum(pool.map(one, range(200))), 200)

    def test_tunnels_are_reused(self):
        """20 connections one after the other use one TCP connection to the server, whichever end closes first."""
        server = self.server(program=self.SERVER)
        between = self.forwarder(server)
        client, target = self.client(between, program=self.CLIENT), self.target()
        for number in range(20):
            with agent.socks5(client.port, '127.0.0.1', target.port) as s:
                if number % 2:
                    self.assertEqual(agent.download(s, 1000), (1000, payload.sum_of(1000)))
                else:
                    s.sendall(b'echo\n')
                    self.assertTrue(agent.echoes(s, os.urandom(1000)))
            between.settle()
        self.assertEqual(len(between.links), 1)

    def assertNoConnection(self, dial, client, host, port):
        try:
            s = dial(client.port, host, port)
        except agent.Refused:
            return
        with s:
            s.sendall(b'is anybody there?\n')
            self.assertIn(agent.outcome(s), ('end', 'reset'))

    def assertStillWorks(self, client, target):
        with agent.socks5(client.port, '127.0.0.1', target.port) as s:
            s.sendall(b'echo\n')
            self.assertTrue(agent.echoes(s, b'still here'))

    def test_refused_target(self):
        """A target that refuses ends the user agent's connection, and the pair lives on."""
        client, target = self.pair(self.key), self.target()
        for dial in agent.socks5, agent.connect:
            self.assertNoConnection(dial, client, '127.0.0.1', free_port())
        self.assertStillWorks(client, target)

    def test_unknown_name(self):
        """A name that does not exist ends the user agent's connection, and the pair lives on."""
        client, target = self.pair(self.key), self.target()
        for dial in agent.socks5, agent.connect:
            self.assertNoConnection(dial, client, 'no-such-name.invalid', 80)
        self.assertStillWorks(client, target)

    def test_wrong_key(self):
        """A client with another key gets nothing through, and its user agent's connection is closed."""
        server, target = self.server(program=self.SERVER), self.target()
        client = self.client(server, program=self.CLIENT, key=binary_key())
        since = len(client.log())
        for dial in agent.socks5, agent.connect:
            self.assertNoConnection(dial, client, '127.0.0.1', target.port)
        self.assertEqual(target.connections, [])
        # Python's client says "forbidden (maybe key is wrong or system clock is out of sync)" of a 400, and of no other answer.
        if self.CLIENT is OURS:
            client.await_log(r'\bkey\b|\bclock\b', since=since)


class OurPair(Interoperation, Scenario):
    pass


class OurClientTheirServer(Interoperation, Scenario):
    SERVER = THEIRS


class TheirClientOurServer(Interoperation, Scenario):
    CLIENT = THEIRS
    # Python's client sends some 6 MB/s: it gets its 50 MB upwards in one of the four combinations only.
    UPLOAD = 4 * MB
