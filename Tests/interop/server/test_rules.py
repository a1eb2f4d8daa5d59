"""Where the server lets its clients go, what it says to them and in its log, and its limits."""
import contextlib
import ipaddress
import os
import re
import shutil
import socket
import struct
import subprocess
import time

from helpers.network.nameserver import NameServer
from helpers.network.namespaces import Namespace, join, need_namespaces
from helpers.peers import agent, probe, wire
from helpers.peers.datagrams import Association, DatagramTarget
from helpers.peers.target import echo
from helpers.peers.web import Message, Web
from helpers.process import OURS, free_port
from helpers.scenario import Scenario
from helpers.waiting import eventually

NOT_PRIVATE = '--allow-private=no'
# What getaddrinfo, or the kernel, takes for this host.
LOOPBACK_IN_DISGUISE = ('localhost', 'LOCALHOST', '127.1', '127.0.1', '0x7f000001', '2130706433', '017700000001', '0', '0.0.0.0',
                        '127.0.0.2', '::1', '::', '::ffff:127.0.0.1', '::ffff:0.0.0.0', '::127.0.0.1', '64:ff9b::127.0.0.1',
                        '2002:7f00:1::')


def own_addresses():
    """The addresses of this host that are not its loopback's."""
    words = subprocess.run(['ip', '-o', 'address'], capture_output=True, text=True).stdout if shutil.which('ip') else ''
    found = re.findall(r' inet6? ([0-9a-f.:]+)', words)
    return [address for address in found if not address.startswith(('127.', '::1', 'fe80'))]


class Rules(Scenario):
    def setUp(self):
        super().setUp()
        self.raw_key = wire.key_bytes(self.key)
        self.echo = self.target(echo)

    def begin(self, *options):
        self.wstan_server = self.server(*options, '--log-level=info')
        return self.wstan_server

    def tunnel(self, host, port, server=None, **options):
        """An open tunnel that asks for `host`, `port` and says hi."""
        body = wire.request_body(host, port, b'hi')
        return self.keep(probe.Tunnel((server or self.wstan_server).port, wire.Opening(self.raw_key, body), **options))

    def reset(self, host, port):
        """(reason, detail) of the reset that ends such a request."""
        tunnel = self.tunnel(host, port)
        while (body := tunnel.read())[0] == wire.DAT:
            self.assertEqual(body[1:], b'')
        self.assertEqual(body[0], wire.RST)
        reason, _, detail = body[1:].decode().rstrip().partition('★')
        return reason, detail

    def assertForbidden(self, host, port, key):
        with self.subTest(host=host, port=port):
            self.assertEqual(self.reset(host, port), ("the server's rules forbid this target", key))

    def assertHidden(self, host, port):
        """A name that leads to what is forbidden is told like one that does not exist; the log alone tells them apart."""
        with self.subTest(host=host, port=port):
            reason, detail = self.reset(host, port)
            self.assertRegex(reason, "^can't connect to ")
            self.assertEqual(detail, 'the name does not exist')

    def assertRefused(self, host, port, key):
        """In the way that is right for an address, or for a name that is looked up."""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            self.assertHidden(host, port)
        else:
            self.assertForbidden(host, port, key)

    def assertAllowed(self, host, port=None):
        with self.subTest(host=host, port=port):
            self.assertEqual(self.tunnel(host, port or self.echo.port).read_data(2), b'hi')


