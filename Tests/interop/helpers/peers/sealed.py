"""Tunnels of version 2 by hand, over blocking sockets: either end can send what no end should."""
import base64
import os
import socket
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from helpers.acceptor import Acceptor
from helpers.peers import agent
from helpers.peers.probe import BINARY, CLOSE, frame
from helpers.peers.target import read_exactly
from helpers.waiting import Stuck
from v2.carriers import candidate, load
from v2.handshake import ClientHandshake, ServerHandshake
from v2.keys import from_base64url
from v2.messages import *
from v2.websocket import accept, masked


def now(offset=0.0):
    """Milliseconds since the epoch, wrong by so many seconds."""
    return int((time.time() + offset) * 1000)


def connect_to(target, data=b'', **options):
    """The body of a CONNECT."""
    return Request(options, Address.of('127.0.0.1', target.port), data).pack()


class Opening:
    """A request of a client: a message of choice in M1, and the head in which it rides."""

    def __init__(self, key, kind=NOP, body=b'', offset=0.0, carrier='cookie', **options):
        self.key, self.carrier = key, carrier
        self.handshake = ClientHandshake(key.server, key.user, now(offset), plaintext(kind, body), realm=key.realm,
                                         **options)

    def head(self, m1=None):
        path, more = load(self.carrier, self.key.server, m1 or self.handshake.m1, '/')
        return request_head(path, *more)


def request_head(path='/', *more):
    websocket_key = base64.b64encode(os.urandom(16)).decode()
    fields = [('Host', '127.0.0.1'), ('Upgrade', 'websocket'), ('Connection', 'Upgrade'),
              ('Sec-WebSocket-Version', '13'), ('Sec-WebSocket-Key', websocket_key), *more]
    return '\r\n'.join(['GET %s HTTP/1.1' % path, *map(': '.join, fields), '', '']).encode()


def fields_of(head):
    """The target and the fields of a request, as `candidate` wants them."""
    line, *lines = head.decode('latin-1').split('\r\n')[:-2]
    fields = [(name.lower(), value.strip()) for name, _, value in (each.partition(':') for each in lines)]
    return line.split(' ')[1], fields


def m1_of(head, key):
    """The M1 that rides in a request."""
    return from_base64url(candidate(*fields_of(head), [key.server])[1])


def unbox(m1, key):
    """Key id, time and the client's ephemeral public key, out of the header box of M1."""
    head = AESGCM(key.server.request_keys(m1[:16])[0]).decrypt(bytes(12), m1[16:80], b'')
    return head[:8], int.from_bytes(head[8:16], 'big'), head[16:]


def frames(data):
    """The payloads of the whole frames in what was recorded of one direction."""
    found = []
    while len(data) > 1:
        size, at = data[1] & 0x7f, 2
        if size > 125:
            at = 4 if size == 126 else 10
            size = int.from_bytes(data[2:at], 'big')
        masks = bool(data[1] & 0x80)
        mask, at = data[at:at + 4 * masks], at + 4 * masks
        if len(data) < at + size:
            break
        found.append(masked(data[at:at + size], mask) if masks else data[at:at + size])
        data = data[at + size:]
    return found


