"""What systemd does for a service, by its own tools and by a fake of the rest: sockets, signs of life, the journal, units."""
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from helpers import ROOT
from helpers.peers import agent
from helpers.peers.target import echo
from helpers.process import CTL, OURS, free_port
from helpers.scenario import TARGETS_HERE, Scenario
from helpers.waiting import eventually

UNITS = os.path.join(ROOT, 'contrib/systemd')
WRONG_CONFIGURATION = 78
EPOLL_WAIT = ('232', '281', '22')  # epoll_wait and epoll_pwait of x86_64, epoll_pwait of others


# Puts descriptors where a service manager would, says in the environment whose they are, and becomes the program.
LAUNCHER = '''
import fcntl, os, sys
numbers, names, program = sys.argv[1], sys.argv[2], sys.argv[3:]
held = [fcntl.fcntl(int(n), fcntl.F_DUPFD, 100) for n in numbers.split(',')]
for index, descriptor in enumerate(held):
    os.dup2(descriptor, 3 + index)
    os.close(descriptor)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(held)), LISTEN_FDNAMES=names)
os.execv(program[0], program)
'''


class Service(Scenario):
    """Starts wstand as a service manager does."""

    def notify_socket(self):
        self.notify = self.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.notify.settimeout(10)
        path = os.path.join(self.directory, 'notify')
        self.notify.bind(path)
        return path

    def message(self, key, within=10):
        """The next message to the service manager with `key`, as a dictionary; what was told before it is left behind."""
        self.notify.settimeout(within)
        while True:
            lines = dict(line.split('=', 1) for line in self.notify.recv(8192).decode().splitlines())
            if key in lines:
                return lines

    def listening(self, kind=socket.SOCK_STREAM, listens=True):
        s = self.keep(socket.socket(socket.AF_INET, kind))
        s.bind(('127.0.0.1', 0))
        if kind == socket.SOCK_STREAM and listens:
            s.listen(16)
        return s

    def listening_path(self, name):
        s = self.keep(socket.socket(socket.AF_UNIX))
        s.bind(os.path.join(self.directory, name))
        s.listen(16)
        return s

    def activated(self, name, sockets, arguments):
        """A wstand that gets `sockets`, pairs of a name and a socket."""
        numbers = [s.fileno() for _, s in sockets]
        launcher = [sys.executable, '-c', LAUNCHER, ','.join(map(str, numbers)), ':'.join(n for n, _ in sockets), OURS]
        return self.start(name, launcher, *arguments, inherited=numbers)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, 'w') as f:
            f.write(text)
        return path

    def assertRefuses(self, sockets, *words):
        process = self.activated('refused', sockets, ['-s', 'ws://127.0.0.1:%d' % free_port(), self.key])
        self.assertEqual(process.exit_status(), WRONG_CONFIGURATION)
        for word in words:
            self.assertIn(word, process.log())


