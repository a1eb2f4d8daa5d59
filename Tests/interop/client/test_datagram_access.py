"""Whose datagrams the client takes: those of who asked for an association, and those of who may use a forward."""
import os
import signal
import socket

from helpers.configured import ConfiguredClient
from helpers.network.namespaces import Namespace, join, need_namespaces
from helpers.passwords import HASHES, PASSWORD
from helpers.peers import agent
from helpers.peers.datagrams import Association, DatagramTarget, udp_socket, wrapped
from helpers.peers.target import read_exactly
from helpers.process import NOBODY, OURS, free_port
from helpers.scenario import Scenario


def run_as(user, action):
    """What `action()` says, true or false, in a process of that user. A program of the test's could not be run: it may be root's."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            if user != os.geteuid():
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            status = 0 if action() else 1
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, 1):
        raise AssertionError('it failed with status %d' % status)
    return status == 0


def send_as(user, data, to, count=3, port=0):
    """Sends `data` by a process of that user, which keeps its socket open for a while; says whether anything came back."""
    def send():
        came = False
        with udp_socket(to[0] if ':' in to[0] else '127.0.0.1', port) as s:
            s.settimeout(0.1)
            for _ in range(count):
                s.sendto(data, to)
                try:
                    came = bool(s.recv(1 << 16)) or came
                except (TimeoutError, ConnectionError):
                    pass
        return came
    return run_as(user, send)


def send_when_stopped(process, data, to):
    """Sends `data` from a socket that is closed before the process reads it."""
    process.signal(signal.SIGSTOP)
    try:
        with udp_socket('127.0.0.1') as s:
            s.sendto(data, to)
    finally:
        process.signal(signal.SIGCONT)


class OtherUsers(Scenario):
    """An association belongs to the user of this host who has opened it."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('user agents of other users need root')
        super().setUp()
        self.wstan_server = self.server()
        self.echo = self.keep(DatagramTarget())

    def assertOwners(self, association):
        """Another user's datagrams go nowhere, before the owner's first one and after it, and the owner is served."""
        data = wrapped(b'strange', *self.echo.address)
        self.assertFalse(send_as(NOBODY, data, association.relay))
        self.assertEqual(self.echo.heard, [])
        self.assertEqual(association.ask(b'good', *self.echo.address)[0], b'good')
        self.assertFalse(send_as(NOBODY, data, association.relay))
        self.assertEqual(association.ask(b'good again', *self.echo.address)[0], b'good again')
        self.assertEqual(self.echo.heard, [b'good', b'good again'])

    def users_file(self):
        path = os.path.join(self.directory, 'users')
        with open(path, 'w') as f:
            f.write('anna:%s\n' % HASHES['anna'])
        return path

    def test_anybody(self):
        """Where everybody is served, too; the log says so once."""
        client = self.client(self.wstan_server, '--log-level=debug')
        self.assertOwners(self.keep(Association(client.port)))
        client.await_log('notice: datagrams are dropped.*owner=0.*uid=%d' % NOBODY)
        self.assertEqual(client.log().count('datagrams are dropped'), 1)

    def test_allow_uid(self):
        """A user whom allow-uid does not name gets nothing by another's association."""
        self.assertOwners(self.keep(Association(self.client(self.wstan_server, '--allow-uid=root').port)))

    def test_users_file(self):
        """Nor does one who has no password."""
        client = self.client(self.wstan_server, '--users-file=' + self.users_file())
        self.assertOwners(self.keep(Authenticated(client.port)))

    def test_port_of_another(self):
        """When the owner has closed its socket, its port is not another user's way in."""
        association = self.keep(Association(self.client(self.wstan_server).port))
        self.assertEqual(association.ask(b'good', *self.echo.address)[0], b'good')
        port = association.socket.getsockname()[1]
        association.socket.close()
        # For a second the port is taken for the owner's.
        send_as(NOBODY, b'', association.relay, count=12)
        self.assertFalse(send_as(NOBODY, wrapped(b'strange', *self.echo.address), association.relay, port=port))
        self.assertEqual(self.echo.heard, [b'good'])
        association.socket = udp_socket('127.0.0.1', port)
        # The refusal is remembered for a second.
        send_as(NOBODY, b'', association.relay, count=12)
        self.assertEqual(association.ask(b'good again', *self.echo.address)[0], b'good again')

    def test_closed_socket(self):
        """Of a socket that is closed by then no user can be told, which the log says; it is not called another user's."""
        client = self.client(self.wstan_server)
        association = self.keep(Association(client.port))
        send_when_stopped(client, wrapped(b'early', *self.echo.address), association.relay)
        client.await_log('notice: datagrams are dropped: their socket was closed before its user was looked up')
        self.assertNotIn('another user', client.log())
        self.assertEqual(association.ask(b'good', *self.echo.address)[0], b'good')
        self.assertEqual(self.echo.heard, [b'good'])

    def test_declared_port(self):
        """A port that was declared does not make another user's datagrams the owner's."""
        client = self.client(self.wstan_server)
        with udp_socket('127.0.0.1') as s:
            port = s.getsockname()[1]
        association = self.keep(Association(client.port, declared_port=port))
        self.assertFalse(send_as(NOBODY, wrapped(b'strange', *self.echo.address), association.relay, port=port))
        self.assertEqual(self.echo.heard, [])

    def test_flood(self):
        """A flood of another user's sockets does not keep the owner's first datagram out."""
        association = self.keep(Association(self.client(self.wstan_server).port))
        data = wrapped(b'strange', *self.echo.address)

        def flood():
            sockets = [udp_socket('127.0.0.1') for _ in range(400)]
            for _ in range(20):
                for s in sockets:
                    s.sendto(data, association.relay)
            return True
        self.assertTrue(run_as(NOBODY, flood))
        self.assertEqual(association.ask(b'good', *self.echo.address)[0], b'good')

    def test_unix_socket(self):
        """An association that was asked for on a Unix socket belongs to the user at its other end."""
        path = os.path.join(self.directory, 'socket')
        client = self.start('client', OURS, 'ws://127.0.0.1:%d' % self.wstan_server.port, self.key, '--listen=unix:' + path)
        client.await_log(r'on unix:')
        self.assertOwners(self.keep(ByUnixSocket(path)))

    def test_ipv6(self):
        """The same over IPv6."""
        port = free_port()
        client = self.start('client', OURS, 'ws://127.0.0.1:%d' % self.wstan_server.port, self.key, '-a', '::1', '-p', port)
        client.await_port(port, host='::1')
        self.assertOwners(self.keep(Association(port, host='::1')))


