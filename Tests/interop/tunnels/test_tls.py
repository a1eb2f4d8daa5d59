"""wss:// without a front and with one: our own TLS at either end, against ourselves, Python's and what the world has."""
import base64
import hashlib
import html
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from helpers.network.fronts import PATH, Caddy, HAProxy, HAProxyTCP, Nginx
from helpers.peers import agent, datagrams, payload, probe, web, wire
from helpers.peers.target import echo
from helpers.process import MB, OURS, THEIRS, find, free_port
from helpers.scenario import TARGETS_HERE
from helpers.tls import Authority, module_authority, tls_server
from helpers.transfers import Transfers
from helpers.waiting import eventually

V2_LOCAL = b'\r\n\r\n\0\r\nQUIT\n\x20\0\0\0'
V1 = b'PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n'


def setUpModule():
    global authority
    authority = module_authority()


def spki_pin(certificate):
    """As a user makes one."""
    public = subprocess.run(['openssl', 'x509', '-in', certificate, '-pubkey', '-noout'], capture_output=True, check=True).stdout
    der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'der'], input=public, capture_output=True, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class TLS(Transfers):
    def setUp(self):
        super().setUp()
        if not authority:
            self.skipTest('openssl is not installed')

    def tls_server(self, *options, **more):
        return tls_server(self, authority, '--log-level=info', *options, **more)

    def tls_client(self, server, *options, host='localhost', program=OURS):
        port = free_port()
        client = self.start('client', 'env', 'SSL_CERT_FILE=' + authority.certificate, program,
                            'wss://%s:%d%s' % (host, server.port, PATH), self.key, '-a', '127.0.0.1', '-p', port, *options)
        client.port = port
        client.await_port(port)
        return client

    def connect(self, port, **options):
        context = ssl.create_default_context(cafile=authority.certificate)
        if options.get('identity'):
            context.load_cert_chain(*options['identity'])
        s = socket.create_connection(('127.0.0.1', port), 5)
        return self.keep(context.wrap_socket(s, server_hostname='localhost'))

    def assertTells(self, client, pattern):
        """Nothing gets through, and the log and the page say why."""
        seen = len(self.commanded.connections)
        self.assertIn(agent.attempt(client.port, '127.0.0.1', self.commanded.port, b'echo\nis anybody there?'), ('end', 'reset', 'refused'))
        client.await_log(pattern)
        page = self.keep(web.Browser(client.port)).get('http://127.0.0.1:%d/' % self.commanded.port)
        self.assertEqual(page.status, 502)
        text = html.unescape(re.sub(r'<[^>]*>', '', page.body.decode()))
        self.assertRegex(text, '(?i)' + pattern)
        self.assertEqual(len(self.commanded.connections), seen)


