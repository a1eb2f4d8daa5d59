"""What a user agent is told of its target: in the words of its protocol with `early-reply = no`, and by default when the target
has just failed; else by an orderly end."""
import re
import signal
import threading
import time

from helpers.network.namespaces import Namespace, join, need_namespaces
from helpers.peers import agent, payload
from helpers.peers.target import commands, echo, read_exactly, read_to_end, reset
from helpers.process import MB, THEIRS, free_port
from helpers.scenario import Scenario
from helpers.waiting import eventually, standstill

NO = '--early-reply=no'
SIZE = 8 * MB


def socks4(client_port, host, port, **options):
    s = agent.dial(client_port, **options)
    try:
        s.sendall(b'\x04\x01' + port.to_bytes(2, 'big') + b'\0\0\0\1\0' + host.encode() + b'\0')
        code = read_exactly(s, 8)[1]
        if code != 0x5a:
            raise agent.Refused(code)
        return s
    except BaseException:
        s.close()
        raise


def refusal(dial, *target):
    """The code of a refusal, None for a grant."""
    try:
        dial(*target).close()
        return None
    except agent.Refused as refused:
        return refused.code


def page(client_port, host, port, *fields):
    """The status and all of the answer to a CONNECT."""
    with agent.dial(client_port) as s:
        s.sendall(b'CONNECT %s:%d HTTP/1.1\r\n%s\r\n' % (host.encode(), port, b''.join(f + b'\r\n' for f in fields)))
        head = agent.read_head(s)
        length = int(re.search(rb'(?i)content-length: *(\d+)', head).group(1))
        body = read_exactly(s, length)
        return int(head.split()[1]), head + body, agent.outcome(s)


DIALS = agent.socks5, agent.connect, socks4


