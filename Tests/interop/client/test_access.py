"""Whom the client serves: names and passwords, and users of this host."""
import base64
import contextlib
import os
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.network.namespaces import Namespace, join, need_namespaces
from helpers.passwords import HASHES, PASSWORD
from helpers.peers import agent, web
from helpers.peers.target import echo, read_exactly
from helpers.process import NOBODY, OURS, free_port
from helpers.toolbox import Toolbox
from helpers.waiting import eventually


def basic(name, password):
    return b'Proxy-Authorization: Basic ' + base64.b64encode(('%s:%s' % (name, password)).encode()) + b'\r\n'


class Users(Toolbox):
    def setUp(self):
        super().setUp()
        self.users = self.file('users', '# who may\n\n' + ''.join('%s:%s\n' % each for each in HASHES.items()))
        self.wstan_client = self.client(self.server(), '--users-file=' + self.users)
        self.port = self.wstan_client.port
        self.echo = self.target(echo)
        self.answering = self.keep(web.Web())

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.directory, name)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def socks(self, name, password, offer=b'\x05\x02\x00\x02'):
        """A SOCKS5 connection after the negotiation of RFC 1929, and what was answered there."""
        s = self.keep(agent.dial(self.port, timeout=10))
        s.sendall(offer)
        self.assertEqual(read_exactly(s, 2), b'\x05\x02')
        name, password = name.encode(), password.encode()
        s.sendall(b'\x01' + bytes([len(name)]) + name + bytes([len(password)]) + password)
        return s, read_exactly(s, 2)

    def test_socks5(self):
        """The right password is accepted, whatever made its hash; the first time, and when it is known."""
        for name in [*HASHES, *HASHES]:
            s, answer = self.socks(name, PASSWORD)
            self.assertEqual(answer, b'\x01\x00')
            s.sendall(b'\x05\x01\x00' + agent.address('127.0.0.1', self.echo.port))
            self.assertEqual(agent.read_socks_reply(s), 0)
            self.assertTrue(agent.echoes(s, b'hello'))

    def test_socks5_wrong(self):
        """A wrong password, an unknown name, none at all: refused and closed, and no target hears of it."""
        for name, password in ('anna', 'open sesam'), ('anna', 'open sesame '), ('anna', ''), ('emil', PASSWORD), ('', ''), ('a' * 255, 'b' * 255):
            with self.subTest(name=name[:9], password=password[:12]):
                s, answer = self.socks(name, password)
                self.assertEqual((answer, agent.outcome(s)), (b'\x01\x01', 'end'))
        self.assertEqual(self.echo.connections, [])
        log = self.wstan_client.await_log(r'.*wrong name or password.*').group()
        self.assertIn('127.0.0.1', log)
        for secret in 'anna', 'emil', 'sesam', '$y$':
            self.assertNotIn(secret, self.wstan_client.log())

    def test_no_method(self):
        """Without the method "name and password" on offer the answer is 05 FF; SOCKS4, which has none, is refused."""
        for greeting in b'\x05\x01\x00', b'\x05\x00', b'\x05\x02\x00\x01':
            s = self.keep(agent.dial(self.port))
            s.sendall(greeting)
            self.assertEqual((read_exactly(s, 2), agent.outcome(s)), (b'\x05\xff', 'end'))
        s = self.keep(agent.dial(self.port))
        s.sendall(b'\x04\x01' + self.echo.port.to_bytes(2, 'big') + bytes([127, 0, 0, 1]) + b'anna\0')
        self.assertEqual((read_exactly(s, 8)[:2], agent.outcome(s)), (b'\x00\x5b', 'end'))

    def test_datagrams(self):
        """An association is asked for behind the password, as a connection is."""
        s, _ = self.socks('anna', PASSWORD)
        s.sendall(b'\x05\x03\x00' + agent.address('0.0.0.0', 0))
        self.assertEqual(agent.read_socks_reply(s), 0)

    def request(self, s, line, fields=b''):
        s.sendall(line + b' HTTP/1.1\r\nHost: x\r\n' + fields + b'\r\n')
        head = web.Message(agent.read_head(s))
        head.body = read_exactly(s, int(head.get('Content-Length') or 0)) if head.status != 200 or head.get('Content-Length') else b''
        return head

    def test_http(self):
        """Every request on a kept connection is asked, and the field does not go on to the target."""
        s = self.keep(agent.dial(self.port, timeout=10))
        line = b'GET http://127.0.0.1:%d/hello' % self.answering.port
        self.assertEqual(self.request(s, line, basic('anna', PASSWORD)).status, 200)
        for fields in b'', basic('anna', 'wrong'), basic('emil', PASSWORD), b'Proxy-Authorization: Basic !\r\n', b'Proxy-Authorization: Digest a="b"\r\n':
            with self.subTest(fields=fields[:24]):
                answer = self.request(s, line, fields)
                self.assertEqual(answer.status, 407)
                self.assertEqual(answer.all('Proxy-Authenticate'), ['Basic realm="wstan", charset="UTF-8"'])
        self.assertIn(b'<html', self.request(s, line, b'Accept: text/html\r\n').body)
        self.assertEqual(self.request(s, line, basic('bert', PASSWORD)).status, 200)
        self.assertEqual(len(self.answering.requests), 2)
        for request in self.answering.requests:
            self.assertIsNone(request.get('Proxy-Authorization'))
        # A body that nobody reads ends the connection.
        answer = self.request(s, b'POST http://127.0.0.1:%d/' % self.answering.port, b'Content-Length: 3\r\n')
        self.assertEqual((answer.status, answer.get('Connection'), agent.outcome(s)), (407, 'close', 'end'))
        self.assertEqual(len(self.answering.requests), 2)

    def test_connect(self):
        """CONNECT is refused with 407, after which the user agent may try again on the same connection."""
        s = self.keep(agent.dial(self.port, timeout=10))
        line = b'CONNECT 127.0.0.1:%d' % self.echo.port
        self.assertEqual(self.request(s, line).status, 407)
        self.assertEqual(self.request(s, line, basic('anna', 'wrong')).status, 407)
        self.assertEqual(self.request(s, line, basic('cleo', PASSWORD)).status, 200)
        self.assertTrue(agent.echoes(s, b'hello'))
        self.assertEqual(len(self.echo.connections), 1)
        # What comes behind a CONNECT is no request.
        s = self.keep(agent.dial(self.port))
        s.sendall(line + b' HTTP/1.1\r\n\r\n' + b'GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\n' % self.answering.port + basic('anna', PASSWORD) + b'\r\n')
        answer = web.Message(agent.read_head(s))
        self.assertEqual((answer.status, answer.get('Connection')), (407, 'close'))
        self.assertEqual(self.answering.requests, [])

    def test_page_about_the_proxy(self):
        """A browser that was pointed at the proxy instead of through it is told so without a password."""
        s = self.keep(agent.dial(self.port))
        s.sendall(b'GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n' % self.port)
        self.assertEqual(web.Message(agent.read_head(s)).status, 400)
        # By a name that is not its own: a page of that name could read what it answers.
        s = self.keep(agent.dial(self.port))
        self.assertEqual(self.request(s, b'GET /').status, 421)

    def test_curl(self):
        """curl by all its ways."""
        self.needs('curl')
        with open(os.path.join(self.site, 'page'), 'w') as f:
            f.write('here')
        address = 'http://127.0.0.1:%d/page' % self.web()
        proxy = '127.0.0.1:%d' % self.port
        for way in ['-x', 'http://' + proxy], ['-p', '-x', 'http://' + proxy], ['-x', 'socks5://' + proxy], ['-x', 'socks5h://' + proxy], ['--proxy-anyauth', '-x', 'http://' + proxy]:
            with self.subTest(way=way):
                for name in 'anna', 'dora':
                    self.assertEqual(self.tool('curl', '-sSf', *way, '-U', '%s:%s' % (name, PASSWORD), address), b'here')
                done = subprocess.run(['curl', '-sS', '-o', os.devnull, '-w', '%{http_connect} %{http_code}', *way, '-U', 'anna:wrong', address],
                                      capture_output=True, text=True, timeout=20)
                self.assertNotIn('200', done.stdout)
                if 'socks' not in way[-1]:
                    self.assertIn('407', done.stdout)
        self.assertEqual(self.tool('curl', '-sS', '-o', os.devnull, '-w', '%{http_code}', '-x', 'http://' + proxy, address), b'407')

    def test_all_at_once(self):
        """Many connections at once with one name, and in between many with a wrong one."""
        right = [self.keep(agent.dial(self.port, timeout=20)) for _ in range(64)]
        wrong = [self.keep(agent.dial(self.port, timeout=20)) for _ in range(32)]
        for number, s in enumerate(right + wrong):
            password = PASSWORD if s in right else 'wrong%d' % number
            s.sendall(b'\x05\x01\x02\x01\x04anna' + bytes([len(password)]) + password.encode())
        for s in right:
            self.assertEqual(read_exactly(s, 4), b'\x05\x02\x01\x00')
        for s in wrong:
            self.assertEqual(read_exactly(s, 4), b'\x05\x02\x01\x01')


    def test_guesses(self):
        """While 30 guess all the time, a right password that was not seen before is let in, and one that was at once.

        By the same name from the same host, too. And guesses become slow, also for one who closes and comes again."""
        stop, wrong = threading.Event(), []

        def guess(number):
            tries = 0
            while not stop.is_set():
                tries += 1
                with agent.dial(self.port, timeout=25) as s:
                    s.sendall(b'\x05\x01\x02\x01' + b'\x04anna' + b'\x0b%05d %05d' % (number, tries))
                    if read_exactly(s, 4) == b'\x05\x02\x01\x01':
                        wrong.append(tries)
        self.assertEqual(self.socks('cleo', PASSWORD)[1], b'\x01\x00')
        began = time.monotonic()
        with ThreadPoolExecutor(30) as pool:
            for number in range(30):
                pool.submit(guess, number)
            try:
                eventually(lambda: len(wrong) > 16, 'the guesses are refused', 20)
                for name, within in ('cleo', 2), ('bert', 5), ('anna', 15):
                    since = time.monotonic()
                    s = self.keep(agent.dial(self.port, timeout=25))
                    s.sendall(b'\x05\x01\x02\x01\x04' + name.encode() + bytes([len(PASSWORD)]) + PASSWORD.encode())
                    self.assertEqual(read_exactly(s, 4), b'\x05\x02\x01\x00', name)
                    self.assertLess(time.monotonic() - since, within, name)
            finally:
                stop.set()
        # Eight places, each kept for two seconds in the end.
        self.assertLess(len(wrong), 40 + 5 * (time.monotonic() - began))

    def test_threads(self):
        """Passwords are hashed at the lowest priority, so that guesses take nothing from tunnels."""
        self.socks('anna', 'wrong')
        with open('/proc/%d/stat' % self.wstan_client.popen.pid) as f:
            own = int(f.read().rsplit(')', 1)[1].split()[16])
        nice = []
        for task in os.listdir('/proc/%d/task' % self.wstan_client.popen.pid):
            with contextlib.suppress(FileNotFoundError):
                with open('/proc/%d/task/%s/stat' % (self.wstan_client.popen.pid, task)) as f:
                    nice.append(int(f.read().rsplit(')', 1)[1].split()[16]))
        self.assertIn(19, nice)
        self.assertIn(own, nice)