class ByDefault(Rules):
    def begin_without_options(self):
        port = free_port()
        self.wstan_server = self.start('server', OURS, '-s', 'ws://127.0.0.1:%d' % port, self.key)
        self.wstan_server.port = port
        self.wstan_server.await_port(port)

    def test_loopback(self):
        """Without a rule nothing on this host is reached, whatever it is called, and the same target is with allow-private."""
        self.begin_without_options()
        for host in LOOPBACK_IN_DISGUISE:
            self.assertRefused(host, self.echo.port, 'allow-private')
        self.assertEqual(len(self.echo.connections), 0)
        # A literal in the form of a name, as 0.4 clients send it.
        for host in b'127.0.0.1', b'::1', b'::ffff:127.0.0.1':
            body = struct.pack('>BdBBB', wire.REQ, time.time(), 0, 3, len(host)) + host + struct.pack('>H', self.echo.port)
            tunnel = self.keep(probe.Tunnel(self.wstan_server.port, wire.Opening(self.raw_key, body)))
            self.assertEqual(tunnel.read_reset(), "the server's rules forbid this target")
        self.begin('--allow-private=yes')
        for host in '127.0.0.1', 'localhost', '127.1', '0.0.0.0', '::ffff:127.0.0.1':
            self.assertAllowed(host)

    def test_private_networks(self):
        """Nor what is private, without a packet to it."""
        self.begin(NOT_PRIVATE)
        for host in ('10.0.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '224.0.0.1', '255.255.255.255',
                     'fe80::1', 'fd00::1', 'ff02::1', '::ffff:10.0.0.1', '64:ff9b::a00:1'):
            self.assertForbidden(host, 80, 'allow-private')

    def test_own_listener(self):
        """The server is no way to itself."""
        server = self.begin(NOT_PRIVATE)
        for host in '127.0.0.1', 'localhost':
            self.assertRefused(host, server.port, 'allow-private')

    def test_request_as_message(self):
        """A request that comes as a message on an idle tunnel is judged like one in the URI."""
        self.begin(NOT_PRIVATE, '--allow=127.0.0.1:%d' % self.echo.port)
        tunnel = self.tunnel('127.0.0.1', self.echo.port)
        self.assertEqual(tunnel.read_data(2), b'hi')
        tunnel.send(wire.reset_body())
        self.assertEqual(tunnel.read_reset(), '')
        for host, port in ('127.0.0.1', self.echo.port + 1), ('127.0.0.2', self.echo.port):
            tunnel.send(wire.request_body(host, port, b'again'))
            self.assertEqual(tunnel.read_reset(), "the server's rules forbid this target")
            tunnel.send(wire.reset_body())
        tunnel.send(wire.request_body('127.0.0.1', self.echo.port, b'again'))
        self.assertEqual(tunnel.read_data(5), b'again')


class Lists(Rules):
    def test_allow_by_address(self):
        """An address under allow is reached though it is private; with deny = * nothing else is, whatever it is."""
        for more, key, others in (((NOT_PRIVATE,), 'allow-private', ()), (('--deny=*',), 'allow', ('198.51.100.1',))):
            self.begin('--allow=127.0.0.1, 192.0.2.0/24', *more)
            for host in '127.0.0.1', '127.1', '::ffff:127.0.0.1':
                self.assertAllowed(host)
            for host in ('127.0.0.2', '10.0.0.1', '::1', *others):
                self.assertForbidden(host, self.echo.port, key)

    def test_allow_by_port(self):
        """A port under allow opens that port only."""
        other = self.target(echo)
        self.begin(NOT_PRIVATE, '--allow=127.0.0.0/8:%d' % self.echo.port)
        self.assertAllowed('127.0.0.1')
        self.assertAllowed('127.1')
        self.assertForbidden('127.0.0.1', other.port, 'allow-private')

    def test_allow_by_name(self):
        """A name under allow opens what it leads to, but for private addresses, for which allow-private is wanted too."""
        for options, key in (('--allow=localhost', '--deny=*'), 'allow-private'), (('--allow=localhost', '--deny=*', '--allow-private=yes'), None):
            self.begin(*options, *([NOT_PRIVATE] if key else []))
            for name in 'localhost', 'LocalHost':
                if key:
                    self.assertHidden(name, self.echo.port)
                else:
                    self.assertAllowed(name)
            self.assertForbidden('127.0.0.1', self.echo.port, 'allow')
            self.assertForbidden('example.invalid', 80, 'allow')

    def test_deny(self):
        """deny is stronger than allow and allow-private: by port, name and address, also of what a name leads to."""
        other = self.target(echo)
        self.begin('--allow-private=yes', '--allow=*', '--deny=localhost, 127.0.0.2, :%d' % other.port)
        self.assertAllowed('127.0.0.1')
        self.assertAllowed('127.1')
        for host in '127.0.0.2', '::ffff:127.0.0.2', 'localhost', 'LOCALHOST', 'a.localhost':
            self.assertForbidden(host, self.echo.port, 'deny')
        self.assertHidden('127.2', self.echo.port)
        self.assertForbidden('127.0.0.1', other.port, 'deny')

    def test_escapes(self):
        """A name with an escape in it does not lead past a rule: it exists nowhere."""
        self.begin('--allow-private=yes', '--deny=localhost')
        for name in r'loc\097lhost', r'localhos\t':
            reason, detail = self.reset(name, self.echo.port)
            self.assertTrue(reason.startswith("can't connect to "), reason)
            self.assertEqual(detail, 'the name does not exist')

    def test_interface(self):
        """An address of one of this host's interfaces is private."""
        if not (addresses := own_addresses()):
            self.skipTest('this host has no address but its loopback, or no iproute2')
        self.begin(NOT_PRIVATE)
        for address in addresses:
            self.assertForbidden(address, self.echo.port, 'allow-private')


