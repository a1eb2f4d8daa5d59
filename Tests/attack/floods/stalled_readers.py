"""A key holder who asks for everything and reads nothing."""
import time
from collections import deque

from attack.floods import Flood, push
from helpers.peers import wire

NO_MORE = 4096  # bytes of receive buffer


class StalledReaders(Flood):
    """Tunnels to a target that never stops sending. The oldest is given up for a new one twenty times a second."""
    TITLE = 'stalled readers, {held}'
    HELD = 40, 400

    def rounds(self):
        held = deque()
        while True:
            s = self.dial(receive_buffer=NO_MORE)
            push(s, wire.Opening(self.key, wire.request_body('127.0.0.1', self.fountain, b'go')).head())
            held.append(s)
            if len(held) > self.held:
                held.popleft().close()
                time.sleep(0.05)
            yield
