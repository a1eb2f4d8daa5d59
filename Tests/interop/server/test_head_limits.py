"""Fronts that bound the heads of requests: a user agent's first bytes get through at once, each of them once and in order."""
import os

from helpers.network.fronts import Apache, Caddy, HAProxy, Lighttpd, Nginx
from helpers.peers import agent
from helpers.peers.datagrams import Association, DatagramTarget
from helpers.peers.web import Browser, Web
from helpers.process import OURS
from helpers.version2 import shared_key
from server import test_fronts
from v2.carriers import CARRIERS

setUpModule = test_fronts.setUpModule

MOST_EARLY_DATA = 4096
TOLD = 'now carry less early data'


class Bounding:
    """Before a front among a class's bases: `BOUND` has a text of its configuration and what stands there instead."""

    def text(self):
        text, (former, bound) = super().text(), self.BOUND
        if former not in text:
            raise AssertionError('the configuration does not hold %r' % former)
        return text.replace(former, bound)


class BoundingNginx(Bounding, Nginx):
    """Answers 414 to a long path, and else 400 with the cause."""
    BOUND = 'large_client_header_buffers 4 16k', 'large_client_header_buffers 4 2k'


class BoundingApache(Bounding, Apache):
    """Answers 414 to a long path, and else 400 with the cause."""
    BOUND = 'LimitRequestLine 16380', 'LimitRequestLine 2048\n    LimitRequestFieldSize 2048'


class BoundingHAProxy(HAProxy):
    """Answers 400 without a cause."""
    MAIN = HAProxy.MAIN.replace('maxconn 256', 'maxconn 256\n    tune.bufsize 4096')


class BoundingLighttpd(Bounding, Lighttpd):
    """Answers 431."""
    BOUND = 'server.max-request-field-size = 16384', 'server.max-request-field-size = 2048'


class BoundingCaddy(Bounding, Caddy):
    """Answers 431 to heads of more than 5 KB."""
    BOUND = 'admin off', 'admin off\n\tservers {\n\t\tmax_header_size 1024\n\t}'


class HeadLimits(test_fronts.Fronts):
    def client_behind(self, front, *options):
        """One that opens nothing ahead, and waits for the first bytes."""
        return self.client_of(front, OURS, '--pool-size=0', '--early-data-wait=10s', *options)

    def assertArrives(self, client):
        with agent.socks5(client.port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, os.urandom(MOST_EARLY_DATA)))
            # Nothing comes twice.
            self.assertTrue(agent.echoes(s, b'and on'))

    def assertDatagramsArrive(self, client):
        target = self.keep(DatagramTarget())
        for size in 100, 3000:
            association = self.keep(Association(client.port))
            for _ in range(2):
                data = os.urandom(size)
                self.assertEqual(association.ask(data, *target.address), (data, target.address))
        self.assertEqual(len(target.received), 4)

    def assertTold(self, client):
        """Once, and of nothing else."""
        client.await_log(TOLD)
        self.assertEqual(client.log().count(TOLD), 1)
        for other in 'too long', 'another carrier':
            self.assertNotIn(other, client.log())


class EveryVersion:
    def test_version_1(self):
        """In the path."""
        client = self.client_behind(self.behind(tls=False))
        for _ in range(3):
            self.assertArrives(client)
        self.assertDatagramsArrive(client)
        self.assertTold(client)

    def test_version_2(self):
        """In each carrier; a client that may choose keeps to the cookie."""
        self.key = shared_key()
        front = self.behind()
        for carrier in (*CARRIERS, 'auto'):
            with self.subTest(carrier):
                client = self.client_behind(front, '--carrier=' + carrier)
                for _ in range(3):
                    self.assertArrives(client)
                self.assertDatagramsArrive(client)
                self.assertTold(client)
                client.end()

    def test_datagram_first(self):
        """Where the first thing that is sent at all is a datagram."""
        for key in self.key, shared_key():
            self.key = key
            client = self.client_behind(self.behind(tls=False))
            target = self.keep(DatagramTarget())
            data = os.urandom(MOST_EARLY_DATA)
            association = self.keep(Association(client.port))
            self.assertEqual(association.ask(data, *target.address), (data, target.address))
            self.assertTold(client)


class BehindNginx(EveryVersion, HeadLimits):
    FRONT, PROGRAM = BoundingNginx, 'nginx'

    def test_plain_http(self):
        """A POST with a long head, which the target must not get twice."""
        web, long = self.keep(Web()), 'long ' * 700
        for key in self.key, shared_key():
            self.key = key
            client = self.client_behind(self.behind(tls=False))
            browser = self.keep(Browser(client.port))
            answer = browser.get('http://127.0.0.1:%d/up' % web.port, 'X-Long: ' + long, 'Content-Length: 5',
                                 method='POST', body=b'hello')
            self.assertEqual(answer.body.split()[0], b'5')
            self.assertEqual(web.requests[-1].get('X-Long'), long.strip())
            self.assertTold(client)
        self.assertEqual(len(web.requests), 2)


class BehindApache(EveryVersion, HeadLimits):
    FRONT, PROGRAM = BoundingApache, 'apache2'


class BehindHAProxy(EveryVersion, HeadLimits):
    FRONT, PROGRAM = BoundingHAProxy, 'haproxy'


class BehindLighttpd(EveryVersion, HeadLimits):
    FRONT, PROGRAM = BoundingLighttpd, 'lighttpd'


class BehindCaddy(EveryVersion, HeadLimits):
    FRONT, PROGRAM = BoundingCaddy, 'caddy'
