"""A hand-made client of a wstan server: it can send what no client should."""
import base64
import os
import re
import socket
import struct

from helpers.peers import wire
from helpers.peers.target import read_exactly
from helpers.waiting import Stuck

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b'', final=True, masked=True, reserved=0):
    first = (0x80 if final else 0) | reserved << 4 | opcode
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = struct.pack('>BB', first, bit | len(payload))
    elif len(payload) < 1 << 16:
        head = struct.pack('>BBH', first, bit | 126, len(payload))
    else:
        head = struct.pack('>BBQ', first, bit | 127, len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    stream = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return head + mask + (int.from_bytes(payload, 'big') ^ int.from_bytes(stream, 'big')).to_bytes(len(payload), 'big')


class Answer:
    """A plain HTTP answer and whether the connection was closed behind it."""

    def __init__(self, raw, closed):
        self.raw, self.closed = raw, closed

    @property
    def status(self):
        return int(self.raw.split(b' ', 2)[1])

    @property
    def masked(self):
        """All of it but the date."""
        return re.sub(rb'(?im)^(date:)[^\r\n]*', rb'\1 -', self.raw)

    def field(self, name):
        found = re.search(rb'(?im)^' + name.encode() + rb':[ \t]*([^\r\n]*)', self.raw)
        return found and found.group(1).decode()


def read_answer(s, within=5.0):
    """Reads a whole answer with a Content-Length; then sees whether the end follows it."""
    s.settimeout(within)
    raw = b''
    try:
        while b'\r\n\r\n' not in raw:
            part = s.recv(1 << 16)
            if not part:
                return Answer(raw, True)
            raw += part
        head, _, body = raw.partition(b'\r\n\r\n')
        length = re.search(rb'(?im)^content-length:[ \t]*(\d+)', head)
        while length and len(body) < int(length.group(1)):
            part = s.recv(1 << 16)
            if not part:
                return Answer(raw, True)
            body += part
            raw += part
    except ConnectionError:
        return Answer(raw, True)
    except TimeoutError:
        raise Stuck('no whole answer within %.1f s, only %r' % (within, raw[:500])) from None
    s.settimeout(0.5)
    try:
        while part := s.recv(1 << 16):
            raw += part
        return Answer(raw, True)
    except TimeoutError:
        return Answer(raw, False)
    except ConnectionError:
        return Answer(raw, True)


def reach(port):
    return socket.create_connection(('127.0.0.1', port), 5)


def exchange(port, data, within=5.0, reach=reach):
    """Sends `data` and reads the answer. A server may answer, and close, before it has read all of it."""
    with reach(port) as s:
        try:
            s.sendall(data)
        except ConnectionError:
            pass
        return read_answer(s, within)


class Tunnel:
    """An open tunnel, messages and frames by hand."""

    def __init__(self, port, opening, head=None, reach=reach):
        self.socket = reach(port)
        self.socket.settimeout(10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.out = opening.half
        self.socket.sendall(head or opening.head())
        answer = b''
        while not answer.endswith(b'\r\n\r\n'):
            byte = self.socket.recv(1)
            if not byte:
                break
            answer += byte
        if not answer.startswith(b'HTTP/1.1 101 '):
            self.close()
            raise AssertionError('the server did not accept the request: %r' % answer[:300])
        digest = wire.accept_digest(opening.websocket_key)
        accept = re.search(rb'(?im)^sec-websocket-accept:[ \t]*(\S+)', answer)
        if not accept or base64.b64decode(accept.group(1)) != digest:
            self.close()
            raise AssertionError('wrong Sec-WebSocket-Accept in %r' % answer)
        self.into = wire.Half(opening.half.key, digest[:16])
        if opening.half.stream is wire.NoCipher:
            self.into.stream = wire.NoCipher

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, body):
        """Sends a wstan message."""
        self.send_raw(frame(BINARY, self.out.seal(body, mac=body[0] in (wire.REQ, wire.RST))))

    def read_frame(self):
        first, second = read_exactly(self.socket, 2)
        if second & 0x80:
            raise AssertionError('a masked frame from the server')
        if first & 0x70:
            raise AssertionError('reserved bits in a frame from the server')
        length = second & 0x7f
        if length == 126:
            length = struct.unpack('>H', read_exactly(self.socket, 2))[0]
        elif length == 127:
            length = struct.unpack('>Q', read_exactly(self.socket, 8))[0]
        return first & 0x0f, bool(first & 0x80), read_exactly(self.socket, length)

    def read(self):
        """The next wstan message, decrypted. Pings in between are answered."""
        message = b''
        while True:
            opcode, final, payload = self.read_frame()
            if opcode == PING:
                self.send_raw(frame(PONG, payload))
                continue
            if opcode not in (BINARY, CONTINUATION):
                raise AssertionError('instead of a message came a frame with opcode %d: %r' % (opcode, payload[:100]))
            message += payload
            if final:
                return self.into.open(message)

    def read_data(self, count):
        """So many bytes from DAT messages; empty ones are passed over."""
        data = b''
        while len(data) < count:
            body = self.read()
            if body[0] != wire.DAT:
                raise AssertionError('instead of data came %r' % body[:100])
            data += body[1:]
        return data

    def read_reset(self):
        """Passes over what data there is; returns the reason."""
        while (body := self.read())[0] == wire.DAT:
            pass
        if body[0] != wire.RST:
            raise AssertionError('instead of a reset came %r' % body[:100])
        return body[1:].rstrip().decode().split('★')[0]

    def close_code(self):
        """Reads on until the server closes; returns its code, None for a close without one."""
        try:
            while True:
                opcode, _, payload = self.read_frame()
                if opcode == CLOSE:
                    code = struct.unpack('>H', payload[:2])[0] if payload else None
                    break
        except (EOFError, ConnectionError):
            raise AssertionError('the server closed without a close frame') from None
        try:
            self.send_raw(frame(CLOSE, payload[:2]))
            while self.socket.recv(1 << 16):
                pass
        except TimeoutError:
            raise Stuck('the server sent a close frame and then kept the connection open') from None
        except ConnectionError:
            pass
        return code

    def close(self):
        self.socket.close()
