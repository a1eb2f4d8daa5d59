"""Options that change how the ends meet: compatible mode, proxies, fronts, files, threads, wss."""
import base64
import hashlib
import os
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.network.intermediaries import HTTPProxy, WebSocketProxy
from helpers.peers import agent, payload, probe, wire
from helpers.peers.target import echo
from helpers.process import OURS, free_port
from helpers.scenario import TARGETS_HERE, binary_key
from helpers.transfers import DIALS, Transfers


class Compatible(Transfers):
    def cookie_name(self):
        return '_%c' % (hashlib.sha1(self.raw_key).digest()[-1] % 26 + 65)

    def test_pair(self):
        """A pair under -z carries data both ways."""
        self.assertCarries(self.client(self.server('-z'), '-z'))

    def test_passphrase(self):
        """A pair under -z and a passphrase does too."""
        self.key = 'correct horse battery staple'
        self.assertCarries(self.client(self.server('-z'), '-z'), rounds=1)

    def test_replaced_key(self):
        """Through a WebSocket proxy that replaces the Sec-WebSocket-Key a pair under -z carries data both ways."""
        between = self.keep(WebSocketProxy(self.server('--compatible').port))
        self.assertCarries(self.client(between, '--compatible'))
        self.assertTrue(between.links)

    def test_replaced_key_in_default_mode(self):
        """Through such a proxy a pair without -z carries nothing."""
        between = self.keep(WebSocketProxy(self.server().port))
        self.assertCarriesNothing(self.client(between))

    def test_only_one_end(self):
        """A client under -z is refused by a server without it, and the other way round, with the same answer as anybody."""
        for server_options, client_options in (((), ('-z',)), (('-z',), ())):
            with self.subTest(server=server_options, client=client_options):
                client = self.client(self.server(*server_options), *client_options)
                self.assertCarriesNothing(client)
                client.await_log(r'\b404\b')

    def test_requests_of_the_client(self):
        """The nonce travels in the cookie that the key names, never beginning with its letter, and not in the WebSocket key."""
        between = self.forwarder(self.server('-z'))
        client, target = self.client(between, '-z', '--pool-size=0'), self.target(echo)
        for _ in range(40):
            with agent.socks5(client.port, '127.0.0.1', target.port) as s:
                self.assertTrue(agent.echoes(s, b'hello'))
        heads = between.heads()
        self.assertEqual(len(heads), 40)
        for head in heads:
            name, text = re.search(r'(?im)^cookie: *(\w+)=(\S+)', head.decode()).groups()
            self.assertEqual(name, self.cookie_name())
            self.assertNotEqual(text[0], name[1])
            nonce = base64.b64decode(text, validate=True)
            self.assertEqual(len(nonce), 16)
            websocket_key = base64.b64decode(re.search(r'(?im)^sec-websocket-key: *(\S+)', head.decode()).group(1), validate=True)
            self.assertEqual(len(websocket_key), 16)
            self.assertNotEqual(nonce, websocket_key)
            message = base64.urlsafe_b64decode(head.split(b' ')[1].rsplit(b'/', 1)[1])
            body = wire.Half(self.raw_key, nonce).open(message)
            self.assertEqual(wire.read_address(body[9:]), (1, '127.0.0.1', target.port, b'hello'))

    def test_answers_of_the_server(self):
        """The server's key stream begins at the SHA-1 of the client's nonce."""
        server, target = self.server('-z'), self.target(echo)
        opening = wire.Opening(self.raw_key, wire.request_body('127.0.0.1', target.port, b'hi'))
        nonce, opening.nonce = opening.nonce, os.urandom(16)
        cookie = '%s=%s' % (self.cookie_name(), base64.b64encode(nonce).decode())
        tunnel = self.keep(probe.Tunnel(server.port, opening, head=opening.head(more=[('Cookie', cookie)])))
        tunnel.into = wire.Half(self.raw_key, hashlib.sha1(nonce).digest()[:16])
        self.assertEqual(tunnel.read_data(2), b'hi')
        tunnel.send(bytes([wire.DAT]) + b'there')
        self.assertEqual(tunnel.read_data(5), b'there')

    def test_replayed(self):
        """A replay under another WebSocket key is refused: the nonce that counts is the cookie's."""
        server, target = self.server('-z'), self.target(echo)
        opening = wire.Opening(self.raw_key, wire.request_body('127.0.0.1', target.port))
        cookie = '%s=%s' % (self.cookie_name(), opening.websocket_key)
        statuses = []
        for _ in range(3):
            websocket_key = base64.b64encode(os.urandom(16)).decode()
            head = opening.head(websocket_key=websocket_key, more=[('Cookie', cookie)])
            with socket.create_connection(('127.0.0.1', server.port), 5) as s:
                s.sendall(head)
                statuses.append(int(agent.read_head(s).split()[1]))
        self.assertEqual(statuses, [101, 404, 404])

    def test_bad_cookie(self):
        """A cookie with another name, a nonce of another length or in another spelling, or none, is refused."""
        server = self.server('-z')
        opening = wire.Opening(self.raw_key, wire.request_body('127.0.0.1', self.commanded.port))
        name, good = self.cookie_name(), opening.websocket_key
        other = '_A' if name != '_A' else '_B'
        for more in ([], [('Cookie', '%s=%s' % (other, good))], [('Cookie', '%s=%s' % (name, good[:-4]))],
                     [('Cookie', '%s=%s' % (name, good[:-2]))], [('Cookie', name)], [('Cookie', '%s=' % name)], [('Cookie', '')]):
            with self.subTest(more=more):
                self.assertEqual(probe.exchange(server.port, opening.head(more=more)).status, 404)
        self.assertEqual(self.commanded.connections, [])


