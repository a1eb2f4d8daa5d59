"""wstand --doctor: one fault at a time, and whether it is the one that is named, with the remedy and the exit status."""
import email.utils
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from helpers.network.fronts import PATH, Nginx
from helpers.network.intermediaries import HTTPProxy, Intermediary, WebSocketProxy
from helpers.peers import agent
from helpers.peers.target import echo
from helpers.peers.web import Web
from helpers.process import CTL, OURS, THEIRS, find, free_port, without_proxies
from helpers.scenario import Scenario, binary_key
from helpers.tls import module_authority, tls_server
from helpers.version2 import DeviceKeys, Version2
from helpers.waiting import Stuck, eventually

WELL, OTHER, UNREACHABLE, CONFIGURATION = 0, 1, 69, 78


def setUpModule():
    global authority
    authority = module_authority()


class Redated(Intermediary):
    """Passes everything on, but for the date of the first answer, which it moves by so many seconds."""

    def __init__(self, server_port, seconds):
        self.seconds = seconds
        super().__init__(server_port)

    def arrange(self, client):
        server = self.reach_server()
        server.sendall(agent.read_head(client))
        date = email.utils.formatdate(time.time() + self.seconds, usegmt=True).encode()
        client.sendall(re.sub(rb'(?i)\r\ndate: [^\r]*', b'\r\nDate: ' + date, agent.read_head(server)))
        return server


class Stripping(Intermediary):
    """Knows no WebSocket: hop-by-hop fields end here."""

    def arrange(self, client):
        server = self.reach_server()
        server.sendall(agent.read_head(client))
        head = agent.read_head(server)
        client.sendall(re.sub(rb'(?i)\r\n(upgrade|connection): [^\r]*', b'', head))
        return server


class Doctor(Scenario):
    def setUp(self):
        super().setUp()
        self.key_file = os.path.join(self.directory, 'key')
        with open(self.key_file, 'w') as f:
            f.write(self.key + '\n')
        os.chmod(self.key_file, 0o600)

    def doctor(self, *arguments, status, key_file=None, configuration=None, environment={}, within=45):
        """What it says, line by line; it ends with this status, and never tells the key."""
        command = [OURS, '--doctor', *map(str, arguments)]
        command += ['--config', configuration] if configuration else ['--key-file', key_file or self.key_file]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within,
                                  env=dict(without_proxies(), **environment))
        except subprocess.TimeoutExpired as error:
            raise Stuck('the doctor has not ended within %d s; it said %r' % (within, error.stdout)) from None
        self.assertEqual((done.returncode, done.stderr), (status, ''), done.stdout)
        self.assertNotIn(self.key, done.stdout)
        for line in done.stdout.splitlines()[:-1]:
            self.assertRegex(line, r'^(ok      |warning |FAILED  ) \S|^         -> \S')
        self.said = done.stdout
        return done.stdout

    def client_doctor(self, port, *options, scheme='ws', host='127.0.0.1', path='/', listen=None, **more):
        return self.doctor('%s://%s:%s%s' % (scheme, host, port, path), '-a', '127.0.0.1', '-p', listen or free_port(), *options, **more)

    def assertFinds(self, pattern):
        self.assertRegex(self.said, re.compile(pattern, re.MULTILINE))

    def other_key(self):
        path = os.path.join(self.directory, 'other')
        with open(path, 'w') as f:
            f.write('AAAAAAAAAAAAAAAAAAAAAA==\n')
        os.chmod(path, 0o600)
        return path


