"""A reload: what is in force afterwards, what is not, and that what is up goes on and what is new gets in."""
import os
import signal
import socket
import subprocess
import threading
import time

from helpers.control.controlled import ControlledPair
from helpers.network.namespaces import Namespace, need_namespaces
from helpers.passwords import HASHES
from helpers.peers import agent
from helpers.peers.datagrams import DatagramTarget, udp_socket
from helpers.peers.target import read_exactly
from helpers.process import NOBODY, OURS, as_nobody, free_port
from helpers.scenario import TARGETS_HERE
from helpers.tls import module_authority
from helpers.waiting import eventually


def setUpModule():
    global authority
    authority = module_authority()


class Settings(ControlledPair):
    def test_rules_and_level(self):
        """What has changed is in force, what needs a restart is named, and what is up goes on."""
        with self.connect() as s:
            self.configure('server', 'log-level = debug\nthreads = 7\nstate-directory = ' + self.state, '[server]\ndeny = 127.0.0.1')
            text = self.ctl('reload')
            self.assertIn('Applied: log-level, [server] deny, [server] allow-private', text)
            self.assertIn('To apply `threads`: restart it', text)
            with self.assertRaises((AssertionError, OSError, EOFError, agent.Refused)):
                self.assertConnects()
            self.assertTrue(agent.echoes(s, b'still here'))
        self.assertGreater(self.status()['rejects']['forbiddenTarget'], 0)

    def test_broken_file(self):
        """It changes nothing, and is told to whoever asks; the next good one is taken."""
        self.configure('server', 'log-level = loud', '[server]\nmax-tunnels = many')
        text = self.ctl('reload', status=78)
        self.assertIn('log-level', text)
        self.assertIn('max-tunnels', text)
        self.assertConnects()
        self.assertEqual(len(self.status()['configurationErrors']), 2)
        self.ctl('check-config', status=78)
        self.configure('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        self.ctl('check-config')
        self.ctl('reload')
        self.assertNotIn('configurationErrors', self.status())

    def test_signal(self):
        """SIGHUP does the same."""
        self.configure('server', 'log-level = debug\nstate-directory = ' + self.state, '[server]\nallow-private = yes')
        self.wstan_server.popen.send_signal(signal.SIGHUP)
        self.wstan_server.await_log('read again')
        self.assertConnects()
        self.wstan_server.await_log('debug: connected')

    def test_signals_in_a_row(self):
        """One that comes while the files are read is not lost: they may have changed since."""
        for step in range(20):
            for level in 'debug', 'info':
                self.configure('server', 'log-level = %s\nstate-directory = %s' % (level, self.state), '[server]\nallow-private = yes')
                self.wstan_server.popen.send_signal(signal.SIGHUP)
                time.sleep(step * 0.0003)  # into the reading of the first, somewhere
            eventually(lambda: self.status()['logLevel'] == 'info', 'the last one counts', 5, 0.02)
        self.assertConnects()

    def test_another_server(self):
        """A client goes to another server from then on, by a new pool; what is up stays where it is."""
        other = self.server(TARGETS_HERE, '--log-level=info')
        self.assertConnects()
        with self.connect() as s:
            self.port = other.port
            self.configure('client', '', '[client]\nlisten = 127.0.0.1:%d' % self.client_port)
            self.assertIn('Applied: uri', self.ctl('reload', to='client'))
            self.assertTrue(agent.echoes(s, b'still here'))
            self.assertConnects()
            other.await_log('tunnel opened')
        eventually(lambda: self.status()['tunnelsActive'] == 0 and self.status()['pool']['idle'] == 0,
                   'nothing is left at the former server', 5, 0.1)

    def test_users(self):
        """Who may come in is taken over, and stays when the file describes another end: that is another program."""
        listen = '[client]\nlisten = 127.0.0.1:%d\n' % self.client_port
        users = self.write('users', 'bert:%s\n' % HASHES['bert'])
        os.chmod(users, 0o600)
        self.configure('client', '', listen + 'users-file = ' + users)
        self.assertIn('Applied: [client] users-file', self.ctl('reload', to='client'))
        with self.assertRaisesRegex(AssertionError, 'no SOCKS5 method'):
            self.assertConnects()
        good = self.configure('client', '', listen + 'users-file = ' + users)
        with open(good) as f:
            text = f.read().replace('mode = client', 'mode = server').replace(self.key_path, self.write('other', 'another key\n'))
        self.write('client.conf', text)
        text = self.ctl('reload', to='client')
        self.assertRegex(text, 'No change applied. To apply .*`mode`')
        with self.assertRaisesRegex(AssertionError, 'no SOCKS5 method'):
            self.assertConnects()
        self.configure('client', '', listen)
        self.ctl('reload', to='client')
        self.assertConnects()

    def test_options_ended(self):
        """A daemon whose command line has `--`, with URI and key behind it or nothing, reloads and checks its configuration."""
        words = ['--', 'ws://127.0.0.1:%d/' % free_port(), self.key]
        self.start('words', OURS, '-s', '--control-socket=' + self.socket('words'), *words).await_log('notice: wstand')
        self.ctl('check-config', to='words')
        self.assertIn('No change.', self.ctl('reload', to='words'))

        def configure(level):
            return self.write('file.conf', 'mode = server\nuri = ws://127.0.0.1:%d/\nkey-file = %s\nlog-level = %s\n[control]\nsocket = %s\n' % (
                port, self.key_path, level, self.socket('file')))
        port = free_port()
        self.start('file', OURS, '--config', configure('info'), '--').await_log('notice: wstand')
        configure('debug')
        self.ctl('check-config', to='file')
        self.assertIn('Applied: log-level', self.ctl('reload', to='file'))
        for arguments in ['-s', *words], ['--config', configure('info'), '--']:
            subprocess.run([OURS, '--check-config', *arguments], check=True, capture_output=True, timeout=20)

    def test_key_file(self):
        """Another key in the file is taken over, though no setting has changed."""
        self.write('key', 'MDEyMzQ1Njc4OWFiY2RlZg==\n')
        self.assertIn('Applied: key', self.ctl('reload'))
        self.assertIn('Applied: key', self.ctl('reload', to='client'))
        self.assertConnects()

    def test_key_replaced_while_stopped(self):
        """A key that wins over the key ring is told once, by the log: a monitor does not stay at WARNING for what is done."""
        state = os.path.join(self.directory, 'client-state')
        os.mkdir(state)
        client = 'client', 'state-directory = ' + state, '[client]\nlisten = 127.0.0.1:%d' % self.client_port
        self.end_client()
        self.wstan_client = self.daemon(*client)
        second = self.write('second', 'MDEyMzQ1Njc4OWFiY2RlZg==\n')
        for mode in 'server', 'client':
            self.ctl('rotate-key', '--key-file', second, to=mode)
        self.end_client()
        self.write('key', 'ZmVkY2JhOTg3NjU0MzIxMA==\n')
        self.assertIn('replaces the keys of default', self.ctl('reload'))
        self.wstan_server.await_log('warning: the configured key has changed, and replaces')
        self.daemon(*client).await_log('warning: the configured key has changed, and replaces')
        self.assertConnects()
        for mode in 'server', 'client':
            self.assertNotIn('warnings', self.status(mode))
            self.ctl('check', to=mode)

    def end_client(self):
        self.wstan_client.signal(signal.SIGTERM)
        self.assertEqual(self.wstan_client.exit_status(), 0)


def free_udp_port():
    with udp_socket('127.0.0.1') as s:
        return s.getsockname()[1]


class Listeners(ControlledPair):
    """Where it listens: the pair's client, whose sections are written anew."""

    def take(self, *places, more='', status=0):
        """A reload of the client with these lines of `listen`."""
        self.configure('client', '', '[client]\n' + ''.join('listen = %s\n' % place for place in places) + more)
        return self.ctl('reload', to='client', status=status)

    def listeners(self):
        return [listener['address'] for listener in self.status('client')['listeners']]

    def assertServes(self, port):
        with agent.socks5(port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, os.urandom(1000)))

    def assertRefuses(self, port):
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', port), timeout=5)

    @property
    def here(self):
        return '127.0.0.1:%d' % self.client_port

    def test_another_port(self):
        """The new one serves, the former one is closed, and what came by it goes on; status and log tell of it."""
        port = free_port()
        with self.connect() as s:
            self.assertIn('Applied: [client] listen', self.take('127.0.0.1:%d' % port))
            self.assertServes(port)
            self.assertRefuses(self.client_port)
            self.assertTrue(agent.echoes(s, b'still here'))
        self.assertEqual(self.listeners(), ['127.0.0.1:%d' % port])
        self.assertIn('on 127.0.0.1:%d' % port, self.status('client')['statusText'])

    def test_what_is_queued(self):
        """Who has connected to a place that is closed, and was not accepted yet, is served."""
        os.kill(self.wstan_client.popen.pid, signal.SIGSTOP)
        waiting = [socket.create_connection(('127.0.0.1', self.client_port), timeout=20) for _ in range(20)]
        self.configure('client', '', '[client]\nlisten = 127.0.0.1:%d' % free_port())
        self.wstan_client.popen.send_signal(signal.SIGHUP)
        os.kill(self.wstan_client.popen.pid, signal.SIGCONT)
        self.wstan_client.await_log('read again')
        for s in waiting:
            with s:
                s.sendall(b'\5\1\0')
                self.assertEqual(s.recv(2), b'\5\0')

    def test_all_addresses_and_back(self):
        """From one address to all at the same port, and back, while somebody connects over and over: nobody is refused."""
        stop, failures, visits = threading.Event(), [], []

        def visit():
            while not stop.is_set():
                try:
                    self.assertServes(self.client_port)
                    visits.append(1)
                except Exception as error:
                    return failures.append(repr(error))
        threads = [threading.Thread(target=visit) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                self.take('0.0.0.0:%d' % self.client_port)
                self.assertEqual(self.listeners(), ['0.0.0.0:%d' % self.client_port])
                self.take(self.here)
                self.assertEqual(self.listeners(), [self.here])
        finally:
            stop.set()
            for thread in threads:
                thread.join(20)
        self.assertEqual(failures, [])
        self.assertGreater(len(visits), 20)

    def test_more_and_fewer(self):
        """Ports and Unix sockets come and go beside one that stays, while somebody connects to that: nobody is refused."""
        path, port = os.path.join(self.directory, 'socket'), free_port()
        for _ in range(20):
            self.take(self.here, '127.0.0.1:%d' % port, 'unix:' + path)
            self.assertServes(self.client_port)
            self.assertServes(port)
            self.assertTrue(os.path.exists(path))
            self.take(self.here)
            self.assertServes(self.client_port)
            self.assertRefuses(port)
            self.assertFalse(os.path.exists(path))

    def test_taken(self):
        """A place that cannot be had is named, and nothing at all has changed: not the other places, nor other settings."""
        with socket.create_server(('127.0.0.1', 0)) as other:
            taken, fresh = other.getsockname()[1], free_port()
            text = self.take('127.0.0.1:%d' % fresh, '127.0.0.1:%d' % taken, more='[pool]\nsize = 3', status=78)
        self.assertIn('127.0.0.1:%d: Address already in use: another program listens there already' % taken, text)
        self.assertServes(self.client_port)
        self.assertRefuses(fresh)
        status = self.status('client')
        self.assertEqual([listener['address'] for listener in status['listeners']], [self.here])
        self.assertNotEqual(status['pool']['size'], 3)
        self.assertIn('already in use', status['configurationErrors'][0])
        self.assertIn('Applied: [pool] size', self.take(self.here, more='[pool]\nsize = 3'))
        self.assertNotIn('configurationErrors', self.status('client'))

    def forward(self, port, target, protocol='tcp'):
        return '[forward one]\nlisten = 127.0.0.1:%d\ntarget = 127.0.0.1:%d\nprotocol = %s' % (port, target, protocol)

    def test_forward(self):
        """It is added, gets another target, and is removed; a connection keeps the target that it has."""
        port, other = free_port(), self.target(lambda connection: connection.sendall(b'the other'))
        self.assertIn('[forward one] (added)', self.take(self.here, more=self.forward(port, self.echo.port)))
        with agent.dial(port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
            self.assertIn('[forward one] (changed)', self.take(self.here, more=self.forward(port, other.port)))
            with agent.dial(port) as t:
                self.assertEqual(read_exactly(t, 9), b'the other')
            self.assertTrue(agent.echoes(s, b'still here'))
            self.assertIn('[forward one] (removed)', self.take(self.here))
            self.assertRefuses(port)
            self.assertTrue(agent.echoes(s, b'and now'))

    def test_forward_of_datagrams(self):
        """The same for datagrams, which go to the new target at once."""
        port, targets = free_udp_port(), [DatagramTarget(lambda data, n=n: b'%d ' % n + data) for n in range(2)]
        for target in targets:
            self.addCleanup(target.close)
        s = udp_socket('127.0.0.1')
        self.addCleanup(s.close)
        s.settimeout(5)
        for number in 0, 1, 0:
            self.take(self.here, more=self.forward(port, targets[number].port, 'udp'))
            s.sendto(b'hello', ('127.0.0.1', port))
            self.assertEqual(s.recv(100), b'%d hello' % number)
        self.take(self.here)
        with udp_socket('127.0.0.1', port):
            pass  # it is free

    def test_own_listeners(self):
        """The server goes to none of its own places, the new ones included."""
        fresh = free_port()
        self.configure('server', 'state-directory = ' + self.state,
                       '[server]\nallow-private = yes\nlisten = 127.0.0.1:%d\nlisten = 127.0.0.1:%d' % (self.port, fresh))
        self.assertRegex(self.ctl('reload'), r'Applied: .*\[server\] listen')
        self.assertConnects()
        self.assertEqual([listener['address'] for listener in self.status()['listeners']],
                         ['127.0.0.1:%d' % self.port, '127.0.0.1:%d' % fresh])


class MissingAddresses(ControlledPair):
    """In a network of its own, whose loopback addresses go."""

    def setUp(self):
        need_namespaces()
        self.namespace = self.keep(Namespace())
        super().setUp()

    def daemon(self, mode, general, sections):
        program, *words = self.namespace.command(OURS, '--config', self.configure(mode, general, sections))
        process = self.start(mode, program, *words)
        process.await_log('notice: wstand')
        return process

    def test_none_of_a_group(self):
        """A dry run fails where the reload does, with its words."""
        self.configure('client', '', '[client]\nlisten = localhost:%d' % free_port())
        self.ctl('reload', '--dry-run', to='client')
        self.namespace.ip('addr', 'flush', 'dev', 'lo')
        for words in ['--dry-run'], []:
            self.assertIn('this host has none of its addresses', self.ctl('reload', *words, to='client', status=78))


class Others(ControlledPair):
    def test_control_group(self):
        """Its members may do everything from the next connection on."""
        if os.geteuid() != 0:
            self.skipTest('only root can become somebody else')
        self.ctl('keys', user=as_nobody, status=4)
        self.control = 'group = %d\n' % NOBODY
        self.configure('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        self.assertIn('[control] group', self.ctl('reload'))
        self.assertIn('default', self.ctl('keys', user=as_nobody))
        self.control = ''
        self.configure('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        self.assertIn('[control] group', self.ctl('reload', user=as_nobody))
        self.ctl('keys', user=as_nobody, status=4)

    def test_memory_limit(self):
        """A smaller one holds for what comes, and what is up goes on."""
        with self.connect() as s:
            self.configure('server', 'memory-limit = 1M\nstate-directory = ' + self.state, '[server]\nallow-private = yes')
            self.assertIn('memory-limit', self.ctl('reload'))
            self.assertTrue(agent.echoes(s, os.urandom(1 << 20)))
        self.assertConnects()


class Certificates(ControlledPair):
    """wss:// with a certificate of one's own at the server, and an authority of one's own at the client."""
    scheme = 'wss'

    def setUp(self):
        if authority is None:
            self.skipTest('openssl makes the certificates')
        self.issued = authority.issue('one')
        super().setUp()

    def configure(self, mode, general, sections):
        tls = ('[tls]\ncertificate = %s\nkey = %s\n' % self.issued if mode == 'server' else
               '[tls]\nca-file = %s\n' % self.path('ca.pem'))
        if mode == 'client' and not os.path.exists(self.path('ca.pem')):
            self.trust(authority.certificate)
        return super().configure(mode, general, sections + '\n' + tls)

    def path(self, name):
        return os.path.join(self.directory, name)

    def trust(self, certificate):
        with open(certificate) as f:
            self.write('ca.pem', f.read())

    def shown(self):
        """The certificate that connections are shown."""
        return authority.shown(self.port)

    def test_other_paths(self):
        """New connections are shown the certificate of the new paths, what is up goes on, and a broken one changes nothing."""
        before = self.shown()
        with self.connect() as s:
            self.issued = authority.issue('two')
            self.configure('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
            self.assertIn('[tls] certificate, [tls] key', self.ctl('reload'))
            self.assertNotEqual(self.shown(), before)
            self.assertConnects()
            self.issued = (self.key_path, self.issued[1])
            self.configure('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
            self.ctl('reload', status=78)
            self.assertConnects()
            self.assertTrue(agent.echoes(s, b'still here'))

    def test_name_for_clients(self):
        """What clients are told has the certificate's name, but none that only means this host, and no pattern."""
        self.issued = authority.issue('named', 'DNS:*.example.com,DNS:localhost,IP:127.0.0.1,DNS:server.example.com')
        self.configure('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        self.ctl('reload')
        self.assertIn('\nuri = wss://server.example.com/\n', self.ctl('client-config'))

    def test_other_authority(self):
        """A client's file of authorities whose content has changed is read again, though no setting has."""
        self.assertConnects()
        authority.issue('stranger', by='itself')
        self.trust(authority.path('stranger.pem'))
        self.ctl('reload', to='client')
        with self.assertRaises((AssertionError, OSError, EOFError, agent.Refused)):
            self.assertConnects()
        self.trust(authority.certificate)
        self.ctl('reload', to='client')
        self.assertConnects()
