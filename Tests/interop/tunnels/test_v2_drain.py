"""A server of version 2 that drains says BYE: open connections go on, new ones go to another server."""
import signal
import socket
import threading
import time

from helpers.peers import agent, probe
from helpers.peers.sealed import connect_to
from helpers.peers.target import echo
from helpers.process import OURS
from helpers.scenario import Scenario
from helpers.version2 import PEER, Version2Pair
from helpers.waiting import eventually
from tunnels.test_v2_messages import Probed
from v2.messages import *


class Draining:
    def connect(self):
        return self.keep(agent.socks5(self.wstan_client.port, '127.0.0.1', self.echo.port))

    def test_server_restarts(self):
        """A connection goes on over its tunnel while the next server, on the same port, serves the next ones."""
        self.echo = self.target(echo)
        patience = ('--drain-timeout=20s',) if self.SERVER is OURS else ()
        former = self.server(*patience)
        self.between = self.forwarder(former)
        self.wstan_client = self.client(self.between)
        kept, other = self.connect(), self.connect()
        for s in kept, other:
            self.assertTrue(agent.echoes(s, b'before'))
        other.close()
        self.between.settle()
        former.signal(signal.SIGTERM)
        eventually(lambda: self.is_closed(former.port), 'it takes no more tunnels')
        self.server(port=former.port)
        for _ in range(3):
            with self.connect() as s:
                self.assertTrue(agent.echoes(s, b'after'))
            self.between.settle()
        self.assertTrue(agent.echoes(kept, b'still carried'))
        self.assertIsNone(former.popen.poll(), 'it waits for what is open')
        kept.close()
        self.assertEqual(former.exit_status(), 0)
        # One of each of the first two, and one for all later ones.
        self.assertEqual(len(self.between.links), 3)

    def is_closed(self, port):
        try:
            probe.reach(port).close()
            return False
        except ConnectionError:
            return True


class Announced(Probed):
    def test_bye(self):
        """Every tunnel gets BYE 20. A request that crosses it gets RESET 20; what is open goes on."""
        idle, busy = self.tunnel(), self.connected()
        self.assertEchoes(busy)
        self.wstan_server.signal(signal.SIGTERM)
        for tunnel in idle, busy:
            self.assertEqual(tunnel.expect(BYE)[0], DRAINING)
        idle.send(CONNECT, connect_to(self.echo))
        self.assertEqual(idle.expect_reset(), (0, DRAINING))
        idle.close()
        self.assertEchoes(busy)
        busy.send(FIN)
        busy.expect(FIN)
        busy.close()
        self.assertEqual(self.wstan_server.exit_status(), 0)
        self.assertEqual(len(self.echo.connections), 1)


class AnnouncedOfPeer(Announced):
    SERVER = PEER


class Parting(Probed):
    def setUp(self):
        super().setUp()
        self.wstan_server = self.server('--drain-timeout=20s')

    def test_drain(self):
        """A server that drains waits for what a client that has left still says to a target that has not answered."""
        target = self.keep(socket.create_server(('127.0.0.1', 0), backlog=0))
        place = target.getsockname()
        taken = [self.keep(socket.create_connection(place))]
        while True:  # until the kernel takes no more of them
            s = self.keep(socket.socket())
            s.settimeout(0.5)
            try:
                s.connect(place)
            except TimeoutError:
                s.close()
                break
            taken.append(s)
        tunnel = self.tunnel(CONNECT, Request({}, Address.of(*place), b'the last word').pack())
        tunnel.send(FIN)
        tunnel.send(RESET, bytes([0, NONE]))
        self.assertEqual(tunnel.expect_reset(), (0, NONE))
        self.wstan_server.signal(signal.SIGTERM)
        self.assertEqual(tunnel.expect(BYE)[0], DRAINING)
        tunnel.close()
        time.sleep(0.5)  # it could have ended by then
        self.assertIsNone(self.wstan_server.popen.poll())
        for s in taken:
            s.close()
        target.settimeout(10)
        heard = b''
        while not heard:
            with target.accept()[0] as s:
                s.settimeout(10)
                heard = s.recv(100)
        self.assertEqual(heard, b'the last word')
        self.assertEqual(self.wstan_server.exit_status(), 0)