class OfAClient(Doctor):
    def test_good_pair(self):
        """A pair that works is well in everything, and the client that runs is named."""
        server = self.server()
        client = self.client(server)
        self.client_doctor(server.port, listen=client.port, status=WELL)
        for line in (r'^ok       key: a key of 16 bytes', r'^ok       server: ws://127.0.0.1:\d+/, without a proxy$', r'^ok       connection: ',
                     r'^ok       tunnel: the server knows the key', r'^ok       clock: ', r'^ok       round trip: [^,]* for a ping through the tunnel, [^,]* for TCP to',
                     r'^ok       listen: a wstan client serves 127.0.0.1:%d$' % client.port, r'^All is well: the files, the way to the server, and where wstand listens\.$'):
            self.assertFinds(line)
        self.assertNotRegex(self.said, 'FAILED|warning')

    def test_nothing_is_left(self):
        """A visit of the doctor is closed in good order, and the daemons go on."""
        server = self.server('--log-level=debug')
        before = server.descriptors()
        for _ in range(3):
            self.client_doctor(server.port, status=WELL)
        eventually(lambda: server.descriptors() <= before, 'the server has closed what the doctor opened')
        self.assertNotRegex(server.log(), 'refused')

    def test_rotated_key(self):
        """A client's key was rotated, and the configuration could not follow: it is asked with the key that the client sends."""
        other = self.other_key()
        server = self.server('--key-file', other)
        configuration, control = os.path.join(self.directory, 'client.conf'), os.path.join(self.directory, 'control')
        with open(configuration, 'w') as f:
            f.write('uri = ws://127.0.0.1:%d/\nkey = %s\nstate-directory = %s\n[client]\nlisten = 127.0.0.1:%d\n[control]\nsocket = %s\n'
                    % (server.port, self.key, self.directory, free_port(), control))
        os.chmod(configuration, 0o600)
        client = self.start('client', OURS, '--config', configuration)
        client.await_log('notice: wstand')
        self.doctor(configuration=configuration, status=OTHER)
        self.assertFinds('^FAILED   tunnel: ')
        subprocess.run([CTL, 'rotate-key', '--key-file', other, '--socket', control], check=True, capture_output=True, timeout=20)
        self.doctor(configuration=configuration, status=WELL)
        self.assertFinds('^ok       key: a key of 16 bytes, from %s/keyring, which is later than the configured one$' % self.directory)
        self.assertFinds('^ok       tunnel: ')

    def test_python_server(self):
        """Python's server is visited as ours is, with the right key and with a wrong one."""
        server = self.server(program=THEIRS)
        self.client_doctor(server.port, status=WELL)
        self.assertFinds('^ok       tunnel: ')
        self.assertFinds('^ok       round trip: ')
        self.client_doctor(server.port, key_file=self.other_key(), status=OTHER)
        self.assertFinds('^FAILED   tunnel: ')

    def test_old_python_server(self):
        """Python's 0.4 knows no empty request: that is not a wrong key."""
        old = os.environ.get('THEIRS_OLD')
        if not old:
            self.skipTest('wstan 0.4.1 wants Python 3.10 or older')
        server = self.server(program=old)
        self.client_doctor(server.port, status=WELL)
        self.assertFinds("^warning  tunnel: the server knows the key, but no empty requests")
        self.client_doctor(server.port, key_file=self.other_key(), status=OTHER)

    def test_nobody_listens(self):
        """A port on which nobody listens is named, and the step after it left out."""
        port = free_port()
        self.client_doctor(port, status=UNREACHABLE)
        self.assertFinds(r'^FAILED   connection: .*127\.0\.0\.1:%d: Connection refused\)\n         -> check that wstand runs' % port)
        self.assertNotRegex(self.said, 'tunnel:')

    def test_no_such_name(self):
        """A name that does not exist, or that nobody answers for, is told from a server that is not there."""
        self.client_doctor(80, host='no-such-name.invalid', status=UNREACHABLE)
        self.assertFinds(r'^FAILED   name: no-such-name\.invalid cannot be looked up: ')
        self.assertNotRegex(self.said, 'connection:')

    def test_name(self):
        """A name is told with its addresses."""
        self.client_doctor(self.server().port, host='localhost', status=WELL)
        self.assertFinds(r'^ok       name: localhost is .*127\.0\.0\.1.* looked up within ')

    def test_silence(self):
        """A server that takes connections and says nothing is given up after ten seconds."""
        with socket.create_server(('127.0.0.1', 0)) as silent:
            began = time.monotonic()
            self.client_doctor(silent.getsockname()[1], status=OTHER)
            self.assertLess(time.monotonic() - began, 15)
        self.assertFinds('^FAILED   tunnel: .*did not answer')

    def test_interruption(self):
        """Ctrl-C ends it at once, in the middle of a step."""
        with socket.create_server(('127.0.0.1', 0)) as silent:
            doctor = self.start('doctor', OURS, '--doctor', 'ws://127.0.0.1:%d' % silent.getsockname()[1], '--key-file', self.key_file)
            doctor.await_log('ok       connection: ')
            doctor.signal(signal.SIGINT)
            self.assertEqual(doctor.exit_status(1), -signal.SIGINT)

    def test_wrong_key(self):
        """What a wrong key looks like, and what else may look so; the path is for fronts and for Python's servers."""
        server = self.server()
        self.client_doctor(server.port, key_file=self.other_key(), status=OTHER)
        self.assertFinds("^FAILED   tunnel: the server answered 404 Not Found .*\n         -> compare the key, the path of uri and compatible")
        # An administrator of the server is not to take the doctor for an attack.
        self.assertFinds('^warning  requests: 127.0.0.1:%d opened no tunnel for 4 requests of this doctor\n         -> .*wstanctl rejects' % server.port)
        self.client_doctor(server.port, path='/elsewhere/', status=WELL)
        self.assertNotIn('requests:', self.said)
        self.client_doctor(self.server(program=THEIRS).port, path='/elsewhere/', status=OTHER)
        self.assertFinds("^FAILED   tunnel: .*\n         -> compare the key, the path of uri and compatible")

    def test_web_server(self):
        """A web server with a page for everybody is no server of ours."""
        self.client_doctor(self.keep(Web()).port, path='/hello/', status=OTHER)
        self.assertFinds('^FAILED   tunnel: the server answered 200 OK instead of opening a tunnel\n.*front may not pass Upgrade on')

    def test_no_http(self):
        """What speaks another protocol is told as that."""
        self.client_doctor(self.target(lambda s: s.sendall(b'SSH-2.0-OpenSSH_9.2\r\n') or time.sleep(1)).port, status=OTHER)
        self.assertFinds('^FAILED   tunnel: .*does not speak HTTP: it speaks SSH\n.*check the port')

    def test_answers(self):
        """What fronts, portals and proxies answer each has its meaning."""
        said = {}

        def serve(s):
            agent.read_head(s)
            s.sendall(said['answer'])
        port = self.target(serve).port
        for answer, status, words in (
                (b'HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22\r\nContent-Length: 0\r\n\r\n', UNREACHABLE,
                 'nginx/1.22.*instead of wstand\n.*behind the front'),
                (b'HTTP/1.1 302 Found\r\nLocation: https://login.test/\r\nContent-Length: 0\r\n\r\n', OTHER, 'to https://login.test/'),
                (b'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n', OTHER, '426.*\n.*may remove them'),
                (b'HTTP/1.1 403 Forbidden\r\nServer: cloudflare\r\nContent-Length: 0\r\n\r\n', OTHER, 'cloudflare'),
                (b'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n', OTHER, 'another service'),
                (b'HTTP/1.1 418 \x1b[31mTea\r\nServer: \x1b]0;x\x07\r\nContent-Length: 0\r\n\r\n', OTHER, '418')):
            said['answer'] = answer
            self.client_doctor(port, status=status)
            self.assertFinds('^FAILED   tunnel: .*' + words)
            self.assertNotIn('\x1b', self.said)

    def test_something_strips(self):
        """A proxy that knows no WebSocket is told as that; one that makes a handshake of its own is not to be told from a wrong key."""
        server = self.server()
        self.client_doctor(self.keep(Stripping(server.port)).port, status=OTHER)
        self.assertFinds('^FAILED   tunnel: .*lacks Upgrade')
        self.client_doctor(self.keep(WebSocketProxy(server.port)).port, status=OTHER)
        self.assertFinds('^FAILED   tunnel: the server answered 404 .*\n.*compatible at both ends')

    def test_compatible(self):
        """In compatible mode such a proxy does no harm."""
        server = self.server('-z')
        self.client_doctor(self.keep(WebSocketProxy(server.port)).port, '-z', status=WELL)
        self.assertFinds('^ok       tunnel: ')
        self.client_doctor(server.port, status=OTHER)
        self.assertFinds('^FAILED   tunnel: .*is in compatible mode\n         -> set compatible = yes here')
        self.assertFinds('^warning  requests: .* opened no tunnel for 2 requests of this doctor$')
        self.client_doctor(self.server().port, '-z', status=OTHER)
        self.assertFinds('^FAILED   tunnel: .*is not in compatible mode\n         -> set compatible = no here')

    def test_other_scheme(self):
        """One end with ws:// and the other with wss:// is told from a wrong key."""
        port = free_port()
        server = self.start('server', OURS, '-s', 'wss://127.0.0.1:%d' % port, self.key, '--listen=127.0.0.1:%d' % port)
        server.await_port(port)
        self.client_doctor(port, status=OTHER)
        self.assertFinds("^FAILED   tunnel: the server knows the key, but its uri says wss:// and this one's ws://")

    def test_clock(self):
        """Clocks that differ are a warning while the server takes the request, and explain a refusal."""
        server = self.server()
        self.client_doctor(self.keep(Redated(server.port, 45)).port, status=WELL)
        self.assertFinds("^warning  clock: this host's is 4[3-6] seconds behind the server's")
        port = self.keep(Redated(server.port, -7200)).port
        self.client_doctor(port, key_file=self.other_key(), status=OTHER)
        self.assertFinds("^FAILED   tunnel: .*the clock here is 2 hours ahead of that of the web server that answered")
        self.assertFinds("^FAILED   clock: this host's is 2 hours ahead of that of the web server that answered \\(nginx\\)")

    def test_proxies(self):
        """A proxy that makes a way, one that refuses, one that is not there, and what the environment names."""
        server = self.server()
        self.client_doctor(server.port, '-y', 'http://127.0.0.1:%d' % self.keep(HTTPProxy(server.port)).port, status=WELL)
        self.assertFinds('^ok       proxy: it makes a way to 127.0.0.1:%d$' % server.port)
        refusing = self.keep(HTTPProxy(server.port, refusal='403 Forbidden')).port
        self.client_doctor(server.port, '-y', 'http://127.0.0.1:%d' % refusing, status=UNREACHABLE)
        self.assertFinds('^FAILED   proxy: .*403 Forbidden\n         -> ')
        self.client_doctor(server.port, '-y', 'socks5://127.0.0.1:%d' % free_port(), status=UNREACHABLE)
        self.assertFinds('^FAILED   connection: cannot reach the proxy on the way: .*\n.*HTTPS_PROXY')
        # The environment's counts for servers elsewhere only; this one is nowhere, and the proxy does not care.
        proxy = self.keep(HTTPProxy(server.port))
        environment = {'HTTPS_PROXY': 'http://user:secret@127.0.0.1:%d' % proxy.port}
        self.client_doctor(server.port, host='203.0.113.9', environment=environment, status=WELL)
        self.assertFinds('^ok       server: .*through http://127.0.0.1:%d, which the environment names$' % proxy.port)
        self.assertNotIn('secret', self.said)
        self.client_doctor(server.port, environment={'HTTPS_PROXY': 'ftp://x'}, status=WELL)

    def test_listen(self):
        """A program that is no client of ours in its place is a failure, also when the way is good."""
        server = self.server()
        self.client_doctor(server.port, listen=self.keep(Web()).port, status=OTHER)
        self.assertFinds('^FAILED   listen: (another program|\\S+ \\(process \\d+\\)) serves 127.0.0.1:\\d+, so wstand cannot\n.*ss -ltnp')
        path = os.path.join(self.directory, 'socks')
        self.doctor('ws://127.0.0.1:%d' % server.port, '--listen=unix:' + path, status=WELL)
        self.assertFinds('^ok       listen: unix:%s is free' % re.escape(path))
        client = self.start('client', OURS, 'ws://127.0.0.1:%d' % server.port, self.key, '--listen=unix:' + path)
        eventually(lambda: os.path.exists(path), 'the client listens')
        self.doctor('ws://127.0.0.1:%d' % server.port, '--listen=unix:' + path, status=WELL)
        self.assertFinds('^ok       listen: a wstan client serves unix:')
        self.doctor('ws://127.0.0.1:%d' % server.port, '--listen=unix:/no/such/place', status=OTHER)
        self.assertFinds('^FAILED   listen: .*no directory')

    def test_several_servers(self):
        """Each is visited, and what is wrong with the second is not hidden by the first."""
        good = self.server()
        self.client_doctor(good.port, '--uri=ws://127.0.0.1:%d' % free_port(), status=UNREACHABLE)
        self.assertFinds('^ok       tunnel: ')
        self.assertFinds('^FAILED   connection: ')

    def test_configuration(self):
        """A file that names a file that is not there: that comes first, and the way is gone as far as it leads."""
        server = self.server()
        self.client_doctor(server.port, key_file='/no/such/key', status=CONFIGURATION)
        self.assertFinds('^FAILED   key: .*/no/such/key: No such file')
        self.assertFinds('^ok       connection: ')
        self.assertNotRegex(self.said, 'tunnel:')
        file = os.path.join(self.directory, 'wstan.conf')
        with open(file, 'w') as f:
            f.write('uri = ws://127.0.0.1:%d\n[client]\nlisten = 127.0.0.1:%d\nlissten = x\n' % (server.port, free_port()))
        self.doctor('--config', file, status=WELL)
        self.assertFinds(r'^warning  configuration: .*wstan.conf:4')

    def test_terminal(self):
        """On a terminal the first words have colours, unless NO_COLOR says otherwise."""
        server = self.server()
        for environment, coloured in ({}, True), ({'NO_COLOR': '1'}, False):
            near, far = os.openpty()
            try:
                command = [OURS, '--doctor', 'ws://127.0.0.1:%d' % server.port, '--key-file', self.key_file]
                clean = {name: value for name, value in os.environ.items() if name != 'NO_COLOR'}
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=far, timeout=30, env=dict(clean, **environment))
                text = os.read(near, 1 << 16).decode()
            finally:
                os.close(near)
                os.close(far)
            self.assertEqual('\x1b[32mok\x1b[0m       key' in text, coloured, text)


