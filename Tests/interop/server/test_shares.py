"""What holders of keys, and strangers, leave to each other: tunnels, look-ups, connections being made, descriptors, time."""
import base64
import contextlib
import json
import os
import select
import socket
import subprocess
import time

from helpers import keyring
from helpers.network.nameserver import NameServer
from helpers.network.namespaces import Namespace, need_namespaces
from helpers.peers import probe, wire
from helpers.peers.datagrams import DatagramTarget
from helpers.peers.target import echo
from helpers.process import CTL, OURS, free_port, limited_files
from helpers.scenario import Scenario
from helpers.waiting import eventually


class Shares(Scenario):
    """A server with keys of several names."""
    prepare = None

    def begin(self, *lines, general='', command=lambda *words: words, named=None, scheme='ws'):
        os.chmod(self.directory, 0o755)
        self.port = free_port()
        self.socket_path = os.path.join(self.directory, 'server.sock')
        state = os.path.join(self.directory, 'state')
        os.mkdir(state, 0o700)
        if named:
            keyring.write(state, wire.key_bytes(self.key), named)
        key_path = self.write('key', self.key + '\n')
        os.chmod(key_path, 0o600)
        path = self.write('server.conf', '\n'.join([
            'mode = server', 'uri = %s://127.0.0.1:%d/' % (scheme, self.port), 'key-file = ' + key_path, 'state-directory = ' + state,
            'log-level = info', general, '[server]', 'listen = 127.0.0.1:%d' % self.port, 'allow-private = yes', *lines, '[control]', 'socket = ' + self.socket_path, '']))
        program, *words = command(OURS, '--config', path)
        self.wstan_server = self.start('server', program, *words, prepare=self.prepare)
        self.wstan_server.port = self.port
        self.wstan_server.await_log('notice: wstand')
        self.raw_key = wire.key_bytes(self.key)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, 'w') as f:
            f.write(text)
        return path

    def ctl(self, *arguments, stdin=None):
        done = subprocess.run([CTL, *arguments, '--socket', self.socket_path], capture_output=True, text=True, timeout=20, input=stdin)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def add_key(self, name):
        """The bytes of a new key of that name."""
        key = os.urandom(16)
        self.ctl('add-key', name, '--key-file', '-', stdin=base64.b64encode(key).decode() + '\n')
        return key

    def open(self, key, body=None, reach=probe.reach):
        return self.keep(probe.Tunnel(self.port, wire.Opening(key, body or wire.empty_body()), reach=reach))

    def is_refused(self, key, body=None):
        try:
            self.open(key, body)
            return False
        except AssertionError as refused:
            self.assertIn('HTTP/1.1 503 ', str(refused))
            return True

    def carries(self, key, port, host='127.0.0.1'):
        """Seconds until a new tunnel has brought an echo."""
        began = time.monotonic()
        tunnel = self.open(key, wire.request_body(host, port, b'hi'))
        self.assertEqual(tunnel.read_data(2), b'hi')
        return time.monotonic() - began


