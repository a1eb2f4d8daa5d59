"""The request and the answer of the handshake, as fronts change them on the way; and what both ends say when that breaks it."""
import re
import socket

from helpers.network.fronts import PATH, HAProxy, Nginx
from helpers.network.intermediaries import Intermediary
from helpers.peers import agent, probe, wire
from helpers.peers.target import echo
from helpers.process import OURS, find, free_port
from helpers.scenario import TARGETS_HERE
from helpers.tls import module_authority, tls_server
from helpers.transfers import Transfers


def setUpModule():
    global authority
    authority = module_authority()


class Changing(Intermediary):
    """A front that changes the request's head and the answer's."""

    def __init__(self, server_port, request=lambda head: head, answer=lambda head: head):
        self.request, self.answer = request, answer
        super().__init__(server_port)

    def arrange(self, client):
        server = self.reach_server()
        server.sendall(self.request(agent.read_head(client)))
        client.sendall(self.answer(agent.read_head(server)))
        return server


def replaced(pattern, by, flags=re.IGNORECASE):
    return lambda head: re.sub(pattern, by, head, flags=flags)


class Forms(Transfers):
    SIZE = 20000

    def carried(self, server_options=(), client_options=(), path='/', **changes):
        server = self.server(*server_options)
        front = self.keep(Changing(server.port, **changes))
        port = free_port()
        client = self.start('client', OURS, 'ws://127.0.0.1:%d%s' % (front.port, path), self.key, '-a', '127.0.0.1', '-p', port, *client_options)
        client.port = port
        client.await_port(port)
        self.assertCarries(client, rounds=1)

    def test_paths(self):
        """Whatever a front puts before the last segment of the path, or behind it, the tunnel opens."""
        for by in (b'GET /', b'GET //', b'GET /other/', b'GET /./', b'GET http://server.test/', b'GET https://server.test:443/chat//'):
            with self.subTest(by):
                self.carried(path=PATH, request=replaced(rb'^GET /chat/', by))
        for end in b'?from=front', b'/', b'?':
            with self.subTest(end):
                self.carried(request=replaced(rb'^(GET \S+)', rb'\g<1>' + end))

    def test_requests(self):
        """So it does with empty lines before the request, fields in other words, and other names beside WebSocket's."""
        for change in (lambda head: b'\r\n' + head, lambda head: b'\r\n\r\n' + head,
                       replaced(rb'Connection: Upgrade', b'connection: keep-alive,\tUPGRADE'),
                       replaced(rb'Connection: Upgrade', b'Connection: keep-alive\r\nConnection: Upgrade'),
                       replaced(rb'Upgrade: websocket', b'UPGRADE: h2c, WebSocket'),
                       replaced(rb'Host: \S+', b'Host: other.test')):
            with self.subTest(change(b'\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nHost: x\r\n')):
                self.carried(request=change)

    def test_cookies(self):
        """In compatible mode other cookies may stand beside ours, in one field or in several."""
        for by in rb'Cookie: a=b; \1', rb'Cookie: \1; a=b; c', rb'Cookie: a=b\r\nCookie: \1', rb'Cookie: \1\r\nCookie: a=b':
            with self.subTest(by):
                self.carried(('-z',), ('-z',), request=replaced(rb'Cookie: (_.=\S+)', by))

    def test_interim_answers(self):
        """Interim answers before the 101 are passed over."""
        hints = b'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'
        for text in (hints, b'HTTP/1.1 102 Processing\r\n\r\n', b'HTTP/1.1 100 Continue\r\n\r\n', hints * 5, hints * 50):
            with self.subTest(text):
                self.carried(answer=lambda head: text + head)

    def test_answers(self):
        """A 101 is taken in every form that means the same."""
        for change in (replaced(rb'101 Switching Protocols', b'101 '), replaced(rb'101 Switching Protocols', b'101'),
                       replaced(rb'Upgrade: websocket', b'UPGRADE:\tWebSocket '), replaced(rb'Connection: Upgrade', b'Connection: keep-alive, upgrade'),
                       replaced(rb'\r\nServer: [^\r]*', b''), replaced(rb'\r\nDate: [^\r]*', b'\r\nSec-WebSocket-Extensions:\r\nSet-Cookie: a=b')):
            with self.subTest(change(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nServer: x\r\nDate: y\r\n')):
                self.carried(answer=change)


class Causes(Transfers):
    """What the client says of an answer: the log, and the page that a user agent gets."""

    def assertSaid(self, port, *words, scheme='ws', never=('key is wrong',)):
        listen = free_port()
        client = self.start('client', OURS, '%s://127.0.0.1:%d/' % (scheme, port), self.key, '-a', '127.0.0.1', '-p', listen, '--pool-min=0')
        client.await_port(listen)
        with socket.create_connection(('127.0.0.1', listen), 10) as s:
            s.sendall(b'GET http://example.test/ HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n')
            page = b''
            while part := s.recv(1 << 16):
                page += part
        for word in words:
            client.await_log(word)
        for text in page.decode(), client.log():
            for word in words:
                self.assertRegex(text.lower(), word.lower())
            for word in never:
                self.assertNotIn(word, text)
        client.kill()

    def test_answers(self):
        """Each answer that is no 101 is told by what it is, and no key is blamed."""
        said = {}

        def serve(s):
            agent.read_head(s)
            s.sendall(b'HTTP/1.1 ' + said['answer'] + b'\r\n\r\n')
        front = self.target(serve)
        for answer, *words in (
                (b'502 Bad Gateway\r\nServer: nginx', 'front answered 502 bad gateway .server: nginx.', 'behind the front'),
                (b'503 Service Unavailable', 'front answered 503'), (b'504 Gateway Timeout', 'front answered 504'),
                (b'521 Web Server Is Down\r\nServer: cloudflare', 'cdn answered 521'),
                (b'302 Found\r\nLocation: http://portal.example/login', r'to http://portal\.example/[.;] ', 'login'),
                (b'301 Moved\r\nLocation: https://127.0.0.1/x', 'redirects to https', 'write wss://'),
                (b'401 Unauthorized', '401', 'login'), (b'403 Forbidden', 'answered 403', 'rules'), (b'451 No', 'answered 451', 'filter'),
                (b'405 Not Allowed', 'answered 405'), (b'413 Too Large', 'too long'), (b'414 URI Too Long', 'too long', 'early-data = 0'),
                (b'431 Too Large', 'too long'), (b'429 Too Many Requests', 'too many requests'), (b'426 Upgrade Required\r\nUpgrade: websocket', 'without its upgrade to websocket'),
                (b'426 Upgrade Required', 'the answer was 426', 'may remove'), (b'426 No\r\nUpgrade: TLS/1.2, HTTP/1.1', 'expects tls', 'write wss://'),
                (b'426 No\r\nUpgrade: h2c', 'upgrade: h2c', 'http/1.1'), (b'426 No\r\nSec-WebSocket-Version: 8, 7', 'sec-websocket-version: 8, 7', 'version 13'),
                (b'400 No\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Version: 0', 'sec-websocket-version: 8, 0'),
                (b'200 OK', 'answered 200 ok', 'may not pass upgrade on'), (b'511 Network Authentication Required', 'open a page in a browser'),
                (b'407 Proxy Authentication Required', 'answered 407', 'proxy = http://user:password'), (b'500 Oops', 'answered 500', "front.?.?.?.?.?s log"),
                (b'418 Tea', 'does not send'), (b'404 No\r\nContent-Type: application/json', 'another service'),
                (b'400 Bad Request\r\nServer: nginx\r\n\r\nThe plain HTTP request was sent to HTTPS port', 'expects tls', 'write wss://'),
                (b'101 X', 'lacks upgrade: websocket'),
                (b'101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x', 'another sec-websocket-key', 'compatible = yes')):
            with self.subTest(answer):
                said['answer'] = answer
                self.assertSaid(front.port, *words)

    def test_other_protocols(self):
        """So is what is not HTTP/1.1."""
        for answer, *words in ((b'SSH-2.0-OpenSSH_9.2\r\n', 'it speaks ssh'), (b'220 mail.test ESMTP\r\n', 'it says .{1,6}220 mail.test esmtp'),
                               (b'\x15\x03\x01\0\2\2\x46', 'expects tls', 'write wss://'), (b'HTTP/1.0 404 Not Found\r\n\r\n', 'http/1.0'),
                               (b'', 'without an answer', 'may expect tls')):
            with self.subTest(answer):
                self.assertSaid(self.target(lambda s: agent.read_head(s) and s.sendall(answer)).port, *words)

    def test_unfinished_and_long_answers(self):
        """An answer that breaks off in its head, and one that is too long, are told by that."""
        for answer, *words in ((b'HTTP/1.1 101 Switching Proto', 'closed in the middle of the answer', 'see their logs'),
                               (b'HTTP/1.1 103 Hints\r\n\r\n', 'closed in the middle of the answer'),
                               (b'HTTP/1.1 200 OK\r\nA: ' + bytes(300000).replace(b'\0', b'a'), 'too long: its head is above', 'may add fields'),
                               (b'HTTP/1.1 200 OK\r\n' + b'A: b\r\n' * 1001 + b'\r\n', 'too long: it has more than 1000 fields')):
            with self.subTest(answer[:40]):
                self.assertSaid(self.target(lambda s: agent.read_head(s) and s.sendall(answer)).port, *words)

    def test_tls_port(self):
        """A client without TLS at a server with it: both ends say so."""
        if not authority:
            self.skipTest('openssl is not installed')
        server = tls_server(self, authority)
        self.assertSaid(server.port, 'without an answer', 'write wss://')
        server.await_log("notice: request refused: it came without TLS.*reason=plain-websocket")


class ServersLog(Transfers):
    """What a server says of a request that a front has spoiled."""

    def setUp(self):
        super().setUp()
        self.echo = self.target(echo)

    def opening(self, data=b'hi'):
        return wire.Opening(self.raw_key, wire.request_body('127.0.0.1', self.echo.port, data))

    def test_incomplete_upgrade(self):
        """What is missing is named at notice, and the answer is the plain one."""
        server = self.server()
        plain = probe.exchange(server.port, b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        head = self.opening().head()
        bad = re.sub(rb'(?i)upgrade: websocket\r\n', b'', re.sub(rb'(?i)connection: [^\r]*', b'Connection: close', head))
        self.assertEqual(probe.exchange(server.port, bad.replace(b'HTTP/1.1', b'HTTP/1.0')).masked, plain.masked)
        server.await_log(r'notice: request refused: the key is right.*lacking=HTTP/1\.1,Upgrade,Connection')
        stranger = wire.Opening(bytes(16), wire.request_body('127.0.0.1', 1)).head(without=('Upgrade',))
        since = len(server.log())
        self.assertEqual(probe.exchange(server.port, stranger).masked, plain.masked)
        self.assertNotIn('key is right', server.log()[since:])

    def test_forwarded_for(self):
        """X-Forwarded-For of one who is not trusted is ignored, and that is said once."""
        server = self.server('--x-forward=yes', '--trusted-proxies=none', '--log-level=info')
        for _ in range(3):
            opening = self.opening()
            self.keep(probe.Tunnel(server.port, opening, opening.head(more=[('X-Forwarded-For', '192.0.2.1')]))).close()
        server.await_log('(?s)(tunnel opened.*){3}')
        self.assertEqual(server.log().count('X-Forwarded-For is ignored'), 1)
        self.assertRegex(server.log(), r'notice: X-Forwarded-For is ignored.*trusted-proxies.*peer=127\.0\.0\.1')
        trusted = self.server('--x-forward=yes', '--log-level=info')
        opening = self.opening()
        self.keep(probe.Tunnel(trusted.port, opening, opening.head(more=[('X-Forwarded-For', '192.0.2.1')]))).close()
        trusted.await_log('tunnel opened')
        self.assertNotIn('is ignored', trusted.log())


class BareNginx(Nginx):
    """The site of contrib/ without some of its lines."""

    def __init__(self, *arguments, changes=(), **options):
        self.changes = changes
        super().__init__(*arguments, **options)

    def text(self):
        text = super().text()
        for old, new in self.changes:
            if old not in text:
                raise AssertionError('no %r' % old)
            text = text.replace(old, new)
        return text


class SlashedNginx(BareNginx):
    def text(self):
        at = 'proxy_pass http://127.0.0.1:%d' % self.server_port
        return super().text().replace(at, at + '/')


class HintingHAProxy(HAProxy):
    TELLS_CLIENT_BY = '--proxy-protocol=yes'

    def text(self, **options):
        return super().text(**options).replace(
            'default_backend site', 'http-request early-hint Link "</style.css>; rel=preload; as=style"\n    default_backend site')


class RealFronts(Transfers):
    SIZE = 20000

    def behind(self, front, program, *options, **more):
        if not find(program):
            self.skipTest('%s is not installed' % program)
        port = free_port()
        server = self.start('server', OURS, '-s', 'ws://localhost' + PATH, self.key, TARGETS_HERE, '--listen=127.0.0.1:%d' % port,
                            *(options or (front.TELLS_CLIENT_BY,)))
        server.await_port(port)
        return server, front(self, port, **more)

    def client_of(self, front):
        port = free_port()
        client = self.start('client', OURS, 'ws://localhost:%d%s' % (front.port, PATH), self.key, '-a', '127.0.0.1', '-p', port)
        client.port = port
        client.await_port(port)
        return client

    def test_nginx_with_a_slash(self):
        """nginx whose proxy_pass has a slash takes the prefix off, and leaves two slashes or one."""
        for location in '/chat/', '/chat':
            _, front = self.behind(SlashedNginx, 'nginx', changes=(('location /chat/ {', 'location %s {' % location),))
            self.assertCarries(self.client_of(front), rounds=1)

    def test_nginx_without_upgrade(self):
        """nginx as it is without the lines for WebSocket: the server's log names what is missing."""
        server, front = self.behind(BareNginx, 'nginx', changes=(
            ('proxy_http_version 1.1;', ''), ('proxy_set_header Upgrade    $http_upgrade;', ''), ('proxy_set_header Connection "upgrade";', '')))
        client = self.client_of(front)
        self.assertCarriesNothing(client)
        server.await_log(r'notice: request refused: the key is right.*lacking=HTTP/1\.1,Upgrade,Connection')
        client.await_log('answered 404 Not Found.*a front may not pass Upgrade on')

    def test_nginx_without_server(self):
        """A server that is gone behind nginx is told by the client as that, and then it carries again."""
        server, front = self.behind(BareNginx, 'nginx')
        client = self.client_of(front)
        server.kill()
        self.assertCarriesNothing(client)
        client.await_log(r'front answered 502 Bad Gateway \(Server: nginx')
        self.assertNotIn('compare the key', client.log())

    def test_nginx_on_a_tls_port(self):
        """nginx says in its 400 that the port is for TLS, and the client does."""
        if not authority or not find('nginx'):
            self.skipTest('nginx or openssl is not installed')
        client = self.client_of(Nginx(self, free_port(), authority))
        self.assertCarriesNothing(client)
        client.await_log("port expects TLS: it answered 400 Bad Request .*write wss://")

    def test_haproxy_hints(self):
        """HAProxy sends 103 Early Hints before the 101."""
        _, front = self.behind(HintingHAProxy, 'haproxy')
        self.assertCarries(self.client_of(front), rounds=1)

    def test_haproxy_without_server(self):
        """HAProxy answers 503 for a server that is gone."""
        server, front = self.behind(HAProxy, 'haproxy')
        client = self.client_of(front)
        server.kill()
        self.assertCarriesNothing(client)
        client.await_log('front answered 503 Service Unavailable')
