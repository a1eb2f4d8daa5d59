"""Starts of a server whose state, keys and configuration are damaged."""
import base64
import concurrent.futures
import os
import random
import shutil
import signal
import socket
import subprocess
import time

from helpers.peers import wire
from helpers.process import CTL, OURS, free_port
from helpers.scenario import Scenario


class StartsForAMinute(Scenario):
    """A server that finds damaged files: it serves, or it ends with a word; a thousand times with $WSTAN_LONG_TESTS."""
    LIMIT = 500
    STARTS = 1000 if os.environ.get('WSTAN_LONG_TESTS') else 24

    def test_damaged_files(self):
        good = self.good_files()
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            outcomes = list(threads.map(lambda number: self.outcome(number, good), range(self.STARTS)))
        self.assertEqual({outcome for outcome in outcomes if outcome not in ('serves', 'ends')}, set())
        self.assertGreater(outcomes.count('serves'), self.STARTS // 20)
        self.assertGreater(outcomes.count('ends'), self.STARTS // 20)

    def paths(self, place):
        return {name: os.path.join(place, name) for name in
                ('run/seen-requests', 'state/replay-marks', 'state/keyring', 'state/key-uses', 'key', 'wstan.conf')}

    def prepare(self, place):
        for folder in 'run', 'state':
            os.makedirs(os.path.join(place, folder), exist_ok=True)
        with open(os.path.join(place, 'wstan.conf'), 'w') as f:
            f.write('mode = server\nuri = ws://127.0.0.1:0/\nkey-file = %s/key\nstate-directory = %s/state\n[control]\nsocket = %s/c\n'
                    % (place, place, place))

    def good_files(self):
        """As a server leaves them that has had a client and a second key."""
        place = os.path.join(self.directory, 'good')
        self.prepare(place)
        with open(os.path.join(place, 'key'), 'w') as f:
            f.write(base64.b64encode(bytes(range(16))).decode() + '\n')
        port = free_port()
        server = self.start('good', ['env', 'RUNTIME_DIRECTORY=%s/run' % place, OURS], '--config', place + '/wstan.conf',
                            '--listen=127.0.0.1:%d' % port)
        server.await_port(port)
        with socket.create_connection(('127.0.0.1', port), 5) as s:
            s.sendall(wire.Opening(bytes(range(16)), wire.empty_body()).head())
            self.assertEqual(s.recv(12)[9:12], b'101')
        subprocess.run([CTL, 'add-key', 'laptop', '--socket', place + '/c'], check=True, capture_output=True)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_status(), 0)
        files = {}
        for name, path in self.paths(place).items():
            with open(path, 'rb') as f:
                files[name] = f.read()
        return files

    def damaged(self, content, rng, others):
        content = bytearray(content)
        kind = rng.randrange(6)
        if kind == 0:
            return content[:rng.randrange(len(content) + 1)]
        if kind == 1:
            for _ in range(rng.randrange(1, 20)):
                if content:
                    content[rng.randrange(min(len(content), 8192))] ^= 1 << rng.randrange(8)
            return content
        if kind == 2:
            other = rng.choice(others)
            return content[:rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1):]
        if kind == 3:
            lines = bytes(content).split(b'\n')
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            return b'\n'.join(lines)
        if kind == 4:
            return rng.randbytes(rng.randrange(4096))
        return bytes(len(content))

    def outcome(self, number, good):
        rng = random.Random(number)
        place = os.path.join(self.directory, 'damaged%d' % number)
        self.prepare(place)
        names = rng.sample(sorted(good), rng.randrange(1, 4))
        for name, path in self.paths(place).items():
            content = good[name]
            if name == 'wstan.conf':
                with open(path, 'rb') as f:
                    content = f.read()
            if name in names:
                content = self.damaged(content, rng, list(good.values()))
            with open(path, 'wb') as f:
                f.write(content)
        process = subprocess.Popen(
            [OURS, '--server', '--config', place + '/wstan.conf', '--log-format=text', '--log-level=info', '--listen=127.0.0.1:0'],
            env={**os.environ, 'RUNTIME_DIRECTORY': place + '/run'}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        try:
            return self.watch(process)
        finally:
            process.kill()
            process.wait(10)
            process.stderr.close()
            # Ten megabytes of journal for each start.
            shutil.rmtree(place)

    def watch(self, process):
        said = b''
        serves = False
        deadline = time.monotonic() + 30
        for line in process.stderr:
            said += line
            if b'listening' in line and not serves:
                serves = True
                process.send_signal(signal.SIGTERM)
            if time.monotonic() > deadline:
                return 'hangs: %s' % said[-500:]
        status = process.wait(20)
        if status < 0 or b'Fatal error' in said or not said:
            return 'crashes (%d): %s' % (status, said[-500:])
        return 'serves' if serves else 'ends' if status else 'ends without a fault: %s' % said[-300:]