class OfTLS(Doctor):
    def setUp(self):
        super().setUp()
        if not authority:
            self.skipTest('openssl is not installed')

    def tls_server(self, *options, **more):
        return tls_server(self, authority, *options, **more)

    def tls_doctor(self, server, *options, host='localhost', **more):
        return self.client_doctor(server.port, *options, scheme='wss', host=host, path=PATH,
                                  environment={'SSL_CERT_FILE': authority.certificate}, **more)

    def test_good(self):
        """A certificate is told with its names and its issuer; one of two days is a warning."""
        identity = authority.issue('long', days=90, by='itself')
        self.tls_doctor(self.tls_server(identity=identity), '--tls-ca-file=' + identity[0], status=WELL)
        self.assertFinds(r"^ok       TLS: TLSv1\.3, a certificate for localhost and 127\.0\.0\.1 by 'long', good until 20")
        self.assertFinds('^ok       tunnel: ')
        self.assertFinds('^wstand is not running. Checked without a failure: the files, the way to the server, and where wstand listens\\.$')
        self.assertFinds('^warning  wstand: not running with this configuration')
        self.tls_doctor(self.tls_server(), status=WELL)
        self.assertFinds("^warning  TLS: .* by 'Test authority' that (stands on one that )?expires on 20.*, in 4[78] hours")

    def test_expired(self):
        """An expired certificate is told with its day."""
        self.tls_doctor(self.tls_server(identity=authority.issue('old', days=-1)), status=OTHER)
        self.assertFinds(r'^FAILED   TLS: .*expired on 20\d\d-\d\d-\d\d\n         -> renew it')
        self.assertNotRegex(self.said, 'tunnel:')

    def test_wrong_name(self):
        """A certificate for others is told with its names."""
        self.tls_doctor(self.tls_server(identity=authority.issue('wrong', 'DNS:other.test')), status=OTHER)
        self.assertFinds('^FAILED   TLS: .*not for localhost but for other.test\n.*sni')

    def test_unknown_issuer(self):
        """An issuer that nobody knows may be a proxy of the network."""
        self.client_doctor(self.tls_server().port, scheme='wss', host='localhost', path=PATH, status=OTHER)
        self.assertFinds("^FAILED   TLS: .*'Test authority', which is not trusted here\n.*ca-file.*may open TLS")

    def test_pin(self):
        """A key that is none of those pinned is told."""
        self.tls_doctor(self.tls_server(), '--tls-pin-sha256=' + '0' * 64, status=OTHER)
        self.assertFinds('^FAILED   TLS: none of the keys in pin-sha256')

    def test_no_tls(self):
        """A server without TLS under wss://, and one with TLS under ws://."""
        self.tls_doctor(self.server(), status=OTHER)
        self.assertFinds('^FAILED   TLS: .*does not speak TLS: it speaks plain HTTP\n.*ws://')
        self.tls_doctor(self.target(lambda s: s.sendall(b'SSH-2.0-OpenSSH_9.2\r\n') or time.sleep(1)), status=OTHER)
        self.assertFinds('^FAILED   TLS: .*does not speak TLS: it speaks SSH\n.*SSH server')
        self.client_doctor(self.tls_server().port, status=OTHER)
        self.assertFinds("^FAILED   tunnel: the server's port expects TLS.*\n         -> write wss://")

    def test_front(self):
        """Through nginx to a server, and to one that is not there."""
        if not find('nginx'):
            self.skipTest('nginx is not installed')
        port = free_port()
        front = Nginx(self, port, authority)
        self.tls_doctor(front, status=UNREACHABLE)
        self.assertFinds("^FAILED   tunnel: a front answered 502 .*nginx.*instead of wstand")
        server = self.start('server', OURS, '-s', 'wss://localhost' + PATH, self.key, '--listen=127.0.0.1:%d' % port, '--x-forward=yes')
        server.await_port(port)
        self.tls_doctor(front, status=WELL)
        self.assertFinds('^ok       tunnel: ')

    def test_client_certificate(self):
        """A server that asks for a certificate says so in the place of the answer."""
        server = self.tls_server('--tls-client-ca=' + authority.certificate)
        self.tls_doctor(server, status=OTHER)
        self.assertFinds('^FAILED   (TLS|tunnel): .*certificate required')
        certificate, key = authority.issue('client', 'DNS:client.test')
        self.tls_doctor(server, '--tls-certificate=' + certificate, '--tls-key=' + key, status=WELL)

    def test_bad_file(self):
        """A file of certificates that is none is the configuration's fault."""
        self.tls_doctor(self.tls_server(), '--tls-ca-file=' + self.key_file, status=CONFIGURATION)
        self.assertFinds('^FAILED   TLS: .*holds no certificate')

    def test_own_server(self):
        """A server's own doctor reads its certificate, and asks the server that runs."""
        identity = authority.issue('own', days=90)
        server = self.tls_server(identity=identity)
        files = '--tls-certificate=' + identity[0], '--tls-key=' + identity[1]
        uri, listen = 'wss://localhost:%d%s' % (server.port, PATH), '--listen=127.0.0.1:%d' % server.port
        self.doctor('-s', uri, listen, *files, status=WELL)
        self.assertFinds(r'^ok       TLS: the certificate in .* fits its key and is good until 20')
        self.assertFinds('^ok       listen: wstand serves 127.0.0.1:%d, and knows the key$' % server.port)
        old = authority.issue('own-old', days=-1)
        self.doctor('-s', uri, listen, '--tls-certificate=' + old[0], '--tls-key=' + old[1], status=OTHER)
        self.assertFinds('^FAILED   TLS: .*has expired on')
        self.doctor('-s', uri, listen, '--tls-certificate=' + identity[0], '--tls-key=' + old[1], status=CONFIGURATION)
        self.assertFinds('^FAILED   TLS: private key .* does not match certificate ')