class Proxy(Transfers):
    def test_through_a_proxy(self):
        """With -y each tunnel goes through the HTTP proxy, which is asked for the server's host and port."""
        server = self.server()
        proxy = self.keep(HTTPProxy(server.port))
        self.assertCarries(self.client(server, '-y', '127.0.0.1:%d' % proxy.port))
        authority = b'127.0.0.1:%d' % server.port
        for request in proxy.requests:
            self.assertRegex(request, rb'^CONNECT ' + authority + rb' HTTP/1\.1\r\n(?i:host): ' + authority + rb'\r\n')
        self.assertTrue(proxy.links)

    def test_name_is_left_to_the_proxy(self):
        """The proxy is asked for a server's name, not for its address."""
        proxy = self.keep(HTTPProxy(self.server().port))
        port = free_port()
        client = self.start('client', OURS, 'ws://server.invalid:81', self.key, '-a', '127.0.0.1', '-p', port,
                            '--proxy', 'http://127.0.0.1:%d' % proxy.port)
        client.port = port
        client.await_port(port)
        self.assertCarries(client, rounds=1)
        self.assertTrue(all(request.startswith(b'CONNECT server.invalid:81 HTTP/1.1\r\n') for request in proxy.requests))
        self.assertTrue(all(b'\r\nHost: server.invalid:81\r\n' in head for head in proxy.heads()))

    def test_refusing_proxy(self):
        """A proxy that refuses ends the user agent's connection, and a log line names the proxy and its answer."""
        server = self.server()
        for refusal in '403 Forbidden', '407 Proxy Authentication Required', '502 Bad Gateway':
            with self.subTest(refusal=refusal):
                proxy = self.keep(HTTPProxy(server.port, refusal))
                client = self.client(server, '-y', '127.0.0.1:%d' % proxy.port)
                self.assertCarriesNothing(client)
                client.await_log(r'proxy[^\n]*' + refusal)

    def test_reason_with_control_characters(self):
        """Control characters in a proxy's reason do not reach the log."""
        server = self.server()
        proxy = self.keep(HTTPProxy(server.port, '403 no\x1b[2Jwarning: forged'))
        client = self.client(server, '-y', '127.0.0.1:%d' % proxy.port)
        self.assertCarriesNothing(client)
        client.await_log(r'proxy[^\n]*403')
        self.assertNotIn('\x1b', client.log())

    def test_absent_proxy(self):
        """A proxy that is not there ends the user agent's connection, and a log line says that it is the proxy."""
        client = self.client(self.server(), '-y', '127.0.0.1:%d' % free_port())
        self.assertCarriesNothing(client)
        client.await_log(r'warning:[^\n]*proxy')


