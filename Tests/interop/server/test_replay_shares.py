"""One key that fills the memory of requests, or opens tunnels as fast as it can, and whom that keeps out: itself. A journal that another
process spoils."""
import base64
import concurrent.futures
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

from helpers.peers import wire
from helpers.peers.probe import Tunnel
from helpers.process import CTL
from helpers.restarting import JOURNAL, Restarting
from helpers.scenario import Long
from helpers.waiting import eventually


def mixed(total, word):
    total = (total ^ word) * 0x9e3779b97f4a7c15 & (1 << 64) - 1
    return total ^ total >> 29


class KeyHolders(Restarting):
    """A server with several keys."""
    SLOTS = 1 << 18

    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.directory, 'state')
        os.mkdir(self.state)

    def ctl(self, *arguments, stdin=''):
        command = [CTL, *arguments, '--socket', self.control]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout

    def begin(self, *options):
        return self.again('--state-directory=' + self.state, *options)

    def restart(self, *options):
        self.serving.signal(signal.SIGTERM)
        self.assertEqual(self.serving.exit_status(), 0)
        return self.begin(*options)

    def add(self, name, key=None):
        """Its bytes."""
        key = os.urandom(16) if key is None else key
        self.ctl('add-key', name, '--key-file', '-', stdin=base64.b64encode(key).decode() + '\n')
        return key

    def knock(self, key, **options):
        opening = wire.Opening(key, wire.empty_body(), **options)
        return self.status(opening)


