"""User agents that connect and say nothing, beside those who want something."""
import contextlib
import socket
import time

from helpers.peers import agent
from helpers.peers.datagrams import Association, DatagramTarget
from helpers.peers.target import echo
from helpers.peers.web import Browser, Web
from helpers.process import limited_files
from helpers.scenario import Scenario
from helpers.waiting import eventually

SILENT = 1000


class Silent(Scenario):
    def setUp(self):
        super().setUp()
        self.echo = self.target(echo)
        self.wstan_client = self.client(self.server(), prepare=limited_files(1024))

    def crowd(self, said=b''):
        """So many connections that say this and no more, those that the client has not closed."""
        crowd = []
        for _ in range(SILENT):
            s = self.keep(socket.create_connection(('127.0.0.1', self.wstan_client.port), 10))
            if said:
                with contextlib.suppress(ConnectionError):
                    s.sendall(said)
            crowd.append(s)
        return crowd

    def assertServed(self, within=10.0):
        for dial in agent.socks5, agent.connect:
            began = time.monotonic()
            with dial(self.wstan_client.port, '127.0.0.1', self.echo.port) as s:
                self.assertTrue(agent.echoes(s, b'hello'))
            self.assertLess(time.monotonic() - began, within)

    def test_nothing_said(self):
        """With 1,024 descriptors a new user agent gets through beside 1,000 that are silent, and so does the next one."""
        self.crowd()
        for _ in range(3):
            self.assertServed()
        self.wstan_client.await_log('closed to make room for others')

    def test_little_said(self):
        """Beside 1,000 that have begun and do not go on, for which a second is waited: a quarter of the descriptors at a time."""
        for said in b'\5', b'\5\1\0', b'GET http://127.0.0.1/ HTTP/1.1\r\nHost: ':
            with self.subTest(said=said[:3]):
                self.crowd(said)
                self.assertServed()

    def test_kept(self):
        """Beside 1,000 whose connections are kept for another request."""
        self.crowd(b'GET /proxy.pac HTTP/1.1\r\nHost: localhost\r\n\r\n')
        self.assertServed()

    def test_associations(self):
        """Beside 1,000 associations that carry nothing; one that has carried something stays."""
        target = self.keep(DatagramTarget())
        used = self.keep(Association(self.wstan_client.port))
        self.assertEqual(used.ask(b'hello', *target.address)[0], b'hello')
        self.crowd(b'\5\1\0\5\3\0\1' + bytes(6))
        self.assertServed()
        self.wstan_client.await_log('closed to make room for others')
        self.assertEqual(used.ask(b'still here', *target.address)[0], b'still here')

    def test_few(self):
        """Where there is room, who is silent is not closed, nor one who is served."""
        web = self.keep(Web())
        browser = self.keep(Browser(self.wstan_client.port))
        for _ in range(2):
            self.assertEqual(browser.get('http://127.0.0.1:%d/hello' % web.port).status, 200)
        served = self.keep(agent.socks5(self.wstan_client.port, '127.0.0.1', self.echo.port))
        silent = [self.keep(socket.create_connection(('127.0.0.1', self.wstan_client.port), 10)) for _ in range(100)]
        time.sleep(1.5)  # the absence of an end has nothing to await
        for s in silent:
            s.sendall(b'\5\1\0')
            self.assertEqual(s.recv(2), b'\5\0')
        self.assertEqual(browser.get('http://127.0.0.1:%d/hello' % web.port).status, 200)
        self.crowd()
        self.assertServed()
        eventually(lambda: 'closed to make room' in self.wstan_client.log(), 'room is made')
        self.assertTrue(agent.echoes(served, b'still here'))
