"""Other ways into the client than a port that speaks SOCKS and HTTP: Unix sockets, static forwards."""
import hashlib
import os
import signal
import socket
import stat
import struct
import threading

from helpers.configured import ConfiguredClient
from helpers.network.fronts import Nginx
from helpers.peers import agent, datagrams, payload
from helpers.peers.datagrams import DatagramTarget, udp_socket
from helpers.peers.target import echo, read_exactly, read_line, read_to_end
from helpers.process import MB, OURS, find, free_port
from helpers.scenario import Scenario
from helpers.waiting import eventually

LARGEST = 65507  # a datagram's over IPv4 (RFC 768)


class Listeners(ConfiguredClient):
    def await_unix(self, path):
        def listens():
            try:
                agent.dial_unix(path).close()
                return True
            except OSError:
                return False
        eventually(listens, 'somebody listens on ' + path)

    def assertCarries(self, reach, size=50 * MB):
        """Bytes in both directions through connections to a commanded target that `reach()` makes."""
        self.assertEqual(agent.upload(reach(), size), payload.sum_of(size))
        self.assertEqual(agent.download(reach(), size), (size, payload.sum_of(size)))


class UnixListener(Listeners):
    """The client's listener on a Unix socket."""

    def setUp(self):
        super().setUp()
        self.socket_path = self.path('socket')
        self.wstan_client = self.client_with(listen='unix:' + self.socket_path)

    def socks5(self, host, port):
        s = self.keep(agent.dial_unix(self.socket_path))
        s.sendall(b'\5\1\0')
        self.assertEqual(read_exactly(s, 2), b'\5\0')
        s.sendall(b'\5\1\0' + agent.address(host, port))
        self.assertEqual(agent.read_socks_reply(s), 0)
        return s

    def test_socks5(self):
        """SOCKS5 carries 50 MB in both directions."""
        target = self.target()
        self.assertCarries(lambda: self.socks5('127.0.0.1', target.port))

    def test_http(self):
        """A plain HTTP request, another one on the same connection, and CONNECT."""
        def serve(connection):
            while (line := read_line(connection)) is not None:
                while read_line(connection):
                    pass
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (len(line), line.encode()))
        target = self.target(serve)
        with agent.dial_unix(self.socket_path) as s:
            for path in 'a', 'b':
                s.sendall(b'GET http://127.0.0.1:%d/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' % (target.port, path.encode()))
                self.assertIn(b'200 OK', agent.read_head(s))
                self.assertEqual(read_exactly(s, 15), b'GET /%s HTTP/1.1' % path.encode())
        with agent.dial_unix(self.socket_path) as s:
            s.sendall(b'CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n' % self.target(echo).port)
            self.assertIn(b' 200 ', agent.read_head(s))
            self.assertTrue(agent.echoes(s, b'hello'))

    def test_explanation(self):
        """A target that refuses is explained to an HTTP user agent, and a request for nothing is answered."""
        with agent.dial_unix(self.socket_path) as s:
            s.sendall(b'GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\n\r\n' % free_port())
            self.assertIn(b' 502 ', agent.read_head(s))
        with agent.dial_unix(self.socket_path) as s:
            s.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
            self.assertIn(b' 400 ', agent.read_head(s))

    def test_last_bytes(self):
        """A user agent that sends and closes at once has its bytes delivered."""
        received = []
        target = self.target(lambda connection: received.append(read_to_end(connection)))
        for size in 10, 3 * MB:
            s = self.socks5('127.0.0.1', target.port)
            for block in payload.blocks(size):
                s.sendall(block)
            s.close()
            eventually(lambda: received, 'the target has seen the end', 20)
            self.assertEqual(received.pop(), (size, payload.sum_of(size)))

    def test_half_close(self):
        """A user agent that has shut down its sending side still gets the answer, and one that has left is noticed at once."""
        proceed = threading.Event()

        def serve(connection):
            read_exactly(connection, 5)
            proceed.wait(20)
            connection.sendall(b'answer')
            connection.recv(1)
        target = self.target(serve)
        s = self.socks5('127.0.0.1', target.port)
        s.sendall(b'hello')
        s.shutdown(socket.SHUT_WR)
        eventually(lambda: target.connections, 'the target is connected')
        proceed.set()
        self.assertEqual(read_exactly(s, 6), b'answer')
        s.close()
        # The server closes the target's connection as soon as the client knows.
        eventually(lambda: target.connections[0].fileno() == -1, 'the target sees the end', 5)

    def test_datagrams(self):
        """UDP ASSOCIATE answers with an address of this host."""
        target = self.keep(DatagramTarget())
        with agent.dial_unix(self.socket_path) as control, udp_socket('127.0.0.1') as s:
            control.sendall(b'\5\1\0')
            read_exactly(control, 2)
            control.sendall(b'\5\3\0' + agent.address('0.0.0.0', 0))
            reply = read_exactly(control, 10)
            self.assertEqual(reply[:8], b'\5\0\0\1' + socket.inet_aton('127.0.0.1'))
            s.settimeout(5)
            relay = ('127.0.0.1', struct.unpack('>H', reply[8:])[0])
            s.sendto(datagrams.wrapped(b'hello', *target.address), relay)
            self.assertEqual(datagrams.unwrapped(s.recv(100)), (b'hello', target.address))
            control.close()

            def is_over():
                s.sendto(datagrams.wrapped(b'more', *target.address), relay)
                s.settimeout(0.1)
                try:
                    s.recv(100)
                    return False
                except (TimeoutError, ConnectionError):
                    return True
            eventually(is_over, 'the association has ended')


