"""Replays of version 2, across restarts as version 1's: a request is known by its key id and its salt."""
import time

from helpers.peers.sealed import Opening, connect_to
from helpers.version2 import shared_key
from server import test_replay
from v2.keys import KeyString
from v2.messages import CONNECT


class ReplaysOfVersion2(test_replay.Replays):
    def setUp(self):
        super().setUp()
        self.key = shared_key()
        self.raw_key = KeyString(self.key)

    def opening(self, when=None):
        offset = when - time.time() if when else 0.0
        return Opening(self.raw_key, CONNECT, connect_to(self.echo, b'hi'), offset)

    def test_another_salt(self):
        """A header that was seen is refused under another salt, and with the payload of another request."""
        self.again()
        seen = self.opening()
        self.assertAdmitted(seen)
        m1 = seen.handshake.m1
        for altered in bytes(16) + m1[16:], m1[:80] + self.opening().handshake.m1[80:]:
            seen.handshake.m1 = altered
            self.assertRefused(seen)
        self.assertAdmitted(self.opening())
