"""What users of this host who may only look can do to the control socket: see roughly how it is, and slow nobody."""
import json
import os
import socket
import time

from helpers.control.controlled import ControlledPair, Varlink
from helpers.process import NOBODY, as_nobody

STATUS = b'{"method":"org.wstan.control.GetStatus"}\0'


def call_in_a_loop(path, seconds, connects):
    """How many answers there were."""
    answers = 0
    end = time.monotonic() + seconds
    connection = None
    while time.monotonic() < end:
        try:
            if connection is None or connects:
                if connection is not None:
                    connection.close()
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(max(0.01, end - time.monotonic()))
                connection.connect(path)
            connection.sendall(STATUS)
            data = b''
            while not data.endswith(b'\0'):
                part = connection.recv(1 << 16)
                if not part:
                    raise OSError
                data += part
            answers += b'"parameters"' in data
        except OSError:
            connection = None
    return answers


class Strangers(ControlledPair):
    LOOP = 3  # seconds

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('only root can become somebody else')
        super().setUp()

    def as_stranger(self, work):
        """Runs it as another user in a process of its own; `finish()` of what is returned gives its number."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                as_nobody()
                os.write(write, b'%d' % work())
            finally:
                os._exit(0)
        os.close(write)

        def finish():
            os.waitpid(child, 0)
            with os.fdopen(read) as f:
                return int(f.read() or -1)
        return finish

    def seconds_of_processor(self):
        with open('/proc/%d/stat' % self.wstan_server.popen.pid) as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def test_loops(self):
        """Who calls in a loop is answered a few times a second; root is answered at once, and little work is done."""
        for connects in False, True:
            with self.subTest(connects=connects):
                loops = [self.as_stranger(lambda: call_in_a_loop(self.socket('server'), self.LOOP, connects)) for _ in range(3)]
                before, slowest = self.seconds_of_processor(), 0
                end = time.monotonic() + self.LOOP
                while time.monotonic() < end:
                    start = time.monotonic()
                    self.assertIn('parameters', Varlink(self.socket('server')).call('org.wstan.control.GetStatus'))
                    slowest = max(slowest, time.monotonic() - start)
                    time.sleep(0.05)
                answers = sum(loop() for loop in loops)
                used = self.seconds_of_processor() - before
                # 20 at once, then 10 a second, of one user however many processes it has.
                self.assertGreater(answers, 5)
                self.assertLess(answers, 20 + 10 * (self.LOOP + 2) + 10)
                self.assertLess(slowest, 1)
                self.assertLess(used, self.LOOP * 0.6)
        self.assertConnects()

    def test_restricted(self):
        """No URI, no address, no number to the byte."""
        s = self.connect()
        s.sendall(os.urandom(12345))
        s.close()

        def look():
            replies = []
            for to in 'server', 'client':
                reply = Varlink(self.socket(to)).call('org.wstan.control.GetStatus')['parameters']
                replies.append(reply)
            with open(os.path.join(self.directory, 'seen'), 'w') as f:
                json.dump(replies, f)
            return 1
        os.chmod(self.directory, 0o777)
        self.assertEqual(self.as_stranger(look)(), 1)
        os.chmod(self.directory, 0o755)
        with open(os.path.join(self.directory, 'seen')) as f:
            text = f.read()
        self.assertNotIn('://', text)
        self.assertNotIn('127.0.0.1', text)
        self.assertNotIn(str(self.port), text)
        for reply in json.loads(text):
            self.assertTrue(reply['restricted'])
            self.assertEqual(reply['listeners'], [])
            self.assertEqual(reply['statusText'], reply['mode'])
            self.assertEqual((reply['bytesReceived'] % 1_000_000, reply['bytesSent'] % 1_000_000), (0, 0))
        self.assertEqual(self.status()['restricted'] if 'restricted' in self.status() else False, False)

    def test_sessions(self):
        """A user who may only look holds a few connections; the others are another user's."""
        def hold():
            kept = []
            for _ in range(30):
                s = socket.socket(socket.AF_UNIX)
                s.settimeout(2)
                s.connect(self.socket('server'))
                kept.append(s)
            last = Varlink(self.socket('server'))
            alive = 'parameters' in (last.call('org.wstan.control.GetStatus') or {})
            gone = 0
            for s in kept:
                try:
                    gone += s.recv(1) == b''
                except TimeoutError:
                    pass
            return gone if alive else -1
        self.assertGreaterEqual(self.as_stranger(hold)(), 22)
        self.assertIn('parameters', Varlink(self.socket('server')).call('org.wstan.control.GetStatus'))
