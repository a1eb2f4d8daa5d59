"""What the soak does to a pair, again and again: each load is a function of a `Place`, and fails by an exception.

To add one: write it, and put it into LOADS with its share. Plain HTTP is in web_loads, UDP in datagram_loads.
"""
import hashlib
import socket
import struct
import threading
import time

from helpers.peers import agent, payload
from helpers.peers.target import Target, echo, read_exactly, read_line, read_to_end, reset

KB, MB = 1 << 10, 1 << 20
SIZES = [0, 1, 1000, 4096, 64 * KB, 300 * KB, 2 * MB, 8 * MB]
SUMS = {size: payload.sum_of(size) for size in SIZES}


class Wrong(AssertionError):
    """Bytes were lost, doubled or changed: no restart excuses that."""


class Nothing(OSError):
    """The connection was granted, and ended without a byte: as a client that grants early ends one that cannot be made."""


def expect(holds, what):
    if not holds:
        raise Wrong(what)


def read_answer(s, count):
    """Exactly `count` bytes, or nothing."""
    begin = s.recv(count) if count else b''
    if count and not begin:
        raise Nothing('no answer')
    return begin + read_exactly(s, count - len(begin))


def expect_whole(size, came, what):
    """`came` is (count, sum)."""
    if size and not came[0]:
        raise Nothing('%s of %d bytes ended before it began' % (what, size))
    expect(came == (size, SUMS[size]), '%s of %d bytes ended as one of %d' % (what, size, came[0]))


def expect_line(s, line, what):
    came = read_line(s)
    if came is None:
        raise Nothing('%s was not answered' % what)
    expect(came == line, '%s is not whole' % what)


def serve(connection):
    """A target that does what the first line says, beyond what the interop suite's `commands` can do."""
    words = (read_line(connection) or '').split()
    if words[:1] == ['down']:
        for block in payload.blocks(int(words[1])):
            connection.sendall(block)
        # A peer's last words are heard before the end, which would be a reset otherwise.
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    elif words[:1] == ['up']:
        digest, left = hashlib.sha256(), int(words[1])
        while left:
            part = connection.recv(min(left, 1 << 18))
            if not part:
                return
            digest.update(part)
            left -= len(part)
        connection.sendall(digest.hexdigest().encode() + b'\n')
    elif words[:1] == ['both']:
        # What comes goes back, while something else goes out.
        size = int(words[1])
        sender = threading.Thread(target=lambda: [connection.sendall(b) for b in payload.blocks(size)], daemon=True)
        sender.start()
        digest = hashlib.sha256(read_exactly(connection, size)).hexdigest()
        sender.join()
        connection.sendall(digest.encode() + b'\n')
    elif words[:1] == ['echo']:
        echo(connection)
    elif words[:1] == ['reset']:
        connection.sendall(b'data')
        connection.recv(1)
        reset(connection)
    elif words[:1] == ['slow']:
        # Reads slowly what comes.
        size, digest = int(words[1]), hashlib.sha256()
        while size:
            part = read_exactly(connection, min(size, 32 * KB))
            digest.update(part)
            size -= len(part)
            time.sleep(0.01)
        connection.sendall(digest.hexdigest().encode() + b'\n')


class Place:
    """Where a load finds the client and the targets."""

    def __init__(self, soak, random):
        self.client_port = soak.client_port
        self.target = soak.target
        self.webs = soak.webs
        self.echoes = soak.echoes
        self.datagrams = soak.datagrams  # how many were sent, and came back
        self.udp_idle = soak.UDP_IDLE
        self.refusing_port = soak.refusing_port
        self.random = random

    def dial(self, **options):
        way = self.random.choice([agent.socks5, agent.connect])
        # No names: where no name server answers, each would hold a load up for seconds.
        return way(self.client_port, '127.0.0.1', self.target.port, **options)

    def size(self, most=8 * MB):
        return self.random.choice([size for size in SIZES if size <= most])


