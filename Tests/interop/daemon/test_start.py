"""How the programs start: arguments, descriptors, key text, the environment, listeners; and the signals that they get."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import unittest

from helpers.network.namespaces import Namespace, need_namespaces
from helpers.passwords import HASHES, PASSWORD
from helpers.peers import agent
from helpers.peers.target import echo, read_exactly
from helpers.process import CTL, OURS, free_port, without_proxies
from helpers.scenario import Scenario
from helpers.waiting import eventually

# What sets a variable in its constructor, as libfaketime does.
SETENV = '#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { setenv("SOMETHING", "1", 1); }\n'


class Start(Scenario):
    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), 'wb') as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(self.path(name), 0o600)
        return self.path(name)

    def run_to_end(self, *command, **options):
        return subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, **options)

    def assertCarries(self, client):
        with agent.socks5(client.port, '127.0.0.1', self.target(echo).port) as s:
            self.assertTrue(agent.echoes(s, b'through the tunnel'))


class Arguments(Start):
    """The arguments are those of main, whatever has happened to the environment."""

    def test_preloaded_library(self):
        """A library in LD_PRELOAD that calls setenv takes no arguments away."""
        compiler = shutil.which('cc') or shutil.which('gcc') or shutil.which('clang')
        if not compiler:
            self.skipTest('no C compiler')
        library = self.path('p.so')
        subprocess.run([compiler, '-shared', '-fPIC', '-o', library, self.write('p.c', SETENV)], check=True)
        for program in OURS, CTL:
            wanted = self.run_to_end(program, '--version')
            found = self.run_to_end(program, '--version', env={**os.environ, 'LD_PRELOAD': library})
            self.assertEqual((found.returncode, found.stdout), (0, wanted.stdout), found.stderr)
        found = self.run_to_end(OURS, '-s', 'ws://127.0.0.1:1/', env={**os.environ, 'LD_PRELOAD': library})
        self.assertIn('no key', found.stderr)

    def test_many_and_strange_arguments(self):
        """Empty arguments, blanks and bytes that are no UTF-8 arrive."""
        done = self.run_to_end(OURS, '', 'a b')
        self.assertEqual(done.returncode, 64)
        self.assertNotIn('what to do is missing', done.stderr)
        done = subprocess.run([OURS, '--version', b'\xff\xfe'], capture_output=True, timeout=10)
        self.assertEqual(done.returncode, 0)

    def test_chroot_without_proc(self):
        """In a chroot without /proc and /dev both programs have their arguments and their standard streams."""
        if os.geteuid() != 0:
            self.skipTest('chroot needs root')
        root = self.path('root')
        for program in OURS, CTL:
            needed = self.run_to_end('ldd', program).stdout
            for library in {os.path.realpath(program), *re.findall(r'(/\S+) \(0x', needed)}:
                os.makedirs(root + os.path.dirname(library), exist_ok=True)
                shutil.copy(library, root + library)
        for program in OURS, CTL:
            done = self.run_to_end('chroot', root, os.path.realpath(program), '--version')
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r'^wstan\S+ \d')
        # With nothing open and no /dev/null either, the exit status is the same.
        closed = self.run_to_end('sh', '-c', 'exec chroot "$0" "$@" 0<&- 1>&- 2>&-', root, os.path.realpath(OURS), '--version')
        self.assertEqual(closed.returncode, 0)


class Descriptors(Start):
    """Descriptors 0 to 2 that are closed at the start are opened on /dev/null."""

    def test_daemons(self):
        """A pair that was started with some of them closed carries bytes, and its log goes into none of its sockets."""
        key = self.write('key', self.key)
        for closed in (2,), (0, 1, 2), (0,):
            def prepare(closed=closed):
                for number in closed:
                    os.close(number)
            server = self.server('-d', '--key-file', key, prepare=prepare)
            client = self.client(server, '-d', '--key-file', key, prepare=prepare)
            self.assertCarries(client)
            for process in server, client:
                for number in closed:
                    self.assertEqual(os.readlink('/proc/%d/fd/%d' % (process.popen.pid, number)), '/dev/null')

    def test_wstanctl(self):
        """wstanctl ends with its status although nothing can be printed."""
        for closed in '2>&-', '0<&- 1>&- 2>&-':
            done = subprocess.run(['sh', '-c', 'exec "$0" --socket /nothing status %s' % closed, CTL], timeout=10)
            self.assertEqual(done.returncode, 3)


class KeyText(Start):
    """One key, whatever an editor, a shell, a secret store or a paste has left around it."""

    def test_environment(self):
        """The key of a variable is that of the file that the variable was made from."""
        for decoration in '', '\n', '\r\n', '\r', ' ', '\t\n', '\u00a0', '\ufeff':
            with self.subTest(decoration=repr(decoration)):
                os.environ['WSTAN_KEY_TEST'] = decoration + self.key + decoration
                self.addCleanup(os.environ.pop, 'WSTAN_KEY_TEST', None)
                server = self.server('--key-file', 'env:WSTAN_KEY_TEST')
                self.assertCarries(self.client(server, '--key-file', self.write('key', self.key + '\n')))

    def test_file_and_command_line(self):
        """A file with a byte order mark and a key with blanks around it on the command line are the same key."""
        server = self.server('--key-file', self.write('key', b'\xef\xbb\xbf\r\n  ' + self.key.encode() + b' \r\n# for the laptop\r\n'))
        self.assertCarries(self.client(server, key=' %s\n' % self.key))

    def test_passphrases(self):
        """A passphrase is one with blanks around it, or behind passphrase:, which says that it is one."""
        server = self.server(key='passphrase:598fb22aac25025c52b9b35754bac9b3')
        self.assertCarries(self.client(server, '--key-file', self.write('key', 'passphrase: 598fb22aac25025c52b9b35754bac9b3\n')))

    def test_mistakes(self):
        """A damaged key is an error that names where it stands and not what it is."""
        port = free_port()
        for text, about in ((self.key[:-2] + '=', 'damaged'), ("'%s'" % self.key, 'quotes'), ('A fresh random key: ' + self.key, 'more than a key'),
                            ('598fb22aac25025c52b9b35754bac9b3', 'hexadecimal'), (self.key.replace('=', ''), 'padding|alphabet')):
            key = self.write('key', text + '\n')
            for arguments, place in (('--key-file', key), key), (('--key-file', 'env:K'), 'the variable K'):
                done = self.run_to_end(OURS, '-s', 'ws://127.0.0.1:%d/' % port, *arguments, env={**os.environ, 'K': text})
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertRegex(done.stderr, r'\A\S+: the key in %s (?:is|looks) .*(?:%s).*\n\Z' % (re.escape(place), about))
                self.assertNotIn(self.key[:10], done.stderr)

    def test_generated_into_a_file(self):
        """What wstand -g writes into a file is a key file."""
        key = self.write('key', self.run_to_end(OURS, '-g').stdout)
        server = self.server('--key-file', key)
        self.assertCarries(self.client(server, key=open(key).read().strip()))


class Environment(Start):
    def test_unusable_proxy(self):
        """A proxy of the environment that cannot be used is an error at the start and in a check: nothing goes around it."""
        config = self.write('w.conf', 'uri = ws://server.example.com/\nkey = %s\n[client]\nlisten = 127.0.0.1:%d\n' % (self.key, free_port()))
        for name in 'HTTPS_PROXY', 'all_proxy':
            for more in (), ('--check-config',):
                done = self.run_to_end(OURS, '--config', config, *more, env={**without_proxies(), name: 'socks4://u:secret@proxy.example.com'})
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertRegex(done.stderr, 'the variable %s of the environment: .*proxy = none' % name)
                self.assertNotIn('secret', done.stderr)
            done = self.run_to_end(OURS, '--config', config, '--check-config', '--proxy=none', env={**without_proxies(), name: 'x://y'})
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_users_file(self):
        """A line of a users-file that cannot be used is named, at the start and in a check, and the other lines work."""
        # As htpasswd makes it without -B.
        users = self.write('users', 'old:$apr1$abcdefgh$dYq8mxpSPKCXg6UOgh9dz/\nanna:%s\nnothing\n' % HASHES['anna'])
        config = self.write('w.conf', 'uri = ws://127.0.0.1:9/\nkey = %s\n[client]\nusers-file = %s\n' % (self.key, users))
        done = self.run_to_end(OURS, '--config', config, '--check-config')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r'(?m)^%s:1:5: warning: line ignored: .*htpasswd -B' % re.escape(users))
        self.assertRegex(done.stderr, r'(?m)^%s:3:1: warning: line ignored: it has no colon' % re.escape(users))
        server = self.server()
        client = self.client(server, '--users-file=' + users)
        client.await_log(re.escape(users) + ':1:5: line ignored')
        for name, granted in ('anna', 0), ('old', 1):
            with agent.dial(client.port) as s:
                s.sendall(b'\5\1\2\1' + b''.join(bytes([len(word)]) + word for word in (name.encode(), PASSWORD.encode())))
                self.assertEqual(read_exactly(s, 4), bytes([5, 2, 1, granted]))

    def test_no_arguments(self):
        """Without arguments, wstand says in a few lines what is missing."""
        done = self.run_to_end(OURS)
        self.assertEqual((done.returncode, done.stdout), (64, ''))
        self.assertLess(len(done.stderr.splitlines()), 10)
        self.assertIn('--config /etc/wstan.conf', done.stderr)

    def test_own_configuration(self):
        """--check-config alone is about the user's own file, in which ~ is the user's directory."""
        os.mkdir(self.path('.config'))
        self.write('.config/wstan.conf', 'uri = ws://127.0.0.1:9/\nkey-file = ~/key\n')
        environment = {**without_proxies(), 'HOME': self.directory}
        environment.pop('XDG_CONFIG_HOME', None)
        self.assertIn(self.path('key'), self.run_to_end(OURS, '--check-config', env=environment).stderr)
        self.write('key', self.key)
        done = self.run_to_end(OURS, '--check-config', env=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ''))


class Signals(Start):
    def test_harmless_signals(self):
        """A signal that means nothing to a daemon ends none; SIGUSR1 logs the status."""
        server = self.server()
        client = self.client(server)
        numbers = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR,
                   signal.SIGPIPE, signal.SIGXFSZ, signal.SIGRTMIN, signal.SIGRTMAX, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG]
        for process in server, client:
            for number in numbers:
                process.popen.send_signal(number)
            process.await_log(r'status: \d+ tunnels? in use')
            self.assertIsNone(process.popen.poll())
        self.assertCarries(client)

    def test_signals_that_drain(self):
        """SIGQUIT and SIGXCPU end it as SIGTERM does: with a word, and status 0."""
        for number in signal.SIGQUIT, signal.SIGXCPU:
            server = self.server()
            server.signal(number)
            self.assertEqual(server.exit_status(4), 0)
            self.assertIn('stopping', server.log())

    def test_times(self):
        """The log's times are RFC 3339 with the offset of local time."""
        os.environ['TZ'] = 'XYZ-5:30'
        self.addCleanup(os.environ.pop, 'TZ', None)
        self.server().await_log(r'(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30 notice: ')
        json = self.server('--log-format=json')
        self.assertRegex(json.await_log('started|listening').string, r'"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+05:30"')