class Shares(KeyHolders):
    """One key's requests fill its share of the memory, and keep no other key out."""

    def full_journal(self, key):
        """As a server leaves it that was killed when the share of this key was full."""
        kid = int.from_bytes(hashlib.sha256(b'wstan key id\0' + key).digest()[:8], 'big')
        head = b'wstnseen' + struct.pack('>IIQIIIIIIQ', 4, 40, self.SLOTS, 0, 0xffffffff, 60, 0xffffffff - 60, 60, 0xffffffff - 60, 0) + bytes(16 * 16)
        total = 0x7773_7461_6e20_6864
        for (word,) in struct.iter_unpack('>Q', head):
            total = mixed(total, word)
        pages = [(head + struct.pack('>Q', total)).ljust(4096, b'\0')]
        made = time.time() + 50
        bits, = struct.unpack('>Q', struct.pack('>d', made))
        begin = mixed(0x7773_7461_6e20_3031, kid)
        page = b''
        for slot in range(self.SLOTS // 2):
            check = begin
            for word in 9, slot, bits, slot:
                check = mixed(check, word)
            page += struct.pack('>QQQQQ', kid, 9, slot, bits, check)
            if len(page) == 4080:
                pages.append(page + bytes(16))
                page = b''
        pages.append(page.ljust(4096, b'\0'))
        with open(os.path.join(self.runtime, JOURNAL), 'wb') as f:
            f.write(b''.join(pages))
            f.truncate(4096 * (1 + (self.SLOTS + 101) // 102))

    def test_a_share_is_full(self):
        """Its key gets no new tunnel, which is told with its name and the bound; another key does: then, after a kill, after
        retire-key, and after a restart."""
        self.begin()
        phone, laptop = self.add('phone'), self.add('laptop')
        self.serving.signal(signal.SIGTERM)
        self.assertEqual(self.serving.exit_status(), 0)
        self.full_journal(phone)
        server = self.begin()
        self.assertEqual((self.knock(phone), self.knock(laptop)), (404, 101))
        server.await_log('no more requests of a key can be remembered.*key-name=phone')
        server.await_log('request refused.*key-name=phone.*limit=seen-requests')
        rejects = self.ctl('rejects')
        self.assertRegex(rejects, r"phone.*over a limit: its key's share of the remembered requests")
        server.kill()
        self.begin()
        self.assertEqual((self.knock(phone), self.knock(laptop)), (404, 101))
        self.ctl('retire-key', 'phone')
        self.assertEqual((self.knock(phone), self.knock(laptop)), (404, 101))
        self.restart()
        self.assertEqual((self.knock(phone), self.knock(laptop)), (404, 101))

    def former_journal(self, ahead):
        """As 0.1.0 leaves it when one key has filled all of it; every request expires after so many seconds."""
        head = b'wstnseen' + struct.pack('>IIQIIIIQQQ', 1, 32, self.SLOTS, 0, 0xffffffff, 60, 0xffffffff - 60, 0, 0, 0)
        bits, = struct.unpack('>Q', struct.pack('>d', time.time() + ahead))
        slots = []
        for slot in range(self.SLOTS):
            check = 0x7773_7461_6e20_3031
            for word in 9, slot, bits, slot:
                check = mixed(check, word)
            slots.append(struct.pack('>QQQQ', 9, slot, bits, check))
        with open(os.path.join(self.runtime, JOURNAL), 'wb') as f:
            f.write(head + b''.join(slots))

    def test_a_full_journal_of_the_former_release(self):
        """No key is locked out by it, and no key is blamed."""
        self.begin()
        laptop = self.add('laptop')
        for ahead in 115, 4e8:
            self.serving.signal(signal.SIGTERM)
            self.assertEqual(self.serving.exit_status(), 0)
            self.former_journal(ahead)
            server = self.begin()
            self.assertEqual({self.knock(laptop) for _ in range(50)}, {101})
            self.assertNotIn('can be remembered', server.log())

    def test_a_secret_comes_back(self):
        """What was made with a key before it was retired stays refused when its secret comes back, after restarts too; what is made later is
        served at once."""
        self.begin()
        phone = self.add('phone')
        seen = [wire.Opening(phone, wire.empty_body(time.time() + ahead)) for ahead in (-20, -1, 0)]
        for opening in seen:
            self.assertAdmitted(opening)
        self.ctl('retire-key', 'phone')
        self.restart()
        self.add('phone', phone)
        for successor in None, self.restart, self.restart:
            if successor:
                successor()
            for opening in seen:
                self.assertRefused(opening)
            self.serving.await_log('request refused.*key-name=phone.*reason=replayed')
            self.assertEqual(self.knock(phone), 101)

    def test_openings_per_second(self):
        """A key's name opens twenty seconds' worth of tunnels at once, and no more; the refusal names it and the bound. Another key does
        not notice, and replays take nothing of it."""
        server = self.begin('--max-tunnel-rate=2')
        phone, laptop = self.add('phone'), self.add('laptop')
        seen = wire.Opening(laptop, wire.empty_body())
        self.assertAdmitted(seen)
        for _ in range(60):
            self.assertRefused(seen)
        statuses = [self.knock(phone) for _ in range(60)]
        admitted = statuses.count(101)
        self.assertTrue(40 <= admitted < 55, statuses)
        self.assertEqual(set(statuses), {101, 503})
        self.assertEqual(self.knock(laptop), 101)
        server.await_log('request refused.*key-name=phone.*limit=max-tunnel-rate')
        self.assertRegex(self.ctl('rejects'), r'phone.*over a limit: max-tunnel-rate of its key')
        self.assertEqual(json.loads(self.ctl('status', '--json'))['rejects']['overLimit'], 60 - admitted)
        eventually(lambda: self.knock(phone) == 101, 'the key opens tunnels again', 10, 0.2)

    def test_truncated_while_it_runs(self):
        """A journal that another process truncates or removes is written anew, which is told; no tunnel notices."""
        server = self.begin()
        path = os.path.join(self.runtime, JOURNAL)
        size = os.stat(path).st_size
        tunnel = Tunnel(self.port, self.opening())
        self.assertEqual(tunnel.read_data(2), b'hi')
        seen = [self.opening()]
        self.assertAdmitted(seen[0])
        def replaced():
            shutil.copy(path, path + '.copy')
            os.rename(path + '.copy', path)
        for spoil in lambda: os.truncate(path, 0), lambda: os.truncate(path, 5000), lambda: os.unlink(path), \
                lambda: os.rename(path, path + '.old'), replaced:
            told = server.log().count('was written anew')
            spoil()
            seen.append(self.opening())
            self.assertAdmitted(seen[-1])
            eventually(lambda: os.path.exists(path) and os.stat(path).st_size == size, 'the journal is whole', 15, 0.1)
            if spoil is replaced:
                # Nothing else shows it: the copy is as large.
                eventually(lambda: server.log().count('was written anew') > told, 'the journal is told', 15, 0.1)
            tunnel.send(bytes([wire.DAT]) + b'on')
            self.assertEqual(tunnel.read_data(2), b'on')
        server.await_log(JOURNAL + ' was truncated or removed by another process, and was written anew')
        self.serving.kill()
        self.begin()
        for opening in seen:
            self.assertRefused(opening)


class FloodByDefault(Long, KeyHolders):
    """The flood as it was against 0.1.0, under the default of max-tunnel-rate: requests of one key, each a minute ahead, for a minute."""
    LIMIT = 300
    SECONDS = 90

    def test_flood(self):
        self.begin('--log-level=error')
        phone, laptop = self.add('phone'), self.add('laptop')
        with concurrent.futures.ProcessPoolExecutor(4) as processes:
            parts = [processes.submit(flood_for, self.port, phone, self.SECONDS) for _ in range(4)]
            accepted = sum(part.result() for part in parts)
        self.assertEqual(self.knock(laptop), 101, accepted)
        self.ctl('retire-key', 'phone')
        self.assertEqual(self.knock(laptop), 101)
        self.restart()
        self.assertEqual(self.knock(laptop), 101)


def flood_for(port, key, seconds):
    """How many were accepted; fifty refusals one after the other end it."""
    accepted = refused = 0
    end = time.monotonic() + seconds
    while refused < 50 and time.monotonic() < end:
        opening = wire.Opening(key, wire.empty_body(time.time() + 58))
        answer = b''
        with contextlib.suppress(OSError):  # ports that were used a moment ago
            with socket.create_connection(('127.0.0.1', port), 5) as s:
                s.sendall(opening.head())
                answer = s.recv(12)[9:12]
        accepted, refused = (accepted + 1, 0) if answer == b'101' else (accepted, refused + 1)
    return accepted


class FloodForAMinute(Long, KeyHolders):
    """The flood itself: requests of one key, each a minute ahead, as many as the server takes."""
    LIMIT = 600

    def test_flood(self):
        self.begin('--max-tunnel-rate=0', '--log-level=error')
        phone, laptop = self.add('phone'), self.add('laptop')
        with concurrent.futures.ProcessPoolExecutor(4) as processes:
            parts = [processes.submit(flood_part, self.port, phone, self.SLOTS // 4 + 100) for _ in range(4)]
            accepted = sum(part.result() for part in parts)
        self.assertLess(accepted, self.SLOTS)
        self.assertEqual(self.knock(laptop), 101)
        self.ctl('retire-key', 'phone')
        self.assertEqual(self.knock(laptop), 101)
        self.restart()
        self.assertEqual(self.knock(laptop), 101)


def flood_part(port, key, count):
    """How many were accepted, until one was not."""
    for accepted in range(count):
        opening = wire.Opening(key, wire.empty_body(time.time() + 58))
        with socket.create_connection(('127.0.0.1', port), 5) as s:
            s.sendall(opening.head())
            if s.recv(12)[9:12] != b'101':
                return accepted
    return count