class Activation(Service):
    def test_listeners(self):
        """A server accepts on every socket that was passed, and does not open `listen`."""
        one, other, path = self.listening(), self.listening(), self.listening_path('listener')
        unopened = free_port()
        server = self.activated('server', [('listen', one), ('wstand.socket', other), ('listen', path)],
                                ['-s', 'ws://127.0.0.1:%d' % unopened, self.key, TARGETS_HERE])
        server.await_log('notice: wstand')
        server.await_log(r'notice: sockets that were passed take the place of listen = 127.0.0.1:%d' % unopened)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', unopened), 1)
        target = self.target(echo)
        for listener in one, other:
            server.port = listener.getsockname()[1]
            client = self.client(server)
            with agent.socks5(client.port, '127.0.0.1', target.port) as s:
                self.assertTrue(agent.echoes(s, b'by a passed socket'))
        s = self.keep(socket.socket(socket.AF_UNIX))
        s.settimeout(5)
        s.connect(path.getsockname())
        s.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        self.assertTrue(s.recv(100).startswith(b'HTTP/1.1 404'))

    def test_client_with_forwards(self):
        """A client's listener and its forwards, TCP, UDP and a Unix socket, each by its name; what is not passed is opened."""
        target = self.target(echo)
        datagrams = self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(('127.0.0.1', 0))
        server = self.server()
        own = free_port()
        listener, forward, udp, path = self.listening(), self.listening(), self.listening(socket.SOCK_DGRAM), self.listening_path('db')
        config = self.write('client.conf', '''mode = client
uri = ws://127.0.0.1:%d/
key = %s
[forward db]
listen = 127.0.0.1:%d
target = 127.0.0.1:%d
[forward dns]
listen = 127.0.0.1:%d
target = 127.0.0.1:%d
protocol = udp
[forward own]
listen = 127.0.0.1:%d
target = 127.0.0.1:%d
''' % (server.port, self.key, free_port(), target.port, free_port(), datagrams.getsockname()[1], own, target.port))
        os.chmod(config, 0o600)
        client = self.activated('client', [('listen', listener), ('forward-db', forward), ('forward-dns', udp), ('forward-db', path)],
                                ['--config', config])
        client.await_port(own)
        with agent.socks5(listener.getsockname()[1], '127.0.0.1', target.port) as s:
            self.assertTrue(agent.echoes(s, b'by the listener'))
        for port in forward.getsockname()[1], own:
            with socket.create_connection(('127.0.0.1', port), 5) as s:
                self.assertTrue(agent.echoes(s, b'forward'))
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(path.getsockname())
            self.assertTrue(agent.echoes(s, b'forward by path'))
        source = self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        source.settimeout(5)
        datagrams.settimeout(5)
        source.sendto(b'question', udp.getsockname())
        data, peer = datagrams.recvfrom(100)
        datagrams.sendto(b'answer to ' + data, peer)
        self.assertEqual(source.recvfrom(100), (b'answer to question', udp.getsockname()))
        client.signal(signal.SIGTERM)
        self.assertEqual(client.exit_status(), 0)

    def test_two_stacks(self):
        """A passed socket for both families: a client of IPv4 there is known by its own address, as loopback."""
        if not socket.has_dualstack_ipv6():
            self.skipTest('no IPv6 here')
        s = self.keep(socket.socket(socket.AF_INET6))
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(('::', 0))
        s.listen(16)
        server = self.activated('server', [('listen', s)], ['-s', 'ws://127.0.0.1:1', self.key, TARGETS_HERE, '--log-level=info'])
        server.port = s.getsockname()[1]
        client = self.client(server)
        with agent.socks5(client.port, '127.0.0.1', self.target(echo).port) as a:
            self.assertTrue(agent.echoes(a, b'two stacks'))
        server.await_log(r'tunnel opened.*peer=127\.0\.0\.1:')

    def test_control_socket(self):
        """The control socket by its name: wstanctl reaches it, it tells which listeners were passed, and its file stays."""
        listener, control = self.listening(), self.listening_path('control')
        server = self.activated('server', [('varlink', control), ('listen', listener)],
                                ['-s', 'ws://127.0.0.1:1', self.key])
        said = subprocess.run([CTL, 'status', '--json', '--socket', control.getsockname()], capture_output=True, text=True, timeout=20)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertEqual(json.loads(said.stdout)['listeners'],
                         [{'name': 'listen', 'address': '127.0.0.1:%d' % listener.getsockname()[1], 'activated': True}])
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_status(), 0)
        self.assertTrue(os.path.exists(control.getsockname()))
        # Whoever passed it has it still: the next one could serve it.
        waiting = self.keep(socket.socket(socket.AF_UNIX))
        waiting.connect(control.getsockname())

    def test_listen_elsewhere(self):
        """A `listen` of its own that the passed socket does not serve is a warning of the check, and one that it serves is none."""
        listener, control = self.listening(), self.listening_path('control')
        port, unopened = listener.getsockname()[1], free_port()
        for listen, status in ('127.0.0.1:%d' % unopened, 1), ('127.0.0.1:%d' % port, 0), ('0.0.0.0:%d' % port, 1):
            config = self.write('server.conf', 'mode = server\nuri = ws://127.0.0.1:1/\nkey = %s\n[server]\nlisten = %s\n' % (self.key, listen))
            os.chmod(config, 0o600)
            server = self.activated('server', [('varlink', control), ('listen', listener)], ['--config', config])
            said = subprocess.run([CTL, 'check', '--socket', control.getsockname()], capture_output=True, text=True, timeout=20)
            self.assertEqual(said.returncode, status, said.stdout + said.stderr)
            if status:
                self.assertIn('listen = %s is not in force: systemd listens on 127.0.0.1:%d' % (listen, port), said.stdout)
            server.signal(signal.SIGTERM)
            self.assertEqual(server.exit_status(), 0)

    def test_reload(self):
        """What was passed stays, whatever the file says to listen on, which is told; a forward that has one cannot go."""
        server, echoing = self.server(), self.target(echo)
        listener, forward, control = self.listening(), self.listening(), self.listening_path('control')
        unopened = free_port()

        def configure(*lines):
            path = self.write('client.conf', '\n'.join((
                'mode = client', 'uri = ws://127.0.0.1:%d/' % server.port, 'key = ' + self.key, '[client]', *lines, '')))
            os.chmod(path, 0o600)
            return path

        def reload(status):
            said = subprocess.run([CTL, 'reload', '--socket', control.getsockname()], capture_output=True, text=True, timeout=20)
            self.assertEqual(said.returncode, status, said.stdout + said.stderr)
            return said.stdout + said.stderr

        def assertServes():
            with agent.socks5(listener.getsockname()[1], '127.0.0.1', echoing.port) as s:
                self.assertTrue(agent.echoes(s, b'by the listener'))
            with agent.dial(forward.getsockname()[1]) as s:
                self.assertTrue(agent.echoes(s, b'forward'))

        db = '[forward db]\nlisten = 127.0.0.1:%d\ntarget = 127.0.0.1:%d' % (unopened, echoing.port)
        client = self.activated('client', [('listen', listener), ('forward-db', forward), ('varlink', control)], ['--config', configure(db)])
        client.await_log('notice: wstand')
        assertServes()
        configure('listen = 127.0.0.1:%d' % unopened, 'early-reply = no', db)
        text = reload(0)
        self.assertIn('Applied: [client] early-reply\n', text)
        self.assertRegex(text, r'listen = 127.0.0.1:%d is not opened: sockets that were passed' % unopened)
        self.assertRaises(ConnectionRefusedError, socket.create_connection, ('127.0.0.1', unopened), 5)
        assertServes()
        configure()
        self.assertIn('forward-db', reload(78))
        assertServes()
        client.signal(signal.SIGTERM)
        self.assertEqual(client.exit_status(), 0)

    def test_names(self):
        """A name that means nothing is an error that lists those that do, and no reason to try again."""
        listener = self.listening()
        self.assertRefuses([('listen', listener), ('lisden', listener)], '"lisden"', 'is one of listen, varlink')
        self.assertRefuses([('forward-db', listener)], '"forward-db"', 'is one of listen, varlink')

    def test_kinds(self):
        """A socket of another kind than its name wants is an error that says which it has to be."""
        self.assertRefuses([('listen', self.listening(socket.SOCK_DGRAM))], 'a stream socket that listens')
        self.assertRefuses([('listen', self.listening(listens=False))], 'does not listen')
        self.assertRefuses([('varlink', self.listening())], 'a Unix stream socket')

    def test_others_sockets(self):
        """Sockets for another process, by LISTEN_PID, are none of ours: `listen` is opened."""
        port = free_port()
        variables = ['LISTEN_PID=1', 'LISTEN_FDS=1', 'LISTEN_FDNAMES=nonsense']
        server = self.start('server', ['env', *variables, OURS], '-s', 'ws://127.0.0.1:%d' % port, self.key)
        server.await_port(port)

    def test_restart(self):
        """Nobody is refused while one process ends and the next begins: the socket that both are given holds the newcomers."""
        listener = self.listening()
        arguments = ['-s', 'ws://127.0.0.1:1', self.key, TARGETS_HERE, '--drain-timeout=0s']
        first = self.activated('first', [('listen', listener)], arguments)
        first.await_log('notice: wstand')
        first.signal(signal.SIGTERM)
        self.assertEqual(first.exit_status(), 0)
        early = self.keep(socket.create_connection(listener.getsockname(), 5))
        early.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        self.activated('second', [('listen', listener)], arguments)
        early.settimeout(10)
        self.assertTrue(early.recv(100).startswith(b'HTTP/1.1 404'))


