"""DNS as people use it: dig asks a dnsmasq of the test's own through the pair."""
import os
import pwd

from helpers.network.intermediaries import Intermediary
from helpers.peers import agent
from helpers.peers.datagrams import DatagramRelay
from helpers.process import free_port
from helpers.scenario import PairScenario
from helpers.toolbox import Toolbox

NAME, ADDRESS = 'host.wstan.test', '192.0.2.7'
LONG_NAME, LONG_TEXTS = 'long.wstan.test', ['%d' % n * 200 for n in range(9)]


class ConnectionRelay(Intermediary):
    """A port whose connections go to `target` through the client, by SOCKS5."""

    def __init__(self, client_port, target):
        self.target = target
        super().__init__(client_port)

    def arrange(self, client):
        return agent.socks5(self.server_port, *self.target)


class NameService(PairScenario, Toolbox):
    def setUp(self):
        super().setUp()
        self.needs('dig', 'dnsmasq')
        self.port = free_port()
        self.start('dnsmasq', 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--log-facility=-',
                   '--user=' + pwd.getpwuid(os.geteuid()).pw_name, '--no-resolv', '--no-hosts', '--log-queries', '--edns-packet-max=4096',
                   '--port=%d' % self.port, '--listen-address=127.0.0.1', '--bind-interfaces', '--address=/%s/%s' % (NAME, ADDRESS),
                   *('--txt-record=%s,%s' % (LONG_NAME, text) for text in LONG_TEXTS)).await_port(self.port)
        self.relay = self.keep(DatagramRelay(self.wstan_client.port, '127.0.0.1', self.port))

    def dig(self, port, *question):
        """The answers, without the rest."""
        return self.tool('dig', '@127.0.0.1', '-p', str(port), '+short', '+tries=2', '+time=3', *question).decode().split('\n')[:-1]

    def test_address(self):
        """dig gets an address, ten times."""
        for _ in range(10):
            self.assertEqual(self.dig(self.relay.port, NAME), [ADDRESS])

    def test_long_answer(self):
        """An answer of 2,000 bytes comes in one datagram."""
        answers = self.dig(self.relay.port, '+ignore', '+bufsize=4096', LONG_NAME, 'TXT')
        self.assertEqual(sorted(answers), ['"%s"' % text for text in LONG_TEXTS])

    def test_tcp(self):
        """dig +tcp gets both through a connection."""
        relay = self.keep(ConnectionRelay(self.wstan_client.port, ('127.0.0.1', self.port)))
        self.assertEqual(self.dig(relay.port, '+tcp', NAME), [ADDRESS])
        self.assertEqual(len(self.dig(relay.port, '+tcp', LONG_NAME, 'TXT')), len(LONG_TEXTS))
