"""A server and a client by configuration files, told what to do by wstanctl and over their control sockets."""
import json
import os
import shutil
import socket
import subprocess

from helpers.peers import agent
from helpers.peers.target import echo
from helpers.process import CTL, OURS, free_port
from helpers.scenario import Scenario


class Varlink:
    """A client that says what it is told to, byte for byte."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(path)
        self.rest = b''

    def send(self, message):
        self.socket.sendall((message if isinstance(message, bytes) else json.dumps(message).encode()) + b'\0')

    def receive(self):
        """The next reply; None when the connection was closed."""
        while b'\0' not in self.rest:
            part = self.socket.recv(1 << 16)
            if not part:
                return None
            self.rest += part
        reply, self.rest = self.rest.split(b'\0', 1)
        return json.loads(reply)

    def call(self, method, parameters=None, **header):
        self.send(dict({'method': method, 'parameters': parameters or {}}, **header))
        return self.receive()


class ControlledPair(Scenario):
    """A server and a client by configuration files, each with a control socket; they keep their state."""
    scheme = 'ws'
    control = ''  # more lines of [control]
    prepare = None  # called in a daemon's process before it starts

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.key_path = os.path.join(self.directory, 'key')
        self.state = os.path.join(self.directory, 'state')
        os.mkdir(self.state)
        self.write('key', self.key + '\n')
        os.chmod(self.key_path, 0o600)
        self.port = free_port()
        self.wstan_server = self.daemon('server', 'log-level = info\nstate-directory = ' + self.state, '[server]\nallow-private = yes')
        self.client_port = free_port()
        self.wstan_client = self.daemon('client', '', '[client]\nlisten = 127.0.0.1:%d' % self.client_port)
        self.echo = self.target(echo)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, 'w') as f:
            f.write(text)
        return path

    def configure(self, mode, general, sections):
        return self.write(mode + '.conf', 'mode = %s\nuri = %s://127.0.0.1:%d/\nkey-file = %s\n%s\n%s\n[control]\nsocket = %s\n%s' % (
            mode, self.scheme, self.port, self.key_path, general, sections, self.socket(mode), self.control))

    def socket(self, mode):
        return os.path.join(self.directory, mode + '.sock')

    def daemon(self, mode, general, sections):
        process = self.start(mode, OURS, '--config', self.configure(mode, general, sections), prepare=self.prepare)
        process.await_log('notice: wstand')
        return process

    def ctl(self, *arguments, to='server', status=0, user=None, stdin=None):
        program = CTL
        if user:  # who may not see where it was built
            program = shutil.copy(CTL, self.directory)
        result = subprocess.run([program, *arguments, '--socket', self.socket(to)], capture_output=True, text=True, timeout=20,
                                input=stdin, preexec_fn=user)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stdout + result.stderr

    def status(self, to='server'):
        return json.loads(self.ctl('status', '--json', to=to))

    def connect(self):
        return agent.socks5(self.client_port, '127.0.0.1', self.echo.port)

    def assertConnects(self):
        with self.connect() as s:
            self.assertTrue(agent.echoes(s, os.urandom(1000)))