class SocketActivate(Service):
    """By systemd's own tool."""

    def setUp(self):
        super().setUp()
        if not shutil.which('systemd-socket-activate'):
            self.skipTest('systemd-socket-activate is not installed (Debian: systemd)')

    def activate(self, ports, names, *arguments):
        notify = self.notify_socket()
        options = [o for port in ports for o in ('-l', '127.0.0.1:%d' % port)]
        return self.start('server', ['systemd-socket-activate', *options, '--fdname=' + ':'.join(names), '-E', 'NOTIFY_SOCKET=' + notify,
                                     OURS], *arguments)

    def test_activation(self):
        """The first connection starts it and is served; readiness comes when all listeners accept, STOPPING with SIGTERM."""
        ports = [free_port(), free_port()]
        server = self.activate(ports, ['listen', 'listen'], '-s', 'ws://127.0.0.1:1', self.key, TARGETS_HERE)
        server.await_log('listening on')  # systemd-socket-activate says so
        with socket.create_connection(('127.0.0.1', ports[0]), 5) as s:
            s.settimeout(10)
            s.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
            self.assertTrue(s.recv(100).startswith(b'HTTP/1.1 404'))
        ready = self.message('READY')
        for port in ports:
            self.assertIn('127.0.0.1:%d' % port, ready['STATUS'])
        server.port = ports[1]
        client = self.client(server)
        with agent.socks5(client.port, '127.0.0.1', self.target(echo).port) as s:
            self.assertTrue(agent.echoes(s, b'activated'))
        server.signal(signal.SIGTERM)
        self.assertGreater(int(self.message('STOPPING')['EXTEND_TIMEOUT_USEC']), 1_000_000)
        self.assertEqual(server.exit_status(), 0)

    def test_unknown_name(self):
        """A name that means nothing: status 78, and why, also for `systemctl status`."""
        port = free_port()
        server = self.activate([port], ['web'], '-s', 'ws://127.0.0.1:1', self.key)
        server.await_log('listening on')
        socket.create_connection(('127.0.0.1', port), 5).close()
        self.assertEqual(server.exit_status(), WRONG_CONFIGURATION)
        self.assertIn('"web"', server.log())
        self.assertIn('"web"', self.message('STATUS')['STATUS'])