class OfAUnit(Doctor):
    """What a systemd unit runs, as systemctl tells it: the doctor and --check-config look as the unit's user."""
    USER = 'nobody'

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest('only root can be another user')
        os.chmod(self.directory, 0o755)
        self.port = free_port()
        self.configuration = os.path.join(self.directory, 'wstan.conf')
        self.configure('')
        self.fields = dict(Id='wstand.service', LoadState='loaded', ActiveState='inactive', User=self.USER, Group='', MainPID='0',
                           ExecStart='{ path=/usr/sbin/wstand ; argv[]=/usr/sbin/wstand --config %s ; }' % self.configuration)
        self.socket = dict(Id='wstand.socket', LoadState='loaded', ActiveState='inactive', UnitFileState='disabled')

    def configure(self, rest, listen=None):
        with open(self.configuration, 'w') as f:
            f.write('mode = server\nuri = ws://127.0.0.1:%d/\nkey-file = %s\n%s\n[server]\nlisten = %s\n'
                    % (self.port, self.key_file, rest, listen or '127.0.0.1:%d' % self.port))

    def unit_doctor(self, status, **fields):
        program = os.path.join(self.directory, 'systemctl')
        units = [dict(self.fields, **fields), self.socket]
        with open(program, 'w') as f:
            text = '\n\n'.join('\n'.join('%s=%s' % field for field in unit.items()) for unit in units)
            f.write("#!/bin/sh\ncat <<'END'\n%s\nEND\n" % text)
        os.chmod(program, 0o755)
        self.environment = {'PATH': self.directory + ':' + os.environ['PATH']}
        return self.doctor(configuration=self.configuration, status=status, environment=self.environment)

    def check(self):
        return subprocess.run([OURS, '--check-config', '--config', self.configuration], capture_output=True, text=True, timeout=20,
                              env=dict(without_proxies(), **self.environment))

    def test_readable(self):
        """What the unit's user can read is well, and who reads is told."""
        os.chmod(self.key_file, 0o644)
        self.unit_doctor(WELL)
        self.assertFinds('^ok       user: files are read as %s, the user of the service$' % self.USER)
        self.assertFinds('^warning  service: wstand.service is stopped\n         -> .*systemctl enable --now')
        self.assertEqual(self.check().returncode, 0)

    def test_unreadable_key(self):
        """A key of root alone is readable for root, and not for the unit."""
        self.unit_doctor(CONFIGURATION)
        self.assertFinds('^FAILED   key: .*Permission denied\n         -> let the service read it: chown root:wstan %s; chmod 640 %s$'
                         % (self.key_file, self.key_file))
        self.assertFinds('^Problems found. Fix the first FAILED line first.$')
        done = self.check()
        self.assertEqual(done.returncode, CONFIGURATION)
        self.assertRegex(done.stderr, 'Permission denied')
        self.assertRegex(done.stderr, 'checked as %s, the user of wstand.service' % self.USER)

    def test_group_of_the_unit(self):
        """The unit's groups count."""
        os.chown(self.key_file, 0, 1)
        os.chmod(self.key_file, 0o640)
        self.unit_doctor(CONFIGURATION)
        for field in 'Group', 'SupplementaryGroups':
            self.unit_doctor(WELL, **{field: 'daemon'})

    def test_unreadable_files(self):
        """The same for the certificate's key, a directory on the way, and the configuration itself."""
        os.chmod(self.key_file, 0o644)
        certificate, key = module_identity()
        closed = os.path.join(self.directory, 'closed')
        os.mkdir(closed, 0o700)
        for name, source in ('cert.pem', certificate), ('key.pem', key):
            shutil.copy(source, os.path.join(self.directory, name))
            shutil.copy(source, os.path.join(closed, name))
            os.chmod(os.path.join(closed, name), 0o644)
        os.chmod(os.path.join(self.directory, 'cert.pem'), 0o644)
        os.chmod(os.path.join(self.directory, 'key.pem'), 0o600)
        uri = 'uri =\nuri = wss://localhost:%d/\n' % self.port
        for directory, advice in (self.directory, 'chown root:wstan .*key.pem; chmod 640'), (closed, 'may not enter %s: copy' % closed):
            self.configure(uri + '[tls]\ncertificate = %s/cert.pem\nkey = %s/key.pem\n' % (directory, directory))
            self.unit_doctor(CONFIGURATION)
            self.assertFinds('^FAILED   TLS: .*Permission denied\n         -> .*' + advice)
            self.assertEqual(self.check().returncode, CONFIGURATION)
        os.chmod(self.configuration, 0o600)
        for command in '--doctor', '--check-config':
            done = subprocess.run([OURS, command, '--config', self.configuration], capture_output=True, text=True, timeout=20,
                                  env=dict(without_proxies(), **self.environment))
            self.assertEqual((done.returncode, done.stdout), (CONFIGURATION, ''))
            self.assertRegex(done.stderr, '(?s)Permission denied.*checked as %s' % self.USER)

    def test_failed(self):
        """A unit that has failed, or is restarted again and again, is FAILED."""
        os.chmod(self.key_file, 0o644)
        for state in dict(ActiveState='failed'), dict(ActiveState='activating', SubState='auto-restart'):
            self.unit_doctor(OTHER, Result='exit-code', ExecMainStatus='78', **state)
            self.assertFinds('^FAILED   service: wstand.service has failed: exit-code, status 78\n         -> journalctl -u wstand.service')

    def test_low_port(self):
        """A port below 1024 takes a capability of the unit, or its socket unit."""
        with open('/proc/sys/net/ipv4/ip_unprivileged_port_start') as f:
            if int(f.read()) < 1024:
                self.skipTest('ports below 1024 need no privilege here')
        os.chmod(self.key_file, 0o644)
        low = next(port for port in range(1023, 700, -1) if is_free(port))
        self.configure('', listen='127.0.0.1:%d' % low)
        self.unit_doctor(OTHER)
        self.assertFinds('^FAILED   listen: cannot listen on 127.0.0.1:%d: Permission denied\n         -> ' % low)
        self.unit_doctor(WELL, AmbientCapabilities='cap_net_bind_service')
        self.socket.update(UnitFileState='enabled', Listen='127.0.0.1:%d (Stream)' % low)
        self.unit_doctor(WELL)
        self.assertFinds('^ok       listen: systemd listens on 127.0.0.1:%d' % low)

    def test_other_process(self):
        """A wstand that knows the key and is not the unit's."""
        os.chmod(self.key_file, 0o644)
        server = self.start('server', OURS, '--config', self.configuration)
        server.await_port(self.port)
        self.unit_doctor(OTHER, ActiveState='failed')
        self.assertFinds(r'^FAILED   listen: wstand \(process %d\) serves .*, and is not wstand.service$' % server.popen.pid)
        self.unit_doctor(WELL, ActiveState='active', MainPID=str(server.popen.pid))
        self.assertFinds('^ok       service: wstand.service runs, process %d$' % server.popen.pid)
        self.assertFinds('^ok       listen: wstand serves ')

    def test_other_port(self):
        """The unit runs, and not on the port that the configuration names now."""
        os.chmod(self.key_file, 0o644)
        server = self.start('server', OURS, '--config', self.configuration)
        server.await_port(self.port)
        self.configure('', listen='127.0.0.1:%d' % free_port())
        self.unit_doctor(OTHER, ActiveState='active', MainPID=str(server.popen.pid))
        self.assertFinds('^FAILED   listen: wstand listens on 127.0.0.1:%d, not on .*: a restart is pending\n         -> .*restart wstand.service$'
                         % self.port)

    def test_other_configuration(self):
        """A unit that runs another file is not this configuration's."""
        self.unit_doctor(WELL, ExecStart='{ argv[]=/usr/sbin/wstand --config /etc/wstan.conf ; }')
        self.assertNotRegex(self.said, 'service|user:')

    def test_without_root(self):
        """Another user is told to use sudo."""
        self.unit_doctor(CONFIGURATION)
        try:
            done = subprocess.run([OURS, '--doctor', '--config', self.configuration], capture_output=True, text=True, timeout=20,
                                  user='daemon', env=dict(without_proxies(), **self.environment))
        except PermissionError:
            self.skipTest('other users may not run %s' % OURS)
        self.assertEqual(done.returncode, CONFIGURATION, done.stderr)
        self.assertRegex(done.stdout, '(?m)^warning  user: files are read as this user, not as nobody.*\n.*sudo')
        self.assertRegex(done.stdout, '(?m)^FAILED   key: .*Permission denied\n.*sudo')


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(('127.0.0.1', port))
            return True
        except OSError:
            return False


