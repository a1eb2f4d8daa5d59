"""What one key of version 2 asks for in great numbers, and what another key notices of it."""
import os
import re
import socket
import struct
import threading
import time

from helpers.peers.sealed import Opening, SealedTunnel, connect_to
from helpers.peers.target import echo
from helpers.process import free_port
from helpers.version2 import Version2
from helpers.waiting import eventually
from v2.keys import KeyString
from v2.messages import *
from v2.websocket import BINARY, frame


class Storms(Version2):
    LIMIT = 120

    def begin(self, *options):
        state = os.path.join(self.directory, 'state')
        os.mkdir(state, 0o700)
        self.wstan_server = self.server('--threads=1', '--log-level=info', '--state-directory=' + state, *options)
        self.phone = KeyString(re.search(r'wstan2:[\w-]+', self.ctl(self.wstan_server, 'add-key', 'phone', '--v2')).group())
        self.echo = self.target(echo)
        self.other = self.open(self.raw_key, CONNECT, connect_to(self.echo))
        self.other.expect(OK)

    def open(self, key, *message):
        return self.keep(SealedTunnel.open(self.wstan_server.port, Opening(key, *message)))

    def storm(self, count, say):
        """Has `count` tunnels of a key send what `say` makes of them, all at once; the longest round trip of another key."""
        tunnels = [self.open(self.phone) for _ in range(count)]
        said = [say(tunnel) for tunnel in tunnels]
        threads = [threading.Thread(target=work, args=arguments, daemon=True)
                   for tunnel, data in zip(tunnels, said)
                   for work, arguments in ((self.send, (tunnel, data)), (self.drain, (tunnel,)))]
        for thread in threads:
            thread.start()
        longest, end = 0, time.monotonic() + 5
        while time.monotonic() < end:
            began = time.monotonic()
            self.other.send(DATA, b'ping')
            self.assertEqual(self.other.expect_data(4), b'ping')
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.02)
        return longest

    @staticmethod
    def send(tunnel, data):
        tunnel.socket.settimeout(100)
        try:
            tunnel.socket.sendall(data)
        except OSError:
            pass

    @staticmethod
    def drain(tunnel):
        try:
            while tunnel.socket.recv(1 << 18):
                pass
        except OSError:
            pass

    @staticmethod
    def sealed(tunnel, *messages):
        return b''.join(frame(BINARY, tunnel.records.seal(plaintext(kind, body)), True) for kind, body in messages)

    def test_requests_that_are_reset_at_once(self):
        """16 tunnels, 3,000 requests on each, reset right behind: another key does not wait for them, and memory stays."""
        self.begin()
        request, before = connect_to(self.echo), self.wstan_server.resident()
        longest = self.storm(16, lambda tunnel: b''.join(
            self.sealed(tunnel, (CONNECT, request), (RESET, bytes([number & 255, 16]))) for number in range(3000)))
        # All of them were begun in one turn: 5 s and 100 MB.
        self.assertLess(longest, 1.5)
        self.assertLess(self.wstan_server.peak() - before, 40 << 20)

    def test_associations_that_are_reset_at_once(self):
        """8 tunnels, 100 associations on each, with 192 datagrams: another key does not wait for them."""
        self.begin()
        sink = self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sink.bind(('127.0.0.1', 0))
        datagrams = pack_pieces([Address.of('127.0.0.1', sink.getsockname()[1]).pack()] * 64)
        longest = self.storm(8, lambda tunnel: b''.join(
            self.sealed(tunnel, (ASSOCIATE, Request().pack()), *[(DGRAM, datagrams)] * 3, (RESET, bytes([number & 255, 16])))
            for number in range(100)))
        self.assertLess(longest, 1.5)

    def test_new_keys(self):
        """64 REKEYs at once on each of 100 tunnels, again and again, are taken one in a turn."""
        self.begin()
        batch = [(REKEY, b'')] * 64 + [(PING, bytes(8))]
        longest = self.storm(100, lambda tunnel: self.sealed(tunnel, *batch))
        self.assertLess(longest, 1.5)

    def test_bytes_that_lead_nowhere(self):
        """300 tunnels, each with 60 KB for a target that does not answer and 66 KB of a record that never ends."""
        self.begin('--memory-limit=8M', '--connect-timeout=60s', '--max-tunnel-rate=0')
        listener = self.keep(socket.socket())
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        for _ in range(4):
            filler = self.keep(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        silent = Request({}, Address.of('127.0.0.1', listener.getsockname()[1]), b'').pack()
        half = struct.pack('>BBQ', 0x82, 0xff, 66064) + bytes(4) + bytes(66000)
        before = self.wstan_server.resident()
        for _ in range(300):
            tunnel = self.open(self.phone, CONNECT, silent)
            self.send(tunnel, self.sealed(tunnel, (DATA, bytes(60000))) + half)
        self.wstan_server.await_log('tunnel closed to make room .*key-name=phone', 20)
        # 38 MB otherwise.
        self.assertLess(self.wstan_server.peak() - before, 20 << 20)
        self.other.send(DATA, b'ping')
        self.assertEqual(self.other.expect_data(4), b'ping')
        self.assertTrue(self.open(self.raw_key).ping())