class Tunnels(Shares):
    LIMIT = 120

    def listed(self):
        replies = [json.loads(line) for line in self.ctl('tunnels', '--json').splitlines()]
        return [reply['tunnel'] for reply in replies if 'tunnel' in reply]

    def assertLetsIn(self, flood):
        """After one key has taken every tunnel another one has as many as it asks for, at once."""
        target = self.target(echo)
        self.begin('max-tunnels = 200')
        phone, laptop = self.add_key('phone'), self.add_key('laptop')
        for _ in range(200):
            flood(phone)
        for _ in range(20):
            self.assertLess(self.carries(laptop, target.port), 2)
        return phone, laptop

    def test_empty_tunnels(self):
        """200 empty tunnels of one key at max-tunnels = 200: another key gets in at once; the longest idle tunnel has gone first."""
        tunnels = []
        phone, _ = self.assertLetsIn(lambda key: tunnels.append(self.open(key)))
        for tunnel in tunnels[:8]:
            tunnel.socket.settimeout(5)
            self.assertIn(tunnel.socket.recv(1)[:1], (b'\x88', b''))
        tunnels[-1].socket.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            tunnels[-1].socket.recv(1)
        # The key itself goes on too, at the cost of its own.
        self.open(phone)
        self.wstan_server.await_log('tunnel closed to make room for another key .*idle=yes .*key-name=phone')

    def test_tunnels_in_use(self):
        """The same with connections on all of them, on which nothing moves; the key itself is refused, by its name and the bound."""
        idle = self.target(lambda s: s.recv(1))
        phone, _ = self.assertLetsIn(lambda key: self.open(key, wire.request_body('127.0.0.1', idle.port, b'')))
        self.wstan_server.await_log('tunnel closed to make room for another key .*idle=no .*key-name=phone')
        self.assertTrue(any(self.is_refused(phone, wire.request_body('127.0.0.1', idle.port, b'')) for _ in range(4)))
        self.wstan_server.await_log('reason=over-limit', 5)
        self.assertRegex(self.wstan_server.log(), 'key-name=phone limit=max-tunnels|limit=max-tunnels .*key-name=phone')
        rejects = self.ctl('rejects')
        self.assertRegex(rejects, 'phone')
        self.assertRegex(rejects, 'over a limit: max-tunnels')

    def test_one_key_has_everything(self):
        """With one key there is no share: it has all tunnels, and one more closes its longest idle one."""
        self.begin('max-tunnels = 20', general='threads = 1')
        tunnels = [self.open(self.raw_key) for _ in range(20)]
        self.assertEqual(len(self.listed()), 20)
        self.open(self.raw_key)
        self.assertIn(tunnels[0].socket.recv(1)[:1], (b'\x88', b''))
        self.assertEqual(len(self.listed()), 20)

    def test_keys_of_one_name(self):
        """A name has one share, however many of its keys are live."""
        self.begin('max-tunnels = 40', general='threads = 1')
        old, laptop = self.add_key('phone'), self.add_key('laptop')
        for _ in range(20):
            self.open(old)
        new = os.urandom(16)
        self.ctl('rotate-key', 'phone', '--key-file', '-', stdin=base64.b64encode(new).decode() + '\n')
        for _ in range(20):
            self.open(new)
        for _ in range(20):
            self.open(laptop)
        counts = [0, 0]
        for tunnel in self.listed():
            counts[tunnel['key'] == 'laptop'] += 1
        self.assertEqual(counts, [20, 20])

    def test_idle_tunnels_of_a_small_holder(self):
        """What a key keeps ready stays while another has more than its part, though that one has no idle tunnel."""
        idle = self.target(lambda s: s.recv(1))
        self.begin('max-tunnels = 40', general='threads = 1')
        phone, laptop, tablet = (self.add_key(name) for name in ('phone', 'laptop', 'tablet'))
        for _ in range(30):
            self.open(phone, wire.request_body('127.0.0.1', idle.port, b''))
        for _ in range(10):
            self.open(laptop)
        for _ in range(9):
            self.open(tablet)
        keys = [tunnel['key'] for tunnel in self.listed()]
        self.assertEqual([keys.count(name) for name in ('phone', 'laptop', 'tablet')], [21, 10, 9])

    def test_retired_key_gives_way_first(self):
        """Tunnels of a key that is gone are closed before others' idle ones."""
        idle = self.target(lambda s: s.recv(1))
        self.begin('max-tunnels = 40', general='threads = 1')
        old, laptop = self.add_key('phone'), self.add_key('laptop')
        for _ in range(10):
            self.open(old, wire.request_body('127.0.0.1', idle.port, b''))
        for _ in range(30):
            self.open(laptop)
        self.ctl('retire-key', 'phone')
        new = self.add_key('phone')
        for _ in range(10):
            self.open(new)
        keys = [tunnel['key'] for tunnel in self.listed()]
        self.assertEqual([keys.count(name) for name in ('phone', 'laptop')], [10, 30])

    def test_retired_key(self):
        """A key that was retired keeps its tunnels, and its name's next key is another's: it has its share, at once."""
        idle, target = self.target(lambda s: s.recv(1)), self.target(echo)
        self.begin('max-tunnels = 20', general='threads = 1')
        old = self.add_key('phone')
        for _ in range(20):
            self.open(old, wire.request_body('127.0.0.1', idle.port, b''))
        self.ctl('retire-key', 'phone')
        new = self.add_key('phone')
        for _ in range(5):
            self.assertLess(self.carries(new, target.port), 2)


