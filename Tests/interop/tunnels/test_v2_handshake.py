"""A server of version 2, probed with requests: where they ride, which are refused, and that none is served twice."""
import os
import random
import threading
import time

from helpers.peers import agent, probe
from helpers.peers.sealed import Opening, SealedTunnel, connect_to, request_head
from helpers.scenario import Long
from helpers.version2 import PEER, shared_key
from tunnels.test_v2_messages import Probed
from v2.carriers import CARRIERS, CUT
from v2.keys import KeyString, UserKey, base64url
from v2.messages import *

NO_UPGRADE = b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'


class Requesting(Probed):
    def setUp(self):
        super().setUp()
        self.decoy = probe.exchange(self.wstan_server.port, NO_UPGRADE)
        self.assertEqual(self.decoy.status, 404)

    def opening(self, data=b'hi', key=None, **options):
        return Opening(key or self.raw_key, CONNECT, connect_to(self.echo, data), **options)

    def ask(self, head):
        return probe.exchange(self.wstan_server.port, head)

    def assertRefused(self, head):
        """The answer is that of any other request, and the target hears nothing."""
        served = len(self.echo.connections)
        answer = self.ask(head)
        self.assertEqual((answer.masked, answer.closed), (self.decoy.masked, self.decoy.closed))
        self.assertEqual(len(self.echo.connections), served)

    def assertAccepted(self, head, opening):
        """The tunnel of this opening, in whatever head it rides."""
        opening.head = lambda: head
        tunnel = self.keep(SealedTunnel.open(self.wstan_server.port, opening))
        data = Request.read(tunnel.expect(OK)).data
        self.assertEqual(data + tunnel.expect_data(2 - len(data)), b'hi')
        return tunnel


class Places(Requesting):
    """Section 4.2."""

    def texts(self):
        """An opening, its text and the name of its cookie."""
        opening = self.opening()
        return opening, base64url(opening.handshake.m1), self.raw_key.server.cookie

    def test_cookies(self):
        """A cookie is found among others, in any Cookie field, whole or cut in two; the first of a name counts."""
        for form in ('a=b; {1}={0}; {1}=x', 'a=b; c', '{1}.0={2}; x=y; {1}.1={3}', '{1}.1={3};{1}.0={2}',
                     '{1}={0}; {1}.0=x'):
            opening, text, name = self.texts()
            value = form.format(text, name, text[:7], text[7:])
            fields = [('Cookie', value)] if name in value else [('Cookie', value), ('Cookie', '%s=%s' % (name, text))]
            with self.subTest(form):
                self.assertAccepted(request_head('/', *fields), opening)

    def test_no_cookies(self):
        """Another name, a second part without the first, and quotes are refused."""
        for form in '{1}x={0}', '{1}.1={0}', '{1}="{0}"':
            opening, text, name = self.texts()
            with self.subTest(form):
                self.assertRefused(request_head('/', ('Cookie', form.format(text, name))))

    def test_paths(self):
        """The text follows the path's last slash; a query does not count."""
        for form in '/{}', '/some/where/{}', '/{}?x=y', 'http://127.0.0.1/deep/{}':
            opening, text, _ = self.texts()
            with self.subTest(form):
                self.assertAccepted(request_head(form.format(text)), opening)

    def test_subprotocols(self):
        """The first field counts, and the answer names none."""
        opening, text, _ = self.texts()
        field = 'Sec-WebSocket-Protocol'
        self.assertAccepted(request_head('/', (field, text), (field, 'chat')), opening)
        opening, text, _ = self.texts()
        self.assertRefused(request_head('/', (field, 'chat'), (field, text)))
        answer = self.ask(self.opening(carrier='protocol').head())
        self.assertEqual((answer.status, answer.field(field)), (101, None))

    def test_one_candidate(self):
        """Only the first place with a text that is long enough is judged."""
        noise = base64url(os.urandom(150))
        opening, text, name = self.texts()
        self.assertAccepted(request_head('/' + noise, ('Cookie', '%s=%s' % (name, text))), opening)
        opening, text, name = self.texts()
        self.assertRefused(request_head('/' + text, ('Cookie', '%s=%s' % (name, noise))))
        self.assertAccepted(request_head('/' + text, ('Cookie', '%s=%s' % (name, noise[:134]))), opening)

    def test_longest(self):
        """The longest request takes two cookies."""
        data = os.urandom(4096)
        opening = self.opening(data, padding=1 << 16)
        self.assertGreater(len(base64url(opening.handshake.m1)), CUT)
        tunnel = self.keep(SealedTunnel.open(self.wstan_server.port, opening))
        self.assertEqual((Request.read(tunnel.expect(OK)).data or tunnel.expect_data(4096)), data)