class Networks(Rules):
    """In a namespace: a server with a public address, a network beyond it, and a name server."""
    OWN, OTHER, LATER = '9.9.9.1', '9.9.9.2', '9.9.9.77'  # public ones, in a namespace
    NAMES = {'inside.test': ['127.0.0.1'], 'own.test': [OWN], 'other.test': [OTHER], 'mixed.test': ['127.0.0.1', OTHER]}

    @classmethod
    def setUpClass(cls):
        need_namespaces()

    def answers(self, name, family):
        return self.NAMES.get(name, []) if family == socket.AF_INET else []

    def setUp(self):
        super().setUp()
        self.here, self.beyond = self.keep(Namespace()), self.keep(Namespace())
        join(self.here, self.beyond, 'near', 'far')
        self.here.ip('address', 'add', self.OWN + '/24', 'dev', 'near')
        self.beyond.ip('address', 'add', self.OTHER + '/24', 'dev', 'far')
        self.here.ask_loopback()
        with self.beyond.entered():
            self.there = self.target(echo, self.OTHER)
            self.there_by_udp = self.keep(DatagramTarget(host=self.OTHER))
        self.enterContext(self.here.entered())
        self.name_server = self.keep(NameServer(self.answers))
        self.on_own = self.target(echo, self.OWN)
        program, *words = self.here.command(OURS, '-s', 'ws://127.0.0.1:%d' % (port := free_port()), self.key, '--log-level=info')
        self.wstan_server = self.start('server', program, *words)
        self.wstan_server.port = port
        self.wstan_server.await_port(port)

    def test_names(self):
        """A name is judged by its addresses, and one of which some are refused leads to the others."""
        self.assertAllowed(self.OTHER, self.there.port)
        self.assertAllowed('other.test', self.there.port)
        self.assertAllowed('mixed.test', self.there.port)
        self.assertHidden('inside.test', self.echo.port)
        self.assertHidden('own.test', self.on_own.port)

    def test_special_networks(self):
        """What the registries of IANA set apart, and a cloud's addresses of its hosts, are not asked for: here, they would be unreachable."""
        for host in ('192.0.0.1', '192.0.0.192', '198.18.0.1', '198.19.255.254', '192.0.2.1', '198.51.100.1', '203.0.113.1', '192.88.99.1',
                     '100::1', '2001:db8::1', '5f00::1', '3fff::1', '168.63.129.16', '169.254.169.254'):
            self.assertForbidden(host, 80, 'allow-private')

    def test_oracle(self):
        """Which names lead inside is not told: one answer, after the same time, wherever the name stands; but in the log."""
        answers, times = set(), {}
        for name in 'inside.test', 'own.test', 'no.test', 'neither.test', 'localhost':
            for _ in range(5):
                began = time.monotonic()
                reason, detail = self.reset(name, self.echo.port)
                times.setdefault(name, []).append(time.monotonic() - began)
                answers.add((reason.replace(name, 'NAME'), detail))
        self.assertEqual(len(answers), 1, answers)
        fastest = {name: min(each) for name, each in times.items()}
        self.assertGreater(min(fastest.values()), 0.1, fastest)
        self.assertLess(max(fastest.values()) - min(fastest.values()), 0.05, fastest)
        self.wstan_server.await_log('refused by the rules key=allow-private')

    def test_own_public_address(self):
        """An address of the host's own is private, though it is public, and so is one that it gets later."""
        for host in self.OWN, '::ffff:' + self.OWN, '64:ff9b::' + self.OWN:
            self.assertForbidden(host, self.on_own.port, 'allow-private')
        self.here.ip('address', 'add', self.LATER + '/32', 'dev', 'near')

        def is_forbidden():
            return self.reset(self.LATER, self.on_own.port)[1] == 'allow-private'
        eventually(is_forbidden, 'the new address is private', 5.0)

    def test_datagrams(self):
        """Every datagram is judged, by name too, and the first does not open the way for the next."""
        client = self.client(self.wstan_server)
        association = self.keep(Association(client.port))
        inside = self.keep(DatagramTarget())
        own = self.keep(DatagramTarget(host=self.OWN))
        for _ in range(2):
            for target, names in (inside, ('127.0.0.1', '127.1', 'inside.test')), (own, (self.OWN, 'own.test')):
                for name in names:
                    association.send(b'do not answer', name, target.port)
            for name in self.OTHER, 'other.test', 'mixed.test':
                data = os.urandom(20)
                self.assertEqual(association.ask(data, name, self.there_by_udp.port), (data, self.there_by_udp.address))
        self.assertEqual((inside.heard, own.heard), ([], []))


