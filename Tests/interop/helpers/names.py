"""A client and a server in a namespace whose name server is the test's own and says what a name itself asks for."""
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.network.namespaces import Namespace, need_namespaces
from helpers.network.nameserver import NameServer
from helpers.peers import agent
from helpers.peers.target import echo
from helpers.process import OURS, free_port
from helpers.scenario import TARGETS_HERE, Scenario
from helpers.waiting import eventually

OTHER_CLIENT = '127.0.0.2'  # connections to it come from it
BLACK_HOLE = 'fd00:dead::1'  # takes packets and never says a word


def answers(name, family):
    """By what the name says about itself: its last label but one is for IPv4, the one before for IPv6."""
    words = name.split('.')
    if words[-1:] != ['test']:
        return []
    word = words[-2] if family == socket.AF_INET else words[-3]
    if word == 'late':
        time.sleep(0.03)
        word = 'live'
    return {'live': ['127.0.0.1' if family == socket.AF_INET else '::1'], 'hole': [BLACK_HOLE], 'none': [], 'silent': None}[word]


GOOD, DEAD = '%s.live.live.test', '%s.silent.silent.test'


class Names(Scenario):
    SERVER_OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        need_namespaces()

    def setUp(self):
        super().setUp()
        self.namespace = self.keep(Namespace())
        self.namespace.ask_loopback()
        self.namespace.ip('addr', 'add', OTHER_CLIENT + '/32', 'dev', 'lo')
        self.enterContext(self.namespace.entered())
        self.name_server = self.keep(NameServer(answers))
        port = free_port()
        program, *words = self.namespace.command(OURS, '-s', 'ws://127.0.0.1:%d' % port, self.key, '-t', '0.0.0.0', TARGETS_HERE,
                                                *self.SERVER_OPTIONS)
        self.wstan_server = self.start('server', program, *words)
        self.wstan_server.port = port
        self.wstan_server.await_port(port)
        self.echo = self.target(echo)
        self.wstan_client = self.client(self.wstan_server)

    def other_client(self):
        """A client that the server sees at another address."""
        port = free_port()
        process = self.start('other client', OURS, 'ws://%s:%d' % (OTHER_CLIENT, self.wstan_server.port), self.key,
                             '-a', '127.0.0.1', '-p', port)
        process.port = port
        process.await_port(port)
        return process

    def seconds(self, client, host):
        """How long it takes until the first byte comes back from the target."""
        began = time.monotonic()
        with agent.socks5(client.port, host, self.echo.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
        return time.monotonic() - began

    def flood(self, client, count):
        """As many connections to as many dead names, of which the server is asking for the first ones."""
        def one(number):
            return self.keep(agent.socks5(client.port, DEAD % ('flood%d' % number), 80))
        with ThreadPoolExecutor(20) as pool:
            flooding = list(pool.map(one, range(count)))
        eventually(lambda: len(set(self.name_server.unanswered)) >= 16, 'the flood reaches the name server')
        return flooding
