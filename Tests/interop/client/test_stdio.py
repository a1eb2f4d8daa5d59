"""wstand --stdio HOST PORT: stdin and stdout joined with a target, through a client that runs."""
import hashlib
import os
import pty
import signal
import socket
import subprocess
import threading
from types import SimpleNamespace

from helpers.configured import ConfiguredClient
from helpers.passwords import HASHES, PASSWORD
from helpers.peers import payload
from helpers.peers.target import echo, read_exactly
from helpers.process import MB, OURS, free_port
from programs import test_tools


class Stdio(ConfiguredClient):
    """The program, with pipes, files and terminals for its streams."""

    def setUp(self):
        super().setUp()
        self.wstan_client = self.client_with()

    def stdio(self, port, host='127.0.0.1', via=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, environment={}, **options):
        via = via or ['-p', str(self.wstan_client.port)]
        process = subprocess.Popen([OURS, *via, '--stdio', host, str(port)], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                   env=dict(os.environ, **environment), **options)
        self.addCleanup(self.finish, process)
        return process

    def finish(self, process):
        process.kill()
        process.communicate()

    def assertEnds(self, process, status, words=''):
        errors = process.communicate(timeout=20)[1].decode()
        self.assertEqual(process.returncode, status, errors)
        if words:
            self.assertRegex(errors, words)
        else:
            self.assertEqual(errors, '')

    def file(self, size):
        path = self.path('file%d' % size)
        with open(path, 'wb') as f:
            for block in payload.blocks(size):
                f.write(block)
        return path

    def test_pipes(self):
        """What goes in comes out of an echo, piece by piece, and the end of stdin does not end the answer."""
        def serve(connection):
            connection.sendall(read_exactly(connection, 5))
            connection.sendall(read_exactly(connection, 5))
            # Version 1 cannot tell the target that nothing more comes.
        process = self.stdio(self.target(serve).port)
        for word in b'hello', b'again':
            process.stdin.write(word)
            process.stdin.flush()
            self.assertEqual(process.stdout.read(5), word)
        self.assertEnds(process, 0)

    def test_file_up(self):
        """stdin from a file, 50 MB, and the target's sum on stdout."""
        size = 50 * MB

        def serve(connection):
            digest, left = hashlib.sha256(), size
            while left:
                part = connection.recv(min(left, 1 << 18))
                digest.update(part)
                left -= len(part)
            connection.sendall(digest.hexdigest().encode())
        with open(self.file(size), 'rb') as f:
            process = self.stdio(self.target(serve).port, stdin=f)
            out, errors = process.communicate(timeout=40)
        self.assertEqual((process.returncode, out.decode(), errors), (0, payload.sum_of(size), b''))

    def test_file_down(self):
        """stdout into a file, 50 MB; stdin is /dev/null."""
        size = 50 * MB

        def serve(connection):
            for block in payload.blocks(size):
                connection.sendall(block)
        with open(self.path('got'), 'wb') as f:
            self.assertEnds(self.stdio(self.target(serve).port, stdin=subprocess.DEVNULL, stdout=f), 0)
        with open(self.path('got'), 'rb') as got:
            self.assertEqual(hashlib.sha256(got.read()).hexdigest(), payload.sum_of(size))

    def test_socket(self):
        """One socket for stdin and stdout, as ssh can have it, 20 MB there and back at once."""
        ours, its = socket.socketpair()
        self.stdio(self.target(echo).port, stdin=its, stdout=its)
        its.close()
        size = 20 * MB

        def send():
            for block in payload.blocks(size):
                ours.sendall(block)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        digest, left = hashlib.sha256(), size
        while left:
            part = ours.recv(min(left, 1 << 18))
            self.assertTrue(part)
            digest.update(part)
            left -= len(part)
        sender.join(10)
        self.assertEqual(digest.hexdigest(), payload.sum_of(size))
        ours.close()

    def test_terminal(self):
        """A terminal keeps its flags, for the shell has it too; Ctrl-C ends the program."""
        leader, its = pty.openpty()
        self.addCleanup(os.close, leader)
        flags = os.get_blocking(its)

        def own_session():
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job has it ignored
        process = self.stdio(self.target(echo).port, stdin=its, stdout=its, preexec_fn=own_session)
        os.write(leader, b'hello\n')
        seen = b''
        while seen.count(b'hello') < 2:  # the terminal's own echo, and the target's
            seen += os.read(leader, 1000)
        self.assertEqual(os.get_blocking(its), flags)
        os.close(its)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(5), -signal.SIGINT)

    def test_non_blocking(self):
        """A pipe that somebody made non-blocking is waited for, and stays so."""
        read, write = os.pipe()
        os.set_blocking(read, False)
        process = self.stdio(self.target(echo).port, stdin=read)
        os.write(write, b'hello')
        self.assertEqual(process.stdout.read(5), b'hello')
        self.assertFalse(os.get_blocking(read))
        os.close(read)
        os.close(write)

    def test_last_bytes(self):
        """What is said in one breath reaches the target, though nobody waits for an answer."""
        received = []
        target = self.target(lambda connection: received.append(read_exactly(connection, 5)))
        process = self.stdio(target.port)
        process.stdin.write(b'hello')
        self.assertEnds(process, 0)
        self.assertEqual(received, [b'hello'])

    def test_reader_leaves(self):
        """When nobody reads its stdout any more it ends, with status 1 and without a word."""
        def serve(connection):
            while True:
                connection.sendall(bytes(1 << 16))
        process = self.stdio(self.target(serve).port)
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.wait(10), 1)
        self.assertEqual(process.stderr.read(), b'')

    def test_places(self):
        """The client by a Unix socket and by IPv6, and by the file that the client itself reads."""
        path, port = self.path('socket'), free_port()
        self.client_with(listen='unix:%s, [::1]:%d' % (path, port))
        target = self.target(lambda connection: connection.sendall(b'hello'))
        file = self.path('both.conf')
        with open(file, 'w') as f:
            f.write('[client]\nlisten = 127.0.0.1:%d, unix:%s\n' % (free_port(), path))
        for via in ['--listen=unix:' + path], ['--listen=[::1]:%d' % port], ['--config', file]:
            out, _ = (process := self.stdio(target.port, via=via)).communicate(timeout=10)
            self.assertEqual((process.returncode, out), (0, b'hello'), via)

    # When it fails.

    def test_no_client(self):
        """Without a client: status 69, and what to do."""
        port = free_port()
        self.assertEnds(self.stdio(1, via=['-p', str(port)]), 69,
                        'no wstan client listens on localhost:%d: start one, or name it with -p' % port)
        self.assertEnds(self.stdio(1, via=['--listen=unix:/nowhere/socket']), 69, 'listens on unix:/nowhere/socket: start')

    def test_no_target(self):
        """A target that is not reached: status 1, and the cause, whether stdin is open or at its end."""
        for stdin in self.open_pipe(), subprocess.DEVNULL:
            self.assertEnds(self.stdio(free_port(), stdin=stdin), 1, r'cannot connect to 127\.0\.0\.1:\d+\. 127\.0\.0\.1 refuses')
            self.assertEnds(self.stdio(1, 'nowhere.invalid', stdin=stdin), 1, r'cannot connect to nowhere\.invalid:1\. nowhere\.invalid does not exist')

    def test_no_target_whatever_the_client_grants(self):
        """It is so with early-reply = yes and no, too; and the target's words come through."""
        for value in 'yes', 'no':
            via = ['-p', str(self.client_with('early-reply = ' + value).port)]
            self.assertEnds(self.stdio(free_port(), via=via), 1, 'cannot connect to 127.0.0.1:.*refuses')
            process = self.stdio(self.target(lambda connection: connection.sendall(b'hello')).port, via=via)
            self.assertEqual(process.communicate(timeout=10)[0], b'hello')

    def test_forbidden_target(self):
        """A target that the server's rules forbid is called forbidden."""
        strict = self.server('--allow-private=no')
        via = ['-p', str(self.client_with(server=strict).port)]
        for stdin in self.open_pipe(), subprocess.DEVNULL:
            self.assertEnds(self.stdio(self.target(echo).port, via=via, stdin=stdin), 1, 'cannot connect to .*: forbidden.*allow-private')

    def test_no_server(self):
        """A server that is not reached is told as such."""
        via = ['-p', str(self.client_with(server=SimpleNamespace(port=free_port())).port)]
        self.assertEnds(self.stdio(1, via=via, stdin=self.open_pipe()), 1, 'The server cannot be reached.*Connection refused')

    def test_older_client(self):
        """A client that grants at once and then hangs up: status 1, and a word that the target may not have been reached."""
        def serve(connection):
            while b'\r\n\r\n' not in connection.recv(1000):
                pass
            connection.sendall(b'HTTP/1.1 200 Connection Established\r\n\r\n')
        older = self.target(serve)
        self.assertEnds(self.stdio(1, via=['-p', str(older.port), '-a', '127.0.0.1'], stdin=self.open_pipe()), 1,
                        "without sending anything.*client's log")

    def open_pipe(self):
        """Somebody who says nothing."""
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        self.addCleanup(os.close, read)
        return read

    def test_no_proxy(self):
        """What answers is something else, a web server or a mail server: status 1."""
        for answer in (b'HTTP/1.1 400 Bad Request\r\n\r\n', b'220 mail.test ESMTP\r\n', b'SSH-2.0-x\r\n', b'',
                       b'HTTP/1.1 405 Not Allowed\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nsee?'):
            self.assertNoClient(answer)

    def assertNoClient(self, answer):
        def serve(connection):
            connection.recv(1000)
            connection.sendall(answer)
        target = self.target(serve)
        self.assertEnds(self.stdio(1, via=['-p', str(target.port), '-a', '127.0.0.1']), 1, 'is not a wstan client')

    def test_usage(self):
        """A wrong command line, or variable: status 64."""
        for words in ['--stdio', 'host'], ['--stdio', 'host', 'port'], ['--stdio', 'host', '0']:
            done = subprocess.run([OURS, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
            self.assertEqual(done.returncode, 64, words)
        self.assertEnds(self.stdio(1, environment={'WSTAN_PROXY_AUTH': 'nobody'}), 64, 'WSTAN_PROXY_AUTH is not user:password')

    def test_password(self):
        """A client with users: the variable holds what it wants, and without it the words say so."""
        users = self.path('users')
        with open(users, 'w') as f:
            f.write('anna:%s\n' % HASHES['anna'])
        os.chmod(users, 0o600)
        via = ['-p', str(self.client_with('users-file = ' + users).port)]
        target = self.target(lambda connection: connection.sendall(b'hello'))
        self.assertEnds(self.stdio(target.port, via=via), 1, 'requires a user and a password: put user:password into WSTAN_PROXY_AUTH')
        self.assertEnds(self.stdio(target.port, via=via, environment={'WSTAN_PROXY_AUTH': 'anna:wrong'}), 1, 'does not accept')
        process = self.stdio(target.port, via=via, environment={'WSTAN_PROXY_AUTH': 'anna:' + PASSWORD})
        self.assertEqual(process.communicate(timeout=10)[0], b'hello')


class StdioForSSH(test_tools.SecureShell):
    """A real ssh with `-o ProxyCommand='wstand --stdio %h %p'`."""

    def ssh(self, _=None):
        command = "%s -p %d --stdio %%h %%p" % (OURS, self.wstan_client.port)
        return ['ssh', '-F', 'none', '-o', 'ProxyCommand=' + command, '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no',
                '-o', 'UserKnownHostsFile=/dev/null', '-i', self.user_key, '-p', str(self.port)]

    def test_command(self):
        """Runs a command and gets a few megabytes."""
        self.assertEqual(self.tool(*self.ssh(), 'localhost', 'head -c 30000000 /dev/zero'), bytes(30000000))

    def test_input(self):
        """Sends a file to a command, and gets its status."""
        path = self.put('file', 20 * MB)
        with open(path, 'rb') as f:
            done = subprocess.run([*self.ssh(), 'localhost', 'sha256sum; exit 7'], stdin=f, capture_output=True, timeout=30,
                                  env=dict(os.environ, HOME=self.directory))
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertEqual(done.stdout.split()[0].decode(), payload.sum_of(20 * MB))
