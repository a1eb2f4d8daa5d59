"""A target: a TCP server with a thread per connection, whose behaviour is a function that gets the connected socket."""
import hashlib
import socket
import struct
import threading

from helpers.peers import payload


def read_line(connection, limit=4096):
    line = b''
    while not line.endswith(b'\n'):
        byte = connection.recv(1)
        if not byte or len(line) > limit:
            return None
        line += byte
    return line.decode().strip()


def read_exactly(connection, count):
    parts = []
    while count:
        part = connection.recv(min(count, 1 << 18))
        if not part:
            raise EOFError('the end came %d bytes too early' % count)
        parts.append(part)
        count -= len(part)
    return b''.join(parts)


def read_to_end(connection):
    """(count, SHA-256) of all bytes up to the end."""
    digest, count = hashlib.sha256(), 0
    while True:
        part = connection.recv(1 << 18)
        if not part:
            return count, digest.hexdigest()
        digest.update(part)
        count += len(part)


def echo(connection):
    while True:
        part = connection.recv(1 << 16)
        if not part:
            return
        connection.sendall(part)


def commands(connection):
    """Does what the first line says: `down SIZE`, `up SIZE` (answers the sum), `echo`."""
    words = (read_line(connection) or '').split()
    if words[:1] == ['down']:
        for block in payload.blocks(int(words[1])):
            connection.sendall(block)
    elif words[:1] == ['up']:
        digest, left = hashlib.sha256(), int(words[1])
        while left:
            part = connection.recv(min(left, 1 << 18))
            if not part:
                return
            digest.update(part)
            left -= len(part)
        connection.sendall(digest.hexdigest().encode() + b'\n')
    elif words[:1] == ['echo']:
        echo(connection)


def reset(connection):
    """Closes with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


class Target:
    def __init__(self, serve=commands, host='127.0.0.1', send_buffer=None):
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self.host = host
        self.serve = serve
        self.connections = []  # ever accepted
        self.errors = []
        self.listener = socket.create_server((host, 0), family=family, backlog=512)
        if send_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(120)
            self.connections.append(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            self.serve(connection)
        except (OSError, EOFError) as error:
            self.errors.append(error)
        finally:
            connection.close()

    def close(self):
        for s in [self.listener] + self.connections:
            try:
                s.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
            except OSError:
                pass
            s.close()