class Names(Shares):
    """In a namespace whose name server says nothing for names that end in `silent.test`."""
    LIMIT = 120

    @classmethod
    def setUpClass(cls):
        need_namespaces()

    def setUp(self):
        super().setUp()
        self.namespace = self.keep(Namespace())
        self.namespace.ask_loopback()
        self.namespace.ip('route', 'add', 'blackhole', '192.0.2.1/32')
        self.enterContext(self.namespace.entered())
        self.keep(NameServer(lambda name, family: None if name.endswith('silent.test') else
                             ['127.0.0.1'] if family == socket.AF_INET else []))
        self.begin(command=self.namespace.command)
        self.echo = self.target(echo)

    def test_silent_names_at_one_address(self):
        """300 silent names of one key: names of another key at the same address are looked up within a second all the time."""
        phone, laptop = self.add_key('phone'), self.add_key('laptop')
        for number in range(300):
            self.open(phone, wire.request_body('n%d.silent.test' % number, 80, b''))
        for number in range(20):
            self.assertLess(self.carries(laptop, self.echo.port, 'good%d.test' % number), 1)
        self.wstan_server.await_log('reason=over-limit')
        self.assertIn('look-ups of names', self.ctl('rejects'))
        self.assertRegex(self.ctl('rejects'), 'phone')


class Connecting(Shares):
    LIMIT = 120
    prepare = staticmethod(limited_files(1000))

    def test_silent_targets(self):
        """A key whose targets do not answer has its share of the connections that are being made, and another key the rest."""
        silent, target = self.silent_target(), self.target(echo)
        self.begin()
        phone, laptop = self.add_key('phone'), self.add_key('laptop')
        tunnels = [self.open(phone, wire.request_body('127.0.0.1', silent, b'')) for _ in range(150)]
        for _ in range(20):
            self.assertLess(self.carries(laptop, target.port), 1)
        # Who has no room is told so within a second, long before the target's ten are over.
        reasons = [tunnel for tunnel in tunnels if select.select([tunnel.socket], [], [], 0.02)[0]]
        self.assertGreater(len(reasons), 50)
        self.assertLess(len(reasons), 130)
        self.assertIn('connections being made', self.ctl('rejects'))