class UsersFile(Toolbox):
    def client_with(self, text, mode=0o600):
        path = os.path.join(self.directory, 'users')
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)
        return path, self.start('client', OURS, 'ws://127.0.0.1:%d' % free_port(), self.key, '-p', free_port(), '--users-file=' + path)

    def test_problems(self):
        """Every line that cannot be used is named, without the password that stands there; the others work. Without one: status 78."""
        bad = '# one\nanna:plain secret\n\nbert\ncleo:%s\n' % HASHES['cleo'][:-1]
        path, client = self.client_with(bad + 'cleo:%s\n' % HASHES['cleo'])
        client.await_log('client: ')
        for place in '2:6', '4:1', '5:6':
            self.assertIn('%s:%s: line ignored: ' % (path, place), client.log())
        self.assertIn('mkpasswd', client.log())
        self.assertNotIn('secret', client.log())
        path, client = self.client_with(bad)
        self.assertEqual(client.exit_status(), 78)
        self.assertIn('%s: error: has no user' % path, client.log())
        self.assertNotIn('secret', client.log())

    def test_missing(self):
        client = self.start('client', OURS, 'ws://127.0.0.1:%d' % free_port(), self.key, '-p', free_port(), '--users-file=/no/users')
        self.assertEqual(client.exit_status(), 78)
        self.assertIn('cannot read the users file /no/users: No such file', client.log())

    def test_readable_by_all(self):
        """Hashes that everybody can read are warned of."""
        path, client = self.client_with('anna:%s\n' % HASHES['anna'], 0o644)
        client.await_log('every user of this host can read the hashes in %s: ' % path)


