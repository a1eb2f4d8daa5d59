"""The user agent's side: how a program asks the client for a connection."""
import ipaddress
import socket
import struct

from helpers.peers import payload
from helpers.peers.target import read_exactly, read_line, read_to_end


class Refused(Exception):
    """The client said no; `code` is the SOCKS reply or the HTTP status."""

    def __init__(self, code):
        super().__init__('the client refused with %s' % code)
        self.code = code


def address(host, port):
    """A SOCKS5 address: type, address, port."""
    try:
        ip = ipaddress.ip_address(host)
        return bytes([1 if ip.version == 4 else 4]) + ip.packed + struct.pack('>H', port)
    except ValueError:
        name = host.encode()
        return bytes([3, len(name)]) + name + struct.pack('>H', port)


def dial(port, receive_buffer=None, timeout=30, host='127.0.0.1'):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(timeout)
    s.connect((host, port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def dial_unix(path, timeout=30):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(path)
    return s


def read_socks_reply(s):
    reply = read_exactly(s, 4)
    length = {1: 4, 4: 16}.get(reply[3])
    read_exactly(s, (length if length is not None else read_exactly(s, 1)[0]) + 2)
    return reply[1]


def socks5(client_port, host, port, **options):
    s = dial(client_port, **options)
    try:
        s.sendall(b'\x05\x01\x00')
        if read_exactly(s, 2) != b'\x05\x00':
            raise AssertionError('no SOCKS5 method was accepted')
        s.sendall(b'\x05\x01\x00' + address(host, port))
        code = read_socks_reply(s)
        if code:
            raise Refused(code)
        return s
    except BaseException:
        s.close()
        raise


def read_until(s, end, limit):
    """What comes up to `end`, that included, and not a byte more."""
    text = b''
    while not text.endswith(end):
        byte = s.recv(1)
        if not byte or len(text) > limit:
            raise EOFError('no %r, but %r' % (end, text[:200]))
        text += byte
    return text


def read_head(s, limit=1 << 17):
    """An HTTP head up to its empty line, and not a byte more."""
    return read_until(s, b'\r\n\r\n', limit)


def read_line_raw(s, limit=1 << 16):
    """A line with its end."""
    return read_until(s, b'\n', limit)


def connect(client_port, host, port, **options):
    s = dial(client_port, **options)
    try:
        authority = '%s:%d' % ('[%s]' % host if ':' in host else host, port)
        s.sendall(('CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n' % (authority, authority)).encode())
        status = int(read_head(s).split()[1])
        if status != 200:
            raise Refused(status)
        return s
    except BaseException:
        s.close()
        raise


def download(s, size):
    """Asks a commanded target for `size` bytes; returns (count, sum)."""
    with s:
        s.sendall(b'down %d\n' % size)
        return read_to_end(s)


def upload(s, size):
    """Sends `size` bytes to a commanded target; returns the sum that it saw."""
    with s:
        s.sendall(b'up %d\n' % size)
        for block in payload.blocks(size):
            s.sendall(block)
        return read_line(s)


def echoes(s, data):
    """Sends `data` and says whether the same comes back."""
    s.sendall(data)
    return read_exactly(s, len(data)) == data


def attempt(client_port, host, port, data):
    """What a connection that should bear no data comes to: 'refused', where the client says so by SOCKS5, or its `outcome`."""
    try:
        with socks5(client_port, host, port) as s:
            s.sendall(data)
            return outcome(s)
    except Refused:
        return 'refused'


def outcome(s, within=20.0):
    """What a connection that should bear no data comes to: 'end', 'reset' or the bytes that came."""
    s.settimeout(within)
    try:
        return s.recv(1 << 16) or 'end'
    except ConnectionError:
        return 'reset'