class Descriptors(Shares):
    LIMIT = 120
    prepare = staticmethod(limited_files(300))

    def test_status_when_targets_have_taken_all(self):
        """When the targets of tunnels have used up the descriptors, wstanctl status still answers, and so do tunnels that are up."""
        self.begin()
        idle, target = self.target(lambda s: s.recv(1)), self.target(echo)
        up = self.open(self.raw_key, wire.request_body('127.0.0.1', target.port, b'hi'))
        self.assertEqual(up.read_data(2), b'hi')
        empty = [self.open(self.raw_key) for _ in range(200)]  # with their targets more than there may be
        for tunnel in empty:
            try:
                tunnel.send(wire.request_body('127.0.0.1', idle.port, b''))
            except ConnectionError:
                pass
        def is_full():
            # But for the control socket's, and those for handshakes.
            return self.wstan_server.descriptors() >= 300 - 16 - 9 - 4
        eventually(is_full, 'the targets have taken what there is', within=15)
        time.sleep(1)  # and would take the rest
        for _ in range(5):
            self.assertIn('tunnelsActive', json.loads(self.ctl('status', '--json')))
        up.send(bytes([wire.DAT]) + b'ho')
        self.assertEqual(up.read_data(2), b'ho')


    def assertLetsIn(self, ready):
        """After one key has opened tunnels, and then sent a request on each, another one has as many as it asks for."""
        self.begin()
        phone, laptop = self.add_key('phone'), self.add_key('laptop')
        idle, target = self.target(lambda s: s.recv(1)), self.target(echo)
        ready = [self.open(laptop) for _ in range(ready)]
        tunnels = [self.open(phone) for _ in range(220)]
        for tunnel in tunnels:
            with contextlib.suppress(OSError):
                tunnel.send(wire.request_body('127.0.0.1', idle.port, b''))
        time.sleep(1)  # until they have what they get
        for _ in range(10):
            self.assertLess(self.carries(laptop, target.port), 3)
        for tunnel in ready:
            tunnel.send(wire.request_body('127.0.0.1', target.port, b'ho'))
            self.assertEqual(tunnel.read_data(2), b'ho')

    def test_another_key(self):
        """A key whose targets take all descriptors keeps no other out: not a new tunnel, not a target on one that is up."""
        self.assertLetsIn(ready=1)

    def test_another_key_comes_last(self):
        """The same where the key was alone when it took them."""
        self.assertLetsIn(ready=0)