class Datagrams(Rules):
    def test_first_datagram(self):
        """An association whose first datagram is refused carries the others."""
        allowed, refused = self.keep(DatagramTarget()), self.keep(DatagramTarget())
        server = self.begin(NOT_PRIVATE, '--allow=127.0.0.1:%d' % allowed.port)
        association = self.keep(Association(self.client(server).port))
        association.send(b'no', '127.0.0.1', refused.port)
        for host in '127.0.0.1', '127.1':
            association.send(b'no', host, refused.port)
            self.assertEqual(association.ask(b'yes', host, allowed.port), (b'yes', allowed.address))
        self.assertEqual(refused.heard, [])
        server.await_log('reason=forbidden-target')


class Told(Rules):
    def test_page(self):
        """A user agent of plain HTTP gets a page that names the key."""
        web = self.keep(Web())
        for options, key in (((NOT_PRIVATE,), 'allow-private'), (('--allow=192.0.2.1', '--deny=*'), 'allow'),
                             (('--allow-private=yes', '--deny=127.0.0.1'), 'deny')):
            client = self.client(self.begin(*options))
            with self.subTest(key=key), agent.dial(client.port) as s:
                url = 'http://127.0.0.1:%d/' % web.port
                s.sendall(('GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n' % url).encode())
                answer = Message(agent.read_head(s))
                self.assertEqual(answer.status, 403)
                page = b''
                while part := s.recv(1 << 16):
                    page += part
                self.assertRegex(page.decode(), r'<code>%s\b' % key)
        self.assertEqual(web.connections, 0)

    def test_socks(self):
        """A user agent of SOCKS or CONNECT has its connection ended in good order."""
        client = self.client(self.begin(NOT_PRIVATE), '--early-reply=yes')
        for dial in agent.socks5, agent.connect:
            with dial(client.port, '127.0.0.1', self.echo.port) as s:
                with contextlib.suppress(ConnectionError):
                    s.sendall(b'hello')
                self.assertEqual(agent.outcome(s), 'end')

    def test_log(self):
        """The log names the key once for a client and a minute, gathers what follows, and names no target."""
        server = self.begin(NOT_PRIVATE)
        for _ in range(5):
            self.assertForbidden('127.0.0.1', 7, 'allow-private')
        self.assertHidden('localhost', 7)
        server.await_log('notice: a target was refused by the rules key=allow-private key-name=default peer=127')
        self.assertEqual(len(re.findall('refused by the rules', server.log())), 1)
        server.signal(15)
        server.exit_status()
        self.assertRegex(server.log(), 'refused again within a minute reasons="forbidden-target by allow-private: 5" source=127.0.0.1')
        self.assertNotIn('localhost', server.log())

    def test_log_of_requests(self):
        """Requests that are refused are gathered too, each reason by itself."""
        server = self.begin(NOT_PRIVATE)
        wrong = wire.key_bytes('another key')
        for when in None, None, time.time() - 1000, time.time() - 1000, time.time() - 1000:
            key = wrong if when is None else self.raw_key
            head = wire.Opening(key, wire.request_body('127.0.0.1', 9, when=when)).head()
            self.assertEqual(probe.exchange(server.port, head).status, 404)
        server.await_log('reason=expired')
        self.assertEqual(len(re.findall('reason=bad-authentication', server.log())), 1)
        self.assertEqual(len(re.findall('reason=expired', server.log())), 1)
        server.signal(15)
        server.exit_status()
        self.assertIn('refused again within a minute reasons="bad-authentication: 1, expired: 2" source=127.0.0.1', server.log())


