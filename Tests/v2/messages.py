"""Messages of version 2 (docs/protocol-v2.md section 5): plaintexts of records, requests, addresses, options.

A message is read to its last byte before the tunnel's state is looked at (section 14.12). A malformed one is a
Violation.
"""
import ipaddress
import struct
from typing import NamedTuple

from v2.reference import *

NAMES = {value: name for name, value in list(globals().items()) if name.isupper() and value in tuple(KNOWN)}
PADDED = 0x80
PLAINTEXT_MAX, DATA_MAX, TEXT_MAX, PIECES_MAX, OPTIONS_MAX = 66048, 65536, 255, 64, 2048

# Codes of RESET and BYE. Those up to 8 are SOCKS replies (RFC 1928 section 6).
NONE, FAILED, NOT_ALLOWED, NETWORK_UNREACHABLE, HOST_UNREACHABLE = range(5)
REFUSED, TTL_EXPIRED, NOT_SUPPORTED, ADDRESS_TYPE = range(5, 9)
RESET_BY_PEER, NO_SUCH_NAME, TIMED_OUT, IDLE, DRAINING, OVER_LIMIT, KEY_EXPIRED = range(16, 23)
NOTHING_TO_RESUME, NO_LISTENER = 24, 27
SOCKS_REPLIES = {**{code: code for code in range(9)}, NO_SUCH_NAME: HOST_UNREACHABLE, TIMED_OUT: TTL_EXPIRED}

OPTION_CIPHERS, OPTION_FEATURES, OPTION_RECORD, OPTION_KEM, OPTION_BINDING, OPTION_AGENT = range(0x01, 0x07)
OPTION_TIMERS, OPTION_POOL, OPTION_EXPIRY, OPTION_NOTICE, OPTION_SHAPE = range(0x07, 0x0c)
OPTION_RESUMABLE, OPTION_RECEIVED, OPTION_TOKEN, OPTION_LISTENKIND, OPTION_LISTENER = range(0x10, 0x15)
OPTION_STRIPE = 0x801e
CRITICAL = 0x8000
# Lengths of the values of all options, those without a name here included.
ANY = range(OPTIONS_MAX + 1)
LENGTHS = {
    OPTION_CIPHERS: range(1, 17), OPTION_FEATURES: (4,), OPTION_RECORD: (4,), OPTION_KEM: (1184, 1088),
    OPTION_BINDING: (32,), OPTION_AGENT: range(1, 33), OPTION_TIMERS: (8,), OPTION_POOL: (2,), OPTION_EXPIRY: (8,),
    OPTION_NOTICE: range(256), OPTION_SHAPE: range(0, 65, 4), 0x0c: (32,), 0x0d: (32,),
    OPTION_RESUMABLE: (4, 22), OPTION_RECEIVED: (8,), OPTION_TOKEN: (16,), OPTION_LISTENKIND: (1,),
    OPTION_LISTENER: (8,), 0x15: range(1, 260), 0x16: (1,), 0x17: (1,), 0x18: ANY, 0x19: ANY, 0x1a: (2,), 0x1b: ANY,
    0x1c: (6,), 0x1d: (0,), 0x1f: (0,), OPTION_STRIPE: (1,), 0x20: (16,), 0x21: (0,), 0x22: (2,), 0x23: (4,)}
FEATURE_UDP = 1

IPV4, NAME, IPV6, UNIX = 1, 3, 4, 5