class Strangers(Shares):
    def test_refused_stranger_that_sends_on(self):
        """A stranger that was refused and goes on sending is read for 64 KiB, and what the kernels hold, and then reset."""
        self.begin()
        s = self.keep(probe.reach(self.port))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        s.sendall(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        sent, began = 0, time.monotonic()
        with self.assertRaises(ConnectionError):
            while time.monotonic() - began < 10:
                sent += s.send(bytes(64 * 1024))
        # The receive buffer of a loopback connection grows to 6 MB; without a bound it were gigabytes.
        self.assertLess(sent, 24 << 20)

    def test_many_keys(self):
        """With 997 keys every one of them opens a tunnel, also by a request of 80 KB, beside strangers' large ones."""
        named = keyring.thousand()
        self.begin(named=named)
        target = self.target(echo)
        strangers = []
        for _ in range(10):
            s = self.keep(probe.reach(self.port))
            s.sendall(wire.Opening(os.urandom(16), wire.request_body('127.0.0.1', 9, bytes(60_000))).head())
            strangers.append(s)
        for key in [named['k0'][0], named['k120'][1], named['k248'][3], self.raw_key]:
            tunnel = self.open(key, wire.request_body('127.0.0.1', target.port, bytes(60_000)))
            self.assertEqual(len(tunnel.read_data(60_000)), 60_000)
        for s in strangers:
            self.assertEqual(probe.read_answer(s, 10).status, 404)
        # A debug build takes its time to decode what strangers have sent.
        for name in 'k0', 'k120', 'k248':
            self.assertLess(self.carries(named[name][0], target.port), 2)


class Costs(Shares):
    LIMIT = 120

    def processor(self):
        """Seconds of processor time that the server has used."""
        tasks, used = '/proc/%d/task' % self.wstan_server.popen.pid, 0
        for task in os.listdir(tasks):
            with open('%s/%s/schedstat' % (tasks, task)) as f:
                used += int(f.read().split()[0])
        return used / 1e9

    def cost(self, size, count):
        """Of a stranger's request that carries so many bytes; they come one at a time, from as many addresses."""
        heads = [wire.Opening(os.urandom(16), wire.request_body('192.0.2.1', 443, os.urandom(size))).head() for _ in range(4)]
        before = self.processor()
        for number in range(count):
            with socket.create_connection(('127.0.0.1', self.port), 20, ('127.66.0.%d' % (number + 1), 0)) as s:
                s.sendall(heads[number % 4])
                self.assertEqual(s.recv(12)[9:12], b'404')
        return (self.processor() - before) / count

    def test_strangers_and_many_keys(self):
        """997 keys make a stranger's request dearer by one block of AES each at most, not by a tag over all of it."""
        self.begin()
        large, small = self.cost(70_000, 20), self.cost(30, 200)
        self.wstan_server.kill()
        os.rename(os.path.join(self.directory, 'state'), os.path.join(self.directory, 'former'))
        self.begin(named=keyring.thousand())
        large_of_many, small_of_many = self.cost(70_000, 20), self.cost(30, 200)
        figures = ['%.3f' % (seconds * 1000) for seconds in (small, small_of_many, large, large_of_many)]
        self.assertLess(large_of_many, 5 * large, 'ms of processor, small and large, with 1 and 997 keys: %s' % figures)


class RetiredKeys(Shares):
    def test_association(self):
        """An association of a key that is retired ends: it would go on to new targets."""
        self.begin()
        phone = self.add_key('phone')
        one, another = self.keep(DatagramTarget()), self.keep(DatagramTarget())
        tunnel = self.open(phone, wire.request_body('127.0.0.1', one.port, b'one', command=wire.DGM))
        eventually(lambda: one.heard, 'a datagram has come')
        self.ctl('retire-key', 'phone')
        self.assertEqual(tunnel.close_code(), 1001)
        with contextlib.suppress(OSError):
            tunnel.send(bytes([wire.DGM]) + wire.address('127.0.0.1', another.port) + b'new')
        time.sleep(0.2)
        self.assertEqual(another.heard, [])


class LargeStrangers(Shares):
    """Behind a front that speaks TLS nothing is encrypted, and each key costs a tag over all of a request."""
    LIMIT = 120

    def test_large_bad_tags(self):
        """Requests of 80 KB that fit none of 997 keys do not keep the places of handshakes while they wait for their turn."""
        named = keyring.thousand()
        self.begin('max-handshakes = 16', general='threads = 1', named=named, scheme='wss')
        target = self.target(echo)
        for number in range(120):
            s = self.keep(socket.create_connection(('127.0.0.1', self.port), 20, ('127.77.0.%d' % (number + 1), 0)))
            s.sendall(wire.PlainOpening(os.urandom(16), wire.request_body('127.0.0.1', 9, bytes(60_000))).head())
        # 997 tags of 37 us each, in a tenth of the time: while they wait, 104 of them keep one out for 38 s.
        s = self.keep(probe.reach(self.port))
        s.settimeout(20)
        s.sendall(wire.PlainOpening(named['k120'][0], wire.request_body('127.0.0.1', target.port, b'hi')).head())
        self.assertEqual(s.recv(12)[9:12], b'101')


class Crowd(Shares):
    def test_young_handshakes(self):
        """Half of a request is not closed for others before a second is over; they wait, and are served then."""
        self.begin('max-handshakes = 16')
        head = wire.Opening(self.raw_key, wire.empty_body()).head()
        slow = []
        for _ in range(16):
            opening = wire.Opening(self.raw_key, wire.empty_body())
            s = self.keep(probe.reach(self.port))
            s.sendall(opening.head()[:40])
            slow.append((s, opening))
        others = [self.keep(probe.reach(self.port)) for _ in range(16)]
        for s in others:
            s.sendall(wire.Opening(self.raw_key, wire.empty_body()).head())
        time.sleep(0.5)  # within their second
        for s, opening in slow:
            s.sendall(opening.head()[40:])
            self.assertTrue(s.recv(100).startswith(b'HTTP/1.1 101 '))
        for s in others:
            s.settimeout(5)
            self.assertTrue(s.recv(100).startswith(b'HTTP/1.1 101 '))

    def test_strangers_with_half_a_request(self):
        """64 connections that stop in the middle keep a client waiting for a few seconds at most under max-handshakes = 16."""
        self.begin('max-handshakes = 16')
        for _ in range(64):
            self.keep(probe.reach(self.port)).sendall(b'GET / HTTP/1.1\r\n')
        began = time.monotonic()
        self.open(self.raw_key)
        self.assertLess(time.monotonic() - began, 6)