class Life(Service):
    def test_ready_only_when_listening(self):
        """One that cannot listen never says READY, but why."""
        taken = self.listening()
        server = self.start('server', ['env', 'NOTIFY_SOCKET=' + self.notify_socket(), OURS],
                            '-s', 'ws://127.0.0.1:%d' % taken.getsockname()[1], self.key)
        self.assertEqual(server.exit_status(), 1)
        told = self.notify.recv(8192).decode()
        self.assertIn('STATUS=cannot listen', told)
        self.assertNotIn('READY', told)
        self.notify.settimeout(0.2)
        self.assertRaises(TimeoutError, self.notify.recv, 8192)

    def test_status_line(self):
        """A drain, its end and a reload are in the line within seconds, though a sign of life comes every ten."""
        port, control = free_port(), os.path.join(self.directory, 'control')
        server = self.start('server', ['env', 'NOTIFY_SOCKET=' + self.notify_socket(), OURS], '-s', 'ws://127.0.0.1:%d' % port, self.key,
                            '--control-socket=' + control)
        server.await_port(port)

        def await_line(pattern):
            while not re.search(pattern, self.message('STATUS', within=5)['STATUS']):
                pass
        await_line('^0 tunnels in use')
        for command, line in ('drain', '^Draining: '), ('undrain', '^0 tunnels in use'), ('reload', '^0 tunnels in use'):
            subprocess.run([CTL, command, '--socket', control], check=True, capture_output=True, timeout=20)
            await_line(line)

    def test_hung_loop(self):
        """One thread that is held, while all others run, silences the watchdog until it goes on."""
        notify = self.notify_socket()
        port = free_port()
        server = self.start('server', ['env', 'NOTIFY_SOCKET=' + notify, 'WATCHDOG_USEC=400000', OURS],
                            '-s', 'ws://127.0.0.1:%d' % port, '--threads=2', self.key)
        server.await_port(port)
        self.message('WATCHDOG')
        thread = self.worker_thread(server.popen.pid)
        held = HeldThread(thread)
        if not held.works:
            self.skipTest('no thread of another process may be held here (ptrace)')
        try:
            self.notify.settimeout(1)  # more than two signs of life
            with self.assertRaises(TimeoutError):
                for _ in range(20):
                    self.notify.recv(8192)
            socket.create_connection(('127.0.0.1', port), 2).close()  # the one that accepts turns
            server.await_log('a thread has not turned')
        finally:
            held.release()
        self.message('WATCHDOG')

    def test_third_signal(self):
        """The third signal ends a process whose first thread is held."""
        port = free_port()
        server = self.start('server', OURS, '-s', 'ws://127.0.0.1:%d' % port, self.key)
        server.await_port(port)
        if not HeldThread(server.popen.pid).works:
            self.skipTest('no thread of another process may be held here (ptrace)')
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGQUIT:  # two of a kind could become one
            server.signal(number)
        self.assertEqual(server.exit_status(5), 1)

    def worker_thread(self, pid):
        """One that waits in epoll_wait and is not the first."""
        def waits(thread):
            with open('/proc/%d/task/%d/syscall' % (pid, thread)) as f:
                return f.read().split()[0] in EPOLL_WAIT

        def find():
            return [t for t in map(int, os.listdir('/proc/%d/task' % pid)) if t != pid and waits(t)]
        try:
            return eventually(find, 'a second thread waits in epoll_wait')[0]
        except OSError:
            self.skipTest('what a thread does is not shown here (/proc/PID/task/TID/syscall)')


