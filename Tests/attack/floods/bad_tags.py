"""Requests in perfect shape that no key fits: the server has to try them all."""
import os
import time
from collections import deque

from attack.floods import Flood, push
from helpers.peers import wire


class BadTags(Flood):
    TITLE = 'bad tags'
    HELD = 50, 256
    DATA = 0  # bytes in each request
    PER_SECOND = None  # as many as it can

    def rounds(self):
        heads = [wire.Opening(os.urandom(16), wire.request_body('192.0.2.1', 443, os.urandom(self.DATA))).head() for _ in range(64)]
        held, due = deque(), time.monotonic()
        while True:
            if self.PER_SECOND:
                due += 1 / self.PER_SECOND
                time.sleep(max(0, due - time.monotonic()))
            s = self.dial()
            push(s, heads[len(held) % 64])
            held.append(s)
            if len(held) > self.held:
                held.popleft().close()
            yield


class BadTagsForManyKeys(BadTags):
    TITLE = 'bad tags, {keys} keys'
    KEYS = 100, 1000


class LargeBadTagsForManyKeys(BadTagsForManyKeys):
    """Few, but each costs as much as a server can be made to read."""
    TITLE = 'bad tags of 96 KB, {keys} keys, 60/s'
    DATA = 70_000
    PER_SECOND = 60
