"""Both directions of a connection at once."""
import hashlib
import threading

import agent
import payload
from process import MB
from scenario import Scenario
from target import echo

SIZE = 64 * MB


class Duplex(Scenario):
    LIMIT = 30

    def setUp(self):
        super().setUp()
        self.wstan_client = self.client(self.server())
        self.echo = self.target(echo)

    def test_both_ways_at_once(self):
        """A user agent that sends 64 MB to an echo, and reads meanwhile, gets all of it back: neither direction stops the other."""
        for dial in agent.socks5, agent.connect:
            with self.subTest(dial=dial.__name__), dial(self.wstan_client.port, '127.0.0.1', self.echo.port, timeout=10) as s:
                def write():
                    try:
                        for block in payload.blocks(SIZE):
                            s.sendall(block)
                    except OSError:
                        pass  # the test has ended, or the count tells
                threading.Thread(target=write, daemon=True).start()
                count, digest = 0, hashlib.sha256()
                try:
                    while count < SIZE and (part := s.recv(1 << 18)):
                        count += len(part)
                        digest.update(part)
                except TimeoutError:
                    pass
                self.assertEqual(count, SIZE, 'nothing comes back any more')
                self.assertEqual(digest.hexdigest(), payload.sum_of(SIZE))
