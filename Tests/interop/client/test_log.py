"""What a client logs of a connection that comes to nothing: at debug each with its reason, by default what a person can use,
without the target."""
import os
import socket

from helpers.passwords import HASHES
from helpers.peers import agent
from helpers.peers.target import echo, reset
from helpers.process import free_port
from helpers.scenario import Scenario


class Log(Scenario):
    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()

    def pair(self, *options):
        client = self.client(self.wstan_server, *options)
        self.seen = 0
        return client

    def say(self, client, data, half_close=False):
        """Says it on a connection of its own, and waits for the end."""
        with agent.dial(client.port, timeout=20) as s:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            agent.outcome(s)

    def assertLogs(self, client, pattern, level='debug'):
        client.await_log(r'%s: .*%s' % (level, pattern))


class Targets(Log):
    def test_each_protocol(self):
        """Target and reason are in one line, by each protocol, on fresh tunnels and on pooled ones."""
        for options in ('--pool-size=0',), ():
            client = self.pair('-d', *options)
            for dial in agent.socks5, agent.connect:
                closed = free_port()
                dial(client.port, '127.0.0.1', closed).close()
                self.assertLogs(client, 'target not reached .*target=127.0.0.1:%d' % closed)
                self.assertLogs(client, 'reason="Connection refused"')
            closed = free_port()
            self.say(client, b'GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' % closed)
            self.assertLogs(client, 'target not reached .*target=127.0.0.1:%d' % closed)

    def test_each_cause(self):
        """A name that does not exist, a target that the rules forbid, one that resets, a direct one, and no server."""
        client = self.pair('-d', '--direct=127.0.0.1')
        agent.socks5(client.port, 'nosuch.invalid', 443).close()
        self.assertLogs(client, 'target not reached .*target=nosuch.invalid:443')
        closed = free_port()
        with self.assertRaises(agent.Refused):
            agent.socks5(client.port, '127.0.0.1', closed)
        self.assertLogs(client, 'direct target not reached .*reason=.*refused.*target=127.0.0.1:%d' % closed)
        forbidding = self.client(self.server('--allow-private=no'), '-d')
        agent.socks5(forbidding.port, '127.0.0.1', closed).close()
        self.assertLogs(forbidding, "target not reached .*reason=\"forbidden by the server's allow-private\".*target=127.0.0.1:%d" % closed)
        client = self.pair('-d', '--pool-size=0')

        def break_off(connection):
            connection.recv(1)
            reset(connection)
        rude = self.target(break_off)
        with agent.socks5(client.port, '127.0.0.1', rude.port) as s:
            s.sendall(b'?')
            agent.outcome(s)
        self.assertLogs(client, 'the target reset a connection .*target=127.0.0.1:%d' % rude.port)
        self.wstan_server.kill()
        agent.socks5(client.port, 'other.test', 443).close()
        self.assertLogs(client, 'no tunnel .*reason=.*target=other.test:443')

    def test_by_default(self):
        """A cause is told once a minute, and no target is named."""
        client = self.pair()
        for _ in range(3):
            try:
                with agent.socks5(client.port, '127.0.0.1', free_port()) as s:
                    agent.outcome(s)
            except agent.Refused:
                pass
        with agent.connect(client.port, 'nosuch.invalid', 443) as s:
            agent.outcome(s)
        self.assertLogs(client, 'a target was not reached; log-level debug names it .*reason="the name does not exist"', 'notice')
        self.assertEqual(client.log().count('reason="connection refused"'), 1, client.log())
        self.assertNotRegex(client.log(), 'nosuch|target=')


class UserAgents(Log):
    def test_mistakes(self):
        """TLS to the proxy's port and unknown first bytes leave a line, by default too."""
        for options, level in ('-d', 'debug'), ('--threads=1', 'notice'):
            client = self.pair(options)
            self.say(client, b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + os.urandom(40))
            self.assertLogs(client, 'a user agent was not served.*it speaks TLS', level)
            self.say(client, b'\x00\x01\x02\x03')
            self.assertLogs(client, 'a user agent was not served.*neither SOCKS nor HTTP', level)

    def test_early_ends(self):
        """One that leaves early is told with how far it came."""
        client = self.pair('-d')
        agent.dial(client.port).close()
        self.assertLogs(client, 'a user agent was not served .*it left before it sent anything')
        for part in b'\x05', b'\x05\x01\x00\x05\x01', b'\x04\x01\x00', b'CONNECT host:1 HTTP/1.1\r\n':
            before = client.log().count('it left before its request was complete')
            self.say(client, part, half_close=True)
            client.await_log('(?s)(it left before its request was complete.*){%d}' % (before + 1))

    def test_refusals(self):
        """What a user agent was answered."""
        client = self.pair('-d')
        for request, reason in ((b'\x05\x01\x00\x05\x02\x00' + agent.address('host', 1), '0507 in SOCKS'),
                                (b'\x04\x02\x00\x01\x01\x01\x01\x01\x00', '005b in SOCKS'),
                                (b'CONNECT host HTTP/1.1\r\n\r\n', '400 Bad Request')):
            self.say(client, request)
            self.assertLogs(client, 'a user agent was not served .*answered ' + reason)
        self.say(client, b'GET ftp://host/ HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n')
        self.assertLogs(client, 'a request was refused .*reason=')

    def test_refused_users(self):
        """A user that allow-uid does not name, and a wrong password."""
        client = self.pair('-d', '--allow-uid=%d' % (os.geteuid() + 1))
        for request in b'\x05\x01\x00', b'CONNECT host:1 HTTP/1.1\r\n\r\n':
            before = client.log().count('reason=allow-uid')
            self.say(client, request)
            client.await_log('(?s)(reason=allow-uid.*){%d}' % (before + 1))
        users = os.path.join(self.directory, 'users')
        with open(users, 'w') as f:
            f.write('anna:%s\n' % HASHES['anna'])
        os.chmod(users, 0o600)
        client = self.pair('-d', '--users-file=' + users)
        self.say(client, b'\x05\x01\x02\x01\x01a\x01b')
        self.assertLogs(client, 'a user agent was not served .*answered 0101 in SOCKS')

    def test_good_connections_are_silent(self):
        """One that goes well leaves no line of these."""
        client, target = self.pair('-d'), self.target(echo)
        for dial in agent.socks5, agent.connect:
            with dial(client.port, '127.0.0.1', target.port) as s:
                self.assertTrue(agent.echoes(s, b'hello'))
        said = client.log().partition('debug: connection ')[2]  # what came before only looked whether it listens
        self.assertNotRegex(said, 'not served|not reached|left before|notice: a ')
