"""Keys in memory: only where no core and no swap has them, and erased when they are retired."""
import base64
import json
import os

from helpers import memory
from helpers.control.controlled import ControlledPair
from helpers.peers import agent
from helpers.process import OURS, SANITIZER, free_port
from helpers.scenario import Scenario, binary_key
from helpers.waiting import eventually

PASSPHRASE = 'an old brass bell rings over the harbour'


def forms(key):
    """Of a key: its bytes and its text. The last characters of the text are few, and the same for many."""
    if key == PASSPHRASE:
        return [key.encode()]
    return [base64.b64decode(key), key[:22].encode()]


class Memory(Scenario):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('only root looks into the memory of a daemon')
        super().setUp()

    def assertKept(self, process, key):
        """It is where keys are, and nowhere else."""
        raw = memory.places(process.popen.pid, forms(key)[0])
        self.assertTrue(raw, 'the key is not in use')
        for needle in forms(key):
            # What the last message was in is given back, and erased, a moment after the reply.
            eventually(lambda: not self.unsafe(process, needle), '%r is in memory that a core has, or is not locked: %r'
                       % (needle, self.unsafe(process, needle)), 3)

    @staticmethod
    def unsafe(process, needle):
        return [place for place in memory.places(process.popen.pid, needle) if place.is_in_core or not place.is_locked]

    def assertGone(self, process, key):
        for needle in forms(key):
            # What the last message was in is given back a moment after the reply.
            eventually(lambda: not memory.places(process.popen.pid, needle),
                       'none of %r is left in %s: %r' % (needle, process.name, memory.places(process.popen.pid, needle)), 3)


class CommandLine(Memory):
    def test_key(self):
        """A key on the command line is erased there, too; ps shows as many x."""
        server = self.server()
        client = self.client(server)
        with agent.socks5(client.port, '127.0.0.1', self.target().port):
            for process in server, client:
                self.assertKept(process, self.key)
                self.assertGreater(memory.locked(process.popen.pid), 0)
                with open('/proc/%d/cmdline' % process.popen.pid, 'rb') as f:
                    words = f.read().split(b'\0')
                self.assertIn(b'x' * len(self.key), words)
                self.assertNotIn(self.key.encode(), b' '.join(words))

    def test_reload(self):
        """The arguments are still known when the configuration is read again."""
        server = self.server('--log-level=notice')
        server.signal(1)
        server.may_end = False
        server.await_log('configuration was read again')
        self.assertKept(server, self.key)

    def test_passphrase(self):
        server = self.server(key=PASSPHRASE)
        for needle in forms(PASSPHRASE):
            for mapping in memory.places(server.popen.pid, needle):
                self.assertTrue(mapping.is_locked and not mapping.is_in_core, repr(mapping))

    def test_environment(self):
        """It is erased where it came in."""
        port = free_port()
        os.environ['WSTAN_TEST_KEY'] = self.key
        try:
            server = self.start('server', OURS, '-s', 'ws://127.0.0.1:%d' % port, '--key-file', 'env:WSTAN_TEST_KEY')
        finally:
            del os.environ['WSTAN_TEST_KEY']
        server.await_port(port)
        self.assertKept(server, self.key)

    def test_limit(self):
        """Where little may be locked the keys are in no core all the same, and the daemon runs."""
        import resource

        def prepare():
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        os.chmod(self.directory, 0o777)
        server = self.server('--log-level=info', prepare=prepare)
        server.await_log('keys are in memory that may be swapped')
        for needle in forms(self.key):
            for mapping in memory.places(server.popen.pid, needle):
                self.assertFalse(mapping.is_in_core, repr(mapping))


class Retired(Memory, ControlledPair):
    def read_key(self, *arguments, **options):
        reply = json.loads(self.ctl(*arguments, '--json', **options))
        return reply['id'], reply.get('key')

    def use(self):
        self.assertConnects()
        self.ctl('status')
        self.ctl('keys')

    def test_rotated(self):
        """After retire-key neither its bytes nor its text are anywhere."""
        self.use()
        self.assertKept(self.wstan_server, self.key)
        self.assertKept(self.wstan_client, self.key)
        former = json.loads(self.ctl('keys', '--json').splitlines()[0])['id']
        _, key = self.read_key('rotate-key')
        self.assertKept(self.wstan_server, key)
        self.ctl('rotate-key', '--key-file', '-', to='client', stdin=key + '\n')
        self.assertConnects()
        self.ctl('retire-key', former, '--close')
        self.assertGone(self.wstan_server, self.key)
        self.assertKept(self.wstan_server, key)
        self.assertKept(self.wstan_client, key)
        self.assertConnects()

    def test_added(self):
        """A key that was made, a key that was given, a passphrase, and a reload in between."""
        made, key = self.read_key('add-key', 'phone')
        given = binary_key()
        second, _ = self.read_key('add-key', 'tablet', '--key-file', '-', stdin=given + '\n')
        third, _ = self.read_key('add-key', 'laptop', '--key-file', '-', '--passphrase', stdin=PASSPHRASE + '\n')
        self.assertIn(key, self.ctl('client-config', '--key', 'phone'))
        self.ctl('reload')
        for text in key, given:
            self.assertKept(self.wstan_server, text)
        self.assertGone(self.wstan_server, PASSPHRASE)  # only what was made of it is kept
        for identity in made, second, third:
            self.ctl('retire-key', identity)
        for text in key, given:
            self.assertGone(self.wstan_server, text)


class Dumps(Memory):
    def test_none(self):
        """No core, and no look into it for another process of its user."""
        os.chmod(self.directory, 0o777)
        server = self.server(prepare=lambda: (os.setgroups([]), os.setgid(65534), os.setuid(65534)))
        with open('/proc/%d/limits' % server.popen.pid) as f:
            self.assertRegex(f.read(), r'Max core file size\s+0\s+0 ')
        self.assertEqual(os.stat('/proc/%d/environ' % server.popen.pid).st_uid, 0)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                try:
                    open('/proc/%d/mem' % server.popen.pid, 'rb').close()
                except PermissionError:
                    status = 0
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
