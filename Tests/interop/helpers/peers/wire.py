"""The wstan protocol, version 1, written from its description and independent of both implementations."""
import base64
import hashlib
import hmac
import ipaddress
import os
import struct
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

REQ, DAT, RST, DGM = range(4)
MAC_LENGTH = 10
SALT = bytes.fromhex('6abf20093bd5c6c6766807c1d6b2822f')
WEBSOCKET_GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


def key_bytes(text):
    try:
        key = base64.b64decode(text, validate=True)
        if len(key) == 16:
            return key
    except ValueError:
        pass
    return hashlib.scrypt(text.encode(), salt=SALT, n=1 << 14, r=8, p=1, maxmem=1 << 26, dklen=32)


def accept_digest(websocket_key):
    return hashlib.sha1(websocket_key.encode() + WEBSOCKET_GUID).digest()


class Half:
    """One direction of a tunnel: one key stream from its first to its last message."""

    def __init__(self, key, nonce):
        self.key = key
        self.stream = Cipher(algorithms.AES(key), modes.CTR(nonce)).encryptor()

    def _mac(self, data):
        return hmac.new(self.key, data, hashlib.sha1).digest()[:MAC_LENGTH]

    def seal(self, body, mac):
        data = self.stream.update(body)
        return data + self._mac(data) if mac else data

    def open(self, message):
        """The decrypted body; AssertionError when it should bear a MAC and that is wrong."""
        command = self.stream.update(message[:1])
        if command[0] not in (REQ, RST):
            return command + self.stream.update(message[1:])
        data, mac = message[:-MAC_LENGTH], message[-MAC_LENGTH:]
        if not hmac.compare_digest(mac, self._mac(data)):
            raise AssertionError('wrong MAC')
        return command + self.stream.update(data[1:])


def address(host, port):
    try:
        ip = ipaddress.ip_address(host)
        packed = bytes([1 if ip.version == 4 else 4]) + ip.packed
    except ValueError:
        packed = bytes([3, len(host)]) + host.encode()
    return b'\0' + packed + struct.pack('>H', port)


def read_address(data):
    """(type, host, port, rest)"""
    if data[0] != 0:
        raise AssertionError('an address begins with 00')
    kind = data[1]
    begin = 3 if kind == 3 else 2
    length = {1: 4, 3: data[2], 4: 16}[kind]
    host, rest = data[begin:begin + length], data[begin + length:]
    host = host.decode() if kind == 3 else str(ipaddress.ip_address(host))
    return kind, host, struct.unpack('>H', rest[:2])[0], rest[2:]


def request_body(host, port, data=b'', command=REQ, when=None):
    return struct.pack('>Bd', command, time.time() if when is None else when) + address(host, port) + data


def empty_body(when=None):
    return struct.pack('>Bd', RST, time.time() if when is None else when)


def reset_body(reason=b''):
    return bytes([RST]) + reason + '★'.encode() + b' ' * 50


class Opening:
    """A client's opening: a nonce, and the request sealed under it."""

    def __init__(self, key, body, nonce=None):
        self.nonce = os.urandom(16) if nonce is None else nonce
        self.half = Half(key, (self.nonce + bytes(16))[:16])
        self.message = self.half.seal(body, mac=True)

    @property
    def websocket_key(self):
        return base64.b64encode(self.nonce).decode()

    def head(self, path=None, websocket_key=None, method='GET', without=(), more=()):
        """The HTTP head, with what a test wants to be wrong in it."""
        path = '/' + base64.urlsafe_b64encode(self.message).decode() if path is None else path
        fields = [('Host', '127.0.0.1'), ('Upgrade', 'websocket'), ('Connection', 'Upgrade'),
                  ('Sec-WebSocket-Key', websocket_key or self.websocket_key), ('Sec-WebSocket-Version', '13'), *more]
        lines = ['%s %s HTTP/1.1' % (method, path)] + ['%s: %s' % f for f in fields if f[0] not in without]
        return '\r\n'.join(lines).encode() + b'\r\n\r\n'


class NoCipher:
    update = staticmethod(bytes)


class PlainOpening(Opening):
    """As under TLS: nothing is encrypted, all else is the same."""

    def __init__(self, key, body):
        self.nonce = os.urandom(16)
        self.half = Half(key, self.nonce)
        self.half.stream = NoCipher
        self.message = self.half.seal(body, mac=True)


class SeenRequest:
    """A request as it was seen on its way: what is in a recorded head."""

    def __init__(self, head, key):
        lines = head.decode('latin-1').split('\r\n')
        self.path = lines[0].split(' ')[1]
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(':') for line in lines[1:] if line)}
        self.websocket_key = fields['sec-websocket-key']
        nonce = base64.b64decode(self.websocket_key, validate=True)
        encoded = self.path.rsplit('/', 1)[1]
        message = base64.b64decode(encoded, altchars=b'-_', validate=True)
        data, mac = message[:-MAC_LENGTH], message[-MAC_LENGTH:]
        if hmac.new(key, data, hashlib.sha1).digest()[:MAC_LENGTH] != mac:
            raise AssertionError('wrong MAC in the URI')
        body = Half(key, nonce).stream.update(data)
        self.command = body[0]
        self.time = struct.unpack('>d', body[1:9])[0]
        self.kind, self.host, self.port, self.data = read_address(body[9:])
