"""Web servers in front of our server, as contrib/ and docs/fronts.md have them."""
import re
import socket
import struct
import time

from helpers.network.fronts import PATH, Apache, Caddy, HAProxy, HAProxyTCP, Lighttpd, Nginx, Varnish
from helpers.peers import probe, wire
from helpers.peers.target import echo, read_exactly
from helpers.process import OURS, THEIRS, find, free_port
from helpers.scenario import TARGETS_HERE
from helpers.tls import module_authority
from helpers.transfers import Transfers
from helpers.waiting import eventually


def setUpModule():
    global authority
    authority = module_authority()


class Fronts(Transfers):
    FRONT = None

    def setUp(self):
        super().setUp()
        for program in self.PROGRAM, 'openssl':
            if not find(program):
                self.skipTest('%s is not installed' % program)
        self.echo = self.target(echo)

    def behind(self, *options, tls=True, **front_options):
        """A front with a server behind it."""
        port = free_port()
        scheme = 'wss' if tls else 'ws'
        self.wstan_server = self.start('server', OURS, '-s', '%s://example.com%s' % (scheme, PATH), self.key, TARGETS_HERE,
                                       '--listen=127.0.0.1:%d' % port, '--log-level=info', *(options or (self.FRONT.TELLS_CLIENT_BY,)))
        self.wstan_server.port = port
        self.wstan_server.await_port(port)
        return self.FRONT(self, port, authority if tls else None, **front_options)

    def client_of(self, front, program, *options):
        port = free_port()
        scheme = 'wss' if front.authority else 'ws'
        client = self.start('client', 'env', 'SSL_CERT_FILE=' + authority.certificate, program,
                            '%s://localhost:%d%s' % (scheme, front.port, PATH), self.key, '-a', '127.0.0.1', '-p', port, *options)
        client.port = port
        client.await_port(port)
        return client

    # What a request comes to, made by hand.

    def opening(self, data=b'hi', **options):
        return wire.PlainOpening(self.raw_key, wire.request_body('127.0.0.1', self.echo.port, data, **options))

    def head(self, opening, **options):
        return opening.head(path=self.path(opening), **options)

    def path(self, opening):
        return PATH + opening.head().split(b' ')[1].decode()[1:]

    def tunnel(self, front, opening, **options):
        tunnel = self.keep(probe.Tunnel(front.port, opening, self.head(opening, **options), front.reach))
        tunnel.into.stream = wire.NoCipher
        return tunnel

    def assertAccepted(self, front, opening):
        tunnel = self.tunnel(front, opening)
        self.assertEqual(tunnel.read_data(2), b'hi')
        tunnel.close()

    def assertRefused(self, front, opening, reason):
        since, seen = len(self.wstan_server.log()), len(self.echo.connections)
        answer = probe.exchange(front.port, self.head(opening), reach=front.reach)
        self.assertEqual(answer.status, 404)
        self.wstan_server.await_log('reason=' + reason, since=since)
        self.assertEqual(len(self.echo.connections), seen)

    def send(self, front, data):
        """Sends it and waits for the end, whatever the front makes of it."""
        with front.reach(front.port) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(1 << 16):
                    pass
            except OSError:
                pass

    def named(self, front, *fields):
        """The client that the server's log names for a request from 127.0.0.7."""
        since = len(self.wstan_server.log())
        opening = self.opening()
        head = self.head(opening, more=[('X-Forwarded-For', f) for f in fields])
        tunnel = self.keep(probe.Tunnel(front.port, opening, head, lambda port: front.reach(port, '127.0.0.7')))
        peer = self.wstan_server.await_log(r'tunnel opened.*peer=(\S+)', since=since).group(1)
        tunnel.close()
        return peer

    def refused_as(self, front):
        """The client that the log names for a refused request from 127.0.0.7."""
        since = len(self.wstan_server.log())
        head = self.head(wire.PlainOpening(bytes(16), wire.request_body('127.0.0.1', 1)))
        probe.exchange(front.port, head, reach=lambda port: front.reach(port, '127.0.0.7'))
        return self.wstan_server.await_log(r'refused.*peer=(\S+)', since=since).group(1)