def greet(place):
    with place.dial() as s:
        s.sendall(b'echo\n')
        for _ in range(place.random.randrange(1, 20)):
            data = place.random.randbytes(place.random.randrange(1, 2000))
            s.sendall(data)
            expect(read_answer(s, len(data)) == data, 'an echo came back changed')


def download(place):
    size = place.size()
    expect_whole(size, agent.download(place.dial(), size), 'a download')


def upload(place):
    size = place.size()
    with place.dial() as s:
        s.sendall(b'up %d\n' % size)
        for block in payload.blocks(size):
            s.sendall(block)
        expect_line(s, SUMS[size], 'an upload of %d bytes' % size)


def both_ways(place):
    size = place.size(2 * MB)
    with place.dial() as s:
        s.sendall(b'both %d\n' % size)
        sender = threading.Thread(target=send_quietly, args=(s, size), daemon=True)
        sender.start()
        came = hashlib.sha256(read_answer(s, size)).hexdigest()
        expect(came == SUMS[size], 'what came down is not whole')
        sender.join()
        expect_line(s, SUMS[size], 'what went up')


def send_quietly(s, size):
    """Whoever reads from `s` is told of its end."""
    try:
        for block in payload.blocks(size):
            s.sendall(block)
    except OSError:
        return


def slow_reader(place):
    size = place.size(2 * MB)
    digest, count = hashlib.sha256(), 0
    with place.dial(receive_buffer=16 * KB) as s:
        s.sendall(b'down %d\n' % size)
        while part := s.recv(64 * KB):
            digest.update(part)
            count += len(part)
            time.sleep(0.005)
    expect_whole(size, (count, digest.hexdigest()), 'a slow download')


def slow_target(place):
    size = place.size(2 * MB)
    with place.dial() as s:
        s.sendall(b'slow %d\n' % size)
        for block in payload.blocks(size):
            s.sendall(block)
        expect_line(s, SUMS[size], 'a slow upload of %d bytes' % size)


def half_close(place):
    """The end of what the user agent sends is not the end of the answer."""
    size = place.size(2 * MB)
    with place.dial() as s:
        s.sendall(b'down %d\n' % size)
        s.shutdown(socket.SHUT_WR)
        expect_whole(size, read_to_end(s), 'an answer behind a half-close')


def leave_early(place):
    """Closes in the midst of an answer."""
    with place.dial() as s:
        s.sendall(b'down %d\n' % (8 * MB))
        read_answer(s, place.random.randrange(1, 200 * KB))


def reset_early(place):
    """Resets in the midst of an answer or of an upload."""
    with place.dial() as s:
        if place.random.random() < 0.5:
            s.sendall(b'down %d\n' % (8 * MB))
            read_answer(s, place.random.randrange(1, 200 * KB))
        else:
            s.sendall(b'up %d\n' % (8 * MB) + bytes(place.random.randrange(200 * KB)))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def hang_up_at_the_door(place):
    """Leaves before it has said what it wants, or right after."""
    with agent.dial(place.client_port) as s:
        s.sendall(place.random.choice([b'', b'\x05', b'\x05\x01\x00', b'CONNECT 127.0', b'\x05\x01\x00\x05\x01\x00\x01\x7f']))


def reset_by_target(place):
    with place.dial() as s:
        s.sendall(b'reset\n')
        expect(read_answer(s, 4) == b'data', 'what came before a reset is lost')
        s.sendall(b'k')
        expect(agent.outcome(s) == 'reset', 'a reset of the target arrived as something else')


def refused_target(place):
    try:
        with agent.socks5(place.client_port, '127.0.0.1', place.refusing_port) as s:
            s.sendall(b'anybody?')
            expect(agent.outcome(s) in ('end', 'reset'), 'a target that is not there said something')
    except agent.Refused:
        return


# How often each, out of all of them.
LOADS = [
    (greet, 30), (download, 8), (upload, 8), (both_ways, 5), (slow_reader, 2), (slow_target, 2), (half_close, 5), (leave_early, 8),
    (reset_early, 8), (hang_up_at_the_door, 10), (reset_by_target, 8), (refused_target, 6),
]


def new_target():
    return Target(serve)