class Reader:
    """Takes values from the front of `data`. Too little of it is a Violation."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Violation('cut short')
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), 'big')

    def rest(self):
        return self.take(len(self.data) - self.at)

    @property
    def left(self):
        return len(self.data) - self.at


class Address(NamedTuple):
    kind: int = 0
    host: bytes = b''
    port: int = 0

    @classmethod
    def of(cls, host, port):
        """IPV4 or IPV6 of a literal, else NAME."""
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            return cls(NAME, host.encode(), port)
        return cls(IPV4 if literal.version == 4 else IPV6, literal.packed, port)

    @classmethod
    def read(cls, reader):
        kind = reader.number(1)
        if kind == 0:
            return cls()
        if kind in (IPV4, IPV6):
            return cls(kind, reader.take(4 if kind == IPV4 else 16), reader.number(2))
        if kind not in (NAME, UNIX):
            raise Violation('an address of an unknown type')
        host = reader.take(reader.number(1))
        if not host or 0 in host or kind == NAME and not all(0x21 <= byte <= 0x7e and byte != 0x5c for byte in host):
            raise Violation('a malformed address')
        return cls(kind, host, reader.number(2) if kind == NAME else 0)

    def pack(self):
        if self.kind == 0:
            return b'\0'
        length = bytes([len(self.host)]) if self.kind in (NAME, UNIX) else b''
        return bytes([self.kind]) + length + self.host + (b'' if self.kind == UNIX else struct.pack('>H', self.port))

    @property
    def place(self):
        """(host, port) for a socket."""
        literal = self.kind in (IPV4, IPV6)
        return str(ipaddress.ip_address(self.host)) if literal else self.host.decode('latin-1'), self.port

    def __str__(self):
        return '%s:%d' % self.place if self.kind else 'nowhere'


class Request(NamedTuple):
    """The body of a request and of an OK."""
    options: dict = {}
    address: Address = Address()
    data: bytes = b''
    unknown: bool = False  # an option that must be known is not: RESET 7

    def pack(self):
        options = b''.join(struct.pack('>HH', kind, len(value)) + value for kind, value in self.options.items())
        return struct.pack('>H', len(options)) + options + self.address.pack() + self.data

    @classmethod
    def read(cls, body):
        reader = Reader(body)
        options = reader.take(reader.number(2))
        address = Address.read(reader)
        known, unknown = read_options(options)
        return cls(known, address, reader.rest(), unknown)


def read_options(data):
    """Known options by type, and whether there was another that must be known."""
    if len(data) > OPTIONS_MAX:
        raise Violation('too many options')
    reader, known, unknown = Reader(data), {}, False
    while reader.left:
        kind = reader.number(2)
        value = reader.take(reader.number(2))
        if kind not in LENGTHS:
            unknown = unknown or bool(kind & CRITICAL)
        elif kind in known or len(value) not in LENGTHS[kind]:
            raise Violation('an option twice, or of a wrong length')
        else:
            known[kind] = value
    return known, unknown


def pack_pieces(pieces):
    return b''.join(struct.pack('>H', len(piece)) + piece for piece in pieces)


def read_pieces(body):
    reader, pieces = Reader(body), []
    while reader.left:
        pieces.append(reader.take(reader.number(2)))
    if not 1 <= len(pieces) <= PIECES_MAX:
        raise Violation('%d pieces' % len(pieces))
    return pieces


def read_datagrams(body):
    """Pairs of an address and a payload."""
    readers = [Reader(piece) for piece in read_pieces(body)]
    return [(Address.read(reader), reader.rest()) for reader in readers]


def plaintext(kind, body=b'', padding=None):
    if padding is None:
        return bytes([kind]) + body
    return bytes([kind | PADDED]) + struct.pack('>H', padding) + body + bytes(padding)


def read_message(data):
    """Type and body of a plaintext, which has passed all checks that need no state."""
    reader = Reader(data)
    kind = reader.number(1)
    padding = reader.number(2) if kind & PADDED else 0
    if padding > reader.left:
        raise Violation('padding that is longer than its record')
    kind, body = kind & 0x7f, reader.take(reader.left - padding)
    _check(kind, body)
    return kind, body


def _check(kind, body):
    lengths = {PING: (8,), PONG: (8,), REKEY: (0,), ACK: (9,), NEED: (9,), DATA: range(DATA_MAX + 1),
               FIN: range(DATA_MAX + 1), RESET: range(2, TEXT_MAX + 3), BYE: range(1, TEXT_MAX + 2)}
    if len(body) not in lengths.get(kind, range(PLAINTEXT_MAX + 1)):
        raise Violation('a %s of %d bytes' % (NAMES[kind], len(body)))
    if kind == OK or kind in REQUESTS:
        Request.read(body)
    elif kind == DGRAM:
        read_datagrams(body)
    elif kind == PACKET:
        read_pieces(body)