class EarlyReply(Scenario):
    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()
        self.echo = self.target(echo)

    def pair(self, *options):
        return self.client(self.wstan_server, NO, *options)

    def assertServes(self, port, dials=DIALS):
        for dial in dials:
            with dial(port, '127.0.0.1', self.echo.port) as s:
                self.assertTrue(agent.echoes(s, b'hello'))

    def test_granted(self):
        """A target that is there is granted, on tunnels fresh and pooled; it need not say anything first."""
        for options in ('--pool-size=0',), ():
            client = self.pair(*options)
            for _ in range(3):
                began = time.monotonic()
                self.assertServes(client.port)
                self.assertLess(time.monotonic() - began, 1, 'the server has told')

    def test_refused(self):
        """A port where nobody is: 05, 5B and 502; a name that does not exist: 04, 5B and 502; on tunnels fresh and pooled."""
        client = self.pair()
        for _ in range(2):
            for host, codes in ('127.0.0.1', (5, 502, 0x5b)), ('nosuch.invalid', (4, 502, 0x5b)):
                with self.subTest(host=host):
                    self.assertEqual(tuple(refusal(dial, client.port, host, free_port()) for dial in DIALS), codes)
            self.assertServes(client.port)

    def test_words(self):
        """CONNECT is answered with the page, or its line, by what is accepted; then the connection ends in good order."""
        client = self.pair()
        status, answer, end = page(client.port, 'nosuch.invalid', 443)
        self.assertEqual((status, end), (502, 'end'))
        self.assertIn(b'nosuch.invalid does not exist', answer)
        self.assertNotIn(b'<html', answer)
        status, answer, _ = page(client.port, 'nosuch.invalid', 443, b'Accept: text/html')
        self.assertIn(b'<html', answer)
        with agent.dial(client.port) as s:
            s.sendall(b'\x05\x01\x00\x05\x01\x00' + agent.address('127.0.0.1', free_port()))
            self.assertEqual(read_exactly(s, 6), b'\x05\x00\x05\x05\x00\x01')
            read_exactly(s, 6)
            self.assertEqual(agent.outcome(s), 'end')

    def test_target_speaks_first(self):
        """What a target says at once, be it large, comes whole behind the grant."""
        def speak(connection):
            for block in payload.blocks(SIZE):
                connection.sendall(block)
        target = self.target(speak)
        for options in ('--pool-size=0',), ():
            client = self.pair(*options)
            for dial in DIALS * 2:
                with dial(client.port, '127.0.0.1', target.port) as s:
                    self.assertEqual(read_to_end(s), (SIZE, payload.sum_of(SIZE)))

    def test_large_both_ways(self):
        client = self.pair()
        target = self.target(commands)
        for dial in DIALS:
            self.assertEqual(agent.download(dial(client.port, '127.0.0.1', target.port), SIZE), (SIZE, payload.sum_of(SIZE)))
            self.assertEqual(agent.upload(dial(client.port, '127.0.0.1', target.port), SIZE), payload.sum_of(SIZE))

    def test_sent_ahead(self):
        """What a user agent sends without waiting for the grant is not lost."""
        client = self.pair()
        for _ in range(2):
            with agent.dial(client.port) as s:
                s.sendall(b'\x05\x01\x00\x05\x01\x00' + agent.address('127.0.0.1', self.echo.port) + b'ahead')
                self.assertEqual(read_exactly(s, 2 + 10 + 5)[2:4], b'\x05\x00')
            with agent.dial(client.port) as s:
                s.sendall(b'CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\nahead' % self.echo.port)
                self.assertIn(b' 200 ', agent.read_head(s))
                self.assertEqual(read_exactly(s, 5), b'ahead')

    def test_target_that_ends(self):
        """A target that ends without a word was there, so it is granted, and then it ends; so does one that breaks off."""
        def break_off(connection):
            connection.recv(1)
            reset(connection)
        client = self.pair()
        silent, rude = self.target(lambda connection: None), self.target(break_off)
        for dial in DIALS * 2:
            with dial(client.port, '127.0.0.1', silent.port) as s:
                self.assertEqual(agent.outcome(s), 'end')
            with dial(client.port, '127.0.0.1', rude.port) as s:
                s.sendall(b'?')
                self.assertEqual(agent.outcome(s), 'reset')

    def test_no_server(self):
        """No server at all: 01, 5B and 502."""
        client = self.pair('--pool-size=0')
        self.wstan_server.kill()
        self.assertEqual([refusal(dial, client.port, '127.0.0.1', 1) for dial in DIALS], [1, 502, 0x5b])

    def test_pooled_tunnel_that_is_dead(self):
        """The request is sent once more where the pooled tunnel has died, and granted once."""
        between = self.forwarder(self.wstan_server)
        client = self.client(between, NO)
        for dial in DIALS:
            for how in 'close', 'reset':
                self.assertServes(client.port, [dial])
                between.settle()
                between.ambush = how
                self.assertServes(client.port, [dial])
                self.assertIsNone(between.ambush)

    def test_python_server(self):
        """A server that does not tell: refused when its reset comes, granted after a second, then after less."""
        client = self.client(self.server(program=THEIRS), NO)
        self.assertEqual([refusal(dial, client.port, '127.0.0.1', free_port()) for dial in DIALS], [5, 502, 0x5b])
        spent = []
        for dial in DIALS:
            began = time.monotonic()
            with dial(client.port, '127.0.0.1', self.echo.port) as s:
                spent.append(time.monotonic() - began)
                self.assertTrue(agent.echoes(s, b'hello'))
        self.assertGreater(spent[0], 0.9)
        self.assertLess(max(spent[1:]), 0.9)
        target = self.target(lambda connection: connection.sendall(b'first'))
        began = time.monotonic()
        with agent.socks5(client.port, '127.0.0.1', target.port) as s:
            self.assertEqual(read_exactly(s, 5), b'first')
        self.assertLess(time.monotonic() - began, 0.3, 'data tell too')

    def test_yes(self):
        """Granted at once; a failure then ends the connection in good order, whatever it is, and however often it is tried."""
        client = self.client(self.wstan_server, '--early-reply=yes')
        for dial in DIALS:
            for host in '127.0.0.1', 'nosuch.invalid':
                for _ in range(2):
                    with dial(client.port, host, free_port()) as s:
                        self.assertEqual(agent.outcome(s), 'end')
        self.wstan_server.kill()
        for dial in DIALS:
            with dial(client.port, '127.0.0.1', 1) as s:
                self.assertEqual(agent.outcome(s), 'end')


