"""Scenarios of version 2: each end is one of our daemons, or the independent peer of Tests/v2."""
import os
import subprocess
import sys

from helpers.process import CTL, OURS, free_port
from helpers.scenario import TARGETS_HERE, Scenario
from v2 import keys
from v2.keys import KeyString, key_string

PEER = (sys.executable, '-m', 'v2.peer')


def shared_key(realm=b'', secret=None):
    """A key string for both ends."""
    return key_string(keys.SHARED, secret or os.urandom(32), realm)


def client_string(key):
    """What a client is given of a string for both ends: with it, it cannot play the server."""
    held = KeyString(key)
    return key_string(keys.CLIENT, held.server.public + held.user.secret, held.realm)


class DeviceKeys:
    """The strings of a server and of a client of it, which cannot play the server."""

    def __init__(self):
        private, secret = os.urandom(32), os.urandom(32)
        self.server = key_string(keys.SERVER, private)
        self.client = key_string(keys.CLIENT, keys.public_of(private) + secret)


class Version2(Scenario):
    """`CLIENT` and `SERVER` are OURS or PEER. A fault or a cipher can be ordered of a peer only."""
    CLIENT = SERVER = OURS
    CLIENT_PREFIX = ()  # what our client is started by

    def setUp(self):
        super().setUp()
        self.key = shared_key()

    @property
    def raw_key(self):
        return KeyString(self.key)

    def server(self, *options, key=None, port=None, program=None, **orders):
        """`orders` are the peer's options by name. A `program` that speaks version 1 only is started as ever."""
        program = program or self.SERVER
        if program not in (OURS, PEER):
            return super().server(*options, key=key, port=port, program=program)
        port = port or free_port()
        if program is PEER:
            process = self._peer('server', port, key, options, orders)
        else:
            self.assertEqual(orders, {}, 'ours takes no orders')
            file = self._configuration('server', port, key)
            process = self.start('server', OURS, '--config', file, TARGETS_HERE, '--log-level=info', *options)
            process.configuration = file
        process.port = port
        process.await_port(port)
        return process

    def client(self, server, *options, key=None, program=None, carrier='cookie', early=False, **orders):
        """A client of `server`, which is anything with a port. `early`: user agents are told of success at once."""
        program = program or self.CLIENT
        if program not in (OURS, PEER):
            return super().client(server, *options, key=key, program=program)
        port = free_port()
        if program is PEER:
            if early:
                options += '--early',
            options += '--uri', 'ws://127.0.0.1:%d/' % server.port, '--carrier', carrier
            process = self._peer('client', port, key, options, orders)
        else:
            self.assertEqual(orders, {}, 'ours takes no orders')
            file = self._configuration('client', server.port, key)
            ahead = () if self.OPENS_AHEAD else ('--pool-min=0',)
            process = self.start('client', [*self.CLIENT_PREFIX, OURS], '--config', file,
                                 '--listen=127.0.0.1:%d' % port, '--carrier=' + carrier,
                                 '--early-reply=' + ('yes' if early else 'no'), *ahead, *options)
            process.configuration = file
        process.port = port
        process.await_port(port)
        return process

    def _peer(self, role, port, key, options, orders):
        ordered = [part for name, value in orders.items() for part in ('--' + name, value)]
        place = '127.0.0.1:%d' % port
        return self.start(role, PEER, role, '--listen', place, '--key', key or self.key, *options, *ordered)

    def _configuration(self, mode, port, key):
        """A file, with a control socket beside it."""
        path = os.path.join(self.directory, '%s%d.conf' % (mode, len(self.processes)))
        key = key or self.key
        if mode == 'client' and key.startswith(keys.PREFIX):
            key = client_string(key)
        with open(path, 'w') as file:
            os.chmod(path, 0o600)
            file.write('mode = %s\nuri = ws://127.0.0.1:%d/\nkey = %s\n[control]\nsocket = %s.sock\n' % (
                mode, port, key, path))
        return path

    def ctl(self, daemon, *arguments, stdin=None):
        """What wstanctl prints, asked of one of our daemons."""
        command = [CTL, *arguments, '--socket', daemon.configuration + '.sock']
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


class Version2Pair(Version2):
    """A pair with a forwarder in between and a target that does what it is told to. The client opens nothing ahead."""
    OPENS_AHEAD = False

    def setUp(self):
        super().setUp()
        self.commanded = self.target()

    def pair(self, *options, server={}, **orders):
        """The client's options and orders; `server` has those of the server."""
        self.wstan_server = self.server(**server)
        self.between = self.forwarder(self.wstan_server)
        self.wstan_client = self.client(self.between, *options, **orders)
        return self.wstan_client
