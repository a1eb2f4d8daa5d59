"""Every flood beside genuine clients: what it does to their new connections, to a stream that they have, and to the memory.

Small and short as a test. With $WSTAN_FIGURES in full: attackers on one core, daemon and genuine clients on another, and each
figure is held to its goal.
"""
import os
import time
import unittest

from attack import report
from attack.attackers import Attackers
from attack.floods.bad_tags import BadTags, BadTagsForManyKeys, LargeBadTagsForManyKeys
from attack.floods.empty_tunnels import MAX_TUNNELS, EmptyTunnels, Openings
from attack.floods.giant_heads import GiantHeads
from attack.floods.hellos import Hellos
from attack.floods.silent_names import SilentNames
from attack.floods.slowloris import Slowloris
from attack.floods.stalled_readers import StalledReaders
from attack.genuine import Users, connections, round_trips
from helpers import keyring
from helpers.control.controlled import Varlink
from helpers.names import GOOD, answers
from helpers.network.fronts import PATH
from helpers.network.namespaces import Namespace, need_namespaces
from helpers.network.nameserver import NameServer
from helpers.peers import wire
from helpers.peers.target import echo
from helpers.process import MB, OURS, free_port
from helpers.scenario import TARGETS_HERE, Scenario, binary_key
from helpers.tls import module_authority
from helpers.waiting import eventually

FULL = bool(os.environ.get('WSTAN_FIGURES'))
# Seconds before, during and after the flood, the last at most.
QUIET, FLOOD, AFTER = (4, 10, 12) if FULL else (0.5, 2, 20)
PAUSES = (0.01, 0.005) if FULL else (0.05, 0.02)  # seconds between new connections, and between round trips
PATIENCE = 5 if FULL else 20  # seconds; what takes longer has failed
# What a debug build or a sanitizer keeps for itself is no leak, nor are pages of the program that the flood is the first to need.
MEMORY_MARGIN = 0 if FULL else 6 * MB
SANITIZED = bool(os.environ.get('ASAN_OPTIONS') or os.environ.get('TSAN_OPTIONS'))


def setUpModule():
    global authority
    authority = module_authority()
    unittest.addModuleCleanup(report.finish)