class OtherFiles(Start):
    """What is named as a file and is none is an error at once, and never a start that hangs."""

    def commands(self, path):
        key = self.write('key', self.key + '\n')
        yield 'key-file', (OURS, 'ws://127.0.0.1:9/', '--proxy=none', '--listen=127.0.0.1:0', '--key-file=' + path)
        yield 'config', (OURS, '--config', path)
        yield 'users-file', (OURS, 'ws://127.0.0.1:9/', '--proxy=none', '--listen=127.0.0.1:0', '--key-file=' + key, '--users-file=' + path)
        yield 'ca-file', (OURS, 'wss://127.0.0.1:9/', '--proxy=none', '--listen=127.0.0.1:0', '--key-file=' + key, '--tls-ca-file=' + path)
        yield 'certificate', (OURS, '-s', 'wss://127.0.0.1:0/', '--key-file=' + key, '--tls-certificate=' + path, '--tls-key=' + path)

    def test_no_file(self):
        """A directory and a device are named."""
        for path, words in (self.directory, 'it is a directory, not a file'), ('/dev/zero', 'it is a device, not a file'):
            for name, command in self.commands(path):
                with self.subTest(name=name, path=path):
                    done = self.run_to_end(*command)
                    self.assertEqual(done.returncode, 78, done.stderr)
                    self.assertIn(words, done.stderr)

    def files_of(self, process):
        """What it has open; it opens and closes files meanwhile."""
        folder, paths = '/proc/%d/fd' % process.popen.pid, []
        for fd in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                paths.append(os.readlink(os.path.join(folder, fd)))
        return paths

    def test_fifo_without_a_writer(self):
        """It is waited for with a bound, and SIGTERM ends that."""
        os.mkfifo(self.path('fifo'), 0o600)
        for name, command in self.commands(self.path('fifo')):
            with self.subTest(name=name):
                process = self.start('wstand', *command)
                process.may_end = True
                eventually(lambda: self.path('fifo') in self.files_of(process), 'the FIFO is open', 10, 0.02)
                process.popen.send_signal(signal.SIGTERM)
                process.exit_status(3)
        name, command = next(self.commands(self.path('fifo')))
        done = self.run_to_end(*command)
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr, 'key file .*/fifo: it is a pipe whose writer .* 5 seconds; name a regular file')

    def test_pipes(self):
        """What a shell hands over by <(...) is read, be its writer slow."""
        key = self.write('slow', self.key)
        line = '%s ws://127.0.0.1:9/ --check-config --key-file=<(sleep 0.3; cat %s)' % (OURS, key)
        done = self.run_to_end('bash', '-c', line)
        self.assertEqual((done.returncode, done.stdout), (0, 'The configuration is good.\n'), done.stderr)

    def test_control_characters(self):
        """A path that holds them cannot forge a line nor move a cursor."""
        done = self.run_to_end(OURS, 'ws://127.0.0.1:9/', '--key-file=/no\x1b[2J\nwstand: fine')
        self.assertEqual(done.returncode, 78)
        self.assertIn('/no?[2J?wstand: fine', done.stderr)

    def test_variables_of_passed_sockets(self):
        """What is wrong with them is named."""
        for variables, words in ({'LISTEN_PID': 'x', 'LISTEN_FDS': '1'}, 'LISTEN_PID is no process ID'), ({'LISTEN_FDS': 'x', 'LISTEN_PID': '$$'}, 'LISTEN_FDS is no'):
            line = ' '.join('%s=%s' % pair for pair in variables.items()) + ' exec %s ws://127.0.0.1:9/ --proxy=none --key-file=%s' % (OURS, self.write('k', self.key))
            done = self.run_to_end('bash', '-c', line)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn('the sockets that were passed cannot be taken: ' + words, done.stderr)

    def test_uri_for_an_address(self):
        """It is one error, which says what to write."""
        done = self.run_to_end(OURS, 'ws://127.0.0.1:9/', '--key-file=k', '--listen=http://127.0.0.1:1080')
        self.assertEqual(done.stderr, 'wstand: error: --listen: a URI where an address is expected: write HOST:PORT alone, without scheme and path\n')