class LocalUsers(Toolbox):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('user agents of other users need root')
        super().setUp()
        self.needs('curl')
        self.wstan_server = self.server()
        with open(os.path.join(self.site, 'page'), 'w') as f:
            f.write('here')
        self.address = 'http://127.0.0.1:%d/page' % self.web()

    def curl(self, user, *arguments):
        """(exit status, what it printed), run by that user."""
        done = subprocess.run(['curl', '-sS', '-m', '15', *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, cwd='/',
                              user=user, group=user, extra_groups=[], env={'PATH': os.environ['PATH']})
        return done.returncode, done.stdout.decode()

    def ways(self, port, host='127.0.0.1'):
        proxy = '%s:%d' % (host, port)
        yield ['-x', 'http://' + proxy]
        yield ['-p', '-x', 'http://' + proxy]
        for scheme in 'socks4', 'socks5', 'socks5h':
            yield ['-x', '%s://%s' % (scheme, proxy)]

    def test_allow_uid(self):
        """Only the users that are named come in, each other is told so in the protocol that it speaks."""
        client = self.client(self.wstan_server, '--allow-uid=nobody')
        for way in self.ways(client.port):
            with self.subTest(way=way):
                self.assertEqual(self.curl(NOBODY, *way, self.address), (0, 'here'))
                status, _ = self.curl(0, '-f', *way, self.address)
                self.assertIn(status, (22, 56, 97), 'told: an HTTP status, a refused CONNECT, a SOCKS answer')
        self.assertIn('may not use', self.curl(0, '-x', 'http://127.0.0.1:%d' % client.port, self.address)[1])
        client.await_log('allow-uid does not name its user.*uid=0')

    def test_several(self):
        """By number and by name; who is not named stays outside."""
        client = self.client(self.wstan_server, '--allow-uid=0,1')
        self.assertEqual(self.curl(0, '-x', 'http://127.0.0.1:%d' % client.port, self.address), (0, 'here'))
        self.assertEqual(self.curl(NOBODY, '-w', '%{http_code}', '-o', '/dev/null', '-x', 'http://127.0.0.1:%d' % client.port, self.address),
                         (0, '403'))

    def test_both(self):
        """With a users file too: a user who is not named is not even asked."""
        path = os.path.join(self.directory, 'users')
        with open(path, 'w') as f:
            f.write('anna:%s\n' % HASHES['anna'])
        client = self.client(self.wstan_server, '--allow-uid=nobody', '--users-file=' + path)
        way = ['-x', 'http://127.0.0.1:%d' % client.port, '-w', '%{http_code}', '-o', '/dev/null']
        self.assertEqual(self.curl(0, *way, '-U', 'anna:' + PASSWORD, self.address), (0, '403'))
        self.assertEqual(self.curl(NOBODY, *way, self.address), (0, '407'))
        self.assertEqual(self.curl(NOBODY, *way, '-U', 'anna:' + PASSWORD, self.address), (0, '200'))

    def test_unknown_name(self):
        """A name that this host does not know ends the start."""
        client = self.start('client', OURS, 'ws://127.0.0.1:%d' % free_port(), self.key, '-p', free_port(), '--allow-uid=root,nosuchuser')
        self.assertEqual(client.exit_status(), 78)
        self.assertIn('this host has no user nosuchuser', client.log())

    def test_another_host(self):
        """A user agent on another host cannot be told, so it stays outside."""
        need_namespaces()
        here, there = self.keep(Namespace()), self.keep(Namespace())
        join(here, there, 'way', 'way')
        for end, address in (here, '10.97.3.1'), (there, '10.97.3.2'):
            end.ip('addr', 'add', address + '/24', 'dev', 'way')
        port = free_port()
        with here.entered():
            client = self.start('client', OURS, 'ws://127.0.0.1:1', self.key, '-a', '0.0.0.0', '-p', port, '--allow-uid=root')
            client.await_port(port)
            with socket.create_connection(('10.97.3.1', port), 10) as s:  # its own address is this host
                s.sendall(b'\x05\x01\x00')
                self.assertEqual(read_exactly(s, 2), b'\x05\x00')
        with there.entered():
            with socket.create_connection(('10.97.3.1', port), 10) as s:
                s.sendall(b'\x05\x01\x00')
                self.assertEqual(read_exactly(s, 2), b'\x05\xff')
        client.await_log('on another host the user cannot be told')
