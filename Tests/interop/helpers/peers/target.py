"""A target: a TCP server with a thread per connection, whose behaviour is a function that gets the connected socket."""
import hashlib
import socket
import struct
import threading
import time

from helpers.acceptor import Acceptor
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


def slow_download(size, blocks):
    """Answers the first line with `size` bytes, and takes a rest of 0.1 s before each so many blocks."""
    def serve(connection):
        read_line(connection)
        for number, block in enumerate(payload.blocks(size)):
            if number % blocks == 0:
                time.sleep(0.1)
            connection.sendall(block)
    return serve


def reset(connection):
    """Closes with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


class Target:
    def __init__(self, serve=commands, host='127.0.0.1', send_buffer=None, port=0):
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self.host = host
        self.serve = serve
        self.connections = []  # ever accepted
        self.errors = []
        listener = socket.create_server((host, port), family=family, backlog=512)
        if send_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.port = listener.getsockname()[1]
        self.acceptor = Acceptor(listener, self._welcome)

    def _welcome(self, connection):
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
        self.acceptor.close()
        for s in self.connections:
            try:
                s.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
            except OSError:
                pass
            s.close()
