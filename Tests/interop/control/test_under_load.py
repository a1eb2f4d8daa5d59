"""What an administrator does while it is busy: keys rotated, configurations reloaded, and processes killed in the middle of it."""
import base64
import contextlib
import hashlib
import json
import os
import random
import secrets
import socket
import threading

from helpers.control.controlled import ControlledPair, Varlink
from helpers.peers import agent, wire
from helpers.peers.target import read_exactly
from helpers.process import OURS
from helpers.scenario import Long

CONTROL = 'org.wstan.control.'


class Streams:
    """Streams through the pair that go on until they are told to end, and count what went and what came back."""

    def __init__(self, count, connect):
        self.stop = threading.Event()
        self.failures, self.visits = [], []
        self.sums = [None] * count
        self.connect = connect
        self.threads = [threading.Thread(target=self._stream, args=(number,)) for number in range(count)]
        self.threads += [threading.Thread(target=self._visit) for _ in range(2)]
        self.ready = threading.Barrier(count + 1)
        for thread in self.threads:
            thread.start()
        self.ready.wait(30)

    def _stream(self, number):
        sent, heard = hashlib.sha256(), hashlib.sha256()
        try:
            with self.connect() as s:
                self.ready.wait(30)
                while not self.stop.is_set():
                    data = os.urandom(8192)
                    s.sendall(data)
                    sent.update(data)
                    heard.update(read_exactly(s, len(data)))
                s.shutdown(socket.SHUT_WR)
            self.sums[number] = (sent.digest(), heard.digest())
        except Exception as error:
            self.failures.append('stream %d: %r' % (number, error))
            self.ready.abort()

    def _visit(self):
        """New connections, one after the other."""
        while not self.stop.is_set():
            try:
                with self.connect() as s:
                    if not agent.echoes(s, os.urandom(1000)):
                        raise AssertionError('another echo')
                self.visits.append(1)
            except Exception as error:
                return self.failures.append('visit %d: %r' % (len(self.visits), error))

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


class UnderLoad(ControlledPair):
    ROUNDS = 10
    STREAMS = 20

    def test_reloads_and_rotations(self):
        """At both ends, the server first: no stream breaks, no connection is refused, and what comes back is what was sent."""
        streams = Streams(self.STREAMS, self.connect)
        try:
            ids = [key['id'] for key in self.status()['keys']]
            for number in range(self.ROUNDS):
                reply = json.loads(self.ctl('rotate-key', '--json'))
                self.ctl('rotate-key', '--key-file', '-', to='client', stdin=reply['key'])
                ids.append(reply['id'])
                self.configure('server', 'state-directory = ' + self.state,
                               '[server]\nallow-private = yes\nmax-tunnels = %d' % (9000 + number))
                self.assertIn('[server] max-tunnels', self.ctl('reload'))
                self.configure('client', '', '[client]\nlisten = 127.0.0.1:%d\n[pool]\nsize = %d' % (self.client_port, 3 + number % 9))
                self.assertIn('[pool] size', self.ctl('reload', to='client'))
                if number > 1:
                    self.ctl('retire-key', ids[number - 1])
                self.assertEqual(streams.failures, [], 'after %d rounds' % number)
        finally:
            streams.end()
        self.assertEqual(streams.failures, [])
        self.assertEqual([sums for sums in streams.sums if sums is None or sums[0] != sums[1]], [])
        self.assertGreater(len(streams.visits), self.ROUNDS)


class UnderLoadMinute(Long, UnderLoad):
    LIMIT = 300
    ROUNDS = 100
    STREAMS = 100


class Administrator(threading.Thread):
    """Changes keys as fast as it can until nobody answers any more; what it was told is what counts."""

    def __init__(self, path, key, dice):
        super().__init__()
        self.path, self.key, self.dice = path, key, dice
        self.told = 0

    def run(self):
        with contextlib.suppress(OSError, ValueError, TypeError):
            v = Varlink(self.path)
            while True:
                step = self.dice.randrange(4)
                if step < 2:
                    self.rotate(v)
                elif step == 2:
                    v.call(CONTROL + 'AddKey', {'name': 'device%d' % self.dice.randrange(4)})
                else:
                    v.call(CONTROL + 'Reload')
                self.told += 1

    def rotate(self, v):
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        reply = v.call(CONTROL + 'RotateKey', {'key': key, 'graceUSec': 3_600_000_000})
        if 'error' in reply:
            raise AssertionError(reply)
        self.key = key
        for former in v.call(CONTROL + 'GetStatus')['parameters']['keys']:
            if former['name'] == 'default' and former['state'] == 'previous' or former['name'] != 'default' and self.dice.randrange(2):
                v.call(CONTROL + 'RetireKey', {'id': former['id']})


class Kills(ControlledPair):
    ROUNDS = 20

    def daemon(self, mode, general, sections):
        if mode == 'client':
            return None  # who connects here makes its own requests
        runtime = os.path.join(self.directory, 'run')
        os.makedirs(runtime, exist_ok=True)
        process = self.start(mode, ['env', 'RUNTIME_DIRECTORY=' + runtime, OURS], '--config', self.configure(mode, general, sections))
        process.await_log('notice: wstand')
        return process

    def ask(self, opening):
        with socket.create_connection(('127.0.0.1', self.port), 5) as s:
            s.sendall(opening.head())
            return int(s.recv(12)[9:12])

    def opening(self, key):
        return wire.Opening(wire.key_bytes(key), wire.request_body('127.0.0.1', self.echo.port, b'hi'))

    def test_at_random_instants(self):
        """In the middle of changes of keys, their files, the journal and the marks: the next process starts with whole ones, lets
        in whoever has the last key that was told, and nothing that was let in before."""
        seed = secrets.randbits(32)
        dice = random.Random(seed)
        key = self.key
        changes = 0
        for number in range(self.ROUNDS):
            with self.subTest(seed=seed, round=number):
                administrator = Administrator(self.socket('server'), key, dice)
                seen = self.opening(key)
                self.assertEqual(self.ask(seen), 101)
                administrator.start()
                threading.Event().wait(dice.uniform(0, 0.08))
                self.wstan_server.kill()
                administrator.join(20)
                self.assertFalse(administrator.is_alive())
                changes += administrator.told
                key = administrator.key
                self.wstan_server = self.daemon('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
                self.assertEqual(self.ask(self.opening(key)), 101, 'the key that was told')
                self.assertEqual(self.ask(seen), 404, 'what was seen')
                self.assertNotRegex(self.wstan_server.log(), 'damaged|cannot')
                with open(self.key_path) as f:
                    self.assertEqual(len(wire.key_bytes(f.read().strip())), 16)
                # One that was not finished is written anew next time; it may hold keys.
                for name in os.listdir(self.state):
                    self.assertIn(name, ('keyring', '.keyring.new', 'key-uses', '.key-uses.new', 'replay-marks', '.replay-marks.new'))
                    self.assertEqual(os.stat(os.path.join(self.state, name)).st_mode & 0o077, 0)
        self.assertGreater(changes, self.ROUNDS)


class KillsMinute(Long, Kills):
    LIMIT = 300
    ROUNDS = 200