class UnixFile(Listeners):
    """The file of a Unix socket."""

    def setUp(self):
        super().setUp()
        self.socket_path = self.path('socket')
        self.listen = 'unix:' + self.socket_path

    def assertFails(self, words, path=None):
        file = self.path('failing.conf')
        with open(file, 'w') as f:
            f.write('mode = client\nuri = ws://127.0.0.1:1/\nkey = %s\n[client]\nlisten = unix:%s\n' % (self.key, path or self.socket_path))
        process = self.start('failing', OURS, '--config', file)
        self.assertEqual(process.exit_status(), 1)
        self.assertRegex(process.log(), words)

    def test_life(self):
        """Everybody may use it; it goes when the client stops."""
        client = self.client_with(listen=self.listen)
        self.assertEqual(stat.S_IMODE(os.stat(self.socket_path).st_mode), 0o666)
        client.signal(signal.SIGTERM)
        self.assertEqual(client.exit_status(), 0)
        self.assertFalse(os.path.exists(self.socket_path))

    def test_crash(self):
        """One that a killed client has left is replaced by the next."""
        self.client_with(listen=self.listen).kill()
        self.assertTrue(os.path.exists(self.socket_path))
        self.client_with(listen=self.listen)
        agent.dial_unix(self.socket_path).close()

    def test_taken(self):
        """A second client does not start, and says who is there; the first one is not disturbed."""
        client = self.client_with(listen=self.listen)
        self.assertFails('process %d .*listens there already' % client.popen.pid)
        agent.dial_unix(self.socket_path).close()

    def test_other_file(self):
        """A file that is no socket stays."""
        with open(self.socket_path, 'w') as f:
            f.write('precious')
        self.assertFails('no socket')
        with open(self.socket_path) as f:
            self.assertEqual(f.read(), 'precious')

    def test_no_directory(self):
        """A directory that is missing is named."""
        self.assertFails('no directory %s/none;' % self.directory, self.directory + '/none/socket')

    def test_failed_start(self):
        """A start that fails later leaves no file behind."""
        port = self.wstan_server.port
        file = self.path('failing.conf')
        with open(file, 'w') as f:
            f.write('mode = client\nuri = ws://127.0.0.1:1/\nkey = %s\n[client]\nlisten = %s, 127.0.0.1:%d\n' % (
                self.key, self.listen, port))
        process = self.start('failing', OURS, '--config', file)
        self.assertEqual(process.exit_status(), 1)
        self.assertFalse(os.path.exists(self.socket_path))


