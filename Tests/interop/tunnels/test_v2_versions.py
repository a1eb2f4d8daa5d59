"""Both versions side by side (docs/protocol-v2.md section 10): one listener for both, and no falling back from either.

The Python wstan, 0.5.1 and 0.4.1, speaks version 1 and stands at either end.
"""
import json
import os
import subprocess
import unittest

from helpers.peers import agent, payload, probe, wire
from helpers.process import CTL, MB, OURS, THEIRS, free_port
from helpers.scenario import Scenario, binary_key
from helpers.version2 import PEER, Version2, shared_key

OLD = os.environ.get('THEIRS_OLD')
SIZE = 2 * MB
SUM = payload.sum_of(SIZE)


class Versions(Version2):
    """A server of ours with a key of each version, the former in its ring."""
    def setUp(self):
        super().setUp()
        self.former_key = binary_key()
        self.commanded = self.target()
        self.wstan_server = self.server()
        self.ctl(self.wstan_server, 'add-key', 'former', '--key-file', '-', stdin=self.former_key + '\n')

    def former_client(self, server, program=OURS):
        """A client of version 1."""
        if program is not OLD:
            return Scenario.client(self, server, program=program, key=self.former_key)
        if not OLD:
            raise unittest.SkipTest('wstan 0.4.1 needs a Python 3.7 to 3.10: on the PATH, or from pyenv')
        port = free_port()
        client = self.start('client', OLD, 'ws://127.0.0.1:%d' % server.port, self.former_key, '-p', port)
        client.port = port
        client.await_port(port)
        return client

    def connect(self, client):
        return self.keep(agent.socks5(client.port, '127.0.0.1', self.commanded.port))

    def assertCarries(self, *clients):
        """Each of them, with a connection open on all of them at once."""
        opened = [self.connect(client) for client in clients]
        for s in opened:
            s.sendall(b'echo\n')
        for _ in range(2):
            for s in opened:
                self.assertTrue(agent.echoes(s, os.urandom(5000)))
        for client in clients:
            self.assertEqual(agent.download(self.connect(client), SIZE), (SIZE, SUM))
            self.assertEqual(agent.upload(self.connect(client), SIZE), SUM)

    def assertCarriesNothing(self, client):
        served = len(self.commanded.connections)
        try:
            with self.connect(client) as s:
                s.sendall(b'echo\n')
                self.assertIn(agent.outcome(s), ('end', 'reset'))
        except agent.Refused:
            pass
        self.assertEqual(len(self.commanded.connections), served)