class AnyAddress(Start):
    """[::] and * are every address, of IPv4 too."""

    def reached(self, port):
        reached = []
        for host in '127.0.0.1', '::1':
            with contextlib.suppress(OSError):
                socket.create_connection((host, port), 2).close()
                reached.append(host)
        return reached

    def assertServes(self, listen, port, hosts):
        config = self.write('w%d.conf' % port, 'uri = ws://127.0.0.1:9/\nkey = %s\n[client]\nproxy = none\n%s\n' % (self.key, listen))
        process = self.start('client', OURS, '--config', config)
        process.await_log('client: ')
        with self.subTest(listen=listen):
            self.assertEqual(self.reached(port), hosts)
        process.end()

    def test_client(self):
        """A client's listener, in each spelling, and beside one of IPv4."""
        for spelling in '[::]:%d', '*:%d', '[0:0::0]:%d':
            port = free_port()
            self.assertServes('listen = ' + spelling % port, port, ['127.0.0.1', '::1'])
        for spelling, hosts in (('0.0.0.0:%d', ['127.0.0.1']), ('[::1]:%d', ['::1']), ('0.0.0.0:%d, [::]:%d', ['127.0.0.1', '::1']),
                                ('[::]:%d, 0.0.0.0:%d', ['127.0.0.1', '::1']), ('127.0.0.1:%d, [::]:%d', ['127.0.0.1', '::1'])):
            port = free_port()
            self.assertServes('listen = ' + spelling % ((port,) * spelling.count('%d')), port, hosts)

    def test_overlapping(self):
        """Addresses of one setting that overlap are one; of two they are an error that names both."""
        for spelling in ('*:%d, 127.0.0.1:%d', '127.0.0.1:%d, *:%d', 'localhost:%d, 127.0.0.1:%d', '[::1]:%d, localhost:%d', '0.0.0.0:%d, localhost:%d',
                         '*:%d, localhost:%d, 127.0.0.1:%d', '127.0.0.1:%d, 127.0.0.1:%d, [::1]:%d'):
            port = free_port()
            self.assertServes('listen = ' + spelling % ((port,) * spelling.count('%d')), port, ['127.0.0.1', '::1'])
        port = free_port()
        done = self.run_to_end(OURS, 'ws://127.0.0.1:9/', self.key, '--proxy=none', '--listen=*:%d' % port, '--forward=127.0.0.1:%d=a.test:1' % port)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('cannot listen on 127.0.0.1:%d for [forward 1]: listen has 0.0.0.0:%d already' % (port, port), done.stderr)

    def test_interface(self):
        """An address of IPv6 may have an interface, in every spelling."""
        port = free_port()
        process = self.start('client', OURS, 'ws://[fe80::1%25lo]:9/', self.key, '--listen=[::1%%lo]:%d' % port, '--proxy=none')
        process.await_port(port, host='::1')
        process.end()
        done = self.run_to_end(OURS, 'ws://[fe80::1%lo]:9/', self.key, '--listen=[fe80::1%%nosuch0]:%d' % port, '--proxy=none')
        self.assertIn('this host has no interface nosuch0', done.stderr)

    def test_port_of_the_kernel(self):
        """With port 0 both sockets have the same port."""
        process = self.start('client', OURS, 'ws://127.0.0.1:9/', self.key, '--listen=*:0', '--proxy=none')
        found = process.await_log(r'proxy on 0\.0\.0\.0:(\d+), \[::\]:(\d+)')
        self.assertEqual(found[1], found[2])
        self.assertEqual(self.reached(int(found[1])), ['127.0.0.1', '::1'])

    def test_forward(self):
        """A forward's listener, for TCP and UDP."""
        port = free_port()
        self.assertServes('[forward a]\nlisten = *:%d\ntarget = a.example:1' % port, port, ['127.0.0.1', '::1'])
        self.assertServes('[forward a]\nlisten = *:%d\ntarget = a.example:1\nprotocol = udp' % port, port, [])

    def test_server(self):
        """A server's URI and its listen, and a reload from one to the other."""
        for uri in 'ws://[::]:%d/', 'ws://*:%d/':
            port = free_port()
            process = self.start('server', OURS, '-s', uri % port, self.key)
            process.await_port(port)
            self.assertEqual(self.reached(port), ['127.0.0.1', '::1'])
            process.end()
        port = free_port()
        text = 'mode = server\nuri = ws://example.com/\nkey = %s\n[server]\nlisten = ' % self.key
        config = self.write('s.conf', text + '0.0.0.0:%d\n' % port)
        process = self.start('server', OURS, '--config', config)
        process.await_port(port)
        self.write('s.conf', text + '[::]:%d\n' % port)
        process.popen.send_signal(signal.SIGHUP)
        eventually(lambda: self.reached(port) == ['127.0.0.1', '::1'], 'both are reached')
        self.write('s.conf', text + '0.0.0.0:%d\n' % port)
        process.popen.send_signal(signal.SIGHUP)
        eventually(lambda: self.reached(port) == ['127.0.0.1'], 'IPv4 alone is reached')

    def test_port_alone(self):
        """A port without a host is an error with an example."""
        for text in '1085', ':1085':
            done = self.run_to_end(OURS, 'ws://127.0.0.1:9/', '--key-file=k', '--listen=' + text)
            self.assertEqual(done.returncode, 64)
            self.assertIn('the host is missing: write localhost:PORT', done.stderr)


