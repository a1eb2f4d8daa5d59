"""Whether a client carries data both ways, or nothing at all."""
from helpers.peers import agent, payload, wire
from helpers.process import MB
from helpers.scenario import Scenario

DIALS = agent.socks5, agent.connect


class Transfers(Scenario):
    """There is a target that transfers what it is told to."""
    SIZE = 2 * MB

    def setUp(self):
        super().setUp()
        self.raw_key = wire.key_bytes(self.key)
        self.commanded = self.target()

    def assertCarries(self, client, rounds=2):
        """Data go both ways, by SOCKS5 and by CONNECT, through tunnels fresh and pooled."""
        total = payload.sum_of(self.SIZE)
        for _ in range(rounds):
            for dial in DIALS:
                s = dial(client.port, '127.0.0.1', self.commanded.port)
                self.assertEqual(agent.download(s, self.SIZE), (self.SIZE, total))
                s = dial(client.port, '127.0.0.1', self.commanded.port)
                self.assertEqual(agent.upload(s, self.SIZE), total)

    def assertCarriesNothing(self, client):
        """The user agent's connection ends without a byte, and no target hears of it."""
        for dial in DIALS:
            try:
                with dial(client.port, '127.0.0.1', self.commanded.port) as s:
                    s.sendall(b'echo\nis anybody there?')
                    self.assertIn(agent.outcome(s), ('end', 'reset'))
            except agent.Refused:
                pass
        self.assertEqual(self.commanded.connections, [])
