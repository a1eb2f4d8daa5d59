"""What the client reaches without the tunnel, and the PAC file that tells browsers the same."""
import os
import socket

from helpers.passwords import HASHES
from helpers.peers import agent, payload
from helpers.peers.datagrams import Association, DatagramTarget
from helpers.peers.target import echo, read_exactly, reset
from helpers.peers.web import Browser, Web
from helpers.process import MB, OURS, free_port
from helpers.scenario import PairScenario
from programs import test_browser

SIZE = 50 * MB


def read_all(s):
    data = b''
    while part := s.recv(1 << 16):
        data += part
    return data


class Direct(PairScenario):
    """Nothing is opened ahead, so that every link is a connection that took the tunnel."""
    OPENS_AHEAD = False
    CLIENT_OPTIONS = '--direct=127.0.0.0/28',

    def setUp(self):
        super().setUp()
        self.port = self.wstan_client.port
        self.echo = self.target(echo, '0.0.0.0')

    def carried(self):
        """Bytes that went towards the server so far."""
        self.between.settle()
        return sum(link.up.moved for link in self.between.links)

    def assertWay(self, host, port, direct, client=None, dials=(agent.socks5, agent.connect)):
        """A connection there works, and takes the tunnel or not."""
        for dial in dials:
            before = self.carried()
            with dial((client or self.wstan_client).port, host, port) as s:
                self.assertTrue(agent.echoes(s, os.urandom(1000)))
            self.assertEqual(self.carried() == before, direct, (host, port, dial.__name__))

    def client_with(self, rules):
        return self.client(self.between, '--direct=' + rules)


class Rules(Direct):
    def test_network(self):
        """An address in the network is reached directly, one beside it through the tunnel; a name is not looked up to decide."""
        for host, direct in ('127.0.0.1', True), ('127.0.0.15', True), ('127.0.0.16', False), ('127.1.0.1', False), ('localhost', False):
            self.assertWay(host, self.echo.port, direct)

    def test_private(self):
        """Private addresses and names of this host are."""
        client = self.client_with('private')
        for host in '127.0.0.1', '127.1.0.1', 'localhost', 'LOCALHOST':
            self.assertWay(host, self.echo.port, True, client)

    def test_name(self):
        """A name and those below it are, in any case; with *. only those below."""
        client, below = self.client_with('localhost'), self.client_with('*.localhost')
        for host, direct in ('localhost', True), ('LocalHost', True), ('127.0.0.1', False):
            self.assertWay(host, self.echo.port, direct, client)
        self.assertWay('localhost', self.echo.port, False, below)
        # As a rule no such name exists, and only who has looked it up here can tell at once.
        for with_rule in client, below:
            before = self.carried()
            try:
                agent.socks5(with_rule.port, 'none.localhost', self.echo.port).close()
            except agent.Refused as refused:
                self.assertEqual(refused.code, 4)
            self.assertEqual(self.carried(), before)

    def test_port(self):
        """A port alone is a rule for every host, and a port behind a host for that one."""
        other = self.target(echo)
        client = self.client_with(':%d' % self.echo.port)
        self.assertWay('127.0.0.1', self.echo.port, True, client)
        self.assertWay('localhost', self.echo.port, True, client)
        self.assertWay('127.0.0.1', other.port, False, client)
        client = self.client_with('127.0.0.1:%d' % other.port)
        self.assertWay('127.0.0.1', other.port, True, client)
        self.assertWay('127.0.0.1', self.echo.port, False, client)

    def test_without_a_server(self):
        """Direct targets are reached when the server is not."""
        self.wstan_server.kill()
        self.assertWay('127.0.0.1', self.echo.port, True)

    def test_datagrams(self):
        """Each datagram of an association goes its own way: those to direct targets open no tunnel, and need no server."""
        target = self.keep(DatagramTarget())
        association = self.keep(Association(self.port))
        self.assertEqual(association.ask(b'near', '127.0.0.1', target.port), (b'near', ('127.0.0.1', target.port)))
        self.assertEqual(self.carried(), 0)
        self.assertEqual(association.ask(b'far', 'localhost', target.port)[0], b'far')
        self.assertGreater(self.carried(), 0)
        self.wstan_server.kill()
        self.assertEqual(association.ask(b'near again', '127.0.0.1', target.port)[0], b'near again')

    def test_datagrams_by_name(self):
        """A name that is direct is looked up here."""
        client = self.client_with('localhost')
        target = self.keep(DatagramTarget())
        association = self.keep(Association(client.port))
        self.assertEqual(association.ask(b'hello', 'localhost', target.port)[0], b'hello')
        self.assertEqual(self.carried(), 0)