class MissingAddresses(Start):
    """A host that lacks one of the addresses that a listener stands for."""

    def setUp(self):
        super().setUp()
        need_namespaces()
        self.namespace = Namespace()
        self.addCleanup(self.namespace.close)

    def client_inside(self, *options):
        return self.start('client', self.namespace.command(OURS), 'ws://127.0.0.1:9/', self.key, '--proxy=none', *options)

    def assertReached(self, host, port):
        with self.namespace.entered():
            socket.create_connection((host, port), 2).close()

    def test_no_loopback_of_ipv4(self):
        """Without 127.0.0.1 the default listener serves ::1."""
        self.namespace.ip('address', 'del', '127.0.0.1/8', 'dev', 'lo')
        process = self.client_inside()
        process.await_log(r'proxy on \[::1\]:1080')
        self.assertReached('::1', 1080)

    def test_no_ipv6(self):
        """Without IPv6 localhost, [::] and * serve IPv4."""
        with self.namespace.entered():
            with open('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'w') as f:
                f.write('1')
        for listen, port in ('localhost:1080', 1080), ('[::]:1081', 1081), ('*:1082', 1082):
            process = self.client_inside('--listen=' + listen)
            process.await_log('client: ')
            self.assertReached('127.0.0.1', port)

    def test_neither(self):
        """Without any of them it is an error that names the listener."""
        self.namespace.ip('link', 'set', 'lo', 'down')
        self.namespace.ip('address', 'flush', 'dev', 'lo')
        process = self.client_inside()
        process.may_end = True
        self.assertEqual(process.exit_status(5), 1)
        self.assertIn('cannot listen on localhost:1080: this host has none of its addresses', process.log())


if __name__ == '__main__':
    unittest.main()