class OneListener(Versions):
    def test_ours_and_the_peer(self):
        """Our clients of both versions, and the peer, on one listener at once."""
        self.assertCarries(self.client(self.wstan_server), self.former_client(self.wstan_server),
                           self.client(self.wstan_server, program=PEER))

    def test_python(self):
        """Python's client, 0.5.1, beside one of version 2."""
        former = self.former_client(self.wstan_server, THEIRS)
        self.assertCarries(former, self.client(self.wstan_server, carrier='path'))

    def test_old_python(self):
        """Python's client, 0.4.1, beside one of version 2."""
        self.assertCarries(self.former_client(self.wstan_server, OLD), self.client(self.wstan_server))

    def test_python_at_both_ends(self):
        """A client of ours at Python's server, while another one and Python's client are at ours."""
        theirs = Scenario.server(self, program=THEIRS, key=self.former_key)
        self.assertCarries(self.former_client(theirs), self.client(self.wstan_server),
                           self.former_client(self.wstan_server, THEIRS))

    def test_refusals(self):
        """Requests of version 1 with another key, or too old, are answered as any other request."""
        decoy = probe.exchange(self.wstan_server.port, b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
        body = wire.request_body('127.0.0.1', self.commanded.port)
        old = wire.request_body('127.0.0.1', self.commanded.port, when=0)
        stranger = wire.Opening(wire.key_bytes(binary_key()), body)
        late = wire.Opening(wire.key_bytes(self.former_key), old)
        for opening in stranger, late:
            answer = probe.exchange(self.wstan_server.port, opening.head())
            self.assertEqual((answer.masked, answer.closed), (decoy.masked, decoy.closed))
        self.assertEqual(self.commanded.connections, [])

    def test_retired(self):
        """A version 1 key that is retired ends version 1, and version 2 goes on."""
        former = self.former_client(self.wstan_server, THEIRS)
        self.assertCarries(former)
        self.ctl(self.wstan_server, 'retire-key', 'former', '--close')
        self.assertCarriesNothing(self.former_client(self.wstan_server, THEIRS))
        self.assertCarries(self.client(self.wstan_server))


class Reloaded(Versions):
    def test_key_of_version_1(self):
        """Where the configuration has a key of version 1 after a reload, what runs goes on, and nothing new is let in."""
        client = self.client(self.wstan_server, '--pool-min=0')
        kept = self.connect(client)
        kept.sendall(b'echo\n')
        self.assertTrue(agent.echoes(kept, b'before'))
        with open(self.wstan_server.configuration) as file:
            text = file.read()
        with open(self.wstan_server.configuration, 'w') as file:
            file.write(text.replace(self.key, binary_key()))
        self.ctl(self.wstan_server, 'reload')
        self.assertTrue(agent.echoes(kept, b'after'))
        self.assertCarriesNothing(client)
        self.assertTrue(agent.echoes(kept, b'and still'))
        self.assertCarries(self.former_client(self.wstan_server))


class OnlyVersion2(Versions):
    def setUp(self):
        """The key of version 1 was added before."""
        super().setUp()
        with open(self.wstan_server.configuration, 'a') as f:
            f.write('[server]\naccept-v1 = no\n')
        self.ctl(self.wstan_server, 'reload')

    def test_added_keys(self):
        """A key of version 1 is not made, and without a word one of version 2 is."""
        self.assertIn('"wstan2:', self.ctl(self.wstan_server, 'add-key', 'phone', '--json'))
        with self.assertRaises(AssertionError) as refusal:
            self.ctl(self.wstan_server, 'add-key', 'tablet', '--v1')
        self.assertIn('does not accept version 1', str(refusal.exception))

    def told(self, *arguments, status=0):
        """All that wstanctl says, in one line."""
        command = [CTL, *arguments, '--socket', self.wstan_server.configuration + '.sock']
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, status, done.stdout)
        return ' '.join(done.stdout.split())

    def test_refused_keys(self):
        """That a live key is refused is told wherever one looks, by its name, until it is retired."""
        warning = 'accept-v1 = no refuses keys of version 1 (former): set accept-v1 = yes until '
        asked = [('reload',), ('reload', '--dry-run'), ('check-config',), ('status',)]
        for arguments in asked:
            self.assertIn(warning, self.told(*arguments), arguments)
        self.assertIn('WARNING - ' + warning, self.told('check', status=1))
        self.wstan_server.await_log(r'accept-v1 = no refuses keys of version 1 \(former\)')
        keys = {key['name']: key for key in map(json.loads, self.ctl(self.wstan_server, 'keys', '--json').splitlines())}
        self.assertEqual([(name, key.get('refusedBy')) for name, key in keys.items()],
                         [('(server)', None), ('default', None), ('former', 'accept-v1 = no')])
        self.assertRegex(self.told('keys'), r'former v1 \S+ refused: accept-v1 = no state')
        self.assertRegex(self.told('client-config', '--key', 'former'), 'warning: this server does not accept version 1 .* makes one of version 2$')
        self.assertNotIn('warning', self.told('client-config'))
        self.assertIn('so no client can connect', self.told('retire-key', 'default'))
        self.assertIn('CRITICAL - accept-v1 = no refuses every key (former), so no client can connect: ', self.told('check', status=2))
        self.ctl(self.wstan_server, 'add-key', 'laptop')
        self.ctl(self.wstan_server, 'retire-key', 'former')
        for arguments in asked:
            self.assertNotIn('refuses', self.told(*arguments), arguments)
        self.told('check')

    def test_python(self):
        """Clients of version 1 are refused although their key is live."""
        self.assertCarriesNothing(self.former_client(self.wstan_server, THEIRS))
        self.assertCarriesNothing(self.former_client(self.wstan_server))
        self.assertCarries(self.client(self.wstan_server))


class NoFallback(Versions):
    def test_client_of_version_2(self):
        """A client of version 2 at a server that knows version 1 only sends nothing of version 1."""
        for program in OURS, THEIRS:
            with self.subTest(program):
                between = self.forwarder(Scenario.server(self, program=program, key=self.former_key))
                self.assertCarriesNothing(self.client(between))
                for head in between.heads():
                    self.assertTrue(head.startswith(b'GET / HTTP/1.1\r\n'), head)
                    self.assertIn(b'\r\nCookie: ', head)

    def test_client_of_version_1(self):
        """A client of version 1 at the peer, which knows version 2 only, sends nothing of version 2."""
        between = self.forwarder(self.server(program=PEER))
        self.assertCarriesNothing(self.former_client(between))
        for head in between.heads():
            self.assertNotIn(b'\r\nCookie: ', head)

    def test_another_key(self):
        """A client with another key of version 2 is refused, and does not try version 1's."""
        between = self.forwarder(self.wstan_server)
        self.assertCarriesNothing(self.client(between, key=shared_key()))
        for head in between.heads():
            self.assertTrue(head.startswith(b'GET / HTTP/1.1\r\n'), head)