class Floods(Scenario):
    LIMIT = 120

    def setUp(self):
        super().setUp()
        self.cores = sorted(os.sched_getaffinity(0))
        if FULL:
            if len(self.cores) < 2:
                self.skipTest('attackers and daemon need a core each')
            self.addCleanup(os.sched_setaffinity, 0, self.cores)
            os.sched_setaffinity(0, {self.cores[-1]})  # of all that is started from here, but for the attackers
        self.attacker_key = binary_key()
        self.echo = self.target(echo)

    # The parties.

    def named(self):
        """A network namespace with a name server that is silent when a name says so."""
        need_namespaces()
        namespace = self.keep(Namespace())
        namespace.put('resolv.conf', 'nameserver 127.0.0.1\n')
        if os.path.exists('/etc/nsswitch.conf'):
            namespace.put('nsswitch.conf', 'hosts: files dns\n')
        self.enterContext(namespace.entered())
        self.keep(NameServer(answers))
        self.echo = self.target(echo)
        return namespace

    def attacked(self, flood, namespace):
        """The server, which knows the keys of the genuine client and of the attacker, and as many as the flood wants."""
        port, control = free_port(), os.path.join(self.directory, 'control')
        scheme, identity = 'ws', []
        if flood.TLS:
            if not authority:
                self.skipTest('openssl is not installed')
            scheme, identity = 'wss', ['--tls-certificate=' + authority.chain, '--tls-key=' + authority.key]
        options = [option.format(max_tunnels=MAX_TUNNELS[FULL]) for option in flood.OPTIONS]
        if flood.KEYS[FULL]:
            # Four of each name: there may be 256 names.
            state = os.path.join(self.directory, 'state')
            os.mkdir(state, 0o700)
            named = {'key%d' % n: [os.urandom(16) for _ in range(4)] for n in range(flood.KEYS[FULL] // 4)}
            keyring.write(state, wire.key_bytes(self.key), named)
            options.append('--state-directory=' + state)
        command = namespace.command(OURS) if namespace else [OURS]
        server = self.start('server', command, '-s', '%s://localhost:%d%s' % (scheme, port, PATH if flood.TLS else '/'), self.key,
                            '--listen=127.0.0.1:%d' % port, '--control-socket=' + control, *identity, TARGETS_HERE, *options)
        server.port = port
        server.await_port(port)
        varlink = eventually(lambda: self.reached(control), 'the control socket listens')
        reply = varlink.call('org.wstan.control.AddKey', {'name': 'attacker', 'key': self.attacker_key})
        self.assertNotIn('error', reply)
        varlink.socket.close()
        return server

    @staticmethod
    def reached(control):
        try:
            return Varlink(control)
        except (FileNotFoundError, ConnectionRefusedError):
            return None  # it comes behind the listeners

    def genuine(self, flood, server):
        """A client without a pool, so that each connection is a new one at the server; another one for the stream."""
        uri = '%s://localhost:%d%s' % ('wss' if flood.TLS else 'ws', server.port, PATH if flood.TLS else '/')
        trust = ['--tls-ca-file=' + authority.certificate] if flood.TLS else []
        port = free_port()
        client = self.start('client', OURS, uri, self.key, '-a', '127.0.0.1', '-p', port, '--pool-size=0', '--proxy=none',
                            '--connect-to=127.0.0.1:%d' % server.port, *trust)
        client.port = port
        client.await_port(port)
        return client

    # What happens.

    def withstand(self, flood):
        namespace = self.named() if flood.NAMED else None
        server = self.attacked(flood, namespace)
        client = self.genuine(flood, server)
        host = GOOD if flood.NAMED else '127.0.0.1'
        attackers = Attackers(lambda fountain: flood(server.port, wire.key_bytes(self.attacker_key), FULL, fountain),
                              self.cores[0] if FULL else None)
        self.addCleanup(attackers.kill)
        newcomers = Users(connections(client.port, host, self.echo.port, PATIENCE), PAUSES[0])
        self.addCleanup(newcomers.kill)
        residents = Users(round_trips(client.port, '127.0.0.1', self.echo.port, PATIENCE), PAUSES[1])
        self.addCleanup(residents.kill)

        time.sleep(QUIET)
        memory = report.Memory(server.resident())
        memory.watch(server)
        began = time.monotonic()
        attackers.tell()
        time.sleep(FLOOD)
        rounds = attackers.stop()
        ended = time.monotonic()
        memory.settle(AFTER, MEMORY_MARGIN)
        figures = report.Figures(
            flood.TITLE.format(keys='{:,}'.format(flood.KEYS[FULL]), held='{:,}'.format(flood.HELD[FULL])), began, ended, newcomers.stop() or [],
            residents.stop() or [], memory, (rounds or 0) / (ended - began))
        report.add(figures)
        self.hold(figures)

    def hold(self, figures):
        self.assertGreater(figures.per_second, 0, 'the attackers did nothing')
        self.assertEqual(figures.failures(), [])
        if FULL:
            self.assertEqual(figures.missed(), [])
        elif not SANITIZED:
            self.assertTrue(figures.memory.is_back(MEMORY_MARGIN), figures.memory)

    def test_slowloris(self):
        """5,000 connections whose heads never end."""
        self.withstand(Slowloris)

    def test_bad_tags(self):
        """Requests that no key fits."""
        self.withstand(BadTags)

    def test_bad_tags_for_many_keys(self):
        """Requests that none of 1,000 keys fits."""
        self.withstand(BadTagsForManyKeys)

    def test_large_bad_tags_for_many_keys(self):
        """Requests of 96 KB that none of 1,000 keys fits."""
        self.withstand(LargeBadTagsForManyKeys)

    def test_hellos(self):
        """TLS handshakes that are begun and thrown away."""
        self.withstand(Hellos)

    def test_giant_heads(self):
        """Heads of 95 KB without an end."""
        self.withstand(GiantHeads)

    def test_empty_tunnels(self):
        """One key's tunnels, twice as many as there may be."""
        self.withstand(EmptyTunnels)

    def test_openings(self):
        """One key's tunnels, opened and closed at once."""
        self.withstand(Openings)

    def test_silent_names(self):
        """One key's names that are never answered."""
        self.withstand(SilentNames)

    def test_stalled_readers(self):
        """One key's tunnels that are not read."""
        self.withstand(StalledReaders)