class Forwards(Listeners):
    """[forward NAME] with protocol = tcp."""

    def forward(self, target_port, listen=None, host='127.0.0.1', name='one', more='', **others):
        """Its port, on 127.0.0.1 unless told otherwise."""
        self.at = free_port()
        self.wstan_client = self.client_with('[forward %s]\nlisten = %s\ntarget = %s:%d\n%s' % (
            name, listen or '127.0.0.1:%d' % self.at, host, target_port, more), **others)
        return self.at

    def test_carries(self):
        """50 MB in both directions, several times, so on pooled tunnels too."""
        port = self.forward(self.target().port)
        for _ in range(2):
            self.assertCarries(lambda: agent.dial(port))
        self.assertRegex(self.wstan_client.log(), r'forward one: tcp on 127\.0\.0\.1:%d to 127\.0\.0\.1:\d+' % port)

    def test_places(self):
        """On several addresses and a Unix socket at once; the target is a name that the server resolves."""
        path, port = self.path('forwarded'), free_port()
        self.forward(self.target(echo).port, '127.0.0.1:%d, [::1]:%d, unix:%s' % (port, port, path), 'localhost')
        for s in agent.dial(port), socket.create_connection(('::1', port), 5), agent.dial_unix(path):
            with s:
                self.assertTrue(agent.echoes(s, b'hello'))

    def test_several(self):
        """Each forward goes to its own target, and the listener of the client works beside them."""
        ports = [free_port() for _ in range(3)]
        targets = [self.target(lambda connection, number=number: connection.sendall(b'%d' % number)) for number in range(3)]
        client = self.client_with('\n'.join(
            '[forward f%d]\nlisten = 127.0.0.1:%d\ntarget = 127.0.0.1:%d' % (number, ports[number], targets[number].port)
            for number in range(3)))
        for number in 2, 0, 1, 1:
            with agent.dial(ports[number]) as s:
                self.assertEqual(read_to_end(s), (1, hashlib.sha256(b'%d' % number).hexdigest()))
        with agent.socks5(client.port, '127.0.0.1', targets[1].port) as s:
            self.assertEqual(s.recv(10), b'1')

    def test_refused(self):
        """A target that refuses, and a server that is away, reset the connection: it would look like an empty answer else."""
        port = self.forward(free_port())
        for _ in range(2):
            with agent.dial(port) as s:
                self.assertEqual(agent.outcome(s), 'reset')
        self.wstan_server.kill()
        with agent.dial(port) as s:
            self.assertEqual(agent.outcome(s), 'reset')

    def said_hello(self, s):
        """What comes of it."""
        with s:
            try:
                s.sendall(b'hello')
                return agent.outcome(s)
            except ConnectionError:
                return 'reset'

    def test_allow_uid(self):
        """allow-uid is for forwards too, on addresses and on Unix sockets."""
        target, path = self.target(echo), self.path('forwarded')
        stranger = 65534 if os.geteuid() != 65534 else 1
        for user, outcome in (os.geteuid(), b'hello'), (stranger, 'reset'):
            client = self.client_with('allow-uid = %d\n[forward one]\nlisten = 127.0.0.1:%d, unix:%s\ntarget = 127.0.0.1:%d' % (
                user, port := free_port(), path, target.port))
            self.assertEqual(self.said_hello(agent.dial(port)), outcome)
            # A Unix socket knows no reset: one whose words nobody has read is told, others see an end.
            self.assertIn(self.said_hello(agent.dial_unix(path)), [outcome] if outcome == b'hello' else ['end', 'reset'])
            client.signal(signal.SIGTERM)
            self.assertEqual(client.exit_status(), 0)
        self.assertEqual(len(target.connections), 2)

    def test_end(self):
        """A target's orderly end is an orderly end."""
        port = self.forward(self.target(lambda connection: connection.sendall(b'bye')).port)
        with agent.dial(port) as s:
            self.assertEqual(read_to_end(s), (3, hashlib.sha256(b'bye').hexdigest()))

    def test_half_close(self):
        """A program that has shut down its sending side gets the answer."""
        def serve(connection):
            read_exactly(connection, 5)
            connection.sendall(b'answer')
        port = self.forward(self.target(serve).port)
        with agent.dial(port) as s:
            s.sendall(b'hello')
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(read_exactly(s, 6), b'answer')

    def test_taken(self):
        """A place that is taken ends the start, and names the forward's address."""
        taken = self.target().port
        file = self.path('taken.conf')
        with open(file, 'w') as f:
            f.write('mode = client\nuri = ws://127.0.0.1:1/\nkey = %s\n[client]\nlisten = 127.0.0.1:%d\n'
                    '[forward db]\nlisten = 127.0.0.1:%d\ntarget = 127.0.0.1:1\n' % (self.key, free_port(), taken))
        process = self.start('failing', OURS, '--config', file)
        self.assertEqual(process.exit_status(), 1)
        self.assertIn('cannot listen on 127.0.0.1:%d' % taken, process.log())

    def test_drain(self):
        """A client that stops closes its forwards first; a transfer is finished within drain-timeout."""
        begun, proceed = threading.Event(), threading.Event()

        def serve(connection):
            connection.sendall(b'begun')
            begun.set()
            proceed.wait(20)
            connection.sendall(b'done')
        port = self.forward(self.target(serve).port, more='[wstan]\ndrain-timeout = 10s')
        with agent.dial(port) as s:
            self.assertEqual(read_exactly(s, 5), b'begun')
            self.wstan_client.signal(signal.SIGTERM)

            def is_closed():
                try:
                    agent.dial(port).close()
                    return False
                except ConnectionRefusedError:
                    return True
            eventually(is_closed, 'the forward is closed')
            proceed.set()
            self.assertEqual(read_to_end(s)[0], 4)
        self.assertEqual(self.wstan_client.exit_status(), 0)