class Authenticated(Association):
    """With a name and a password (RFC 1929); `methods` stands in for the greeting of the base class."""

    def __init__(self, client_port, host='127.0.0.1', own='127.0.0.1', declared_port=0):
        self.control = socket.create_connection((host, client_port), 15, (own, 0))
        self.socket = udp_socket(own)
        try:
            name, password = b'anna', PASSWORD.encode()
            self.control.sendall(b'\5\1\2\1' + bytes([len(name)]) + name + bytes([len(password)]) + password)
            if read_exactly(self.control, 4) != b'\5\2\1\0':
                raise AssertionError('the password was refused')
            if declared_port is None:
                declared_port = self.socket.getsockname()[1]
            self.control.sendall(b'\5\3\0' + agent.address('0.0.0.0', declared_port))
            reply = read_exactly(self.control, 10)
            if reply[1]:
                raise agent.Refused(reply[1])
            self.relay = socket.inet_ntoa(reply[4:8]), int.from_bytes(reply[8:], 'big')
        except BaseException:
            self.close()
            raise


class ByUnixSocket(Association):
    def __init__(self, path):
        self.control = agent.dial_unix(path)
        self.socket = udp_socket('127.0.0.1')
        self.control.sendall(b'\5\1\0')
        read_exactly(self.control, 2)
        self.control.sendall(b'\5\3\0' + agent.address('0.0.0.0', 0))
        reply = read_exactly(self.control, 10)
        self.relay = socket.inet_ntoa(reply[4:8]), int.from_bytes(reply[8:], 'big')