def module_identity():
    return authority.issue('unit', days=90)


class OfAServer(Doctor):
    def server_doctor(self, port, *options, **more):
        return self.doctor('-s', 'ws://127.0.0.1:%d' % port, *options, **more)

    def test_running(self):
        """A server that runs is asked for a tunnel with its own key."""
        server = self.server()
        self.server_doctor(server.port, status=WELL)
        self.assertFinds('^ok       listen: wstand serves 127.0.0.1:%d, and knows the key$' % server.port)
        for subject in 'name', 'open files', 'IPv6':
            self.assertFinds('^(ok      |warning ) %s: ' % subject)
        self.assertFinds('^(ok      |warning ) clock: |synchronised')
        self.assertNotRegex(server.log(), 'refused')

    def test_stopped(self):
        """One that does not run could listen."""
        port = free_port()
        self.server_doctor(port, status=WELL)
        self.assertFinds('^ok       listen: 127.0.0.1:%d is free' % port)

    def test_every_address(self):
        """A server on all addresses is found on this host's."""
        port = free_port()
        server = self.start('server', OURS, '-s', 'ws://127.0.0.1:%d' % port, self.key, '--listen=0.0.0.0:%d' % port)
        server.await_port(port)
        self.server_doctor(port, '--listen=0.0.0.0:%d' % port, status=WELL)
        self.assertFinds('^ok       listen: wstand serves 0.0.0.0:%d' % port)

    def test_bound_elsewhere(self):
        """One that is not bound where the configuration says has not been restarted since: too narrow, too wide, other family."""
        for bound, wanted in ('127.0.0.1', '0.0.0.0'), ('0.0.0.0', '127.0.0.1'), ('0.0.0.0', '[::]'):
            with self.subTest(bound=bound, wanted=wanted):
                port = free_port()
                server = self.start('server', OURS, '-s', 'ws://127.0.0.1:%d' % port, self.key, '--listen=%s:%d' % (bound, port))
                server.await_port(port)
                self.server_doctor(port, '--listen=%s:%d' % (wanted, port), status=OTHER)
                self.assertFinds(r'^FAILED   listen: wstand listens on %s:%d, not on %s:%d: a restart is pending\n         -> .*restart'
                                 % (re.escape(bound), port, re.escape(wanted), port))

    def test_other_key(self):
        """One that runs with another key has not been restarted since it was changed."""
        server = self.server()
        self.server_doctor(server.port, key_file=self.other_key(), status=OTHER)
        self.assertFinds('^FAILED   listen: what serves .* does not open a tunnel for this key: 404.*\n.*rejects lists this doctor')

    def test_taken(self):
        """Another program in its place."""
        self.doctor('-s', 'ws://127.0.0.1:%d/hello/' % self.keep(Web()).port, status=OTHER)
        self.assertFinds('^FAILED   listen: what serves 127.0.0.1.*: 200 OK')

    def test_foreign_address(self):
        """An address that this host does not have."""
        self.doctor('-s', 'ws://192.0.2.1:8080', status=OTHER)
        self.assertFinds('^FAILED   listen: cannot listen on 192.0.2.1:8080: .*\n         -> .*\\*:PORT')

    def test_proxy_protocol(self):
        """One that wants a PROXY header gets one."""
        server = self.server('--proxy-protocol=yes')
        self.server_doctor(server.port, '--proxy-protocol=yes', status=WELL)
        self.assertFinds('^ok       listen: wstand serves')

    def test_unix_socket(self):
        """A server on a Unix socket."""
        path = os.path.join(self.directory, 'server')
        self.start('server', OURS, '-s', 'ws://127.0.0.1:80', self.key, '--listen=unix:' + path)
        eventually(lambda: os.path.exists(path), 'the server listens')
        self.doctor('-s', 'ws://127.0.0.1:80', '--listen=unix:' + path, status=WELL)
        self.assertFinds('^ok       listen: wstand serves unix:')

    def test_limit_of_files(self):
        """A limit of open files that does not fit max-tunnels is a warning with numbers."""
        self.server_doctor(free_port(), '--max-tunnels=1000000', status=WELL)
        self.assertFinds('^(warning  open files: .*\n         -> LimitNOFILE=|ok       open files)')

    def test_misuse(self):
        """What is wrong on the command line is told as for a run."""
        done = subprocess.run([OURS, '--doctor', 'ws://127.0.0.1:1'], capture_output=True, text=True, timeout=10)
        self.assertEqual((done.returncode, done.stdout), (64, ''), done.stderr)
        self.assertIn('key', done.stderr)