class DatagramForwards(Listeners):
    """[forward NAME] with protocol = udp."""

    def forward(self, target, options='', listen=None):
        self.port = free_port()
        self.wstan_client = self.client_with(
            '%s\n[forward dns]\nlisten = %s\ntarget = %s:%d\nprotocol = udp' % (
                options, listen or '127.0.0.1:%d' % self.port, '[%s]' % target.host if ':' in target.host else target.host,
                target.port), '--log-level=debug')

    def source(self, host='127.0.0.1'):
        s = self.keep(udp_socket(host))
        s.settimeout(5)
        return s

    def ask(self, s, data, host='127.0.0.1'):
        """The answer; it comes from where the question went."""
        s.sendto(data, (host, self.port))
        answer, sender = s.recvfrom(1 << 16)
        self.assertEqual(sender[:2], (host, self.port))
        return answer

    def test_sizes(self):
        """Every size comes there and back, the largest first."""
        self.forward(self.keep(DatagramTarget()))
        s = self.source()
        for size in LARGEST, 0, 1, 1400, 4096, 4097, 65000, LARGEST:
            data = os.urandom(size)
            self.assertEqual(self.ask(s, data), data)
        self.assertRegex(self.wstan_client.log(), r'forward dns: udp on 127\.0\.0\.1:%d to ' % self.port)

    def test_families(self):
        """IPv4 and IPv6 on this side, whatever the target's."""
        port = free_port()
        self.forward(self.keep(DatagramTarget(host='::1')), listen='127.0.0.1:%d, [::1]:%d' % (port, port))
        self.port = port
        for host in '127.0.0.1', '::1':
            self.assertEqual(self.ask(self.source(host), b'hello', host), b'hello')

    def test_sources(self):
        """Each source gets its own answers, and the target sees each as another."""
        target = self.keep(DatagramTarget())
        self.forward(target)
        sources = [self.source() for _ in range(20)]
        for round in range(3):
            for number, s in enumerate(sources):
                s.sendto(b'%d %d' % (number, round), ('127.0.0.1', self.port))
            for number, s in enumerate(sources):
                self.assertEqual(s.recv(100), b'%d %d' % (number, round))
        self.assertEqual(len({sender for _, sender in target.received}), 20)

    def test_sources_in_one_read(self):
        """Datagrams of several sources that are read together go each their way, in their order."""
        self.forward(self.keep(DatagramTarget()))
        sources = [self.source() for _ in range(5)]
        for s in sources:
            self.assertEqual(self.ask(s, b'hello'), b'hello')
        self.wstan_client.signal(signal.SIGSTOP)
        try:
            for round in range(12):
                for number, s in enumerate(sources):
                    s.sendto(b'%d %d' % (number, round), ('127.0.0.1', self.port))
        finally:
            self.wstan_client.signal(signal.SIGCONT)
        for number, s in enumerate(sources):
            self.assertEqual([s.recv(100) for _ in range(12)], [b'%d %d' % (number, round) for round in range(12)])

    def test_burst(self):
        """What comes while the tunnel is opened waits for it."""
        target = self.keep(DatagramTarget(lambda data: None))
        self.forward(target)
        s = self.source()
        for number in range(30):
            s.sendto(b'%d' % number, ('127.0.0.1', self.port))
        eventually(lambda: len(target.heard) == 30, 'all have come')
        self.assertEqual(target.heard, [b'%d' % number for number in range(30)])

    def test_idle(self):
        """An association that is not used ends after udp-idle; the next datagram begins another."""
        target = self.keep(DatagramTarget())
        self.forward(target, 'udp-idle = 1s')
        s = self.source()
        self.assertEqual(self.ask(s, b'one'), b'one')
        self.wstan_client.await_log('association for datagrams ended')
        self.assertEqual(self.ask(s, b'two'), b'two')
        self.assertEqual(len({sender for _, sender in target.received}), 2)

    def test_many(self):
        """More sources than a forward serves at once: the ones that were silent longest give way, and may come again."""
        target = self.keep(DatagramTarget())
        self.forward(target)
        sources = [self.source() for _ in range(270)]
        for s in sources:
            self.assertEqual(self.ask(s, b'hello'), b'hello')
        eventually(lambda: self.wstan_client.log().count('association for datagrams ended') == 270 - 256, 'the oldest have given way')
        # Its tunnel and the target's socket are new.
        self.assertEqual(self.ask(sources[0], b'again'), b'again')
        self.assertEqual(len({sender for _, sender in target.received}), 271)

    def test_server_away(self):
        """While the server is away datagrams are lost; then the same source is served again."""
        target = self.keep(DatagramTarget())
        self.forward(target)
        s = self.source()
        self.assertEqual(self.ask(s, b'hello'), b'hello')
        port = self.wstan_server.port
        self.wstan_server.kill()
        s.sendto(b'lost', ('127.0.0.1', self.port))
        self.server(port=port)
        s.settimeout(0.2)

        def answers():
            s.sendto(b'again', ('127.0.0.1', self.port))
            try:
                return s.recv(100) == b'again'
            except TimeoutError:
                return False
        eventually(answers, 'the forward works again', 10)

    def test_end(self):
        """A client that stops ends its associations at once."""
        self.forward(self.keep(DatagramTarget()), '[wstan]\ndrain-timeout = 10s\n[client]')
        self.assertEqual(self.ask(self.source(), b'hello'), b'hello')
        self.wstan_client.signal(signal.SIGTERM)
        self.assertEqual(self.wstan_client.exit_status(5), 0)