class CutOff:
    """What has not finished when a daemon ends is reset at both ends: a part is never taken for the whole."""

    def assertCutsOff(self, role, *signals):
        target = self.target(echo)
        options = ('--drain-timeout=%ds' % (20 if signals[1:] else 0),)
        self.cut(target, **{role: options})
        s = self.keep(agent.socks5(self.wstan_client.port, '127.0.0.1', target.port))
        self.assertTrue(agent.echoes(s, b'a part'))
        daemon = self.wstan_client if role == 'client' else self.wstan_server
        for number in signals:
            daemon.signal(number)
            time.sleep(0.2)  # else both would be one
        self.assertEqual(agent.outcome(s), 'reset')
        eventually(lambda: target.errors, 'the target is told')
        self.assertIsInstance(target.errors[0], ConnectionResetError)
        self.assertEqual(daemon.exit_status(), 0)

    def test_client(self):
        self.assertCutsOff('client', signal.SIGTERM)

    def test_server(self):
        self.assertCutsOff('server', signal.SIGTERM)

    def test_at_once(self):
        """A second signal waits for nothing."""
        for role in 'client', 'server':
            self.assertCutsOff(role, signal.SIGTERM, signal.SIGINT)

    def assertEnds(self, port, leave, *signals):
        """A client that is told to end does so at once, also while it waits on behalf of a user agent that has left."""
        self.cut(None, client=('--drain-timeout=%ds' % (20 if signals[1:] else 0), '--log-level=debug'))
        s = self.keep(agent.dial(self.wstan_client.port))
        s.sendall(b'\5\1\0\5\1\0' + agent.address('127.0.0.1', port) + b'the last word')
        self.wstan_client.await_log('pooled=')
        s.recv(100)  # what is not read makes of a close a reset
        leave(s)
        for number in signals:
            time.sleep(0.2)  # less than it is waited for
            self.wstan_client.signal(number)
        self.assertEqual(self.wstan_client.exit_status(3), 0)

    def test_half_closed(self):
        """The user agent has sent all, and its target says nothing."""
        over = threading.Event()
        self.addCleanup(over.set)
        target = self.target(lambda s: over.wait(60))
        for signals in (signal.SIGTERM,), (signal.SIGTERM, signal.SIGINT):
            self.assertEnds(target.port, lambda s: s.shutdown(socket.SHUT_WR), *signals)

    def test_left(self):
        """The user agent is gone, and its target does not answer."""
        for signals in (signal.SIGTERM,), (signal.SIGTERM, signal.SIGINT):
            self.assertEnds(self.silent_target(), socket.socket.close, *signals)


class CutOffByVersion1(CutOff, Scenario):
    def cut(self, target, client=(), server=()):
        self.wstan_server = self.server(*server)
        self.wstan_client = self.client(self.wstan_server, *client)


class CutOffByVersion2(CutOff, Version2Pair):
    def cut(self, target, client=(), server=()):
        self.wstan_server = self.server(*server)
        self.wstan_client = self.client(self.wstan_server, *client)


class OurPair(Draining, Version2Pair):
    def test_client_ends(self):
        """A client that is told to end lets a connection finish, and ends with 0."""
        self.echo = self.target(echo)
        self.pair('--drain-timeout=20s')
        s = self.connect()
        self.assertTrue(agent.echoes(s, b'before'))
        self.wstan_client.signal(signal.SIGTERM)
        eventually(lambda: self.is_closed(self.wstan_client.port), 'it takes no more user agents')
        self.assertTrue(agent.echoes(s, b'still carried'))
        s.close()
        self.assertEqual(self.wstan_client.exit_status(), 0)


class OurClientPeerServer(Draining, Version2Pair):
    SERVER = PEER
    test_client_ends = OurPair.test_client_ends


class PeerClientOurServer(Draining, Version2Pair):
    CLIENT = PEER


class PairOfPeers(Draining, Version2Pair):
    CLIENT = SERVER = PEER