class SealedTunnel:
    """One end of a tunnel."""

    def __init__(self, s, records=None, masks=True):
        self.socket, self.records, self.masks = s, records, masks
        s.settimeout(10)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def open(cls, port, opening):
        """A client's, once the server has proven itself."""
        tunnel = cls(socket.create_connection(('127.0.0.1', port), 5))
        tunnel.socket.sendall(opening.head())
        answer = agent.read_head(tunnel.socket)
        if not answer.startswith(b'HTTP/1.1 101 '):
            tunnel.close()
            raise AssertionError('the server did not accept the request: %r' % answer[:300])
        tunnel.m2 = tunnel.read_frame()[1]
        tunnel.records, tunnel.answer = opening.handshake.finish(tunnel.m2)
        return tunnel

    def send(self, kind, body=b'', padding=None):
        self.send_record(self.records.seal(plaintext(kind, body, padding)))

    def send_record(self, record, opcode=BINARY, **options):
        self.socket.sendall(frame(opcode, record, masked=self.masks, **options))

    def read_frame(self):
        """Opcode and payload of the next frame."""
        first, second = read_exactly(self.socket, 2)
        size = second & 0x7f
        if size > 125:
            size = int.from_bytes(read_exactly(self.socket, 2 if size == 126 else 8), 'big')
        mask = read_exactly(self.socket, 4) if second & 0x80 else b''
        data = read_exactly(self.socket, size)
        return first & 15, masked(data, mask) if mask else data

    def read(self):
        """Type and body of the next message that is no NOP; PINGs and REKEYs are dealt with."""
        while True:
            opcode, record = self.read_frame()
            if opcode != BINARY:
                raise AssertionError('instead of a record came a frame with opcode %d: %r' % (opcode, record))
            kind, body = read_message(self.records.open(record))
            if kind == PING:
                self.send(PONG, body)
            elif kind not in (NOP, REKEY):
                return kind, body

    def expect(self, kind):
        """The body of the next message, which has to be of this type."""
        read, body = self.read()
        if read != kind:
            raise AssertionError('instead of %s came %s %r' % (NAMES[kind], NAMES.get(read, read), body[:100]))
        return body

    def expect_data(self, count):
        """So many bytes of DATA."""
        data = b''
        while len(data) < count:
            data += self.expect(DATA)
        return data

    def expect_reset(self):
        """The connection's number and the code."""
        return tuple(self.expect(RESET)[:2])

    def ping(self):
        """Whether the peer lives: it answers, whatever comes before."""
        token = os.urandom(8)
        self.send(PING, token)
        while (message := self.read()) != (PONG, token):
            if message[0] == PONG:
                raise AssertionError('a PONG of another PING')
        return True

    def ending(self):
        """How the peer ends it, whatever comes before: the code of a WebSocket close, or 'dropped'."""
        try:
            while True:
                opcode, data = self.read_frame()
                if opcode == CLOSE:
                    return int.from_bytes(data[:2], 'big')
        except (EOFError, ConnectionError):
            return 'dropped'
        except TimeoutError:
            raise Stuck('the tunnel was not closed') from None

    def close(self):
        self.socket.close()


class SealedServer:
    """A server by hand. `serve(tunnel, kind, body)` gets each tunnel and the message of its M1."""

    def __init__(self, key, serve):
        self.key, self.serve = key, serve
        self.handshake = ServerHandshake([key.server], [key.user], key.realm)
        self.heads = []
        listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.port = listener.getsockname()[1]
        self.acceptor = Acceptor(listener, self._welcome, threads=True)

    def _welcome(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                head = agent.read_head(connection)
                self.heads.append(head)
                self._answer(connection, head)
            except (OSError, EOFError, InvalidTag, Violation):
                pass

    def _answer(self, connection, head):
        accepted = self.handshake.read(m1_of(head, self.key), now())
        m2, records = accepted.answer(now())
        upgrade(connection, head, m2)
        self.serve(SealedTunnel(connection, records, masks=False), accepted.kind, accepted.body)

    def close(self):
        self.acceptor.close()


class Impostor(SealedServer):
    """A server that answers M1 with what `forge(m1)` says, and keeps the connection; None: a 101 and the end."""

    def __init__(self, key, forge):
        super().__init__(key, None)
        self.forge = forge

    def _answer(self, connection, head):
        answer = self.forge(m1_of(head, self.key))
        upgrade(connection, head, answer)
        while answer and connection.recv(1 << 16):
            pass


def upgrade(connection, head, m2):
    """Sends the 101 with M2 behind it, if there is one."""
    key = dict(fields_of(head)[1])['sec-websocket-key']
    fields = 'Connection: upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Accept: ' + accept(key)
    connection.sendall('\r\n'.join(['HTTP/1.1 101 Switching Protocols', *fields, '', '']).encode()
                       + (frame(BINARY, m2, masked=False) if m2 else b''))