class Forwarded(Transfers):
    def log_for(self, server, *fields):
        """What the server logs about a request with these fields."""
        since = len(server.log())
        opening = wire.Opening(self.raw_key, wire.request_body('127.0.0.1', self.commanded.port, b'echo\nhi'))
        with probe.Tunnel(server.port, opening, head=opening.head(more=[('X-Forwarded-For', f) for f in fields])).socket:
            return server.await_log(r'tunnel opened.*', since=since).group()

    def test_forwarded_for(self):
        """With --x-forward the log names the client that the front has added: the last entry of the last field."""
        server = self.server('--x-forward', '--log-level=info')
        for fields, client in (
                (('203.0.113.7',), '203.0.113.7'), (('192.0.2.1, 198.51.100.2,203.0.113.8',), '203.0.113.8'),
                (('192.0.2.1', '203.0.113.9'), '203.0.113.9'), (('192.0.2.1, 2001:db8::5',), '2001:db8::5')):
            with self.subTest(fields=fields):
                line = self.log_for(server, *fields)
                self.assertIn(client, line)
                self.assertNotIn('192.0.2.1', line)

    def test_no_address(self):
        """An entry that is no address, none, or a lie in a log line's clothes is passed over: the peer is named."""
        server = self.server('--x-forward', '--log-level=info')
        for fields in ((), ('',), ('unknown',), ('192.0.2.1, evil peer=1',), ('192.0.2.999',), ('192.0.2.1, \x1b[2J',)):
            with self.subTest(fields=fields):
                line = self.log_for(server, *fields)
                self.assertIn('127.0.0.1', line)
                self.assertNotIn('evil', line)
                self.assertNotIn('192.0.2.', line)
                self.assertNotIn('unknown', line)

    def test_not_asked_for(self):
        """Without --x-forward nobody is believed."""
        server = self.server('--log-level=info')
        line = self.log_for(server, '203.0.113.7')
        self.assertNotIn('203.0.113.7', line)
        self.assertIn('127.0.0.1', line)


