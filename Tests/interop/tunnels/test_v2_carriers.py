"""`carrier = auto`: a client of version 2 finds what a front lets through (docs/protocol-v2.md sections 4.2 and 14.10)."""
import json
import re
import socket
import struct
import subprocess

from helpers.network.intermediaries import Intermediary
from helpers.peers import agent
from helpers.peers.sealed import fields_of, upgrade
from helpers.process import OURS
from helpers.version2 import PEER, Version2, shared_key
from helpers.waiting import eventually
from v2.carriers import CARRIERS, COOKIE, PATH, PROTOCOL, candidate
from v2.keys import KeyString

REMOVALS = {COOKIE: (rb'(?i)\r\ncookie:[^\r]*', b''), PATH: (rb'\A(\S+) \S+', rb'\1 /'),
            PROTOCOL: (rb'(?i)\r\nsec-websocket-protocol:[^\r]*', b'')}
CHANGED = r'now ride in .*: a request in (?:a cookie|the path) was (answered 404|refused: the WebSocket).* carrier="?%s'


class Front(Intermediary):
    """Removes these carriers from requests, or opens the WebSocket by itself where a request has none then; breaks the
    connection at others."""

    def __init__(self, server_port, key, *removed, opens=False, broken=()):
        self.key, self.removed, self.opens, self.broken = key, removed, opens, broken
        self.carriers = []  # of the requests that came
        super().__init__(server_port)

    def carrier_of(self, head):
        found = candidate(*fields_of(head), [self.key.server])
        return found and found[0]

    def arrange(self, client):
        head = agent.read_head(client)
        self.carriers.append(self.carrier_of(head))
        if self.carriers[-1] in self.broken:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            return None
        for carrier in self.removed:
            head = re.sub(*REMOVALS[carrier], head)
        if self.opens and not self.carrier_of(head):
            upgrade(client, head, None)
            return None
        server = self.reach_server()
        server.sendall(head)
        return server


class Automatic(Version2):
    OPENS_AHEAD = False

    def setUp(self):
        super().setUp()
        self.commanded = self.target()
        self.wstan_server = self.server()

    def begin(self, *removed, key=None, **options):
        self.front = self.keep(Front(self.wstan_server.port, KeyString(key or self.key), *removed, **options))
        self.wstan_client = self.client(self.front, carrier='auto', key=key)

    def connect(self):
        return self.keep(agent.socks5(self.wstan_client.port, '127.0.0.1', self.commanded.port))

    def assertCarries(self):
        with self.connect() as s:
            s.sendall(b'echo\n')
            self.assertTrue(agent.echoes(s, b'through the front'))

    def assertTold(self, carrier):
        """Once, and that nothing was lost."""
        log = self.wstan_client.log()
        self.assertEqual(len(re.findall('now ride in', log)), 1)
        self.assertRegex(log, CHANGED % carrier)
        self.assertNotIn('warning', log)
        status = self.ctl(self.wstan_client, 'status')
        self.assertRegex(status, r'reachable for \w+, carrier %s\n' % carrier)
        self.assertRegex(' '.join(status.split()), 'carrier changed: a request in a cookie was .* carrier = %s in' % carrier)

    def test_nothing_removed(self):
        """The cookie is what works, and stays."""
        self.begin(PROTOCOL)
        for _ in range(3):
            self.assertCarries()
        self.assertEqual(set(self.front.carriers), {COOKIE})
        self.assertNotIn('carrier', self.wstan_client.log())
        server, = json.loads(self.ctl(self.wstan_client, 'status', '--json'))['servers']
        self.assertEqual((server['carrier'], server.get('carrierCause')), (COOKIE, None))

    def test_removed(self):
        """The first user agent is served where a front removes one carrier or two."""
        for removed, found, tried in (((COOKIE,), PATH, [COOKIE, PATH]), ((COOKIE, PROTOCOL), PATH, [COOKIE, PATH]),
                                      ((COOKIE, PATH), PROTOCOL, [COOKIE, PATH, PROTOCOL])):
            with self.subTest(removed):
                self.begin(*removed)
                for _ in range(3):
                    self.assertCarries()
                self.assertEqual(self.front.carriers[:len(tried)], tried)
                self.assertEqual(set(self.front.carriers[len(tried):]), {found})
                self.assertTold(found)

    def test_many_at_once(self):
        """Those that come before it is known wait, and one of them tries."""
        self.begin(COOKIE)
        opened = [self.connect() for _ in range(12)]
        for s in opened:
            s.sendall(b'echo\n')
        for s in opened:
            self.assertTrue(agent.echoes(s, b'through the front'))
        self.assertTold(PATH)
        self.assertNotIn(PROTOCOL, self.front.carriers)

    def test_opened_by_the_front(self):
        """A front that opens WebSockets by itself where it has removed the cookie."""
        self.begin(COOKIE, opens=True)
        self.assertCarries()
        self.assertTold(PATH)

    def test_broken(self):
        """A carrier at which the front breaks the connection is passed over, and the user agent is served."""
        self.begin(COOKIE, broken=[PATH])
        for _ in range(3):
            self.assertCarries()
        self.assertEqual(self.front.carriers[:3], [COOKIE, PATH, PROTOCOL])
        self.assertNotIn(PATH, self.front.carriers[3:])
        self.assertRegex(self.wstan_client.log(), CHANGED % PROTOCOL)

    def test_none_passes(self):
        """Where one is broken and the others are removed, all are tried once, and then one request is one request."""
        self.begin(COOKIE, PROTOCOL, broken=[PATH])
        for _ in range(3):
            with self.assertRaises(agent.Refused):
                self.connect()
        self.assertEqual(self.front.carriers, [*CARRIERS, COOKIE, COOKIE])

    def front_changes(self):
        """It has let the path through, and lets the cookie through from now on. What was open is lost."""
        self.begin(COOKIE)
        self.assertCarries()
        self.assertTold(PATH)
        self.front.removed = PATH, PROTOCOL
        self.front.cut('reset')
        self.front.carriers.clear()

    def test_front_changes(self):
        """What has worked is left after three refusals in a row: no success by it, which may be a hostile front's, is for ever."""
        self.front_changes()
        for _ in range(2):
            with self.assertRaises(agent.Refused):
                self.connect()
        self.assertCarries()
        self.assertEqual(self.front.carriers[:4], [PATH, PATH, PATH, COOKIE])
        self.assertRegex(self.wstan_client.log(), CHANGED % COOKIE)

    def test_reload(self):
        """Behind a reload one refusal is enough."""
        self.front_changes()
        self.ctl(self.wstan_client, 'reload')
        self.assertCarries()
        self.assertEqual(self.front.carriers[:2], [PATH, COOKIE])

    def test_wrong_key(self):
        """All are tried once, and then one request is one request."""
        self.begin(key=shared_key())
        for _ in range(3):
            with self.assertRaises(agent.Refused):
                self.connect()
        self.assertEqual(self.front.carriers, [*CARRIERS, COOKIE, COOKIE])
        self.assertEqual(self.commanded.connections, [])
        self.wstan_client.await_log('wstanctl client-config')