class OtherHosts(Scenario):
    """Of a user agent on another host no user is known: where a password is wanted, its port is."""

    def test_declared_port(self):
        """With users-file it has to declare the port that it sends from, and others at its address get nothing."""
        need_namespaces()
        here, there = self.keep(Namespace()), self.keep(Namespace())
        join(here, there, 'way', 'way')
        for end, address in (here, '10.97.3.1'), (there, '10.97.3.2'):
            end.ip('addr', 'add', address + '/24', 'dev', 'way')
        path = os.path.join(self.directory, 'users')
        with open(path, 'w') as f:
            f.write('anna:%s\n' % HASHES['anna'])
        port = free_port()
        with here.entered():
            server = self.server()
            echo = self.keep(DatagramTarget())
            client = self.start('client', OURS, 'ws://127.0.0.1:%d' % server.port, self.key, '-a', '0.0.0.0', '-p', port,
                                '--users-file=' + path)
            client.await_port(port)
        with there.entered():
            with self.assertRaises(agent.Refused) as refused:
                Authenticated(port, '10.97.3.1', '10.97.3.2', declared_port=0)
            self.assertEqual(refused.exception.code, 2)
            association = self.keep(Authenticated(port, '10.97.3.1', '10.97.3.2', declared_port=None))
            with udp_socket('10.97.3.2') as stranger:
                stranger.sendto(wrapped(b'strange', *echo.address), association.relay)
                self.assertEqual(association.ask(b'good', *echo.address)[0], b'good')
        self.assertEqual(echo.heard, [b'good'])
        client.await_log('a UDP association is refused: with users-file')


class Forwards(ConfiguredClient):
    """allow-uid is for forwards of datagrams, too."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('user agents of other users need root')
        super().setUp()
        self.echo = self.keep(DatagramTarget())
        self.port = free_port()

    def forward(self, options, host='127.0.0.1'):
        return self.client_with('%s\n[forward dns]\nlisten = %s:%d\ntarget = 127.0.0.1:%d\nprotocol = udp' % (
            options, host, self.port, self.echo.port), '--log-level=debug')

    def assertServes(self, user):
        self.assertTrue(send_as(user, b'hello', ('127.0.0.1', self.port), count=20))

    def assertRefuses(self, user):
        heard = len(self.echo.heard)
        self.assertFalse(send_as(user, b'strange', ('127.0.0.1', self.port)))
        self.assertEqual(len(self.echo.heard), heard)

    def test_allow_uid(self):
        """Users that are named are served, others are not, and the log says so."""
        client = self.forward('allow-uid = root')
        self.assertRefuses(NOBODY)
        self.assertServes(0)
        self.assertRefuses(NOBODY)
        client.await_log('notice: a user agent is refused: allow-uid does not name its user.*uid=%d' % NOBODY)

    def test_closed_socket(self):
        """Of a socket that is closed by then no user can be told; it is not taken for one of another host."""
        client = self.forward('allow-uid = root')
        self.assertServes(0)
        send_when_stopped(client, b'early', ('127.0.0.1', self.port))
        client.await_log('notice: datagrams are dropped: their socket was closed before its user was looked up')
        self.assertNotIn('another host', client.log())
        self.assertNotIn(b'early', self.echo.heard)

    def test_any_address(self):
        """The same where it listens on every address."""
        self.forward('allow-uid = root', '0.0.0.0')
        self.assertRefuses(NOBODY)
        self.assertServes(0)

    def test_port_of_another(self):
        """A port that another user has by now is another source."""
        self.forward('allow-uid = root')
        with udp_socket('127.0.0.1') as s:
            port = s.getsockname()[1]
        self.assertTrue(send_as(0, b'hello', ('127.0.0.1', self.port), 20, port))
        send_as(NOBODY, b'', ('127.0.0.1', self.port), count=12)  # a second
        heard = len(self.echo.heard)
        self.assertFalse(send_as(NOBODY, b'strange', ('127.0.0.1', self.port), 3, port))
        self.assertEqual(len(self.echo.heard), heard)

    def test_everybody(self):
        """Without it everybody is served."""
        self.forward('')
        self.assertServes(NOBODY)
