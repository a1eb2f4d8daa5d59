"""What a client says of its servers, and what both ends say of what an administrator has left undone: at a glance, to a monitor, to
the journal and to the service manager."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from helpers.control.controlled import ControlledPair, Varlink
from helpers.network.intermediaries import Intermediary
from helpers.peers import agent, probe, wire
from helpers.process import CTL, OURS, as_nobody, free_port
from helpers.scenario import Scenario, binary_key
from helpers.waiting import eventually

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
HIDDEN = 'hidden-path'


def plain_answer(port):
    """What a prober gets, without the date."""
    with socket.create_connection(('127.0.0.1', port), 5) as s:
        s.sendall(b'GET /%s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n'
                  b'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n' % HIDDEN.encode())
        answer = b''
        while part := s.recv(4096):
            answer += part
    return re.sub(rb'Date: [^\r]*', b'', answer)


class Front(Intermediary):
    """Passes everything on, or answers with `refusal`, a status and its reason."""
    refusal = None

    def arrange(self, client):
        head = agent.read_head(client)
        if self.refusal:
            client.sendall(b'HTTP/1.1 %s\r\nServer: nginx\r\nContent-Length: 5\r\n\r\nsorry' % self.refusal.encode())
            return None
        server = self.reach_server()
        server.sendall(head)
        return server


class Links(Scenario):
    """A client with a control socket; nobody uses it but to ask how it is."""

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.socket = os.path.join(self.directory, 'control')

    def client_of(self, *ports, options=(), key=None):
        port = free_port()
        process = self.start('client', OURS, *('--uri=ws://127.0.0.1:%d/%s/' % (p, HIDDEN) for p in ports), '--key-file',
                             self.key_file(key or self.key), '--proxy=none', '--listen=127.0.0.1:%d' % port,
                             '--control-socket=' + self.socket, *options)
        process.port = port
        process.await_log('notice: wstand')
        return process

    def key_file(self, key):
        path = os.path.join(self.directory, 'key')
        with open(path, 'w') as f:
            f.write(key + '\n')
        os.chmod(path, 0o600)
        return path

    def serve(self, port=None, key=None):
        port = port or free_port()
        process = self.start('server', OURS, '-s', 'ws://127.0.0.1:%d/%s/' % (port, HIDDEN), key or self.key, '--allow-private=yes')
        process.port = port
        process.await_port(port)
        return process

    def ctl(self, *arguments, user=None):
        program = shutil.copy(CTL, self.directory) if user else CTL  # who may not see where it was built
        return subprocess.run([program, *arguments, '--socket', self.socket], capture_output=True, text=True, timeout=20,
                              preexec_fn=user)

    def check(self):
        done = self.ctl('check')
        self.assertEqual(done.stderr, '')
        self.assertEqual(done.stdout.count('\n'), 1, done.stdout)
        self.assertTrue(done.stdout.startswith(('OK - ', 'WARNING - ', 'CRITICAL - ', 'UNKNOWN - ')[done.returncode]), done.stdout)
        return done.returncode, done.stdout

    def await_check(self, status, words, within=10):
        """It becomes so without a connection of a user agent."""
        def is_so():
            self.last = self.check()
            return self.last[0] == status and re.search(words, self.last[1])
        try:
            eventually(is_so, 'check says %d, %s' % (status, words), within, 0.1)
        except AssertionError:
            self.fail('%s %s' % (self.last, self.servers()))

    def servers(self):
        return json.loads(self.ctl('status', '--json').stdout)['servers']

    def count(self, process, words):
        return len(re.findall(words, process.log()))

    def test_server_stopped(self):
        """Reachable, gone with its cause, and back; the log tells of each change once."""
        server = self.serve()
        client = self.client_of(server.port)
        self.await_check(OK, r'reachable for \d+s, 0 tunnels in use \| tunnels=0 idle=1 rtt=\d+us')
        entry, = self.servers()
        self.assertEqual((entry['state'], entry['used'], entry['tunnels']), ('reachable', True, 1))
        self.assertEqual(self.count(client, 'works again'), 0)
        server.kill()
        self.await_check(CRITICAL, r'server ws://127\.0\.0\.1:%d/%s/ unreachable for \d+s: connection refused' % (server.port, HIDDEN))
        entry, = self.servers()
        self.assertEqual((entry['state'], entry['code'], entry['tunnels']), ('unreachable', 'connection-refused', 0))
        self.assertLess(entry['lastSuccessTimestampUSec'], entry['lastFailureTimestampUSec'])
        self.assertIn('check that wstand runs there', entry['advice'])
        text = self.ctl('status').stdout
        self.assertRegex(text, r'\n    server  ws://127\.0\.0\.1:\d+/%s/ unreachable for \d+s: connection refused\n' % HIDDEN)
        time.sleep(2)  # three more tries
        self.assertEqual(self.count(client, 'warning: cannot reach the server'), 1, client.log())
        self.serve(server.port)
        self.await_check(OK, 'reachable', within=15)
        self.assertEqual(self.count(client, 'notice: server 127.0.0.1:%d works again' % server.port), 1, client.log())
        self.assertEqual(self.count(client, 'warning'), 1, client.log())

    def test_key_changed(self):
        """A server that knows another key when it is back."""
        server = self.serve()
        self.client_of(server.port)
        self.await_check(OK, 'reachable')
        server.kill()
        self.serve(server.port, key=binary_key())
        self.await_check(CRITICAL, 'unreachable for .*404', within=15)
        self.assertIn('key', self.servers()[0]['advice'])

    def drain(self, server, how='Drain'):
        v = Varlink(server.control)
        self.assertNotIn('error', v.call('org.wstan.control.' + how, {}))

    def serve_controlled(self, *options):
        port = free_port()
        control = os.path.join(self.directory, 'server-control')
        process = self.start('server', OURS, '-s', 'ws://127.0.0.1:%d/%s/' % (port, HIDDEN), self.key, '--allow-private=yes',
                             '--control-socket=' + control, *options)
        process.port, process.control = port, control
        process.await_port(port)
        return process

    def test_draining(self):
        """A server that drains is not one with another key, and nobody else learns of it."""
        server = self.serve_controlled()
        self.client_of(server.port)
        self.await_check(OK, 'reachable')
        before = plain_answer(server.port)
        self.drain(server)
        self.await_check(CRITICAL, 'unreachable for .*: the server is draining or full', within=3)
        entry, = self.servers()
        self.assertEqual(entry['code'], 'server-busy')
        self.assertEqual(plain_answer(server.port), before)
        self.drain(server, 'Undrain')
        self.await_check(OK, 'reachable', within=20)

    def test_full(self):
        """One that is at a limit says the same."""
        server = self.serve_controlled('--max-tunnels-per-address=1')
        held = self.keep(probe.Tunnel(server.port, wire.Opening(wire.key_bytes(self.key), wire.empty_body())))
        self.client_of(server.port)
        self.await_check(CRITICAL, 'unreachable for .*: the server is draining or full')
        self.assertIn('over-limit', server.log())
        held.close()
        self.await_check(OK, 'reachable', within=20)

    def test_last_heard(self):
        """The time at which a server was heard of last does not go back when a tunnel ends."""
        server = self.serve()
        client = self.client_of(server.port, options=('--pool-ping=1s',))
        self.await_check(OK, 'reachable')
        seen = []

        def heard():
            seen.append(self.servers()[0]['lastSuccessTimestampUSec'])
            return len(set(seen)) > 2
        eventually(heard, 'pings are answered', 10, 0.2)
        server.kill()
        eventually(lambda: heard() and self.servers()[0]['state'] == 'unreachable', 'it is gone', 10, 0.1)
        self.assertEqual(seen, sorted(seen))
        self.assertIsNotNone(client)

    def test_wrong_key_at_the_start(self):
        """A client that is not used says so all the same, once."""
        server = self.serve(key=binary_key())
        client = self.client_of(server.port)
        client.await_log('warning: no tunnel opened ahead of need, so connections may fail, too: the server answered 404')
        self.await_check(WARNING, 'not known to work: the server answered 404')
        time.sleep(2)  # more tries
        self.assertEqual(self.count(client, 'warning: no tunnel opened ahead'), 1, client.log())

    def test_wrong_key(self):
        """A key that was never right: what an idle client sees may be a server of another version, a connection shows what it is."""
        server = self.serve(key=binary_key())
        client = self.client_of(server.port)
        self.await_check(WARNING, 'not known to work: .*404')
        with agent.socks5(client.port, '127.0.0.1', 9) as s:
            s.sendall(b'hello')
            self.assertEqual(agent.outcome(s), 'end')
        self.await_check(CRITICAL, 'unreachable for .*404')
        client.await_log('404')

    def test_front(self):
        """A front whose server is away says 502; then it is back."""
        server = self.serve()
        front = self.keep(Front(server.port))
        client = self.client_of(front.port)
        self.await_check(OK, 'reachable')
        front.refusal = '502 Bad Gateway'
        front.cut('reset')
        self.await_check(CRITICAL, 'unreachable for .*502')
        self.assertEqual(self.servers()[0]['code'], 'front-502')
        client.await_log('warning: .*502')
        front.refusal = None
        self.await_check(OK, 'reachable', within=15)
        client.await_log('works again')

    def test_two_servers(self):
        """The second is in use while the first is away, and a monitor is warned."""
        second = self.serve()
        port = free_port()
        client = self.client_of(port, second.port)
        self.await_check(WARNING, r'server ws://127\.0\.0\.1:%d/%s/ unreachable for \d+s: connection refused' % (port, HIDDEN))
        first, other = self.servers()
        self.assertEqual((first['used'], other['used'], other['state']), (False, True, 'reachable'))
        self.serve(port)
        self.await_check(OK, r'server ws://127\.0\.0\.1:%d/' % port, within=15)
        client.await_log('works again')

    def test_without_a_pool(self):
        """What was not tried is not known, and is said to be so."""
        server = self.serve()
        client = self.client_of(server.port, options=('--pool-size=0',))
        self.await_check(UNKNOWN, 'not tried yet')
        listener = self.keep(socket.create_server(('127.0.0.1', 0)))
        with agent.socks5(client.port, '127.0.0.1', listener.getsockname()[1]) as s:
            s.sendall(b'hello')
            self.keep(listener.accept()[0])
            self.await_check(OK, 'reachable')
        self.assertNotEqual(self.servers()[0].get('lastSuccessTimestampUSec'), None)

    def test_silence(self):
        """A server that stands still is not reachable, though its tunnels are open; one that goes on is."""
        server = self.serve()
        self.client_of(server.port, options=('--pool-ping=1s',))
        self.await_check(OK, 'reachable')
        server.signal(signal.SIGSTOP)
        try:
            self.await_check(UNKNOWN, r'no answer for \d+s')
        finally:
            server.signal(signal.SIGCONT)
        self.await_check(OK, 'reachable', within=20)

    def test_strangers(self):
        """Any user is told how it is, and not where the server is."""
        server = self.serve()
        self.client_of(server.port)
        self.await_check(OK, 'reachable')
        for arguments in ['check'], ['check', '--json'], ['status'], ['status', '--json']:
            done = self.ctl(*arguments, user=as_nobody)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn('127.0.0.1', done.stdout)
            self.assertNotIn('ws:', done.stdout)
            self.assertNotIn(HIDDEN, done.stdout)
        server.kill()
        self.await_check(CRITICAL, 'unreachable')
        # Strangers are shown one answer for a second.
        done = eventually(lambda: (done := self.ctl('check', user=as_nobody)).returncode == CRITICAL and done, 'strangers are told, too', step=0.2)
        self.assertNotIn(HIDDEN, done.stdout)

    def test_not_running(self):
        code, line = self.check()
        self.assertEqual((code, line), (CRITICAL, 'CRITICAL - wstand is not running: %s does not answer\n' % self.socket))

    def test_service_manager(self):
        """STATUS= says it in one line."""
        notify = self.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        notify.settimeout(15)
        notify.bind(os.path.join(self.directory, 'notify'))
        manager = ['env', 'NOTIFY_SOCKET=' + notify.getsockname(), 'WATCHDOG_USEC=2000000']
        client = self.start('client', [*manager, OURS], 'ws://127.0.0.1:%d/%s/' % (free_port(), HIDDEN), '--key-file',
                            self.key_file(self.key), '--proxy=none', '--listen=127.0.0.1:%d' % free_port())
        client.await_log('cannot reach the server')
        words = rb'STATUS=server unreachable for \d+s: connection refused; 0 tunnels in use, 0 of 16 idle'
        told = []

        def is_told():
            told.append(notify.recv(8192))
            return re.search(words, told[-1])
        eventually(is_told, 'the status says so', 10)
        self.assertNotIn(HIDDEN.encode(), b''.join(told))


class Undone(ControlledPair):
    """What an administrator has changed and not put in force."""

    def check(self, status, words, to='server'):
        def is_so():
            done = subprocess.run([CTL, 'check', '--socket', self.socket(to)], capture_output=True, text=True, timeout=20)
            self.last = done.returncode, done.stdout
            return done.returncode == status and re.search(words, done.stdout)
        try:
            eventually(is_so, 'check says %d, %s' % (status, words), 10, 0.1)
        except AssertionError:
            self.fail(str(self.last))

    def rewrite(self, *replacements, name='server.conf'):
        path = os.path.join(self.directory, name)
        with open(path) as f:
            text = f.read()
        for former, new in replacements:
            self.assertIn(former, text)
            text = text.replace(former, new)
        self.write(name, text)

    def test_files_and_restart(self):
        """A changed file is noticed, a reload says what needs a restart, and that stays until it is taken back."""
        self.check(OK, 'server, 0 tunnels in use')
        uri = 'uri = %s://127.0.0.1:%d/' % (self.scheme, self.port)
        self.rewrite((uri, uri + 'elsewhere/'))
        self.check(WARNING, 'configuration files changed since they were read')
        self.assertIn('files changed since: systemctl reload wstand', self.ctl('status'))
        self.ctl('reload')
        self.check(WARNING, r'^WARNING - restart needed for uri \|')
        self.assertIn('   restart  needed for uri: systemctl restart wstand\n', self.ctl('status'))
        self.ctl('reload')
        self.assertEqual(self.status()['requiresRestart'], ['uri'])
        self.rewrite((uri + 'elsewhere/', uri))
        self.ctl('reload')
        self.check(OK, 'server, ')
        self.assertNotIn('requiresRestart', self.status())

    def test_drop_in(self):
        """A drop-in that is added counts, what an editor leaves beside it does not."""
        os.mkdir(os.path.join(self.directory, 'server.conf.d'))
        self.write('server.conf.d/.swap.conf.swp', 'x')
        self.check(OK, '')
        self.write('server.conf.d/own.conf', 'log-level = notice\n')
        self.check(WARNING, 'files changed')
        self.ctl('reload')
        self.check(OK, '')

    def test_failed_reload(self):
        """It is said when and why, and not that the configuration was read."""
        good = self.status()
        self.rewrite(('mode = server', 'mode = neither'))
        self.ctl('reload', status=78)
        self.check(CRITICAL, r'last reload failed \d+s ago: .*server\.conf:1:')
        status = self.status()
        self.assertEqual(status['configurationLoadTimestampUSec'], good['configurationLoadTimestampUSec'])
        self.assertGreater(status['reloadFailureTimestampUSec'], good['configurationLoadTimestampUSec'])
        text = self.ctl('status')
        self.assertRegex(text, r'    config  as at the start\n +the last reload failed \d+s ago and changed nothing\n')
        self.rewrite(('mode = neither', 'mode = server'))
        self.check(CRITICAL, 'files changed')
        self.ctl('reload')
        self.check(OK, '')

    def test_key_file(self):
        """A key file that somebody else has changed counts; what wstand wrote itself does not."""
        self.ctl('rotate-key')
        time.sleep(1.1)  # files are looked at once a second
        self.check(OK, '')
        self.write('key', binary_key() + '\n')
        self.check(WARNING, 'files changed')


class Certificates(Scenario):
    """A server that shows a certificate, and a client that believes everything."""

    def certificate(self, name, days):
        paths = [os.path.join(self.directory, kind) for kind in ('cert.pem', 'key.pem')]
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', paths[1],
                        '-out', paths[0], '-subj', '/CN=' + name, '-addext', 'subjectAltName=DNS:' + name,
                        '-days', str(days)], check=True, capture_output=True)
        return paths

    def status(self, name):
        path = os.path.join(self.directory, name)
        done = subprocess.run([CTL, 'check', '--json', '--socket', path], capture_output=True, text=True, timeout=20)
        return done.returncode, json.loads(done.stdout)['text']

    def begin(self, name, days, more=''):
        certificate, key = self.certificate(name, days)
        self.port = free_port()
        config = os.path.join(self.directory, 'server.conf')
        with open(config, 'w') as f:
            f.write('mode = server\nuri = wss://localhost:%d/\nkey = %s\n[server]\nlisten = 127.0.0.1:%d\n%s[tls]\ncertificate = %s\nkey = %s\n'
                    '[control]\nsocket = %s/server\n' % (self.port, self.key, self.port, more, certificate, key, self.directory))
        os.chmod(config, 0o600)
        self.start('server', OURS, '--config', config).await_port(self.port)

    def test_end(self):
        """A certificate that ends soon is a warning at both ends."""
        self.begin('localhost', 5)
        self.assertEqual(self.status('server')[0], WARNING)
        self.assertRegex(self.status('server')[1], r'^certificate expires on \d{4}-\d\d-\d\d, in 4 days$')
        self.start('client', OURS, 'wss://localhost:%d/' % self.port, self.key, '--tls-verify=no', '--proxy=none',
                   '--listen=127.0.0.1:%d' % free_port(), '--control-socket=%s/client' % self.directory).await_log('notice: wstand')
        eventually(lambda: re.search(r'^certificate of server wss://localhost:\d+/ expires on .*, in 4 days', self.status('client')[1]),
                   'the client says so')

    def test_name_and_renewal(self):
        """One for another name is bad; a new one that is of no use is told of, and a good one ends that."""
        self.begin('other.example', 90, 'public-uri = wss://tunnel.example/\n')
        code, text = self.status('server')
        self.assertEqual((code, text), (CRITICAL, 'certificate is for other.example, not for tunnel.example'))
        with open(os.path.join(self.directory, 'cert.pem'), 'w') as f:
            f.write('damaged\n')
        eventually(lambda: 'new certificate not used: ' in self.status('server')[1], 'it is told', 15)
        self.certificate('tunnel.example', 90)
        eventually(lambda: self.status('server')[0] == OK, 'all is well', 15)
