"""SOCKS and CONNECT at the client's listener: what user agents say there, right and wrong."""
import os
import socket
import time

from helpers.peers import agent
from helpers.peers.target import echo, read_exactly
from helpers.scenario import Scenario


class Negotiation(Scenario):
    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()
        self.wstan_client = self.client(self.wstan_server)
        self.port = self.wstan_client.port
        self.echo = self.target(echo)

    def dial(self):
        return self.keep(agent.dial(self.port, timeout=5))

    def say(self, data, within=5):
        """Says it on a connection of its own and returns all that is answered until the end (which a reset may be)."""
        s = self.dial()
        s.settimeout(within)
        answer = b''
        try:
            s.sendall(data)
        except ConnectionError:
            pass
        try:
            while part := s.recv(1 << 16):
                answer += part
        except ConnectionError:
            pass
        except TimeoutError:
            raise AssertionError('neither an end nor a whole answer within %d s, only %r' % (within, answer[:200])) from None
        return answer

    def assertLives(self):
        with agent.socks5(self.port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))

    def test_ipv6_target(self):
        """A target on [::1] is reached by SOCKS5 and by CONNECT [::1]:port."""
        target = self.target(echo, host='::1')
        for dial in agent.socks5, agent.connect:
            with dial(self.port, '::1', target.port) as s:
                self.assertTrue(agent.echoes(s, os.urandom(1000)))

    def test_name_with_two_addresses(self):
        """A name whose first address refuses is reached by its second."""
        if len({family for family, *_ in socket.getaddrinfo('localhost', 1, type=socket.SOCK_STREAM)}) < 2:
            self.skipTest('localhost has no two addresses here')
        for host in '127.0.0.1', '::1':
            with agent.socks5(self.port, 'localhost', self.target(echo, host=host).port) as s:
                self.assertTrue(agent.echoes(s, b'hello'))

    def test_target_speaks_first(self):
        """The greeting of a target that speaks first, as ssh's does, arrives within 500 ms, fresh tunnel or pooled."""
        def greet(connection):
            connection.sendall(b'SSH-2.0-target\r\n')
            echo(connection)
        target = self.target(greet)
        for dial in agent.socks5, agent.connect, agent.socks5:
            began = time.monotonic()
            with dial(self.port, '127.0.0.1', target.port) as s:
                self.assertEqual(read_exactly(s, 16), b'SSH-2.0-target\r\n')
                self.assertLess(time.monotonic() - began, 0.5)
                self.assertTrue(agent.echoes(s, b'my turn'))

    def test_byte_by_byte(self):
        """Requests that arrive byte by byte are understood."""
        port = self.echo.port
        authority = b'127.0.0.1:%d' % port
        s = self.dial()
        for byte in b'\x05\x01\x00':
            s.send(bytes([byte]))
        self.assertEqual(read_exactly(s, 2), b'\x05\x00')
        for byte in b'\x05\x01\x00' + agent.address('127.0.0.1', port):
            s.send(bytes([byte]))
        self.assertEqual(agent.read_socks_reply(s), 0)
        self.assertTrue(agent.echoes(s, b'socks'))
        s = self.dial()
        for byte in b'CONNECT ' + authority + b' HTTP/1.1\r\nHost: ' + authority + b'\r\n\r\n':
            s.send(bytes([byte]))
        self.assertIn(b' 200 ', agent.read_head(s))
        self.assertTrue(agent.echoes(s, b'connect'))

    def test_all_at_once(self):
        """A user agent that sends greeting, request and data at once, not waiting for answers, is served."""
        s = self.dial()
        s.sendall(b'\x05\x02\x00\x02' + b'\x05\x01\x00' + agent.address('127.0.0.1', self.echo.port) + b'eager')
        self.assertEqual(read_exactly(s, 2), b'\x05\x00')
        self.assertEqual(agent.read_socks_reply(s), 0)
        self.assertEqual(read_exactly(s, 5), b'eager')
        s = self.dial()
        s.sendall(b'CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\neager' % self.echo.port)
        self.assertIn(b' 200 ', agent.read_head(s))
        self.assertEqual(read_exactly(s, 5), b'eager')

    def test_longest_name(self):
        """A name of 255 bytes is a proper request; the client lives on whatever becomes of it."""
        self.say(b'\x05\x01\x00\x05\x01\x00\x03\xff' + b'a' * 255 + b'\0\x50', within=20)
        self.assertLives()

    def test_garbage(self):
        """Garbage is closed upon, and the client lives on."""
        for data in b'\0\1\2\3\4\5\6\7', b'\x16\x03\x01' + os.urandom(300), b'\xff' * 5000, b'hello\r\n\r\n', b'\r\n\r\nhello\r\n', b'(hello)', b'a\0':
            self.assertNotIn(b' 200 ', self.say(data))
        self.assertEqual(self.echo.connections, [])
        self.assertLives()

    def test_no_acceptable_method(self):
        """A SOCKS5 greeting without a method that the client knows is answered 05 FF (RFC 1928, 3)."""
        self.assertEqual(self.say(b'\x05\x01\x01'), b'\x05\xff')
        self.assertEqual(self.say(b'\x05\x00'), b'\x05\xff')
        self.assertLives()

    def test_unsupported_command(self):
        """BIND, and what is no command, are answered with 07, command not supported (RFC 1928, 6)."""
        for command in 2, 0, 4, 9:
            with self.subTest(command=command):
                answer = self.say(b'\x05\x01\x00\x05' + bytes([command]) + b'\x00' + agent.address('127.0.0.1', self.echo.port))
                self.assertEqual(answer[:4], b'\x05\x00\x05\x07')
        self.assertLives()

    def test_unknown_address_type(self):
        """An address type that SOCKS5 does not know is answered with 08 (RFC 1928, 6)."""
        self.assertEqual(self.say(b'\x05\x01\x00\x05\x01\x00\x02aaaaaa')[:4], b'\x05\x00\x05\x08')
        self.assertLives()

    def test_bad_connect(self):
        """A CONNECT without a port, or with a bad one, is answered with 400."""
        for authority in b'example.com', b'example.com:', b'example.com:x', b'example.com:70000', b'example.com:-1', b':80', b'[::1:80', b'':
            with self.subTest(authority=authority):
                self.assertRegex(self.say(b'CONNECT ' + authority + b' HTTP/1.1\r\nHost: x\r\n\r\n'), rb'^HTTP/1\.[01] 400 ')
        self.assertLives()

    def test_too_long_a_head(self):
        """A head that is too long is answered with 431 (or 400), which arrives although not all of it was read."""
        for data in b'CONNECT example.com:80 HTTP/1.1\r\nX: ' + b'x' * 300000, b'CONNECT ' + b'x' * 300000:
            self.assertRegex(self.say(data), rb'^HTTP/1\.[01] (431|400|414) ')
        self.assertLives()

    def test_left_behind(self):
        """A user agent that leaves in the midst of its request does no harm."""
        for data in b'', b'\x05', b'\x05\x01', b'\x05\x01\x00\x05\x01', b'CONNECT 127.0.0.1:', b'C':
            s = self.dial()
            s.sendall(data)
            s.close()
        self.assertLives()
