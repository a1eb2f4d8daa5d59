"""Plain HTTP through the client: requests that name their target, to one target or several, and what goes wrong."""
import concurrent.futures
import hashlib
import os
import signal
import subprocess

from helpers.peers import agent, payload
from helpers.peers.target import read_to_end, reset
from helpers.peers.web import CHUNKED, Browser, Web
from helpers.process import THEIRS, free_port
from helpers.scenario import PairScenario, Scenario
from helpers.waiting import eventually

LARGE = 50_000_000


class Proxied(Scenario):
    """A client, a server and a target that speaks HTTP."""
    SERVER = {}

    def setUp(self):
        super().setUp()
        self.wstan_server = self.server(**self.SERVER)
        self.wstan_client = self.client(self.wstan_server)
        self.port = self.wstan_client.port
        self.web = self.keep(Web())

    def url(self, path='/hello', web=None):
        return 'http://127.0.0.1:%d%s' % ((web or self.web).port, path)

    def browser(self, **options):
        return self.keep(Browser(self.port, **options))

    def curl(self, *arguments, data=None):
        done = subprocess.run(['curl', '-sS', '--max-time', '30', '-x', 'http://127.0.0.1:%d' % self.port, *arguments],
                              input=data, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


class Exchanges:
    """What works with either server."""

    def test_curl(self):
        """curl gets a page, by name, with its query, by HTTP/1.0, and through a tunnel; it sends forms, files and chunks."""
        self.assertEqual(self.curl(self.url('/hello?a=b&c')), b'hello /hello?a=b&c')
        self.assertEqual(self.curl('http://localhost:%d' % self.web.port), b'hello /')
        self.assertEqual(self.curl('--http1.0', self.url('/hello?old')), b'hello /hello?old')
        self.assertEqual(self.curl('-p', self.url('/hello?tunnel')), b'hello /hello?tunnel')
        self.assertEqual(self.curl('-d', 'a=b', self.url('/up')).split()[0], b'3')
        data = os.urandom(100_000)
        said = b'%d %s' % (len(data), hashlib.sha256(data).hexdigest().encode())
        self.web.go.set()
        self.assertEqual(self.curl('-T', '-', self.url('/up'), data=data), said)
        self.assertEqual(self.curl('--data-binary', '@-', self.url('/up'), data=data), said)
        self.assertEqual(self.curl('-H', 'Transfer-Encoding: chunked', '--data-binary', '@-', self.url('/up'), data=data), said)

    def test_kept_alive(self):
        """Requests on one connection share one connection to their target; between targets it changes, and answers keep their order."""
        browser = self.browser()
        for _ in range(5):
            self.assertEqual(browser.get(self.url()).body, b'hello /hello')
        self.assertEqual(self.web.connections, 1)
        other = self.keep(Web())
        for web in self.web, other, self.web, other:
            self.assertEqual(browser.get(self.url('/hello?%d' % web.port, web)).body, b'hello /hello?%d' % web.port)
        self.assertEqual(browser.get(self.url('/chunks')).body, b'hello world')

    def test_pipelined(self):
        """Requests sent all at once, to two targets and with bodies, are answered in their order."""
        other, browser, expected = self.keep(Web()), self.browser(), []
        sent = b''
        for number in range(40):
            web = (self.web, other)[number // 3 % 2]
            if number % 4 == 3:
                data = b'x' * number
                sent += b'POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' % (self.url('/up', web).encode(), number) + data
                expected.append(b'%d %s' % (number, hashlib.sha256(data).hexdigest().encode()))
            else:
                sent += b'GET %s HTTP/1.1\r\nHost: a\r\n\r\n' % self.url('/hello?%d' % number, web).encode()
                expected.append(b'hello /hello?%d' % number)
        browser.s.sendall(sent)
        self.assertEqual([browser.answer().body for _ in expected], expected)

    def test_ends_of_answers(self):
        """Each way in which an answer can end is understood, and the connection goes on behind it."""
        browser = self.browser()
        for method, path, status, body in (
                ('HEAD', '/head', 200, b''), ('GET', '/nothing', 204, b''), ('GET', '/unchanged', 304, b''),
                ('GET', '/chunks', 200, b'hello world'), ('GET', '/dripped', 200, b'hello world'), ('GET', '/old', 200, b'old'),
                ('GET', '/last', 200, b'last'), ('GET', '/hello', 200, b'hello /hello')):
            with self.subTest(path=path):
                answer = browser.get(self.url(path), method=method)
                self.assertEqual((answer.status, answer.body, answer.get('Connection')), (status, body, None))
                self.assertTrue(answer.line.startswith('HTTP/1.1 '))
        self.assertEqual(browser.get(self.url('/chunks')).raw, CHUNKED)
        answer = browser.get(self.url('/until-close'))
        self.assertEqual((answer.body, answer.get('Connection')), (b'to the end', 'close'))

    def test_interim_answers(self):
        """103 and 102 are passed on, and the answer behind them too."""
        browser = self.browser()
        hints = browser.get(self.url('/interim'))
        self.assertEqual((hints.status, hints.get('Link')), (103, '</x>'))
        self.assertEqual(browser.answer().status, 102)
        self.assertEqual(browser.answer().body, b'at last')

    def test_large(self):
        """50 MB each way arrive whole."""
        done = self.browser().get(self.url('/down/%d' % LARGE))
        self.assertEqual(hashlib.sha256(done.body).hexdigest(), payload.sum_of(LARGE))
        browser = self.browser()
        browser.send('PUT %s HTTP/1.1' % self.url('/up'), 'Host: a', 'Content-Length: %d' % LARGE)
        for block in payload.blocks(LARGE):
            browser.s.sendall(block)
        self.assertEqual(browser.answer().body.decode(), '%d %s' % (LARGE, payload.sum_of(LARGE)))

    def test_upgrade(self):
        """After a 101 bytes go both ways as they are."""
        browser = self.browser()
        self.assertEqual(browser.get(self.url('/upgrade'), 'Connection: Upgrade', 'Upgrade: echo').status, 101)
        browser.s.sendall(b'\0\1\2')
        self.assertEqual(agent.read_exactly(browser.s, 6), b'hi \0\1\2')
        self.assertTrue(agent.echoes(browser.s, os.urandom(50_000)))
        self.assertEqual((self.web.requests[0].get('Upgrade'), self.web.requests[0].get('Connection')), ('echo', 'Upgrade'))

    def test_upgrade_with_much_behind(self):
        """What a target sends with its 101, as fast as it can, arrives whole."""
        size = 2_000_000
        for _ in range(10):
            browser = self.browser()
            browser.send('GET %s HTTP/1.1' % self.url('/upgrade-and-down/%d' % size), 'Host: a', 'Connection: Upgrade', 'Upgrade: x')
            self.assertIn(b' 101 ', agent.read_head(browser.s))
            self.assertEqual(read_to_end(browser.s), (size, payload.sum_of(size)))

    def test_cut_short(self):
        """What was cut short does not look whole: the connection is reset, after what had come."""
        for path, part in ('/cut-length', b'only this'), ('/cut-chunk', b'5\r\nhello\r\n'):
            with self.subTest(path=path):
                browser = self.browser()
                browser.send('GET %s HTTP/1.1' % self.url(path), 'Host: a')
                self.assertEqual(agent.read_head(browser.s)[:15], b'HTTP/1.1 200 OK')
                self.assertEqual(agent.read_exactly(browser.s, len(part)), part)
                self.assertEqual(agent.outcome(browser.s), 'reset')

    def test_no_answer(self):
        """A target that refuses, or closes without a word, makes a 502."""
        self.assertEqual(self.browser().get('http://127.0.0.1:%d/' % free_port()).status, 502)
        self.assertEqual(self.browser().get(self.url('/vanish')).status, 502)
        self.assertEqual(self.browser().get(self.url('/garbage')).status, 502)


class WithOurServer(Exchanges, Proxied):
    pass


class WithTheirServer(Exchanges, Proxied):
    SERVER = {'program': THEIRS}


class Requests(Proxied):
    def test_head_as_the_target_gets_it(self):
        """Origin form and a new Host; what is for the proxy alone stays there; nothing names the proxy."""
        browser = self.browser()
        browser.get(self.url('/hello?q'), 'Connection: keep-alive, X-Hop', 'X-Hop: 1', 'Proxy-Connection: keep-alive', 'Keep-Alive: 5',
                    'Proxy-Authorization: Basic eDp5', 'TE: gzip, trailers', 'Upgrade: h2c', 'Accept: a', 'X-End: 2', 'Accept: b')
        seen = self.web.requests[0]
        self.assertEqual(seen.line, 'GET /hello?q HTTP/1.1')
        self.assertEqual(seen.fields, [('Host', '127.0.0.1:%d' % self.web.port), ('Accept', 'a'), ('X-End', '2'), ('Accept', 'b'),
                                       ('TE', 'trailers'), ('Connection', 'TE')])
        answer = browser.get(self.url('/fields'))
        self.assertEqual([field for field in answer.fields if field[0] != 'Date'], [('Content-Length', '1'), ('X-End', '2')])
        self.assertEqual(len(answer.all('Date')), 1)
        browser.get('http://127.0.0.1:%d?x' % self.web.port)
        self.assertEqual(self.web.requests[-1].line, 'GET /?x HTTP/1.1')

    def test_options_without_path(self):
        """OPTIONS http://host becomes OPTIONS * (RFC 9112 section 3.2.4)."""
        with agent.dial(self.port) as s:
            s.sendall(b'OPTIONS http://127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\n' % self.web.port)
            eventually(lambda: self.web.requests, 'the request arrives')
        self.assertEqual(self.web.requests[0].line, 'OPTIONS * HTTP/1.1')

    def test_expect(self):
        """A body that waits for 100 Continue goes when the target has said so."""
        browser = self.browser()
        browser.send('PUT %s HTTP/1.1' % self.url('/up'), 'Host: a', 'Expect: 100-continue', 'Content-Length: 4')
        eventually(lambda: self.web.requests, 'the head arrives without the body')
        self.web.go.set()
        self.assertEqual(browser.answer().status, 100)
        browser.s.sendall(b'body')
        self.assertEqual(browser.answer().body.split()[0], b'4')
        self.assertEqual(browser.get(self.url()).body, b'hello /hello')

    def test_answered_early(self):
        """A target that refuses a body before its end: its answer arrives, and says that the connection ends."""
        browser = self.browser()
        browser.send('POST %s HTTP/1.1' % self.url('/hurry'), 'Host: a', 'Content-Length: 1000000')
        answer = browser.answer()
        self.assertEqual((answer.status, answer.body, answer.get('Connection')), (413, b'enough', 'close'))
        browser.s.sendall(b'x' * 100_000)
        self.assertEqual(agent.outcome(browser.s), 'end')

    def test_trailers_of_a_request(self):
        """A chunked request reaches its target as it was sent, however it is cut, and the next one behind it too."""
        browser = self.browser()
        browser.s.sendall(b'POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' % self.url('/up').encode())
        for byte in CHUNKED + b'GET %s HTTP/1.1\r\nHost: a\r\n\r\n' % self.url().encode():
            browser.s.sendall(bytes([byte]))
        self.assertEqual(browser.answer().body.split()[0], b'11')
        self.assertEqual(self.web.requests[0].body, CHUNKED)
        self.assertEqual(browser.answer().body, b'hello /hello')

    def test_smuggling(self):
        """What two readers could read in two ways is refused, and no target hears of it; the client lives on."""
        url = self.url('/up').encode()
        for fields in (
                b'Content-Length: 4\r\nTransfer-Encoding: chunked', b'Content-Length: 4\r\nContent-Length: 5', b'Content-Length: +4',
                b'Content-Length: 4\r\nContent-Length: 4', b'Content-Length: 4, 4', b'Content-Length: 0x4', b'Content-Length: -1',
                b'Content-Length: 99999999999999999999', b'Content-Length:', b'Transfer-Encoding: gzip', b'Transfer-Encoding: chunked, gzip',
                b'Transfer-Encoding: xchunked', b'Transfer-Encoding: chunked, chunked', b'Transfer-Encoding: \x0bchunked',
                b'Transfer-Encoding : chunked', b'X: a\r\n b', b'X: a\nContent-Length: 4', b'X: a\rY: b', b'Content-Length: 4\n', b'Host: other',
                b'X\x00: y', b'Content-Length: 4\r\n\tfolded', b' X: y'):
            with self.subTest(fields=fields):
                browser = self.browser(timeout=5)
                browser.s.sendall(b'POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n0\r\n\r\n' % (url, fields))
                answer = browser.answer()
                self.assertEqual((answer.status, answer.get('Connection')), (400, 'close'))
        browser = self.browser()
        browser.s.sendall(b'POST %s HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' % url)
        self.assertEqual(browser.answer().status, 400)
        self.assertEqual(self.web.requests, [])
        self.assertEqual(self.browser().get(self.url()).status, 200)

    def test_bad_chunks(self):
        """A request whose chunks are broken is never whole for its target."""
        for chunks in (b'x\r\n', b'-1\r\n', b'5\nhello', b'5\r\nhelloXX', b'11111111111111111\r\n', b'ffffffffffffffff\r\n', b';x\r\n', b'\r\n',
                       b'1 1\n', b'0\r\nA: b\n\r\n\r\n', b'0\r\n: x\r\n\r\n', b'0\r\n folded\r\n\r\n', b'1;' + b'x' * 2000,
                       b'0\r\n' + b'A: b\r\n' * 5000):
            with self.subTest(chunks=chunks[:40]):
                browser = self.browser(timeout=5)
                browser.s.sendall(b'POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n%s' % (
                    self.url('/up').encode(), chunks))
                answer = browser.answer()
                self.assertEqual((answer.status, answer.get('Connection')), (400, 'close'))
        self.assertFalse([request for request in self.web.requests if request.body])

    def test_unusable_targets(self):
        """What is no http:// URI with a host is refused, with advice."""
        for url, status, words in (
                ('https://example.com/', 501, b'CONNECT'), ('ftp://example.com/', 501, b'SOCKS'), ('/', 421, b'This is a proxy'),
                ('http://user:pw@/', 400, b'address'), ('http://:80/', 400, b'address'), ('http:///x', 400, b'address'),
                ('http://h:65536/', 400, b'address'), ('http://h:x/', 400, b'address'), ('http://[::1/', 400, b'address'),
                ('http://h"<b>/', 400, b'address'), ('http://#x', 400, b'address'), ('example.com:80', 400, b'address'), ('*', 400, b'address')):
            with self.subTest(url=url):
                answer = self.browser(timeout=5).get(url)
                self.assertEqual(answer.status, status)
                self.assertIn(words, answer.body)
        browser = self.browser()
        browser.s.sendall(b'GET %s HTTP/1.1\r\nX: %s\r\n\r\n' % (self.url().encode(), b'x' * 70_000))
        self.assertEqual(browser.answer().status, 431)

    def test_old_user_agent(self):
        """HTTP/1.0: the version is not raised, and the connection ends with the answer."""
        browser = self.browser()
        browser.send('GET %s HTTP/1.0' % self.url(), 'Proxy-Connection: keep-alive')
        answer = browser.answer()
        self.assertEqual((answer.body, answer.get('Connection')), (b'hello /hello', 'close'))
        self.assertEqual(agent.outcome(browser.s), 'end')
        self.assertEqual(self.web.requests[0].line, 'GET /hello HTTP/1.0')

    def test_half_closed(self):
        """A user agent that has shut down its sending side gets all its answers."""
        browser = self.browser()
        browser.s.sendall(b'GET %s HTTP/1.1\r\n\r\nGET %s HTTP/1.1\r\n\r\n' % (self.url('/wait').encode(), self.url().encode()))
        browser.s.shutdown(1)
        eventually(lambda: self.web.requests, 'the first request arrives')
        self.web.go.set()
        self.assertEqual([browser.answer().body, browser.answer().body], [b'waited', b'hello /hello'])
        self.assertEqual(agent.outcome(browser.s), 'end')

    def test_gone(self):
        """A user agent that leaves frees its target; a half-sent body is not taken for whole."""
        browser = self.browser()
        browser.send('GET %s HTTP/1.1' % self.url('/cut-close'), 'Host: a')
        eventually(lambda: self.web.requests, 'the request arrives')
        browser.close()
        with agent.dial(self.port) as s:
            s.sendall(b'POST %s HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf' % self.url('/up').encode())
            eventually(lambda: len(self.web.requests) == 2, 'the request arrives')
        eventually(lambda: len(self.web.target.errors) == 1, 'the target is told')

    def test_gone_behind_many_requests(self):
        """A user agent that leaves frees its target, also when it has asked for more than is read ahead."""
        browser = self.browser()
        browser.s.sendall(b'GET %s HTTP/1.1\r\n\r\n' % self.url('/wait').encode() + b'GET %s HTTP/1.1\r\n\r\n' % self.url().encode() * 2000)
        eventually(lambda: self.web.requests, 'the request arrives')
        browser.close()
        connection = self.web.target.connections[0]
        self.assertEqual(agent.outcome(connection, 5), 'reset')

    def test_empty_lines(self):
        """A few empty lines before a request are overlooked; a user agent that sends nothing else is not heard any more."""
        browser = self.browser()
        self.assertEqual(browser.get(self.url()).status, 200)
        browser.s.sendall(b'\r\n' * 10)
        self.assertEqual(browser.get(self.url()).status, 200)
        browser.s.sendall(b'\r\n' * 10_000)
        self.assertEqual(agent.outcome(browser.s), 'end')

    def test_turns_to_connect(self):
        """A connection that has carried requests can become a tunnel by CONNECT."""
        browser = self.browser()
        self.assertEqual(browser.get(self.url()).status, 200)
        browser.send('CONNECT 127.0.0.1:%d HTTP/1.1' % self.web.port)
        self.assertIn(b' 200 ', agent.read_head(browser.s))
        browser.send('GET /hello?inside HTTP/1.1')
        self.assertEqual(browser.answer().body, b'hello /hello?inside')


class Answers(Proxied):
    def test_unreadable(self):
        """An answer that contradicts itself, or is none, is a 502; what nobody asked for is not delivered."""
        for path in '/two-lengths', '/garbage':
            self.assertEqual(self.browser().get(self.url(path)).status, 502)
        self.assertEqual(self.browser().get(self.url('/upgrade')).status, 502)
        browser = self.browser()
        browser.send('GET %s HTTP/1.0' % self.url('/endless-interim'))
        self.assertEqual(browser.answer().status, 502)
        browser = self.browser()
        self.assertEqual(browser.get(self.url('/surplus')).body, b'ok')
        self.assertEqual(browser.get(self.url()).body, b'hello /hello')
        self.assertEqual(self.web.connections, 6)

    def test_cut_at_the_end_by_close(self):
        """An answer that ends with the connection, and then breaks, is reset."""
        browser = self.browser()
        browser.send('GET %s HTTP/1.1' % self.url('/cut-close'), 'Host: a')
        self.assertIn(b'Connection: close', agent.read_head(browser.s))
        self.assertEqual(agent.read_exactly(browser.s, 9), b'only this')
        self.web.go.set()
        self.assertEqual(agent.outcome(browser.s), 'reset')

    def test_slow_reader(self):
        """A user agent that does not read holds its target back, not the client's memory."""
        before = self.wstan_client.resident()
        browsers = [self.browser(receive_buffer=4096) for _ in range(8)]
        for browser in browsers:
            browser.send('GET %s HTTP/1.1' % self.url('/down/%d' % LARGE), 'Host: a')
            self.assertIn(b' 200 ', agent.read_head(browser.s))
        self.assertEqual(self.browser().get(self.url()).status, 200)
        self.assertLess(self.wstan_client.resident() - before, 24 << 20)

    def test_endless_requests(self):
        """A user agent that asks and asks and reads nothing is not listened to any more, and holds no memory."""
        before = self.wstan_client.resident()
        browser = self.browser(receive_buffer=4096, timeout=1)
        request = b'GET %s HTTP/1.1\r\n\r\n' % self.url('/down/100000').encode()
        with self.assertRaises(TimeoutError):
            for _ in range(1000):
                browser.s.sendall(request * 1000)
        self.assertLess(self.wstan_client.resident() - before, 8 << 20)
        self.assertEqual(self.browser().get(self.url()).status, 200)

    def test_stopping(self):
        """A client that is told to stop lets an answer come to its end, and does not wait for who only might ask again."""
        client = self.client(self.wstan_server, '--drain-timeout=10s')
        idle, busy = [self.keep(Browser(client.port)) for _ in range(2)]
        self.assertEqual(idle.get(self.url()).status, 200)
        busy.send('GET %s HTTP/1.1' % self.url('/wait'), 'Host: a')
        eventually(lambda: len(self.web.requests) == 2, 'the request arrives')
        client.signal(signal.SIGTERM)
        self.assertEqual(agent.outcome(idle.s), 'end')
        self.web.go.set()
        self.assertEqual(busy.answer().body, b'waited')
        self.assertEqual(agent.outcome(busy.s), 'end')
        self.assertEqual(client.exit_status(within=5), 0)

    def test_many_at_once(self):
        """200 requests at once, all answered."""
        def ask(number):
            browser = Browser(self.port)
            try:
                return browser.get(self.url('/hello?%d' % number)).body == b'hello /hello?%d' % number
            finally:
                browser.close()
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            self.assertEqual(list(pool.map(ask, range(200))), [True] * 200)


class Again(PairScenario):
    """What is sent once more when a connection had ended already, and what is not."""
    OPENS_AHEAD = False

    def setUp(self):
        super().setUp()
        self.web = self.keep(Web())
        self.browser = self.keep(Browser(self.wstan_client.port))

    def url(self, path='/hello'):
        return 'http://127.0.0.1:%d%s' % (self.web.port, path)

    def test_target_closed_between(self):
        """A target that closes between two requests costs nothing, not even to a POST."""
        self.assertEqual(self.browser.get(self.url()).status, 200)
        for method in 'GET', 'POST':
            self.web.target.connections[-1].shutdown(2)
            self.between.settle()
            self.assertEqual(self.browser.get(self.url(), 'Content-Length: 0', method=method).status, 200)
        self.assertEqual(self.web.connections, 3)

    def test_target_closes_at_the_request(self):
        """A target that ends a kept connection at the next request: a GET is sent once more, a POST is not."""
        self.assertEqual(self.browser.get(self.url('/vanish-second')).status, 200)
        self.assertEqual(self.browser.get(self.url('/vanish-second')).body, b'once')
        self.assertEqual((self.web.connections, len(self.web.requests)), (2, 3))
        self.assertEqual(self.browser.get(self.url('/vanish-second'), 'Content-Length: 1', method='POST', body=b'x').status, 502)
        self.assertEqual((self.web.connections, len(self.web.requests)), (2, 4))

    def test_once_only(self):
        """A target that answers nobody is asked once, and after a kept connection twice."""
        self.assertEqual(self.browser.get(self.url('/vanish')).status, 502)
        self.assertEqual(len(self.web.requests), 1)
        self.assertEqual(self.browser.get(self.url()).status, 200)
        self.assertEqual(self.browser.get(self.url('/vanish')).status, 502)
        self.assertEqual(len(self.web.requests), 4)

    def test_dead_tunnel_in_the_pool(self):
        """A tunnel that died in the pool costs neither a GET nor a POST anything, and each arrives once."""
        for method in 'GET', 'POST':
            self.assertEqual(self.browser.get(self.url(), 'Connection: close').status, 200)
            self.between.settle()
            self.between.cut('reset')
            self.browser = self.keep(Browser(self.wstan_client.port))
            before = len(self.web.requests)
            self.assertEqual(self.browser.get(self.url(), 'Content-Length: 0', 'Connection: close', method=method).status, 200)
            self.assertEqual(len(self.web.requests), before + 1)
            self.browser = self.keep(Browser(self.wstan_client.port))

    def test_reset_in_the_handshake(self):
        """A reset in place of the server's answer: a GET is sent again on a new tunnel; a POST, which may have arrived, is not."""
        for method, arrivals, status in ('GET', 2, 200), ('POST', 1, 502):
            before = len(self.web.requests)
            browser = self.keep(Browser(self.client(self.between).port))
            self.between.hold_answers = True
            browser.send('%s %s HTTP/1.1' % (method, self.url()), 'Content-Length: 0', 'Connection: close')
            eventually(lambda: len(self.web.requests) > before, 'the request arrives')
            self.between.cut('reset')
            self.between.release()
            self.assertEqual(browser.answer().status, status)
            self.assertEqual(len(self.web.requests), before + arrivals)

    def test_tunnel_lost(self):
        """A tunnel that breaks while a target thinks: told, if nothing has come; cut, if something has."""
        self.browser.send('GET %s HTTP/1.1' % self.url('/wait'), 'Host: a')
        eventually(lambda: self.web.requests, 'the request arrives')
        self.between.cut('reset')
        self.assertEqual(self.browser.answer().status, 502)
        self.browser.send('GET %s HTTP/1.1' % self.url('/cut-close'), 'Host: a')
        self.assertIn(b' 200 ', agent.read_head(self.browser.s))
        self.assertEqual(agent.read_exactly(self.browser.s, 9), b'only this')
        self.between.cut('reset')
        self.assertEqual(agent.outcome(self.browser.s), 'reset')

    def test_one_tunnel(self):
        """One target after the other on one tunnel, as a rule: another is opened only when the server's reset is late."""
        other = self.keep(Web())
        for web in [self.web, other] * 5:
            self.assertEqual(self.browser.get('http://127.0.0.1:%d/' % web.port).status, 200)
        self.assertLess(len(self.between.links), 4)

    def test_first_request_rides_along(self):
        """The first request reaches its target from the URI, with nothing behind it let through."""
        self.between.hold_after_head = True
        self.assertEqual(self.browser.get(self.url('/up'), 'Content-Length: 4', method='POST', body=b'data').body.split()[0], b'4')


class Pages(Scenario):
    HTML = 'Accept: application/xhtml+xml, text/html;q=0.9, */*;q=0.1'

    def ask(self, client, url, *fields):
        browser = self.keep(Browser(client.port))
        return browser.get(url, *fields)

    def assertExplains(self, client, url, status, *words, hops=4):
        """A page for browsers and a line for others, with the same words."""
        page = self.ask(client, url, self.HTML)
        self.assertEqual((page.status, page.get('Content-Type'), page.get('Cache-Control')), (status, 'text/html; charset=utf-8', 'no-store'))
        self.assertIn("default-src 'none'", page.get('Content-Security-Policy'))
        self.assertNotIn(b'http-equiv', page.body)
        self.assertEqual(page.body.count(b'class="link broken"'), 1 if hops else 0)
        for accept in (), ('Accept: */*',), ('Accept: text/html;q=0',):
            line = self.ask(client, url, *accept)
            self.assertEqual((line.status, line.get('Content-Type')), (status, 'text/plain; charset=utf-8'))
            self.assertEqual(line.body.count(b'\n'), 1)
        for word in words:
            self.assertIn(word, page.body.decode())
            self.assertIn(word, line.body.decode())

    def test_targets(self):
        """A name that does not exist, and a port where nobody is."""
        client = self.client(self.server())
        self.assertExplains(client, 'http://nosuch.invalid/', 502, 'nosuch.invalid does not exist', 'Check the spelling')
        self.assertExplains(client, 'http://127.0.0.1:%d/' % (port := free_port()), 502, '127.0.0.1 refuses the connection', 'port %d' % port)
        self.assertExplains(client, '/', 421, 'This is a proxy', '127.0.0.1:%d' % client.port, hops=0)
        head = self.keep(Browser(client.port)).get('http://nosuch.invalid/', self.HTML, method='HEAD')
        self.assertEqual((head.status, head.body), (502, b''))

    def test_their_words(self):
        """What a Python server says is shown as it came."""
        client = self.client(self.server(program=THEIRS))
        self.assertExplains(client, 'http://127.0.0.1:%d/' % free_port(), 502, 'The server cannot connect to 127.0.0.1', 'Errno 111')

    def test_no_server(self):
        """Nobody there; somebody there who cuts the handshake; a wrong key; a proxy that says no."""
        gone = self.target()
        gone.close()
        self.assertExplains(self.client(gone), 'http://example.com/', 502, 'The server cannot be reached', 'Connection refused')
        self.assertExplains(self.client(self.target(reset)), 'http://example.com/', 502, 'The connection to the server was cut', 'each time it was tried')
        server = self.server()
        stranger = self.client(server, key='a wrong key, and a long one')
        self.assertExplains(stranger, 'http://example.com/', 502, 'The server refused this client (HTTP 404)', 'Compare the key')

        def deny(connection):
            agent.read_head(connection)
            connection.sendall(b'HTTP/1.1 407 <b>No</b>\r\n\r\n')
        proxy = self.target(deny)
        proxied = self.client(server, '-y', '127.0.0.1:%d' % proxy.port)
        page = self.ask(proxied, 'http://example.com/', self.HTML)
        self.assertIn(b'407 &lt;b&gt;No&lt;/b&gt;', page.body)
        self.assertEqual(page.status, 502)
