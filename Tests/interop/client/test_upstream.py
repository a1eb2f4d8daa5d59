"""The way to the server: proxies, what the handshake says, several servers."""
import base64
import os
import time

from helpers.network.intermediaries import HTTPProxy, Intermediary
from helpers.peers import agent
from helpers.peers.target import echo, read_exactly
from helpers.process import OURS, THEIRS, free_port
from helpers.scenario import TARGETS_HERE, Scenario
from helpers.waiting import eventually

USER, PASSWORD = 'alice', 'p@ss:word'
NOWHERE = 'server.invalid'  # RFC 6761: no name server knows it


class DemandingProxy(HTTPProxy):
    """Grants a CONNECT only to who says who he is, by one of `schemes`."""

    def __init__(self, server_port, schemes=('Basic realm="a, b"',)):
        self.schemes = schemes
        super().__init__(server_port)

    def arrange(self, client):
        head = agent.read_head(client)
        self.requests.append(head)
        proof = base64.b64encode(('%s:%s' % (USER, PASSWORD)).encode())
        if b'\r\nProxy-Authorization: Basic ' + proof + b'\r\n' not in head:
            fields = ''.join('Proxy-Authenticate: %s\r\n' % scheme for scheme in self.schemes)
            client.sendall(b'HTTP/1.1 407 Proxy Authentication Required\r\n%sContent-Length: 5\r\n\r\nsorry' % fields.encode())
            return None
        server = self.reach_server()
        client.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
        return server


class SocksProxy(Intermediary):
    """SOCKS5 (RFC 1928), with a password (RFC 1929) or without; `code` other than 0 refuses."""

    def __init__(self, server_port, password=None, code=0):
        self.password, self.code = password, code
        self.requests = []  # addresses, as they were asked for
        super().__init__(server_port)

    def arrange(self, client):
        methods = read_exactly(client, read_exactly(client, 2)[1])
        wanted = 2 if self.password else 0
        if wanted not in methods:
            client.sendall(b'\5\xff')
            return None
        client.sendall(bytes([5, wanted]))
        if wanted:
            user = read_exactly(client, read_exactly(client, 2)[1])
            word = read_exactly(client, read_exactly(client, 1)[0])
            right = (user, word) == (USER.encode(), self.password.encode())
            client.sendall(b'\1' + bytes([not right]))
            if not right:
                return None
        kind = read_exactly(client, 4)[3]
        host = read_exactly(client, {1: 4, 4: 16}.get(kind) or read_exactly(client, 1)[0])
        self.requests.append((kind, host, int.from_bytes(read_exactly(client, 2), 'big')))
        server = None if self.code else self.reach_server()
        client.sendall(bytes([5, self.code, 0, 1, 0, 0, 0, 0, 0, 0]))
        return server


class Way(Scenario):
    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()
        self.echo = self.target(echo)

    def client_to(self, *words, environment=()):
        """A client that is given these words instead of a server's address."""
        port = free_port()
        client = self.start('client', ['env', *environment, OURS] if environment else OURS, *words, '--key=' + self.key,
                            '-a', '127.0.0.1', '-p', port)
        client.port = port
        client.await_port(port)
        return client

    def visit(self, client):
        """Seconds that a connection took."""
        began = time.monotonic()
        with agent.socks5(client.port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, os.urandom(5000)))
        return time.monotonic() - began

    def assertFails(self, client, words):
        self.assertIn(agent.attempt(client.port, '127.0.0.1', self.echo.port, b'hello'), ('end', 'refused'))
        client.await_log(words)


class Proxies(Way):
    URI = 'ws://%s:81/' % NOWHERE

    def by(self, proxy, scheme='http', user='', **options):
        return self.client_to(self.URI, '--proxy=%s://%s127.0.0.1:%d' % (scheme, user, proxy.port), **options)

    def test_password(self):
        """A proxy that wants a name and a password gets them, percent-decoded, and is asked for the server's name."""
        proxy = self.keep(DemandingProxy(self.wstan_server.port))
        self.visit(self.by(proxy, user='alice:p%40ss%3Aword@'))
        self.assertTrue(all(head.startswith(b'CONNECT %s:81 HTTP/1.1\r\n' % NOWHERE.encode()) for head in proxy.requests))

    def test_without_password(self):
        """One that was told nothing, something wrong, or cannot be told what it wants: each in its own words, without the password."""
        basic = self.keep(DemandingProxy(self.wstan_server.port))
        other = self.keep(DemandingProxy(self.wstan_server.port, ('NTLM', 'Negotiate')))
        for proxy, user, words in ((basic, '', r'407[^\n]*user name and a password'), (basic, 'alice:wrong@', r'407[^\n]*correct the user name and the password'),
                                   (other, 'alice:wrong@', r'407[^\n]*NTLM[^\n]*Basic')):
            with self.subTest(words):
                client = self.by(proxy, user=user)
                self.assertFails(client, words)
                self.assertNotIn('alice:wrong', client.log())

    def test_socks5(self):
        """A SOCKS5 proxy, with a password and without, is asked for the server's name."""
        for password, user in (None, ''), (PASSWORD, 'alice:p%40ss%3Aword@'):
            proxy = self.keep(SocksProxy(self.wstan_server.port, password))
            self.visit(self.by(proxy, 'socks5', user))
            self.assertEqual(set(proxy.requests), {(3, NOWHERE.encode(), 81)})

    def test_socks5_refusals(self):
        """What a SOCKS5 proxy refuses is told in words."""
        for proxy, user, words in ((SocksProxy(self.wstan_server.port, code=2), '', 'proxy on the way refused'),
                                   (SocksProxy(self.wstan_server.port, PASSWORD), '', 'it requires authentication'),
                                   (SocksProxy(self.wstan_server.port, PASSWORD), 'alice:wrong@', 'password is wrong')):
            with self.subTest(words):
                self.assertFails(self.by(self.keep(proxy), 'socks5', user), words)

    def test_environment(self):
        """HTTPS_PROXY is taken for a server elsewhere, and NO_PROXY, loopback and proxy = none are heeded."""
        proxy = self.keep(HTTPProxy(self.wstan_server.port))
        variable = 'HTTPS_PROXY=http://127.0.0.1:%d' % proxy.port
        client = self.client_to(self.URI, environment=(variable,))
        self.visit(client)
        client.kill()  # it would open tunnels ahead of its next need
        proxy.settle()
        count = len(proxy.requests)
        self.assertGreater(count, 0)
        self.visit(self.client_to('ws://127.0.0.1:%d/' % self.wstan_server.port, environment=(variable,)))
        for more, option in (('NO_PROXY=.invalid',), ()), ((), ('--proxy=none',)):
            self.assertFails(self.client_to(self.URI, *option, environment=(variable, *more)), 'cannot reach the server')
        self.assertEqual(len(proxy.requests), count)