class OwnTLS(TLS):
    """A server with a certificate of its own."""

    def test_pair(self):
        """Our client and our server carry data both ways; the system's store, here named by the environment, is believed."""
        self.assertCarries(self.tls_client(self.tls_server()))

    def test_large(self):
        """50 MB down and up, with sums."""
        client = self.tls_client(self.tls_server())
        size = 50 * MB
        total = payload.sum_of(size)
        self.assertEqual(agent.download(agent.socks5(client.port, '127.0.0.1', self.commanded.port), size), (size, total))
        self.assertEqual(agent.upload(agent.connect(client.port, '127.0.0.1', self.commanded.port), size), total)

    def test_their_client(self):
        """Python's client carries data both ways."""
        self.assertCarries(self.tls_client(self.tls_server(), program=THEIRS))

    def test_address(self):
        """A certificate for an address is checked against it."""
        self.assertCarries(self.tls_client(self.tls_server(), host='127.0.0.1'))

    def test_http_and_udp(self):
        """Plain HTTP and datagrams go through it too."""
        client = self.tls_client(self.tls_server())
        target = self.target(echo)
        with agent.socks5(client.port, '127.0.0.1', target.port) as s:
            self.assertTrue(agent.echoes(s, os.urandom(100000)))
        site = self.keep(web.Web())
        browser = self.keep(web.Browser(client.port))
        for path in '/hello', '/chunks', '/hello':
            self.assertEqual(browser.get('http://127.0.0.1:%d%s' % (site.port, path)).status, 200)
        self.assertEqual(len(site.requests), 3)
        association = self.keep(datagrams.Association(client.port))
        udp = self.keep(datagrams.udp_socket('127.0.0.1'))
        for size in 10, 5000, 60000:
            data = os.urandom(size)
            association.send(data, '127.0.0.1', udp.getsockname()[1])
            udp.settimeout(10)
            received, sender = udp.recvfrom(1 << 16)
            self.assertEqual(received, data)
            udp.sendto(data, sender)
            association.socket.settimeout(10)
            back, where = datagrams.unwrapped(association.socket.recv(1 << 16))
            self.assertEqual((back, where[1]), (data, udp.getsockname()[1]))

    def test_resumption(self):
        """A client's second handshake resumes the session of its first, in TLS 1.3 and in 1.2."""
        for version in ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2:
            with self.subTest(version=version):
                context, reused = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
                context.load_cert_chain(authority.chain, authority.key)
                context.maximum_version = version

                def serve(s, context=context, reused=reused):
                    try:
                        with context.wrap_socket(s, server_side=True) as t:
                            agent.read_head(t)
                            reused.append((t.session_reused, t.version()))
                            t.sendall(b'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
                    except OSError as e:
                        reused.append(e)
                client = self.tls_client(self.target(serve), '--pool-min=0', '--early-reply=yes')
                for _ in range(4):
                    with agent.socks5(client.port, '127.0.0.1', 9) as s:
                        s.sendall(b'x')
                        agent.outcome(s)
                name = 'TLSv1.3' if version is ssl.TLSVersion.TLSv1_3 else 'TLSv1.2'
                self.assertEqual(reused, [(number > 0, name) for number in range(4)])

    def test_proxy_header(self):
        """The PROXY header comes before TLS."""
        server = self.tls_server('--proxy-protocol=yes')
        target = self.target(echo)
        for header, named in (V1, r'203\.0\.113\.9:4711'), (V2_LOCAL, r'127\.0\.0\.1:\d+'):
            since = len(server.log())
            opening = wire.PlainOpening(self.raw_key, wire.request_body('127.0.0.1', target.port, b'hi'))

            def reach(port):
                s = socket.create_connection(('127.0.0.1', port), 5)
                s.sendall(header)
                return authority.wrap(s)

            path = PATH + opening.head().split(b' ')[1].decode()[1:]
            tunnel = self.keep(probe.Tunnel(server.port, opening, opening.head(path=path), reach))
            tunnel.into.stream = wire.NoCipher
            self.assertEqual(tunnel.read_data(2), b'hi')
            server.await_log('tunnel opened.*peer=' + named, since=since)

    def test_web_server(self):
        """To a browser it is a web server: http/1.1 is what is spoken, and the plain answer what is said."""
        server = self.tls_server()
        context = ssl.create_default_context(cafile=authority.certificate)
        context.set_alpn_protocols(['h2', 'http/1.1'])
        with context.wrap_socket(socket.create_connection(('127.0.0.1', server.port)), server_hostname='localhost') as s:
            self.assertEqual(s.selected_alpn_protocol(), 'http/1.1')
            self.assertEqual(s.version(), 'TLSv1.3')
            s.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
            self.assertEqual(probe.read_answer(s).status, 404)
        context.set_alpn_protocols(['h2'])
        with self.assertRaises(ssl.SSLError):
            context.wrap_socket(socket.create_connection(('127.0.0.1', server.port)), server_hostname='localhost')
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(authority.certificate)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with old.wrap_socket(socket.create_connection(('127.0.0.1', server.port)), server_hostname='localhost') as s:
            self.assertEqual(s.version(), 'TLSv1.2')
            self.assertIn('AES128-GCM', s.cipher()[0])

    def test_not_tls(self):
        """What speaks no TLS gets no HTTP answer, and what says nothing is closed in time, like anybody who is late behind TLS."""
        server = self.tls_server('--handshake-timeout=1s')
        for data in b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', os.urandom(500), b'\x16\x03\x01', b'':
            began = time.monotonic()
            with socket.create_connection(('127.0.0.1', server.port), 5) as s:
                s.settimeout(5)
                s.sendall(data)
                answer = b''
                try:
                    while part := s.recv(1000):
                        answer += part
                except ConnectionError:
                    pass
            self.assertNotIn(b'HTTP', answer)
            self.assertLess(len(answer), 10)
            self.assertLess(time.monotonic() - began, 4)
        late = self.connect(server.port)
        self.assertIn(b' 404 ', probe.read_answer(late).raw)
        self.assertCarries(self.tls_client(server))
        server.await_log('reason=not-tls')

    def test_tls_at_a_plain_server(self):
        """TLS at a listener without a certificate gets the plain answer, and a client is told that there is no TLS."""
        server = self.start('server', OURS, '-s', 'wss://localhost%s' % PATH, self.key, '--listen=127.0.0.1:%d' % (port := free_port()))
        server.port = port
        server.await_port(port)
        with self.assertRaises(ssl.SSLError):
            self.connect(port)
        self.assertTells(self.tls_client(server), 'does not speak TLS: it speaks plain HTTP')

    def test_flood_of_connections(self):
        """Connections that stop in the middle of TLS make room for others."""
        server = self.tls_server('--max-handshakes=16', '--threads=1')
        for _ in range(60):
            s = self.keep(socket.create_connection(('127.0.0.1', server.port), 5))
            s.sendall(b'\x16\x03\x01\x02\x00\x01')
        self.assertCarries(self.tls_client(server), rounds=1)


class Trust(TLS):
    """Whom the client believes."""

    def identity(self, name, *arguments, **options):
        if not os.path.exists(authority.path(name + '.pem')):
            authority.issue(name, *arguments, **options)
        return authority.path(name + '.pem'), authority.path(name + '-key.pem')

    def test_ca_file(self):
        """ca-file is believed instead of the system's store."""
        server = self.tls_server()
        port = free_port()
        client = self.start('client', OURS, 'wss://localhost:%d%s' % (server.port, PATH), self.key, '--listen=127.0.0.1:%d' % port,
                            '--tls-ca-file=' + authority.certificate)
        client.port = port
        client.await_port(port)
        self.assertCarries(client, rounds=1)

    def test_unknown_issuer(self):
        """An issuer that nobody knows is named."""
        other = tempfile.mkdtemp(dir=authority.directory)
        stranger = Authority(other)
        client = self.tls_client(self.tls_server(), '--tls-ca-file=' + stranger.certificate)
        self.assertTells(client, "by 'Test authority', which is not trusted")

    def test_self_signed(self):
        """A certificate signed by itself is refused, unless it is named."""
        identity = self.identity('itself', by='itself')
        server = self.tls_server(identity=identity)
        self.assertTells(self.tls_client(server), 'self-signed')
        self.assertCarries(self.tls_client(server, '--tls-ca-file=' + identity[0]), rounds=1)

    def test_wrong_name(self):
        """The names of a certificate for others are told; sni names the one that is meant, and it is asked for."""
        server = self.tls_server(identity=self.identity('other', 'DNS:other.test,DNS:www.other.test'))
        self.assertTells(self.tls_client(server), 'not for localhost but for other.test, www.other.test')
        self.assertCarries(self.tls_client(server, '--tls-sni=www.other.test'), rounds=1)
        self.assertTells(self.tls_client(server, '--tls-sni=ww.other.test'), 'not for ww.other.test')

    def test_sent_name(self):
        """The name that is asked for is the URI's host or sni; an address asks for none. The Host field stays."""
        seen, asked = [], threading.local()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.identity('many', 'DNS:localhost,DNS:front.test,IP:127.0.0.1'))
        context.sni_callback = lambda s, name, c: setattr(asked, 'name', name)

        def serve(s):
            try:
                with context.wrap_socket(s, server_side=True) as t:
                    seen.append((asked.name, re.search(rb'Host: (\S+)', agent.read_head(t)).group(1).decode()))
            except (OSError, EOFError):
                pass
        front = self.target(serve)
        for host, options, name in (('localhost', (), 'localhost'), ('localhost', ('--tls-sni=front.test',), 'front.test'),
                                    ('127.0.0.1', (), None)):
            del seen[:]
            self.assertCarriesNothing(self.tls_client(front, '--pool-min=0', *options, host=host))
            self.assertEqual(set(seen), {(name, '%s:%d' % (host, front.port))})

    def test_expired(self):
        """An expired certificate is refused with the day, and the server says so too."""
        server = self.tls_server(identity=self.identity('expired', days=-1))
        server.await_log('has expired on')
        self.assertTells(self.tls_client(server), r'expired on 20\d\d-\d\d-\d\d')

    def test_pins(self):
        """A pin of the server's key or of its authority's lets it in, any other does not; the right one is told."""
        server = self.tls_server()
        own, root = spki_pin(authority.chain), spki_pin(authority.certificate)
        wrong = base64.b64encode(bytes(32)).decode()
        for pin in own, root:
            self.assertCarries(self.tls_client(server, '--tls-pin-sha256=sha256/' + pin, '--tls-pin-sha256=' + wrong), rounds=1)
        self.assertTells(self.tls_client(server, '--tls-pin-sha256=' + wrong), re.escape(own))
        strict = self.tls_server(identity=self.identity('itself2', 'DNS:else.test', by='itself'))
        pin = spki_pin(authority.path('itself2.pem'))
        self.assertCarries(self.tls_client(strict, '--tls-verify=no', '--tls-pin-sha256=' + pin), rounds=1)
        self.assertTells(self.tls_client(strict, '--tls-verify=no', '--tls-pin-sha256=' + own), re.escape(pin))

    def test_no_check(self):
        """verify = no takes everybody, and warns."""
        client = self.tls_client(self.tls_server(identity=self.identity('itself3', 'DNS:else.test', by='itself')), '--tls-verify=no')
        self.assertCarries(client, rounds=1)
        client.await_log('verify = no lets anybody')

    def test_client_certificate(self):
        """With client-ca only clients with a certificate by it are served; the others are told."""
        server = self.tls_server('--tls-client-ca=' + authority.certificate)
        self.assertTells(self.tls_client(server), 'certificate required')
        certificate, key = self.identity('client', 'DNS:client.test')
        self.assertCarries(self.tls_client(server, '--tls-certificate=' + certificate, '--tls-key=' + key), rounds=1)
        certificate, key = self.identity('itself4', by='itself')
        self.assertTells(self.tls_client(server, '--tls-certificate=' + certificate, '--tls-key=' + key), 'ended the TLS handshake')

    def test_bad_files(self):
        """A start with files that do not fit fails, with the reason."""
        one, two = self.identity('one'), self.identity('two')
        port = free_port()
        for certificate, key, words in ((one[0], two[1], 'does not match certificate'), (one[1], one[1], 'holds no certificate'),
                                        (one[0], one[0], 'holds no private key'), (one[0] + '.', one[1], 'No such file')):
            process = self.start('server', OURS, '-s', 'wss://localhost:%d/' % port, self.key, '--listen=127.0.0.1:%d' % port,
                                 '--tls-certificate=' + certificate, '--tls-key=' + key)
            self.assertEqual(process.exit_status(), 78)
            self.assertIn(words, process.log())
        process = self.start('client', OURS, 'wss://localhost:%d/' % port, self.key, '--tls-ca-file=' + one[1])
        self.assertEqual(process.exit_status(), 78)