class Ahead(Automatic):
    """The same with tunnels that are opened ahead of need."""
    OPENS_AHEAD = True
    test_wrong_key = test_many_at_once = test_broken = test_none_passes = test_front_changes = test_reload = None

    def test_removed(self):
        self.begin(COOKIE)
        self.wstan_client.await_log(CHANGED % PATH)
        self.assertCarries()
        self.assertTold(PATH)

    def test_wrong_key_ahead(self):
        """With a wrong key the others are tried at growing pauses."""
        self.begin(key=shared_key())
        eventually(lambda: len(self.front.carriers) >= 9, 'it tries again', 30)
        counts = [sum(carrier == each for carrier in self.front.carriers) for each in CARRIERS]
        self.assertGreater(counts[0], counts[1])
        self.assertLess(counts[1] - counts[2], 2)


class AutomaticOfPeer(Automatic):
    SERVER = PEER


class Doctor(Automatic):
    def doctor(self, carrier, status, *removed):
        front = self.keep(Front(self.wstan_server.port, self.raw_key, *removed))
        file = self._configuration('client', front.port, None)
        done = subprocess.run([OURS, '--doctor', '--config', file, '--carrier=' + carrier, '--listen=127.0.0.1:0'],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    test_nothing_removed = test_removed = test_many_at_once = test_opened_by_the_front = test_wrong_key = None
    test_broken = test_none_passes = test_front_changes = test_reload = None

    def test_what_works(self):
        """The doctor says which carrier works, and which one to set."""
        self.assertRegex(self.doctor('auto', 0), r'ok       tunnel: .*the carrier is cookie')
        self.assertRegex(self.doctor('auto', 0, COOKIE), r'ok       tunnel: .*the carrier is path, since requests by cookie are')
        said = self.doctor('cookie', 1, COOKIE, PATH)
        self.assertRegex(said, r'FAILED   tunnel: a request in a cookie was answered 404 .*by the carrier protocol the server opens one\n'
                               r' *-> set carrier = auto or protocol')
        said = self.doctor('path', 1, *CARRIERS)
        self.assertRegex(said, r'FAILED   tunnel: the server answered 404 .*\n *-> compare the key with what wstanctl')
        self.assertRegex(said, 'opened no tunnel for 3 requests')