class Handshake(Way):
    def test_connect_to(self):
        """With connect-to the URI's host need not exist; it stands in the Host field, with its path in the request."""
        port = free_port()
        server = self.start('server', OURS, '-s', 'ws://127.0.0.1:%d/some/path' % port, self.key, TARGETS_HERE)
        server.port = port
        server.await_port(port)
        between = self.forwarder(server)
        self.visit(self.client_to('ws://%s:81/some/path' % NOWHERE, '--connect-to=127.0.0.1:%d' % between.port))
        for head in between.heads():
            self.assertTrue(head.startswith(b'GET /some/path/'), head[:40])
            self.assertIn(b'\r\nHost: %s:81\r\n' % NOWHERE.encode(), head)

    def test_fields(self):
        """host-header stands in for the URI's host, and other fields are sent along, once each."""
        between = self.forwarder(self.wstan_server)
        self.visit(self.client(between, '--host-header=front.test', '--header=X-Token: a: b', '--header=User-Agent: something'))
        for head in between.heads():
            for line in b'Host: front.test', b'X-Token: a: b', b'User-Agent: something':
                self.assertEqual(head.count(b'\r\n' + line + b'\r\n'), 1)
            self.assertNotIn(b'127.0.0.1', head)


class SeveralServers(Way):
    def uri(self, port):
        return 'ws://127.0.0.1:%d/' % port

    def client_of(self, *ports, options=()):
        return self.client_to(*('--uri=' + self.uri(port) for port in ports), *options)

    def test_first_refuses(self):
        """The first refuses: the second serves, at once, and the log says so once."""
        client = self.client_of(free_port(), self.wstan_server.port)
        self.assertLess(max(self.visit(client) for _ in range(5)), 1)
        self.assertEqual(len([line for line in client.log().splitlines() if 'now using' in line]), 1)

    def test_first_is_silent(self):
        """The first swallows everything: that costs a second once, and then nothing."""
        client = self.client_of(self.silent_target(), self.wstan_server.port)
        self.assertLess(self.visit(client), 2.5)
        self.assertLess(max(self.visit(client) for _ in range(5)), 0.5)

    def test_wrong_answer(self):
        """The first answers as a web server does: the next one serves, though nobody knows what is wrong with it."""
        other = self.server(key=base64.b64encode(bytes(16)).decode())
        self.visit(self.client_of(other.port, self.wstan_server.port))

    def test_return(self):
        """The first comes back: it is found out by nobody's connection, and all tunnels go there again."""
        port = free_port()
        client = self.client_of(port, self.wstan_server.port)
        self.visit(client)
        first = self.server('--log-level=info', port=port)
        client.await_log('works again', within=15)
        self.wstan_server.kill()
        self.assertLess(self.visit(client), 0.5)
        first.await_log('tunnel opened')

    def test_return_without_a_pool(self):
        """The same where every connection has a tunnel of its own."""
        port = free_port()
        client = self.client_of(port, self.wstan_server.port, options=('--pool-size=0',))
        self.visit(client)
        first = self.server('--log-level=info', port=port)
        began = time.monotonic()

        def is_used():
            self.assertLess(self.visit(client), 0.5)
            return 'tunnel opened' in first.log()
        eventually(is_used, 'the first server is used', within=15, step=0.2)
        self.assertLess(time.monotonic() - began, 12)
        client.await_log('works again')

    def test_all_away(self):
        """None works: told as such; one comes up: used at once."""
        ports = free_port(), free_port()
        client = self.client_of(*ports)
        self.assertFails(client, r'127\.0\.0\.1:\d+: cannot reach the server')
        self.server(port=ports[1])
        self.assertLess(self.visit(client), 1)

    def test_python_server(self):
        """The second is the Python server."""
        port = free_port()
        theirs = self.start('server', THEIRS, '-s', self.uri(port), self.key)
        theirs.await_port(port)
        client = self.client_of(free_port(), port)
        for _ in range(3):
            self.visit(client)