class Relay(Direct):
    def test_large(self):
        """50 MB in each direction, by SOCKS5 and by CONNECT."""
        target, total = self.target(), payload.sum_of(SIZE)
        for dial in agent.socks5, agent.connect:
            self.assertEqual(agent.download(dial(self.port, '127.0.0.1', target.port), SIZE), (SIZE, total))
            self.assertEqual(agent.upload(dial(self.port, '127.0.0.1', target.port), SIZE), total)
        self.assertEqual(self.carried(), 0)

    def test_half_close(self):
        """A target that waits for the end of the input gets it, and its answer arrives; which no tunnel of version 1 can do."""
        def serve(connection):
            connection.sendall(b'%d bytes' % len(read_all(connection)))
        target = self.target(serve)
        with agent.socks5(self.port, '127.0.0.1', target.port) as s:
            s.sendall(bytes(1000))
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(s), b'1000 bytes')

    def test_reset(self):
        """A target's reset is one for the user agent."""
        def serve(connection):
            read_exactly(connection, 1)
            reset(connection)
        target = self.target(serve)
        with agent.socks5(self.port, '127.0.0.1', target.port) as s:
            s.sendall(b'!')
            self.assertEqual(agent.outcome(s), 'reset')

    def test_refused(self):
        """A target that refuses is told as such: SOCKS5 by its code, SOCKS4 and CONNECT by their refusals."""
        port = free_port()
        with self.assertRaises(agent.Refused) as refused:
            agent.socks5(self.port, '127.0.0.1', port)
        self.assertEqual(refused.exception.code, 5)
        with agent.dial(self.port) as s:
            s.sendall(b'CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n' % port)
            answer = read_all(s)
        self.assertTrue(answer.startswith(b'HTTP/1.1 502 '), answer[:100])
        self.assertIn(b'refuses the connection', answer)
        with agent.dial(self.port) as s:
            s.sendall(b'\4\1' + port.to_bytes(2, 'big') + bytes([127, 0, 0, 1]) + b'\0')
            self.assertEqual(read_exactly(s, 8)[:2], b'\0\x5b')

    def test_own_listener(self):
        """The client is no target of its own: nothing goes round in a circle."""
        with self.assertRaises(agent.Refused) as refused:
            agent.socks5(self.port, '127.0.0.1', self.port)
        self.assertEqual(refused.exception.code, 2)


class PlainHTTP(Direct):
    SERVER_OPTIONS = '--log-level=debug',  # which tells of every target

    def test_in_turn(self):
        """On one connection, direct targets and others in turn."""
        near, far = self.keep(Web()), self.keep(Web('127.0.0.16'))
        browser = self.keep(Browser(self.port))
        for _ in range(5):
            self.assertEqual(browser.get('http://127.0.0.1:%d/hello' % near.port).status, 200)
            self.assertEqual(browser.get('http://127.0.0.16:%d/hello' % far.port).status, 200)
        self.assertEqual((len(near.requests), len(far.requests)), (5, 5))
        self.wstan_server.await_log('target=127.0.0.16:%d' % far.port)
        self.assertNotIn('target=127.0.0.1:', self.wstan_server.log())

    def test_page(self):
        """A direct target that refuses: a page that says so, and that it was not the server."""
        browser = self.keep(Browser(self.port))
        answer = browser.get('http://127.0.0.1:%d/' % free_port(), 'Accept: text/html')
        self.assertEqual(answer.status, 502)
        self.assertIn(b'refuses the connection', answer.body)
        self.assertIn(b'<code>direct</code>', answer.body)
        self.assertNotIn(b'wstan server', answer.body)


