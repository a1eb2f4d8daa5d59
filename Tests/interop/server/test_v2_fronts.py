"""Version 2 behind web servers, by each carrier."""
from helpers.network.fronts import Apache, Caddy, HAProxy, Lighttpd, Nginx
from helpers.process import OURS
from helpers.version2 import shared_key
from server import test_fronts
from v2.carriers import CARRIERS

setUpModule = test_fronts.setUpModule


class Carriers(test_fronts.Fronts):
    def setUp(self):
        super().setUp()
        self.key = shared_key()

    def assertAllCarry(self, front):
        for carrier in CARRIERS:
            with self.subTest(carrier):
                client = self.client_of(front, OURS, '--carrier=' + carrier)
                self.assertCarries(client)
                client.end()


class EveryCarrier:
    def test_tls(self):
        """Data go both ways through the front's TLS, through tunnels fresh and used before."""
        self.assertAllCarry(self.behind())

    def test_no_tls(self):
        """The same where the front speaks plain HTTP."""
        self.assertAllCarry(self.behind(tls=False))


class CarriersBehindNginx(EveryCarrier, Carriers):
    FRONT, PROGRAM = Nginx, 'nginx'


class CarriersBehindHAProxy(EveryCarrier, Carriers):
    FRONT, PROGRAM = HAProxy, 'haproxy'


class CarriersBehindCaddy(EveryCarrier, Carriers):
    FRONT, PROGRAM = Caddy, 'caddy'


class CarriersBehindApache(EveryCarrier, Carriers):
    FRONT, PROGRAM = Apache, 'apache2'


class CarriersBehindLighttpd(EveryCarrier, Carriers):
    FRONT, PROGRAM = Lighttpd, 'lighttpd'
