"""Both directions of a connection at once."""
import hashlib
import threading

from helpers.peers import agent, payload
from helpers.peers.target import echo
from helpers.process import MB
from helpers.scenario import Scenario
from helpers.waiting import eventually, standstill

SIZE = 96 * MB  # more than all buffers on the way there and back hold


class Duplex(Scenario):
    def setUp(self):
        super().setUp()
        self.wstan_client = self.client(self.server())
        self.echo = self.target(echo)
        self.sum = payload.sum_of(SIZE)

    def there_and_back(self, dial, await_begin):
        """Sends to an echo, and reads as soon as `await_begin` has returned."""
        sent = [0]
        with dial(self.wstan_client.port, '127.0.0.1', self.echo.port, timeout=10) as s:
            def write():
                try:
                    for block in payload.blocks(SIZE):
                        s.sendall(block)
                        sent[0] += len(block)
                except OSError:
                    pass  # the count tells
            threading.Thread(target=write, daemon=True).start()
            await_begin(lambda: sent[0])
            count, digest = 0, hashlib.sha256()
            try:
                while count < SIZE and (part := s.recv(1 << 18)):
                    count += len(part)
                    digest.update(part)
            except TimeoutError:
                pass
        self.assertEqual(count, SIZE, 'no more came back; %d bytes went out' % sent[0])
        self.assertEqual(digest.hexdigest(), self.sum)

    def test_both_ways_at_once(self):
        """A user agent that sends much to an echo, and reads meanwhile, gets all of it back."""
        for dial in agent.socks5, agent.connect:
            self.there_and_back(dial, lambda sent: None)

    def test_both_ways_stopped(self):
        """A user agent that reads only when both ways have come to a stop gets all of it back: neither waits for the other."""
        def stopped(sent):
            eventually(sent, 'bytes go out')
            standstill(sent, 'both ways are stopped')
        for dial in 3 * (agent.socks5, agent.connect):  # where exactly it stops is up to chance
            self.there_and_back(dial, stopped)