class Refusals(Requesting):
    """Section 4.4: all of them look the same."""

    def test_altered(self):
        """A request with another bit, or of another length, is refused, and does not use up the right one."""
        opening = self.opening()
        m1 = opening.handshake.m1
        places = [0, 15, 16, 23, 31, 63, 79, 80, len(m1) - 17, len(m1) - 1, *random.sample(range(len(m1)), 20)]
        for place in places:
            with self.subTest(place):
                altered = m1[:place] + bytes([m1[place] ^ 1 << random.randrange(8)]) + m1[place + 1:]
                self.assertRefused(opening.head(altered))
        for altered in m1 + b'\0', m1[:-1], m1[:80], m1 + bytes(4608), m1[:100], m1[:101]:
            with self.subTest('%d bytes' % len(altered)):
                self.assertRefused(opening.head(altered))
        self.assertAccepted(opening.head(), opening)

    def test_alphabet(self):
        """Another alphabet of base64, padding, and spare bits that are set."""
        while True:
            text = base64url(self.opening(padding=random.randrange(64)).handshake.m1)
            if len(text) % 4 == 2 and '-' in text:
                break
        spare = text[:-1] + {'A': 'B', 'Q': 'R', 'g': 'h', 'w': 'x'}[text[-1]]
        for altered in text.replace('-', '+'), text + '==', spare:
            self.assertRefused(request_head('/', ('Cookie', '%s=%s' % (self.raw_key.server.cookie, altered))))

    def test_time(self):
        """58 s early or late is in time, 62 s is not."""
        for offset in -58, 58:
            opening = self.opening(offset=offset)
            self.assertAccepted(opening.head(), opening)
        for offset in -62, 62, -1e9, 1e12:
            self.assertRefused(self.opening(offset=offset).head())

    def test_keys(self):
        """Another server's key, another user of this server, the right key id with another secret, another realm."""
        right, other = self.raw_key, KeyString(shared_key(b'elsewhere'))
        user = UserKey(os.urandom(32))
        user.kid = right.user.kid
        for server, client, realm in ((other.server, right.user, b''), (right.server, other.user, b''),
                                      (right.server, user, b''), (right.server, right.user, other.realm)):
            key = KeyString(self.key)
            key.server, key.user, key.realm = server, client, realm
            self.assertRefused(self.opening(key=key).head())

    def test_messages(self):
        """A message in M1 that is not a request, or malformed."""
        for kind, body in (DATA, b'x'), (INCOMING, connect_to(self.echo)), (CONNECT, b'\0'), (0x40, b''), (REKEY, b''):
            self.assertRefused(Opening(self.raw_key, kind, body).head())
        for options in {CRITICAL | 0x77: b''}, {OPTION_FEATURES: b'abc'}, {OPTION_KEM: bytes(1088)}:
            self.assertRefused(self.opening(options=options).head())
        self.assertRefused(self.opening(ciphers=(77, 0x80)).head())

    def test_no_upgrade(self):
        """The right cookie in a request that is not a WebSocket's."""
        head = self.opening().head()
        for altered in head.replace(b'GET', b'POST', 1), head.replace(b'Upgrade: websocket\r\n', b''):
            self.assertRefused(altered)


class Replays(Requesting):
    def test_replay(self):
        """A request is served once, by whichever carrier it comes again, while its tunnel is open and afterwards."""
        opening, heads = self.opening(), []
        for opening.carrier in CARRIERS:
            heads.append(opening.head())
        tunnel = self.assertAccepted(heads[0], opening)
        for head in heads:
            self.assertRefused(head)
        tunnel.close()
        for head in heads:
            self.assertRefused(head)

    def test_recorded_request(self):
        """Each request that a client has sent is refused when it is sent again."""
        between = self.forwarder(self.wstan_server)
        client = self.client(between)
        for _ in range(3):
            with agent.socks5(client.port, '127.0.0.1', self.echo.port) as s:
                self.assertTrue(agent.echoes(s, b'once'))
        between.settle()
        for head in between.heads():
            self.assertRefused(head)
            self.assertRefused(head)
        with agent.socks5(client.port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, b'still served'))

    def test_at_once(self):
        """Of the same request on 16 connections at once one is served."""
        for _ in range(5):
            head, answers = self.opening().head(), []
            threads = [threading.Thread(target=lambda: answers.append(self.ask(head).status)) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
            self.assertEqual(sorted(answers), [101] + [404] * 15)


class MinuteUnproven(Long, Requesting):
    def test_held_back(self):
        """The tunnel of a request that was only copied is closed after 20 s, one that has proven itself is not."""
        opening, other = self.opening(), self.opening()
        copied, proven = (self.assertAccepted(each.head(), each) for each in (opening, other))
        proven.send(DATA, b'the first record')
        began = time.monotonic()
        copied.socket.settimeout(30)
        self.assertEqual(copied.ending(), 'dropped')
        self.assertTrue(15 < time.monotonic() - began < 25)
        self.assertEqual(proven.expect_data(16), b'the first record')
        self.assertTrue(proven.ping())


class PlacesOfPeer(Places):
    SERVER = PEER


class RefusalsOfPeer(Refusals):
    SERVER = PEER


class ReplaysOfPeer(Replays):
    CLIENT = SERVER = PEER