class WebFront:
    """The tests that both fronts for the web share."""

    def test_their_client(self):
        """The Python client carries data both ways through TLS, on fresh tunnels and on pooled ones."""
        self.assertCarries(self.client_of(self.behind(), THEIRS))

    def test_our_client_without_tls(self):
        """Our client does through the same front without TLS, where the key seals."""
        self.assertCarries(self.client_of(self.behind(tls=False), OURS))

    def test_most_early_data(self):
        """A request with 4096 bytes of data, a line of 5.6 KB, passes."""
        data = bytes(range(256)) * 16
        self.assertEqual(self.tunnel(self.behind(), self.opening(data)).read_data(4096), data)

    def test_captured_request(self):
        """A request that is sent a second time, as from a log, is refused; so is one that has expired."""
        front, opening = self.behind(), self.opening()
        self.assertAccepted(front, opening)
        self.assertRefused(front, opening, 'replayed')
        self.assertRefused(front, self.opening(when=time.time() - 61), 'expired')
        self.assertAccepted(front, self.opening())

    def test_captured_request_when_replays_are_let_in(self):
        """With --replay-under-tls=no both are accepted."""
        front, opening = self.behind('--replay-under-tls=no', self.FRONT.TELLS_CLIENT_BY), self.opening()
        for _ in range(2):
            self.assertAccepted(front, opening)
        self.assertAccepted(front, self.opening(when=time.time() - 3600))

    def test_logs_hold_no_request(self):
        """Whatever becomes of a request, no log of the front's holds it: accepted, refused, without a server, too long, malformed, cut off."""
        front = self.behind()
        openings = [self.opening() for _ in range(4)] + [self.opening(bytes(20000))]
        good, unserved, malformed, incomplete, long = openings
        self.assertAccepted(front, good)
        self.assertRefused(front, good, 'replayed')
        self.wstan_server.kill()
        self.assertIn(probe.exchange(front.port, self.head(unserved), reach=front.reach).status, (502, 503))
        self.send(front, self.head(malformed, more=[('Host', 'a b')]))
        self.send(front, self.head(incomplete)[:-10])
        self.send(front, self.head(long))
        self.send(front, b'GET /elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        self.await_last_line(front)
        for opening in openings:
            self.assertNotIn(self.path(opening)[len(PATH):][:30], front.logs())


class BehindNginx(WebFront, Fronts):
    FRONT, PROGRAM = Nginx, 'nginx'

    def await_last_line(self, front):
        eventually(lambda: '/elsewhere' in front.logs(), 'nginx logs what is not of wstan')

    def test_client_address(self):
        """The log names the client that nginx has added to X-Forwarded-For, for refused requests too."""
        front = self.behind()
        self.assertEqual(self.named(front), '127.0.0.7')
        self.assertEqual(self.refused_as(front), '127.0.0.7')

    def test_client_behind_another_front(self):
        """Nginx is reached from another trusted proxy: the client is whom that one has added."""
        self.assertEqual(self.named(self.behind(), '192.0.2.1, 203.0.113.9'), '203.0.113.9')

    def test_stranger(self):
        """With --trusted-proxies=none nobody is believed: the log names nginx."""
        front = self.behind('--x-forward=yes', '--trusted-proxies=none')
        self.assertRegex(self.named(front, '192.0.2.1'), r'^127\.0\.0\.1:\d+$')
        self.assertRegex(self.refused_as(front), r'^127\.0\.0\.1:\d+$')


class BehindHAProxy(WebFront, Fronts):
    FRONT, PROGRAM = HAProxy, 'haproxy'

    def await_last_line(self, front):
        eventually(lambda: re.search(r' wstan-web~? wstan-site/', front.logs()), 'haproxy logs what is not of wstan')

    def test_client_address(self):
        """The log names the client that haproxy tells by either version of the PROXY header, for refused requests too."""
        for header in 'send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl-cn':
            with self.subTest(header=header):
                front = self.behind(header=header)
                self.assertRegex(self.named(front), r'^127\.0\.0\.7:\d+$')
                self.assertRegex(self.refused_as(front), r'^127\.0\.0\.7:\d+$')

    def test_stranger(self):
        """With --trusted-proxies=none its PROXY header is no request, and gets the plain answer."""
        for header in 'send-proxy', 'send-proxy-v2':
            with self.subTest(header=header):
                front = self.behind('--proxy-protocol=yes', '--trusted-proxies=none', header=header)
                self.assertRefused(front, self.opening(), 'not-a-request')

    def test_no_header(self):
        """Where trusted proxies send PROXY headers, one of theirs without it gets the plain answer, whatever the request."""
        self.behind()
        opening = self.opening()
        answer = probe.exchange(self.wstan_server.port, self.head(opening))
        self.assertEqual(answer.status, 404)
        self.assertEqual(self.echo.connections, [])


class BehindCaddy(WebFront, Fronts):
    FRONT, PROGRAM = Caddy, 'caddy'

    def await_last_line(self, front):
        eventually(lambda: '/elsewhere' in front.logs(), 'Caddy logs what is not of wstan')

    def test_client_address(self):
        """The log names the client that Caddy has added to X-Forwarded-For, for refused requests too."""
        front = self.behind()
        self.assertEqual(self.named(front), '127.0.0.7')
        self.assertEqual(self.refused_as(front), '127.0.0.7')


class BehindApache(WebFront, Fronts):
    FRONT, PROGRAM = Apache, 'apache2'

    def await_last_line(self, front):
        eventually(lambda: '/elsewhere' in front.logs(), 'Apache logs what is not of wstan')

    def test_client_address(self):
        """The log names the client that Apache has added to X-Forwarded-For, for refused requests too."""
        front = self.behind()
        self.assertEqual(self.named(front), '127.0.0.7')
        self.assertEqual(self.refused_as(front), '127.0.0.7')


class BehindLighttpd(WebFront, Fronts):
    FRONT, PROGRAM = Lighttpd, 'lighttpd'

    def await_last_line(self, front):
        eventually(lambda: re.search('"GET" 404 ', front.logs()), 'lighttpd logs what is not of wstan')

    def test_client_address(self):
        """The log names the client that lighttpd has added to X-Forwarded-For, for refused requests too."""
        front = self.behind()
        self.assertEqual(self.named(front), '127.0.0.7')
        self.assertEqual(self.refused_as(front), '127.0.0.7')


class BehindVarnish(Fronts):
    """A cache without TLS, which pipes the path."""
    FRONT, PROGRAM = Varnish, 'varnishd'

    def test_our_client(self):
        """Our client carries data both ways, and the log names the address that Varnish has added to X-Forwarded-For."""
        self.assertCarries(self.client_of(self.behind(tls=False), OURS))
        self.wstan_server.await_log(r'tunnel opened .*peer=127\.0\.0\.1 ')


class BehindHAProxyTCP(Fronts):
    """A front that only ends TLS."""
    FRONT, PROGRAM = HAProxyTCP, 'haproxy'

    def test_their_client(self):
        """The Python client carries data both ways."""
        self.assertCarries(self.client_of(self.behind(), THEIRS))

    def test_long_request(self):
        """A request with 60 KB of data, as a Python client makes of long cookies, passes."""
        data = bytes(range(240)) * 250
        self.assertEqual(self.tunnel(self.behind(), self.opening(data)).read_data(len(data)), data)

    def test_client_address(self):
        """The log names the client, for refused requests too; the log of the front holds no request."""
        front = self.behind()
        self.assertRegex(self.named(front), r'^127\.0\.0\.7:\d+$')
        self.assertRegex(self.refused_as(front), r'^127\.0\.0\.7:\d+$')
        eventually(lambda: front.logs().count('127.0.0.7:') >= 2, 'haproxy logs both connections')
        self.assertNotIn(PATH, front.logs())


class ProxyProtocol(Transfers):
    """PROXY headers made by hand, from this host, which is trusted."""
    V1 = b'PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n'
    V2 = (b'\r\n\r\n\0\r\nQUIT\n\x21\x11' + struct.pack('>H', 12 + 6) + bytes([203, 0, 113, 9, 192, 0, 2, 1])
          + struct.pack('>HH', 4711, 443) + b'\x04\0\3abc')

    def setUp(self):
        super().setUp()
        self.wstan_server = self.server('--proxy-protocol=yes', '--x-forward=yes', '--log-level=info', '--handshake-timeout=1s')

    def head(self, *fields):
        opening = wire.Opening(self.raw_key, wire.request_body('127.0.0.1', self.commanded.port, b'echo\n'))
        return opening, opening.head(more=[('X-Forwarded-For', f) for f in fields])

    def peer(self, header, *fields):
        since = len(self.wstan_server.log())
        opening, head = self.head(*fields)
        self.keep(probe.Tunnel(self.wstan_server.port, opening, header + head)).close()
        return self.wstan_server.await_log(r'tunnel opened.*peer=(\S+)', since=since).group(1)

    def test_named_client(self):
        """The header names the client, and X-Forwarded-For is not believed then: the client may have written it."""
        for header in self.V1, self.V2:
            self.assertEqual(self.peer(header), '203.0.113.9:4711')
            self.assertEqual(self.peer(header, '198.51.100.1'), '203.0.113.9:4711')

    def test_named_proxy(self):
        """The header names a trusted proxy: then the client is whom that one tells."""
        self.assertEqual(self.peer(b'PROXY TCP6 ::1 ::1 4711 443\r\n', '192.0.2.1, 198.51.100.1'), '198.51.100.1')

    def test_front_for_itself(self):
        """A header that names nobody leaves the connection's own address."""
        for header in b'PROXY UNKNOWN\r\n', self.V2[:12] + b'\x20\0\0\0':
            self.assertRegex(self.peer(header), r'^127\.0\.0\.1:\d+$')

    def test_single_bytes(self):
        """It may arrive byte by byte."""
        for header in self.V1, self.V2:
            _, head = self.head()
            with probe.reach(self.wstan_server.port) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in header:
                    s.send(bytes([byte]))
                s.sendall(head)
                self.assertTrue(read_exactly(s, 12).startswith(b'HTTP/1.1 101'))

    def test_malformed(self):
        """What is no header gets the plain answer, and the same as anybody behind a header; one that has not ended in time too."""
        get = b' / HTTP/1.1\r\nHost: a\r\n\r\n'
        plain = probe.exchange(self.wstan_server.port, self.V1 + b'GET' + get)
        self.assertEqual(plain.status, 404)
        for data in (b'GET' + get, self.head()[1], self.V1[:-2] + b'\n' + self.head()[1], self.V1 + self.V1 + self.head()[1],
                     self.V2[:14] + b'\xff\xff' + bytes(65535), self.V1[:20], self.V2[:20]):
            self.assertEqual(probe.exchange(self.wstan_server.port, data).masked, plain.masked, data[:60])
        head_only = probe.exchange(self.wstan_server.port, self.V2 + b'HEAD' + get)
        self.assertEqual(head_only.masked, plain.masked.partition(b'\r\n\r\n')[0] + b'\r\n\r\n')
        self.assertEqual(self.commanded.connections, [])

    def test_health_check(self):
        """A header and then nothing is a health check: it is not answered, nor told of in the log."""
        eventually(lambda: 'listening on' in self.wstan_server.log(), 'the server has said that it listens')
        since = len(self.wstan_server.log())
        with probe.reach(self.wstan_server.port) as s:
            s.sendall(self.V2[:12] + b'\x20\0\0\0')
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(s.recv(100), b'')
        self.assertEqual(self.wstan_server.log()[since:], '')