class OfVersion2(Version2):
    def test_good_pair(self):
        """A client's doctor has the clock and the round trip from what the server has proven."""
        client = self.client(self.server())
        done = subprocess.run([OURS, '--doctor', '--config', client.configuration, '--listen=127.0.0.1:%d' % client.port],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, env=without_proxies())
        self.assertEqual(done.returncode, WELL, done.stdout)
        for line in ("tunnel: the server knows the key, opens one, and has proven that it is the server; the carrier is cookie",
                     "clock: agrees with the server's", "round trip: [^,]* from the request to the server's proof, [^,]* for TCP to the server"):
            self.assertRegex(done.stdout, '(?m)^ok       ' + line)
        self.assertNotRegex(done.stdout, 'FAILED|key: it')

    def test_moved(self):
        """The configured key is of version 1 and retired. The doctor asks with the server's own key, of the ring."""
        folder = os.path.join(self.directory, 'state')
        os.mkdir(folder, 0o700)
        state = '--state-directory=' + folder
        server = self.server(state, key=binary_key())
        self.ctl(server, 'add-key', 'laptop', '--v2')
        keys = [json.loads(line) for line in self.ctl(server, 'keys', '--json').splitlines()]
        self.ctl(server, 'retire-key', *(key['id'] for key in keys if key['kind'] == 'v1'), '--close')
        done = subprocess.run([OURS, '--doctor', '--config', server.configuration, state], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=without_proxies())
        self.assertRegex(done.stdout, r'(?m)^ok       key: a server.s of version 2, from .*/keyring')
        self.assertRegex(done.stdout, r'(?m)^ok       listen: ')

    def test_question_is_no_use(self):
        """A server's doctor asks in the name of a user. That is no use of the user's key, so `rotate-server-key` does not count it."""
        folder = os.path.join(self.directory, 'state')
        os.mkdir(folder, 0o700)
        state = '--state-directory=' + folder
        server = self.server(state, key=DeviceKeys().server)
        key = re.search(r'wstan2:\S+', self.ctl(server, 'add-key', 'laptop', '--v2')).group()

        def uses():
            keys = [json.loads(line) for line in self.ctl(server, 'keys', '--json').splitlines()]
            return [entry['uses'] for entry in keys if entry.get('name') == 'laptop']
        done = subprocess.run([OURS, '--doctor', '--config', server.configuration, state], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=without_proxies())
        self.assertRegex(done.stdout, r'(?m)^ok       listen: ')
        server.await_log('tunnel opened .*key-name=laptop')
        self.assertEqual(uses(), [0])
        client, target = self.client(server, key=key), self.target(echo)
        with agent.socks5(client.port, '127.0.0.1', target.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
        self.assertGreater(uses()[0], 0)