class Limits(Rules):
    def proxied(self, client):
        """Reaches the server as a trusted front of `client`, which it names in a PROXY header."""
        def reach(port):
            s = probe.reach(port)
            s.sendall(b'PROXY TCP%d %s %s 1 2\r\n' % (6 if ':' in client else 4, client.encode(), client.encode()))
            return s
        return reach

    def test_tunnels_per_address(self):
        """A client has as many tunnels as it may have, over all workers; others have theirs, and one that ends makes room."""
        server = self.begin('--max-tunnels-per-address=3', '--proxy-protocol=yes', '--threads=2')

        def ask(client):
            try:
                return self.tunnel('127.0.0.1', self.echo.port, reach=self.proxied(client))
            except AssertionError as refused:
                # Its key is right, so it is told that this is only for now.
                self.assertIn('HTTP/1.1 503 ', str(refused))
                return None
        tunnels = [ask('192.0.2.1') for _ in range(3)]
        self.assertNotIn(None, tunnels)
        for _ in range(3):
            self.assertIsNone(ask('192.0.2.1'))
        server.await_log('reason=over-limit')
        self.assertIsNotNone(ask('192.0.2.2'))
        # With IPv6 a network is one client.
        self.assertEqual([ask('2001:db8::%d' % n) is None for n in range(1, 6)], [False, False, False, True, True])
        self.assertIsNotNone(ask('2001:db8:0:1::1'))
        tunnels[0].close()
        eventually(lambda: ask('192.0.2.1'), 'the tunnel that has ended makes room')
        self.assertIsNone(ask('192.0.2.1'))

    def test_refused_requests_take_no_room(self):
        """A request that does not hold is no tunnel of its sender."""
        server = self.begin('--max-tunnels-per-address=2')
        for _ in range(5):
            head = wire.Opening(wire.key_bytes('another key'), wire.request_body('127.0.0.1', 9)).head()
            self.assertEqual(probe.exchange(server.port, head).status, 404)
        for _ in range(2):
            self.assertAllowed('127.0.0.1')

    def test_idle_timeout(self):
        """A connection on which nothing moves is ended with a normal reset, one that moves in either direction is not."""
        self.begin('--idle-timeout=1s')
        tunnel = self.tunnel('127.0.0.1', self.echo.port)
        self.assertEqual(tunnel.read_data(2), b'hi')
        for _ in range(5):
            time.sleep(0.4)  # the movement, not an event that could be awaited
            tunnel.send(bytes([wire.DAT]) + b'ho')
            self.assertEqual(tunnel.read_data(2), b'ho')
        began = time.monotonic()
        self.assertEqual(tunnel.read_reset(), '')
        self.assertTrue(0.8 < time.monotonic() - began < 3)
        # The echo closes its end when it has read ours.
        eventually(lambda: self.echo.connections[0].fileno() == -1, 'the target is told')
        # The tunnel is as good as new.
        tunnel.send(wire.reset_body())
        tunnel.send(wire.request_body('127.0.0.1', self.echo.port, b'again'))
        self.assertEqual(tunnel.read_data(5), b'again')

    def test_idle_timeout_of_a_download(self):
        """What only the target sends, or a slow reader takes, is movement."""
        def drip(s):
            for _ in range(8):
                s.sendall(b'x')
                time.sleep(0.3)
        target = self.target(drip)
        self.begin('--idle-timeout=1s')
        self.assertEqual(self.tunnel('127.0.0.1', target.port).read_data(8), b'x' * 8)
