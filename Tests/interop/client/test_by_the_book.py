"""The client as an HTTP proxy and a SOCKS server by the RFCs, with what real programs and servers make of them (docs/conformance.md)."""
import base64
import os
import shutil
import subprocess
import sys

from helpers.peers import agent
from helpers.peers.datagrams import Association, DatagramTarget
from helpers.peers.target import read_exactly
from helpers.peers.web import Browser, Web
from helpers.scenario import Scenario


class Book(Scenario):
    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()
        self.wstan_client = self.client(self.wstan_server)
        self.port = self.wstan_client.port
        self.here = 'http://127.0.0.1:%d' % self.port

    def say(self, *pieces):
        """All that is answered on a connection of its own, up to its end."""
        with agent.dial(self.port, timeout=10) as s:
            for piece in pieces:
                s.sendall(piece)
            answer = b''
            while part := s.recv(1 << 16):
                answer += part
            return answer


class Answers(Book):
    """Answers of real servers: read tolerantly, passed on written anew, refused only for what is named."""

    def setUp(self):
        super().setUp()
        self.answer, self.stays = b'', False
        self.web = self.target(self.serve)

    def serve(self, s):
        agent.read_head(s)
        s.sendall(self.answer)
        if self.stays:
            s.recv(1)  # until the client goes

    def get(self, answer, stays=False, version='1.1', method='GET'):
        self.answer, self.stays = answer, stays
        browser = self.keep(Browser(self.port, timeout=10))
        browser.send('%s http://127.0.0.1:%d/ HTTP/%s' % (method, self.web.port, version), 'Host: a')
        return browser.answer(method)

    def test_lines(self):
        """LF alone, blanks before a colon, folded lines, lines that are no fields, and old status lines are taken, also while the target stays."""
        for answer, status, line in (
                (b'HTTP/1.1 200 OK\nContent-Length: 5\nX-A: b\n\nhello', 200, ('X-A', 'b')),
                (b'HTTP/1.1 200 OK\r\nX-XSS-Protection : 1\r\nContent-Length\t: 5\r\n\r\nhello', 200, ('X-XSS-Protection', '1')),
                (b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n  c\r\n\td\r\n\r\nhello', 200, ('X-A', 'b    c   d')),
                (b'HTTP/1.1 200 OK\r\n  X-A: b\r\nno field\r\nContent-Length: 5\r\n\r\nhello', 200, ('X-A', None)),
                (b'HTTP/1.1 200 OK\r\nX-A: b\rc\0d\r\nContent-Length: 5, 5\r\n\r\nhello', 200, ('Content-Length', '5')),
                (b'\r\nHTTP/1.2  404\r\nContent-Length: 5\r\n\r\nhello', 404, ('Content-Length', '5')),
                (b'http/1.1 200 ok\r\nContent-Length: 5\r\nDate: x\r\n\r\nhello', 200, ('Date', 'x')),
                (b'HTTP/2 999 x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello', 999, ('Content-Length', '5'))):
            for stays in True, False:
                with self.subTest(answer=answer, stays=stays):
                    got = self.get(answer, stays)
                    self.assertEqual((got.status, got.get(line[0]), got.body), (status, line[1], b'hello'))
                    self.assertTrue(got.line.startswith('HTTP/1.1 '))
                    self.assertEqual(len(got.all('Content-Length')), 1)
                    self.assertEqual(len(got.all('Date')), 1)

    def test_radio(self):
        """Internet radio answers ICY."""
        got = self.get(b'ICY 200 OK\r\nicy-name: radio\r\nContent-Type: audio/mpeg\r\n\r\nmusic')
        self.assertEqual((got.line, got.get('icy-name'), got.body), ('HTTP/1.1 200 OK', 'radio', b'music'))

    def test_many_fields(self):
        """250 cookies and 200 KiB of them are passed on; more than 1000 fields or 256 KiB are a 502 that names the limit."""
        def cookies(count, size=40):
            return b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n' + b'Set-Cookie: c=%s\r\n' % (b'v' * size) * count + b'\r\nhello'
        for self.answer in cookies(250), cookies(999), cookies(40, 5000):
            head, body = self.say(b'GET http://127.0.0.1:%d/ HTTP/1.1\r\nConnection: close\r\n\r\n' % self.web.port).split(b'\r\n\r\n')
            self.assertTrue(head.startswith(b'HTTP/1.1 200 '))
            self.assertEqual((head.count(b'Set-Cookie: c='), body), (self.answer.count(b'Set-Cookie: c='), b'hello'))
        for answer, words in (cookies(1000), b'too many fields. It may have 1000.'), (cookies(60, 5000), b'too long. It may have 256 KiB.'):
            got = self.get(answer)
            self.assertEqual(got.status, 502)
            self.assertIn(words, got.body)

    def test_chunks_in_lf(self):
        """Chunks whose lines end in LF alone are passed on in CR LF."""
        got = self.get(b'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5;x=y\nhello\n0\nA: b\n\n', stays=True)
        self.assertEqual((got.body, got.raw), (b'hello', b'5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n'))

    def test_cr_cr_lf(self):
        """Lines that end in CR CR LF, in the head and in the framing of chunks, are passed on in CR LF."""
        got = self.get(b'HTTP/1.1 200 OK\r\r\nX-A: b\r\r\nContent-Length: 5\r\r\n\r\r\nhello', stays=True)
        self.assertEqual((got.status, got.get('X-A'), got.body), (200, 'b', b'hello'))
        got = self.get(b'HTTP/1.1 200 OK\r\r\nTransfer-Encoding: chunked\r\r\n\r\r\n5\r\r\nhello\r\r\n0\r\r\n\r\r\n', stays=True)
        self.assertEqual((got.body, got.raw), (b'hello', b'5\r\nhello\r\n0\r\n\r\n'))

    def test_chunks_that_end_with_the_connection(self):
        """A target that closes behind its last chunk has sent all; one that closes before has not."""
        head = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
        for end in b'0\r\n', b'0\n', b'0\r\n\r', b'0000\r\n', b'0\r\nA: b\r\n':
            with self.subTest(end=end):
                self.assertEqual(self.get(head + b'5\r\nhello\r\n' + end).body, b'hello')
        for end in b'', b'0', b'5\r\nhel', b'0\r\nA: b':
            with self.subTest(end=end):
                self.assertRaises((OSError, EOFError, ValueError), self.get, head + b'5\r\nhello\r\n' + end)

    def test_leading_zeros(self):
        """A chunk's size may have any number of leading zeros, of which one is passed on."""
        got = self.get(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s5\r\nhello\r\n%s\r\n\r\n' % (b'0' * 40, b'0' * 40), stays=True)
        self.assertEqual((got.body, got.raw), (b'hello', b'05\r\nhello\r\n0\r\n\r\n'))

    def test_no_body(self):
        """What never has a body is passed on without a length, and its connection goes on."""
        for answer, status in ((b'HTTP/1.1 204 No\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', 204),
                               (b'HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n', 304)):
            got = self.get(answer, stays=True)
            self.assertEqual((got.status, got.body, got.get('Transfer-Encoding')), (status, b'', None))
        self.assertEqual(self.get(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', stays=True, method='HEAD').get('Content-Length'), '5')

    def test_interim(self):
        """Interim answers in any number, and none to HTTP/1.0."""
        answer = b'HTTP/1.1 103 Hints\n\n' * 3000 + b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
        self.assertEqual(self.get(answer, version='1.0').body, b'hello')

    def test_causes(self):
        """Each answer that is refused is a 502 with its own cause, at once, also while the target stays."""
        for answer, words in (
                (b'SSH-2.0-OpenSSH_9.2\r\n', b'did not answer in HTTP'), (b'<html>hello', b'did not answer in HTTP'),
                (b'\x15\x03\x01\x00\x02\x02\x46', b'speaks TLS'),
                (b'HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello', b'[5, 6]'),
                (b'HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello', b'[five]'),
                (b'HTTP/1.1 099 x\r\n\r\n', b'status is 99'), (b'HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n', b'(101)'),
                (b'HTTP/1.1 200 OK\r\nConnection: ' + b'a,' * 65 + b'\r\n\r\n', b'The field Connection')):
            with self.subTest(answer=answer[:60]):
                got = self.get(answer, stays=True)
                self.assertEqual(got.status, 502)
                self.assertIn(words, got.body)
        got = self.get(b'HTTP/1.1 200 OK\r\nContent-Le')
        self.assertIn(b'closed the connection within the head', got.body)
        self.assertIn(b'without an answer', self.get(b'').body)


class Requests(Book):
    """Requests of real programs: what they typed is understood, what could be read in two ways is refused, and each gets an answer."""

    def setUp(self):
        super().setUp()
        self.web = self.keep(Web())

    def url(self, path='/hello', user=''):
        return 'http://%s127.0.0.1:%d%s' % (user, self.web.port, path)

    def ask(self, line, *fields, end='\r\n'):
        return self.say(end.join([line, *fields, '', '']).encode())

    def test_userinfo(self):
        """A name and a password in the address become Authorization, unless there is one."""
        for user, fields, expected in (('u:p@', [], b'u:p'), ('u%40x:p%3A@', [], b'u@x:p:'), ('u@', [], b'u:'), ('@', [], None),
                                       ('u:p@', ['Authorization: Basic eA=='], b'x')):
            self.assertIn(b' 200 ', self.ask('GET %s HTTP/1.1' % self.url(user=user), 'Connection: close', 'Host: a', *fields))
            request = self.web.requests[-1]
            said = request.get('Authorization')
            self.assertEqual(base64.b64decode(said.split()[1]) if said else None, expected)
            self.assertEqual((request.line, request.get('Host')), ('GET /hello HTTP/1.1', '127.0.0.1:%d' % self.web.port))

    def test_fragment(self):
        """A fragment is left out, wherever it begins."""
        for path, expected in ('/hello#part', '/hello'), ('/hello?a#b?c#d', '/hello?a'), ('#part', '/'):
            self.assertIn(b' 200 ', self.ask('GET %s HTTP/1.1' % self.url(path), 'Connection: close'))
            self.assertEqual(self.web.requests[-1].line, 'GET %s HTTP/1.1' % expected)

    def test_bare_lf(self):
        """Lines that end in LF alone, after empty ones, as from printf and nc; mixed lines are refused at once."""
        self.assertIn(b' 200 ', self.ask('\nGET %s HTTP/1.0' % self.url(), 'A: b', end='\n'))
        with agent.dial(self.port) as s:
            s.sendall(b'CONNECT 127.0.0.1:%d HTTP/1.0\n\n' % self.web.port)
            self.assertIn(b' 200 ', agent.read_head(s))
        for text in b'GET %s HTTP/1.1\r\nA: b\nC: d\r\n\r\n', b'GET %s HTTP/1.1\r\nA: b\r\n\n', b'GET %s HTTP/1.1\nA: b\rC: d\n\n':
            answer = self.say(text % self.url().encode())
            self.assertIn(b'HTTP/1.1 400 ', answer)
            self.assertIn(b'end in different ways', answer)

    def test_methods(self):
        """Every method is passed on, known or not, in any case, however long."""
        for method in 'PROPFIND', 'get', 'x-y!', 'M' * 3000:
            self.assertIn(b' 200 ', self.ask('%s %s HTTP/1.1' % (method, self.url()), 'Connection: close'))
            self.assertEqual(self.web.requests[-1].line, '%s /hello HTTP/1.1' % method)

    def test_refusals(self):
        """Everything else is answered at once, with its own cause and limit."""
        url = self.url()
        for text, status, words in (
                ('GET ftp://h/ HTTP/1.1\r\n\r\n', 501, 'curl --proxy socks5h://127.0.0.1:%d ftp://' % self.port),
                ('GET https://h/ HTTP/1.1\r\n\r\n', 501, 'CONNECT'), ('GET ws://h/ HTTP/1.1\r\n\r\n', 501, 'CONNECT'),
                ('GET gopher://h/ HTTP/1.1\r\n\r\n', 501, 'gopher://'), ('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'HTTP/2.0'),
                ('GET %s\r\n' % url, 400, 'not HTTP'), ('HELO me\r\n', 400, 'not HTTP'), ('{"a": 1}\r\n', 400, 'not HTTP'),
                ('CONNECT h HTTP/1.1\r\n\r\n', 400, 'host:port'), ('CONNECT h:0 HTTP/1.1\r\n\r\n', 400, 'host:port'),
                ('GET http://h:0/ HTTP/1.1\r\n\r\n', 400, 'port'), ('GET http:///x HTTP/1.1\r\n\r\n', 400, 'no host'),
                ('GET http://b\u00fccher.test/ HTTP/1.1\r\n\r\n', 400, 'xn--'), ('GET http://[fe80::1%25eth0]/ HTTP/1.1\r\n\r\n', 400, 'zone'),
                ('GET %s HTTP/1.1\r\nHost : a\r\n\r\n' % url, 400, '[Host ]'), ('GET %s HTTP/1.1\r\nA: b\r\n c\r\n\r\n' % url, 400, 'field'),
                ('GET %s HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n' % url, 400, 'several Host fields'),
                ('POST %s HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n' % url, 400, 'length'),
                ('POST %s HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n' % url, 400, 'length'),
                ('POST %s HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n' % url, 400, '[gzip]'),
                ('GET %s HTTP/1.1\r\n%s\r\n' % (url, 'A: b\r\n' * 201), 431, 'It may have 200.'),
                ('GET %s HTTP/1.1\r\nA: %s\r\n\r\n' % (url, 'b' * 66000), 431, '64 KiB'),
                ('GET %s?%s HTTP/1.1\r\n\r\n' % (url, 'b' * 66000), 414, '64 KiB'),
                ('POST %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n' % url, 400, 'chunks are malformed')):
            with self.subTest(text=text[:60]):
                answer = self.say(text.encode())
                self.assertTrue(answer.startswith(b'HTTP/1.1 %d ' % status), answer[:300])
                self.assertIn(words, answer.decode())
        self.assertEqual(self.web.requests, [])

    def test_hosts(self):
        """The address says where to, in any of its forms; Host is made of it."""
        port = self.web.port
        for host, said in (('127.0.0.1:%d' % port, None), ('%%31%%32%%37.0.0.1:%d' % port, '127.0.0.1:%d' % port), ('127.0.0.1:0%d' % port, None)):
            self.assertIn(b' 200 ', self.ask('GET http://%s/ HTTP/1.1' % host, 'Host: another.test', 'Connection: close'))
            self.assertEqual(self.web.requests[-1].all('Host'), [said or host])

    def test_final_recipient(self):
        """OPTIONS about the proxy, and what no proxy is to pass on, are answered here; Max-Forwards is counted down."""
        self.assertIn(b'Allow: ', self.ask('OPTIONS * HTTP/1.1', 'Connection: close'))
        answer = self.ask('TRACE %s HTTP/1.1' % self.url(), 'Max-Forwards: 0', 'Cookie: secret', 'A: b', 'Connection: close')
        self.assertIn(b'Content-Type: message/http\r\n', answer)
        self.assertIn(b'\r\n\r\nTRACE ', answer)
        self.assertNotIn(b'secret', answer)
        self.assertEqual(self.web.requests, [])
        self.ask('OPTIONS %s HTTP/1.1' % self.url(), 'Max-Forwards: 3', 'Connection: close')
        self.assertEqual((self.web.requests[0].line, self.web.requests[0].get('Max-Forwards')), ('OPTIONS /hello HTTP/1.1', '2'))

    def test_programs(self):
        """curl, wget, Python, BusyBox, w3m and lynx, as far as they are here, with a name, a password and a fragment in the address."""
        url = self.url('/hello', 'u:p@')
        environment = {**os.environ, 'http_proxy': self.here, 'HOME': self.directory}
        fetch = 'import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())'
        for program, command in (
                ('curl', ['curl', '-sS', url + '#part']), ('wget', ['wget', '-qO-', url + '#part']),
                (sys.executable, [sys.executable, '-c', fetch, self.url('/hello#part')]),
                ('busybox', ['busybox', 'wget', '-qO-', self.url('/hello#part')]), ('w3m', ['w3m', '-dump_source', url]),
                ('lynx', ['lynx', '-source', url])):
            if not shutil.which(program):
                continue
            with self.subTest(program=program):
                done = subprocess.run(command, env=environment, capture_output=True, timeout=20)
                self.assertEqual((done.returncode, done.stdout.strip()), (0, b'hello /hello'), done.stderr)

    def test_ftp_by_the_advice(self):
        """What the page says about ftp:// works: curl gets a file by SOCKS, with passive FTP."""
        data = self.target(lambda s: s.sendall(b'a file'))

        def control(s):
            s.sendall(b'220 ready\r\n')
            answers = {b'USER': b'331 password', b'PASS': b'230 in', b'PWD': b'257 "/"', b'TYPE': b'200 ok', b'SIZE': b'213 6', b'CWD': b'250 ok',
                       b'EPSV': b'229 here (|||%d|)' % data.port, b'RETR': b'150 comes\r\n226 done', b'QUIT': b'221 bye'}
            while line := agent.read_line_raw(s):
                s.sendall(answers.get(line.split()[0], b'502 no') + b'\r\n')
        ftp = self.target(control)
        done = subprocess.run(['curl', '-sS', '--proxy', 'socks5h://127.0.0.1:%d' % self.port, 'ftp://127.0.0.1:%d/f' % ftp.port],
                              capture_output=True, timeout=20)
        self.assertEqual((done.returncode, done.stdout), (0, b'a file'), done.stderr)


class Socks(Book):
    def test_password_only(self):
        """A user agent that offers only name and password is served without a users-file, whatever they are, even empty."""
        web = self.keep(Web())
        for name, password in (b'u', b'p'), (b'', b''):
            with agent.dial(self.port) as s:
                s.sendall(b'\5\1\2')
                self.assertEqual(read_exactly(s, 2), b'\5\2')
                s.sendall(b'\1' + bytes([len(name)]) + name + bytes([len(password)]) + password)
                self.assertEqual(read_exactly(s, 2), b'\1\0')
                s.sendall(b'\5\1\0' + agent.address('127.0.0.1', web.port))
                self.assertEqual(agent.read_socks_reply(s), 0)
        with agent.dial(self.port) as s:
            s.sendall(b'\5\2\2\0')
            self.assertEqual(read_exactly(s, 2), b'\5\0')

    def test_declared_target(self):
        """UDP ASSOCIATE that declares its target is served; a port declared beside zeros or the user agent's address restricts."""
        target = self.keep(DatagramTarget())
        for host, port in ('192.0.2.1', 53), ('2001:db8::1', 53), ('target.test', 53), ('192.0.2.1', 0):
            association = self.keep(Association(self.port, declared_port=port, declared_host=host))
            self.assertEqual(association.ask(b'hello', *target.address)[0], b'hello')
        for host in '0.0.0.0', '127.0.0.1', '::':
            association = self.keep(Association(self.port, declared_port=1, declared_host=host))
            self.assertFalse(association.answers(b'hello', *target.address))