class Script(Direct):
    def test_answer(self):
        """It is there for whoever asks, and says where this client is, as the user agent has reached it."""
        for path in '/proxy.pac', '/wpad.dat':
            browser = self.keep(Browser(self.port))
            browser.send('GET %s HTTP/1.1' % path, 'Host: 127.0.0.1:%d' % self.port)
            answer = browser.answer()
            self.assertEqual((answer.status, answer.get('Content-Type')), (200, 'application/x-ns-proxy-autoconfig'))
            self.assertIn(b'FindProxyForURL', answer.body)
            self.assertIn(b'PROXY 127.0.0.1:%d' % self.port, answer.body)
        self.assertEqual(self.carried(), 0)

    def status(self, port, *lines):
        browser = self.keep(Browser(port))
        browser.send(*lines)
        return browser.answer().status

    def test_rebinding(self):
        """Nothing of its own is told to a page of another site whose name leads here, and only that is refused."""
        for host in 'evil.example', 'evil.example:%d' % self.port, 'localhost.evil.example', '127.0.0.1.evil.example', '':
            for line in ('GET /proxy.pac HTTP/1.1', 'GET /wpad.dat HTTP/1.1', 'HEAD /proxy.pac HTTP/1.1', 'GET /proxy.pac?x HTTP/1.0',
                         'GET / HTTP/1.1', 'OPTIONS * HTTP/1.1', 'POST /proxy.pac HTTP/1.1'):
                with self.subTest(host=host, line=line):
                    browser = self.keep(Browser(self.port))
                    browser.send(line, 'Host: ' + host)
                    if line.startswith('HEAD'):
                        self.assertIn(b' 421 ', agent.read_line_raw(browser.s))
                        continue
                    answer = browser.answer()
                    self.assertEqual(answer.status, 421)
                    self.assertNotIn(b'FindProxyForURL', answer.body)
        own = socket.gethostname()
        for host in 'localhost:%d' % self.port, 'LOCALHOST', '127.0.0.1', '10.1.2.3:80', '[::1]:%d' % self.port, own, own.upper() + ':1':
            with self.subTest(host=host):
                self.assertEqual(self.status(self.port, 'GET /proxy.pac HTTP/1.1', 'Host: ' + host), 200)
        # What is for a target is not its own.
        answer = self.keep(Browser(self.port)).get('http://127.0.0.1:%d/' % free_port())
        self.assertEqual(answer.status, 502)

    def test_listener_by_name(self):
        """A name that it listens on is one of its own."""
        client = self.start('client', OURS, 'ws://127.0.0.1:1', self.key, '--listen=ip6-localhost:%d' % (port := free_port()))
        if client.popen.poll() is not None or not self.listens(client, port):
            client.may_end = True
            self.skipTest('this host has no name of its own but localhost')
        for name, status in ('ip6-localhost', 200), ('ip6-localhost.evil.example', 421):
            with socket.create_connection(('::1', port), 5) as s:
                s.sendall(b'GET /proxy.pac HTTP/1.1\r\nHost: %s\r\n\r\n' % name.encode())
                self.assertIn(b' %d ' % status, agent.read_line_raw(s))

    def listens(self, client, port):
        try:
            client.await_port(port, 3, host='::1')
            return True
        except AssertionError:
            return False

    def test_password(self):
        """With users-file it is there without a password, and names no host: the proxy itself goes there directly."""
        path = os.path.join(self.directory, 'users')
        with open(path, 'w') as f:
            f.write('anna:%s\n' % HASHES['anna'])
        client = self.client(self.wstan_server, '--users-file=' + path, '--direct=db.corp.example, 10.77.0.0/16, private')
        browser = self.keep(Browser(client.port))
        browser.send('GET /proxy.pac HTTP/1.1', 'Host: 127.0.0.1')
        answer = browser.answer()
        self.assertEqual(answer.status, 200)
        self.assertNotIn(b'corp', answer.body)
        self.assertNotIn(str(10 * 256 + 77).encode(), answer.body)
        self.assertIn(b'is: "private"', answer.body)

    def test_mention(self):
        """Who looks at the proxy itself is told of it."""
        browser = self.keep(Browser(self.port))
        browser.send('GET / HTTP/1.1', 'Host: 127.0.0.1:%d' % self.port, 'Accept: text/html')
        self.assertIn(b'/proxy.pac', browser.answer().body)


class ByScript(test_browser.Browser):
    """Chromium, which gets the script from the client."""
    SERVER_OPTIONS = '--log-level=debug',  # which tells of every target

    def test_by_script(self):
        """What is direct it reaches by itself, all else by the client: a page that only the server can look up."""
        client = self.client(self.wstan_server, '--direct=127.0.0.1')
        script = '--proxy-pac-url=http://127.0.0.1:%d/proxy.pac' % client.port
        self.write('index.html', '<!doctype html><title>it came</title>')
        port = self.web()
        bypass = '--proxy-bypass-list=<-loopback>'  # else Chromium would not ask the script about this host
        for host, direct in ('page.none.live.test', False), ('127.0.0.1', True):
            since = len(self.wstan_server.log())
            self.assertIn('<title>it came</title>', self.browse(None, 'http://%s:%d/' % (host, port), script, bypass))
            if direct:
                self.assertNotIn('connected', self.wstan_server.log()[since:])
            else:
                self.wstan_server.await_log('connected', since=since)

    # Those of the base class are not about this.
    test_socks5 = test_plain_http = test_https_by_connect = None