class Files(Transfers):
    def file(self, *lines):
        path = os.path.join(self.directory, 'file%d' % len(os.listdir(self.directory)))
        with open(path, 'w') as f:
            f.write('\n'.join(lines) + '\n')
        os.chmod(path, 0o600)
        return path

    def run_by(self, name, port, *arguments):
        process = self.start(name, OURS, *arguments)
        process.port = port
        process.await_port(port)
        return process

    def test_ini_file(self):
        """The flat INI files of the Python wstan start a server and a client."""
        uri_port, server_port, client_port = free_port(), free_port(), free_port()
        server_file = self.file('# a server', 'uri = ws://192.0.2.1:%d/a/path' % uri_port, 'key = ' + self.key, 'server = yes',
                                'tun-addr = 127.0.0.1', 'tun-port = %d' % server_port, 'x-forward = true', 'debug = no')
        client_file = self.file('uri: ws://127.0.0.1:%d/a/path' % server_port, 'KEY: ' + self.key, '; a client',
                                'addr: 127.0.0.1', 'port: %d' % client_port, 'pool-size: 4', 'compatible = off')
        server = self.run_by('server', server_port, '-i', server_file, TARGETS_HERE)
        client = self.run_by('client', client_port, '--ini=' + client_file)
        self.assertCarries(client, rounds=1)
        for process in server, client:
            self.assertNotIn('warning', process.log())

    def test_wstan_conf(self):
        """A wstan.conf with sections and a key file starts a server and a client."""
        server_port, client_port = free_port(), free_port()
        key_file = self.file(self.key)
        server_file = self.file('mode = server', 'uri = ws://192.0.2.1:80/', 'key-file = ' + key_file, '[server]',
                                'listen = 127.0.0.1:%d' % server_port, 'connect-timeout = 2s', 'plain-answer = 400', 'allow-private = yes')
        client_file = self.file('uri = ws://127.0.0.1:%d/' % server_port, 'key-file = ' + key_file, '[client]',
                                'listen = 127.0.0.1:%d' % client_port, 'early-data = 0', '[pool]', 'size = 2')
        server = self.run_by('server', server_port, '--config', server_file)
        client = self.run_by('client', client_port, '--config', client_file)
        self.assertCarries(client, rounds=1)
        for process in server, client:
            self.assertNotIn('warning', process.log())
        self.assertEqual(probe.exchange(server_port, b'GET / HTTP/1.1\r\nHost: x\r\n\r\n').status, 400)

    def test_command_line_wins(self):
        """What the command line says wins over the file, for Python's names and for ours."""
        server_port, client_port, wrong_port = free_port(), free_port(), free_port()
        server_file = self.file('uri = ws://127.0.0.1:%d' % wrong_port, 'key = ' + binary_key(), 'tun-port = %d' % wrong_port,
                                'server = no', '[server]', 'plain-answer = 400', 'allow-private = yes')
        client_file = self.file('uri = ws://127.0.0.1:%d' % wrong_port, 'key = ' + binary_key(), 'port = %d' % wrong_port,
                                'addr = 127.0.0.1', 'proxy = 127.0.0.1:%d' % wrong_port, '[pool]', 'size = 4')
        self.run_by('server', server_port, '-i', server_file, '-s', '--key=' + self.key, '-r', server_port, '--plain-answer=404')
        client = self.run_by('client', client_port, '-i', client_file, 'ws://127.0.0.1:%d' % server_port, self.key, '-p', client_port,
                             '--proxy=none')
        self.assertCarries(client, rounds=1)
        self.assertEqual(probe.exchange(server_port, b'GET / HTTP/1.1\r\nHost: x\r\n\r\n').status, 404)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', wrong_port), 1).close()


class Threads(Transfers):
    def test_two_threads(self):
        """With --threads=2 on both sides 400 connections, 40 at a time, each get their own bytes back, and large ones too."""
        server = self.server('--threads=2')
        client = self.client(server, '--threads=2')
        for process in server, client:
            self.assertGreaterEqual(len(os.listdir('/proc/%d/task' % process.popen.pid)), 2)

        def one(number):
            with DIALS[number % 2](client.port, '127.0.0.1', self.commanded.port) as s:
                s.sendall(b'echo\n')
                return all(agent.echoes(s, os.urandom(size)) for size in (1, 700, 20000))

        total = payload.sum_of(self.SIZE)

        def large(number):
            s = DIALS[number % 2](client.port, '127.0.0.1', self.commanded.port)
            return agent.download(s, self.SIZE) == (self.SIZE, total) if number & 2 else agent.upload(s, self.SIZE) == total
        with ThreadPoolExecutor(40) as pool:
            self.assertEqual(sum(pool.map(one, range(400))), 400)
            self.assertEqual(sum(pool.map(large, range(40))), 40)

    def test_replays_across_threads(self):
        """Of many copies of a request that arrive at once at a server with four threads, one is accepted."""
        server, target = self.server('--threads=4'), self.target(echo)

        def status(head):
            with socket.create_connection(('127.0.0.1', server.port), 5) as s:
                s.settimeout(5)
                s.sendall(head)
                return int(agent.read_head(s).split()[1])
        for _ in range(10):
            head = wire.Opening(self.raw_key, wire.request_body('127.0.0.1', target.port)).head()
            with ThreadPoolExecutor(16) as pool:
                self.assertEqual(sorted(pool.map(status, [head] * 16)), [101] + [404] * 15)