def tries(dial, port, host, target_port, most=10, hello=b'hello'):
    """As Firefox tries a target (network.http.request.max-attempts = 10): again at once when a connection that was granted ends
    before the first byte of an answer. How often it was granted, and the code of the refusal that ended it."""
    for granted in range(most):
        try:
            with dial(port, host, target_port) as s:
                s.sendall(hello)
                agent.outcome(s)
        except agent.Refused as refused:
            return granted, refused.code
    return most, None


class TargetsThatHaveFailed(Scenario):
    """By default (`early-reply = auto`)."""
    CODES = {'127.0.0.1': dict(zip(DIALS, (5, 502, 0x5b))), 'nosuch.invalid': dict(zip(DIALS, (4, 502, 0x5b)))}

    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()
        self.echo = self.target(echo)

    def test_tried_again(self):
        """The second try is told the outcome, in each protocol, by fresh tunnels and pooled ones."""
        for options in ('--pool-size=0',), ():
            client = self.client(self.wstan_server, *options)
            for dial in DIALS:
                for host, codes in self.CODES.items():
                    client_port = self.client(self.wstan_server, *options).port if host == 'nosuch.invalid' else client.port
                    with self.subTest(dial=dial.__name__, host=host):
                        self.assertEqual(tries(dial, client_port, host, free_port()), (1, codes[dial]))

    def test_tried_as_often_as_told(self):
        """The try after one that was granted is told its outcome, and the target is not tried again for it."""
        client = self.client(self.wstan_server, '-d', '--threads=2')
        for dial in DIALS:
            closed = free_port()
            began = time.monotonic()
            self.assertEqual(tries(dial, client.port, '127.0.0.1', closed), (1, self.CODES['127.0.0.1'][dial]))
            if time.monotonic() - began > 0.9:
                continue  # as long as it is owed
            client.await_log('not tried again .*target=127.0.0.1:%d' % closed)
            log = client.log()
            self.assertEqual(len(re.findall('target not reached .*target=127.0.0.1:%d' % closed, log)), 1)
            # The try after that is made, and waits.
            self.assertEqual(refusal(dial, client.port, '127.0.0.1', closed), self.CODES['127.0.0.1'][dial])
            client.await_log('target not reached .*target=127.0.0.1:%d' % closed, since=log.rindex('not tried again'))

    def test_workers_share_what_has_failed(self):
        """The next try arrives on another worker, and knows."""
        client = self.client(self.wstan_server, '--threads=4')
        for _ in range(5):
            self.assertEqual(tries(agent.socks5, client.port, '127.0.0.1', free_port()), (1, 5))

    def test_each_look_after_the_first(self):
        """A scanner that says nothing and leaves at once sees a closed port as open once, and as closed from then on."""
        client = self.client(self.wstan_server, '--threads=2', '-d')
        for first in DIALS:
            closed = free_port()
            self.assertIsNone(refusal(first, client.port, '127.0.0.1', closed))
            # Whether the failure has come or not: that the first one has left is enough.
            client.await_log('target=127.0.0.1:%d' % closed)
            for dial in DIALS * 2:
                self.assertEqual(refusal(dial, client.port, '127.0.0.1', closed), self.CODES['127.0.0.1'][dial])

    def test_looks_at_an_open_port(self):
        """What a look has left undecided is settled: the next connections are granted early."""
        client = self.client(self.wstan_server)
        for dial in DIALS:
            for _ in range(3):
                self.assertIsNone(refusal(dial, client.port, '127.0.0.1', self.echo.port))
            with dial(client.port, '127.0.0.1', self.echo.port) as s:
                self.assertTrue(agent.echoes(s, b'hello'))

    def test_other_ports_of_a_name(self):
        """A name that does not exist has no other port either; a host that refuses one port may have others."""
        client = self.client(self.wstan_server)
        self.assertEqual(tries(agent.socks5, client.port, 'nosuch.invalid', 443), (1, 4))
        self.assertEqual(refusal(agent.connect, client.port, 'NoSuch.Invalid.', 80), 502)
        self.assertEqual(tries(agent.socks5, client.port, '127.0.0.1', free_port()), (1, 5))
        self.assertEqual(tries(agent.socks5, client.port, '127.0.0.1', free_port()), (1, 5))

    def test_many_at_once(self):
        """Tries that begin before the first has failed are granted too, and no others."""
        client = self.client(self.wstan_server, '--threads=2')
        closed, results = free_port(), []
        threads = [threading.Thread(target=lambda: results.append(tries(agent.connect, client.port, '127.0.0.1', closed)))
                   for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue(all(granted <= 1 and code == 502 for granted, code in results), results)

    def test_target_that_comes_back(self):
        """It is served at the first try, and granted early from then on."""
        client = self.client(self.wstan_server)
        for dial in DIALS:
            port = free_port()
            self.assertEqual(tries(dial, client.port, '127.0.0.1', port)[0], 1)
            target = self.target(echo, port=port)
            for _ in range(2):
                with dial(client.port, '127.0.0.1', port) as s:
                    self.assertTrue(agent.echoes(s, b'hello'))
            target.close()
            # Nothing is known against it any longer.
            self.assertEqual(tries(dial, client.port, '127.0.0.1', port)[0], 1)

    def test_forbidden(self):
        """What the server's rules forbid is told as that."""
        client = self.client(self.server('--allow-private=no'))
        for dial, code in zip(DIALS, (2, 403, 0x5b)):
            self.assertEqual(tries(dial, client.port, '127.0.0.1', free_port()), (1, code))

    def test_no_server(self):
        """Without a server every target fails: the second try is told so, whatever its target."""
        client = self.client(self.wstan_server, '--pool-size=0')
        self.wstan_server.kill()
        self.assertIsNone(refusal(agent.socks5, client.port, '127.0.0.1', 1))
        eventually(lambda: refusal(agent.socks5, client.port, '127.0.0.1', 2) == 1, 'the failure is remembered')
        self.assertEqual([refusal(dial, client.port, 'other.test', 3) for dial in DIALS], [1, 502, 0x5b])

    def test_python_server(self):
        """A server that does not tell of success tells of failures."""
        client = self.client(self.server(program=THEIRS))
        for dial in DIALS:
            self.assertEqual(tries(dial, client.port, '127.0.0.1', free_port()), (1, self.CODES['127.0.0.1'][dial]))


class EarlyReplyOfNetworks(Scenario):
    """Targets that are nowhere, in a namespace whose routes say so."""

    def setUp(self):
        need_namespaces()
        super().setUp()
        space, void = self.keep(Namespace()), self.keep(Namespace())
        join(space, void, 'way', 'way')
        for end, address in (space, '10.97.4.2'), (void, '10.97.4.1'):
            end.ip('addr', 'add', address + '/24', 'dev', 'way')
        with void.entered(), open('/proc/sys/net/ipv4/ip_forward', 'w') as f:
            f.write('1')
        void.ip('route', 'add', 'blackhole', '192.0.2.0/24')
        space.ip('route', 'add', '192.0.2.0/24', 'via', '10.97.4.1')
        space.ip('route', 'add', 'unreachable', '198.51.100.0/24')
        self.enterContext(space.entered())
        self.echo = self.target(echo, host='127.0.0.1')

    def test_codes(self):
        """No route: 03; nobody there: 04; nobody answers: 04 and 504."""
        client = self.client(self.server('--connect-timeout=1s'), NO)
        agent.socks5(client.port, '127.0.0.1', self.echo.port).close()
        for host, codes in ('203.0.113.1', (3, 502, 0x5b)), ('198.51.100.1', (4, 502, 0x5b)), ('192.0.2.9', (4, 504, 0x5b)):
            with self.subTest(host=host):
                self.assertEqual(tuple(refusal(dial, client.port, host, 80) for dial in DIALS), codes)

    def test_looks_at_a_silent_target(self):
        """A scanner does not wait until the server gives up, and its second look waits all the same."""
        client = self.client(self.server('--connect-timeout=3s'), '--threads=1')
        with agent.socks5(client.port, '127.0.0.1', self.echo.port) as s:
            for _ in range(3):  # behind the first data it asks whether the server tells
                self.assertTrue(agent.echoes(s, b'hello'))
        self.assertIsNone(refusal(agent.socks5, client.port, '192.0.2.9', 80))
        self.assertEqual(refusal(agent.socks5, client.port, '192.0.2.9', 80), 4)

    def test_slow_target_by_default(self):
        """From the first connection on it is known that the server tells, so the second try waits for the outcome."""
        client = self.client(self.server('--connect-timeout=4s'), '--threads=1')
        with agent.socks5(client.port, '127.0.0.1', self.echo.port) as s:
            for _ in range(3):  # behind the first data it asks whether the server tells
                self.assertTrue(agent.echoes(s, b'hello'))
        self.assertEqual(tries(agent.socks5, client.port, '192.0.2.9', 80), (1, 4))

    def test_slow_target(self):
        """A server that has told before is waited for, as long as it takes."""
        client = self.client(self.server('--connect-timeout=5s'), NO)
        agent.socks5(client.port, '127.0.0.1', self.echo.port).close()
        began = time.monotonic()
        self.assertEqual(refusal(agent.socks5, client.port, '192.0.2.9', 80), 4)
        self.assertGreater(time.monotonic() - began, 4)

    def test_user_agent_that_leaves(self):
        """One that leaves, or breaks off, while it waits frees all that was held for it."""
        server = self.server('--connect-timeout=60s')
        client = self.client(server, NO, '--pool-size=0')
        agent.socks5(client.port, '127.0.0.1', self.echo.port).close()
        self.assertEqual(refusal(agent.socks5, client.port, '127.0.0.1', free_port()), 5)
        before = standstill(lambda: [client.descriptors(), server.descriptors()], 'descriptors', 0.3)
        waiting = []
        for ending in 'close', 'reset', 'close', 'reset':
            s = agent.dial(client.port)
            s.sendall(b'\x05\x01\x00\x05\x01\x00' + agent.address('192.0.2.9', 80))
            self.assertEqual(read_exactly(s, 2), b'\x05\x00')
            waiting.append((s, ending))
        eventually(lambda: server.descriptors() >= before[1] + 8, 'the server tries to connect')
        for s, ending in waiting:
            if ending == 'reset':
                reset(s)
            s.close()
        for process, count in zip((client, server), before):
            eventually(lambda p=process, c=count: p.descriptors() <= c, '%s has let go' % process.name, within=10)

    def test_tunnel_that_breaks(self):
        """A server that dies while the user agent waits: 01."""
        server = self.server('--connect-timeout=60s')
        client = self.client(server, NO)
        agent.socks5(client.port, '127.0.0.1', self.echo.port).close()
        with agent.dial(client.port) as s:
            s.sendall(b'\x05\x01\x00\x05\x01\x00' + agent.address('192.0.2.9', 80))
            self.assertEqual(read_exactly(s, 2), b'\x05\x00')
            s.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                s.recv(1)
            s.settimeout(20)
            server.signal(signal.SIGKILL)
            self.assertEqual(agent.read_socks_reply(s), 1)
            self.assertEqual(agent.outcome(s), 'end')