class ServerOnUnixSocket(Scenario):
    """Our server behind nginx, on a Unix socket."""

    def start_server(self, *options):
        path = os.path.join(self.directory, 'server')
        server = self.start('server', OURS, '-s', 'ws://example.com/chat/', self.key, '--listen=unix:' + path, '--log-level=info',
                            '--allow-private=yes', *options)
        server.path = path
        server.await_log('listening on unix:')
        return server

    def test_nginx(self):
        """Carries 20 MB in both directions; nginx is believed about the client's address as on a loopback address."""
        if not find('nginx'):
            self.skipTest('nginx is not installed')
        server = self.start_server('--x-forward=yes')
        front = UnixNginx(self, server.path)
        client = self.start('client', OURS, 'ws://localhost:%d/chat/' % front.port, self.key, '-a', '127.0.0.1',
                            '-p', port := free_port())
        client.await_port(port)
        target = self.target()
        for _ in range(2):
            self.assertEqual(agent.upload(agent.socks5(port, '127.0.0.1', target.port), 20 * MB), payload.sum_of(20 * MB))
            self.assertEqual(agent.download(agent.socks5(port, '127.0.0.1', target.port), 20 * MB)[1], payload.sum_of(20 * MB))
        server.await_log(r'tunnel opened.*peer=127\.0\.0\.1')

    def test_forwarded_for(self):
        """A client that a Unix peer names is believed where loopback is trusted, and not where it is not."""
        for trusted, peer in ('loopback', '192.0.2.7'), ('none', '127.0.0.1'):
            server = self.start_server('--x-forward=yes', '--trusted-proxies=' + trusted)
            with agent.dial_unix(server.path, 5) as s:
                s.sendall(b'GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n')
                self.assertIn(b' 404 ', agent.read_head(s))
            server.await_log('not a request.*peer=' + peer.replace('.', r'\.'))
            server.signal(signal.SIGTERM)
            self.assertEqual(server.exit_status(), 0)


class UnixNginx(Nginx):
    """nginx that reaches its server at a path."""

    def text(self):
        path, self.server_port = self.server_port, 1
        return super().text().replace('http://127.0.0.1:1;', 'http://unix:%s:;' % path)