class HeldThread:
    """Holds one thread of another process, as a debugger does."""
    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
    WALL = 0x40000000

    def __init__(self, thread):
        self.thread = thread
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.works = self.libc.ptrace(self.SEIZE, thread, None, None) == 0
        if self.works:
            self.libc.ptrace(self.INTERRUPT, thread, None, None)
            os.waitpid(thread, self.WALL)

    def release(self):
        self.libc.ptrace(self.DETACH, self.thread, None, None)


class Journal(Service):
    """A fake journal in a file system of its own, and a stderr that leads to it."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or not shutil.which('unshare'):
            self.skipTest('a journal of its own needs root')
        self.place = tempfile.mkdtemp(prefix='wstan-journal.')
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        self.journal = self.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.journal.bind(os.path.join(self.place, 'socket'))
        self.journal.settimeout(10)

    def daemon(self, *options, stream=True):
        """The shell finds out what its stderr is, as systemd does when it connects it."""
        script = ('mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind "$0" /run/systemd/journal && '
                  'export JOURNAL_STREAM=%s && exec "$@"' % ('$(stat -L -c %d:%i /proc/self/fd/2)' if stream else '1:1'))
        port = free_port()
        probe = subprocess.run(['unshare', '-m', 'true'], capture_output=True)
        if probe.returncode:
            self.skipTest('no mount namespaces here')
        server = self.start('server', ['unshare', '-m', 'sh', '-c', script, self.place, OURS], '-s', 'ws://127.0.0.1:%d' % port,
                            self.key, *options)
        server.port = port
        server.await_port(port)
        return server

    def entry(self, where):
        """The next entry of which `where` holds, as a dictionary."""
        while True:
            data = self.journal.recv(1 << 16)
            fields = dict(line.split('=', 1) for line in data.decode().rstrip('\n').split('\n'))
            if where(fields):
                return fields

    def test_fields(self):
        """Entries have priority, id and fields of their own; stderr stays empty."""
        server = self.daemon()
        started = self.entry(lambda e: 'listening on' in e['MESSAGE'])
        self.assertEqual(started['PRIORITY'], '5')
        self.assertRegex(started['MESSAGE_ID'], '^[0-9a-f]{32}$')
        self.assertEqual(started['SYSLOG_IDENTIFIER'], 'wstand')
        client = self.client(server, key=self.key[:2] + ('A' if self.key[2] != 'A' else 'B') + self.key[3:])
        with self.assertRaises((OSError, EOFError, agent.Refused)):
            with agent.socks5(client.port, '127.0.0.1', 9) as s:
                if not agent.echoes(s, b'with a wrong key'):
                    raise EOFError
        refused = self.entry(lambda e: 'WSTAN_REASON' in e)
        self.assertEqual(refused['WSTAN_REASON'], 'bad-authentication')
        self.assertRegex(refused['WSTAN_PEER'], r'^127\.0\.0\.1:\d+$')
        self.assertIn('reason=bad-authentication', refused['MESSAGE'])
        self.assertNotEqual(refused['MESSAGE_ID'], started['MESSAGE_ID'])
        self.assertEqual(server.log(), '')

    def test_journal_that_does_not_read(self):
        """A journal whose socket is full holds nobody up."""
        self.journal.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server = self.daemon('--log-level=debug', TARGETS_HERE)
        target = self.target(echo)
        client = self.client(server)
        for _ in range(40):
            with agent.socks5(client.port, '127.0.0.1', target.port) as s:
                self.assertTrue(agent.echoes(s, b'nobody reads the log'))
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_status(8), 0)

    def test_redirected(self):
        """With the variable inherited and stderr something else it is the latter that gets the log, as for people."""
        server = self.daemon(stream=False)
        server.await_log(r'T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) notice: wstand')

    def test_formats(self):
        """text keeps to stderr, with the priority in front; json is an object on each line."""
        server = self.daemon('--log-format=text')
        server.await_log('(?m)^<5>wstand .* server')
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_status(), 0)
        server = self.daemon('--log-format=json')
        server.await_log('listening on')
        for line in server.log().splitlines():
            self.assertLessEqual({'timestampUSec', 'level', 'message'}, set(json.loads(line)))


class Units(Service):
    """The units in contrib/systemd, by systemd's own judgement."""

    def setUp(self):
        super().setUp()
        if not shutil.which('systemd-analyze'):
            self.skipTest('systemd-analyze is not installed (Debian: systemd)')
        self.units = os.path.join(self.directory, 'units')
        os.mkdir(self.units)
        for path in glob.glob(os.path.join(UNITS, '*.service')) + glob.glob(os.path.join(UNITS, '*.socket')):
            self.install(path, self.units)

    def install(self, path, directory):
        """With programs that are there; templates as an instance, too."""
        with open(path) as f:
            text = f.read().replace('/usr/sbin/wstand', OURS).replace('/usr/bin/wstanctl', CTL)
        name = os.path.basename(path)
        for name in {name, name.replace('@.', '@home.')}:
            with open(os.path.join(directory, name), 'w') as f:
                f.write(text)

    def analyze(self, *arguments, **environment):
        done = subprocess.run(['systemd-analyze', *arguments], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, SYSTEMD_COLORS='0', **environment))
        return done.returncode, done.stdout + done.stderr

    def test_verify(self):
        """Nothing is to be said of any of them, whether for the system or for a user."""
        names = [n for n in sorted(os.listdir(self.units)) if '@.' not in n]
        self.assertEqual(len(names), 6)
        for name in names:
            with self.subTest(name):
                said = self.analyze('verify', '--man=no', os.path.join(self.units, name), SYSTEMD_UNIT_PATH=self.units + ':')
                self.assertEqual(said, (0, ''))
        user = os.path.join(self.directory, 'user')
        os.mkdir(user)
        self.install(os.path.join(UNITS, 'user', 'wstand.service'), user)
        said = self.analyze('--user', 'verify', '--man=no', os.path.join(user, 'wstand.service'), SYSTEMD_UNIT_PATH=user + ':',
                            XDG_RUNTIME_DIR=self.directory)
        self.assertEqual(said, (0, ''))

    def test_exposure(self):
        """What is left open is 1.3 of 10 at most, and a comment says of each why."""
        for name in 'wstand.service', 'wstand@home.service':
            with self.subTest(name):
                path = os.path.join(self.units, name)
                status, said = self.analyze('security', '--offline=yes', '--threshold=13', '--no-pager', path)
                self.assertEqual(status, 0, said)

    def test_template(self):
        """A template differs from the unit in names only."""
        def read(name):
            with open(os.path.join(UNITS, name)) as f:
                return f.read()
        for kind in 'wstand%s.service', 'wstand-control%s.socket':
            plain = [line for line in read(kind % '').splitlines() if not line.startswith('#')]
            template = [line for line in read(kind % '@').splitlines() if not line.startswith('#')]
            self.assertEqual(len(plain), len(template))
            for one, other in zip(plain, template):
                if one != other:
                    self.assertIn('%i', other)
                    named = other.replace('wstan.key:wstan.%i.key', 'wstan.key').replace('/etc/wstan/%i.conf', '/etc/wstan.conf')
                    self.assertEqual(re.sub(r'[@/ -]%i', '', named), one)