class UnderTLS(Transfers):
    """Behind a front that ends TLS: the URI says wss, the connection is plain."""

    def setUp(self):
        super().setUp()
        self.echo = self.target(echo)

    def server_behind_front(self, *options):
        port = free_port()
        server = self.start('server', OURS, '-s', 'wss://example.com/', self.key, '-t', '127.0.0.1', '-r', port, TARGETS_HERE, *options)
        server.port = port
        server.await_port(port)
        return server

    def opening(self, data=b'hi', **options):
        return wire.PlainOpening(self.raw_key, wire.request_body('127.0.0.1', self.echo.port, data, **options))

    def tunnel(self, server, opening, **options):
        tunnel = self.keep(probe.Tunnel(server.port, opening, **options))
        tunnel.into.stream = wire.NoCipher
        return tunnel

    def assertAccepted(self, server, opening, **options):
        self.assertEqual(self.tunnel(server, opening, head=opening.head(**options)).read_data(2), b'hi')

    def assertRefused(self, server, opening, **options):
        answer = probe.exchange(server.port, opening.head(**options))
        plain = probe.exchange(server.port, b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
        self.assertEqual(answer.masked, plain.masked)

    def test_plain_messages(self):
        """A server whose URI says wss:// speaks the form without a cipher, on fresh tunnels and on idle ones."""
        tunnel = self.tunnel(self.server_behind_front(), self.opening())
        self.assertEqual(tunnel.read_data(2), b'hi')
        tunnel.send(bytes([wire.DAT]) + b'there')
        self.assertEqual(tunnel.read_data(5), b'there')
        tunnel.send(wire.reset_body())
        self.assertEqual(tunnel.read_reset().strip(), '')
        tunnel.send(wire.request_body('127.0.0.1', self.echo.port, b'again'))
        self.assertEqual(tunnel.read_data(5), b'again')

    def test_bad_requests(self):
        """What has a wrong MAC, is too old, or has no finite time is refused there too."""
        server = self.server_behind_front()
        self.assertRefused(server, wire.PlainOpening(os.urandom(16), wire.request_body('127.0.0.1', self.echo.port)))
        for when in time.time() - 61, time.time() + 62, float('nan'), float('inf'):
            self.assertRefused(server, self.opening(when=when))
        self.assertEqual(self.echo.connections, [])

    def test_replayed(self):
        """A replay is refused there too, under whatever WebSocket key: a front's log holds requests but has no part in nonces."""
        server, opening = self.server_behind_front(), self.opening()
        self.assertAccepted(server, opening)
        self.assertRefused(server, opening)
        self.assertRefused(server, opening, websocket_key=base64.b64encode(os.urandom(16)).decode())
        self.assertAccepted(server, self.opening())
        self.assertEqual(len(self.echo.connections), 2)

    def test_replay_under_tls(self):
        """--replay-under-tls=no accepts replays, and requests of clients whose clock is wrong."""
        server, opening = self.server_behind_front('--replay-under-tls=no'), self.opening()
        for _ in range(3):
            self.assertAccepted(server, opening)
        self.assertAccepted(server, self.opening(when=0.0))

    def test_replay_under_tls_without_tls(self):
        """--replay-under-tls=no changes nothing where the URI says ws://."""
        server = self.server('--replay-under-tls=no')
        opening = wire.Opening(self.raw_key, wire.request_body('127.0.0.1', self.echo.port, b'hi'))
        self.assertEqual(self.keep(probe.Tunnel(server.port, opening)).read_data(2), b'hi')
        self.assertRefused(server, opening)

    def test_mismatch_of_schemes(self):
        """A request for ws:// at a server for wss://, or the other way round, gets the plain answer; the log tells the cause."""
        body = wire.request_body('127.0.0.1', self.echo.port, b'hi')
        sealed = wire.Opening(self.raw_key, body)
        while sealed.message[0] in (wire.REQ, wire.DAT, wire.RST, wire.DGM):  # by chance it begins like a plain one
            sealed = wire.Opening(self.raw_key, body)
        plain = self.opening()
        while wire.Half(self.raw_key, plain.nonce).stream.update(plain.message[:1])[0] in (wire.REQ, wire.DAT, wire.RST, wire.DGM):
            plain = self.opening()
        for server, opening in (self.server_behind_front(), sealed), (self.server(), plain):
            self.assertRefused(server, opening)
            server.await_log(r'ws://.*wss://')
        self.assertEqual(self.echo.connections, [])