class Renewal(TLS):
    """The certificate's files change under a server that is at work."""

    def serial(self, server):
        with self.connect(server.port) as s:
            return s.getpeercert()['serialNumber']

    def place(self, name):
        """The files that the server reads, as a hook copies them there."""
        for source, place in zip(authority.issue(name), self.places):
            shutil.copy(source, place + '.new')
            os.rename(place + '.new', place)

    def setUp(self):
        super().setUp()
        self.places = [os.path.join(self.directory, name) for name in ('fullchain.pem', 'privkey.pem')]
        self.place('first')

    def test_renewal_at_work(self):
        """A new certificate is shown to whoever comes after it, while 20 connections go on."""
        server = self.tls_server(identity=self.places)
        client = self.tls_client(server)
        target = self.target(echo)
        connections = [self.keep(agent.socks5(client.port, '127.0.0.1', target.port)) for _ in range(20)]
        failed, done = [], threading.Event()

        def work(s):
            try:
                while not done.is_set():
                    if not agent.echoes(s, os.urandom(2000)):
                        failed.append('another answer')
            except (OSError, EOFError) as e:
                failed.append(e)
        threads = [threading.Thread(target=work, args=(s,)) for s in connections]
        for thread in threads:
            thread.start()
        before = self.serial(server)
        self.place('second')
        eventually(lambda: self.serial(server) != before, 'the new certificate is shown', 15)
        server.await_log('new certificate is in use')
        done.set()
        for thread in threads:
            thread.join(10)
        self.assertEqual(failed, [])
        self.assertCarries(client, rounds=1)

    def test_link(self):
        """A link that leads elsewhere now is a change too."""
        links = [os.path.join(self.directory, name) for name in ('a.pem', 'b.pem')]
        for link, place in zip(links, self.places):
            os.symlink(place, link)
        server = self.tls_server(identity=links)
        before = self.serial(server)
        for link, file in zip(links, authority.issue('third')):
            os.symlink(file, link + '.new')
            os.rename(link + '.new', link)
        eventually(lambda: self.serial(server) != before, 'the new certificate is shown', 15)

    def test_mismatch(self):
        """Files that do not fit together leave the old certificate in use, with one warning; when they fit, the new one is."""
        server = self.tls_server(identity=self.places)
        before = self.serial(server)
        certificate, key = authority.issue('fourth')
        shutil.copy(certificate, self.places[0])
        server.await_log('certificate in use stays.*does not match certificate', 15)
        self.assertEqual(self.serial(server), before)
        os.unlink(self.places[1])
        server.await_log('certificate in use stays.*No such file', 15)
        self.assertEqual(self.serial(server), before)
        shutil.copy(key, self.places[1])
        eventually(lambda: self.serial(server) != before, 'the new certificate is shown', 15)
        self.assertEqual(server.log().count('certificate in use stays'), 2)


class ThroughFronts(TLS):
    """Our client's TLS through real fronts, to our server and to Python's."""

    def behind(self, front, server_program):
        name = {Nginx: 'nginx', Caddy: 'caddy'}.get(front, 'haproxy')
        if not find(name):
            self.skipTest('%s is not installed' % name)
        port = free_port()
        options = ['--listen=127.0.0.1:%d' % port, front.TELLS_CLIENT_BY, TARGETS_HERE] if server_program is OURS else ['-t', '127.0.0.1', '-r', port]
        server = self.start('server', server_program, '-s', 'wss://localhost%s' % PATH, self.key, *options)
        server.await_port(port)
        return port

    def test_our_server(self):
        """Through nginx, haproxy and Caddy to our server."""
        for front in Nginx, HAProxy, HAProxyTCP, Caddy:
            with self.subTest(front=front.__name__):
                self.assertCarries(self.tls_client(front(self, self.behind(front, OURS), authority)), rounds=1)

    def test_their_server(self):
        """Through nginx and Caddy to Python's, which knows no PROXY header, and through haproxy without one."""
        for front, options in (Nginx, {}), (Caddy, {}), (HAProxy, {'header': ''}), (HAProxyTCP, {'header': ''}):
            with self.subTest(front=front.__name__):
                self.assertCarries(self.tls_client(front(self, self.behind(front, THEIRS), authority, **options)), rounds=1)
