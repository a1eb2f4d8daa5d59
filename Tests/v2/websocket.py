"""WebSocket (RFC 6455) over asyncio's streams, as far as a tunnel needs it."""
import asyncio
import base64
import contextlib
import hashlib
import os
import socket
import struct

from v2.messages import PLAINTEXT_MAX
from v2.records import TAG
from v2.reference import Violation

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FRAGMENTS_MAX, MESSAGE_MAX = 1024, PLAINTEXT_MAX + TAG
NORMAL = 1000


class Gone(Exception):
    """The connection has ended; the text says how."""


def accept(key):
    """Sec-WebSocket-Accept for this Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key.encode() + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest()).decode()


def masked(data, mask):
    stream = (mask * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, 'big') ^ int.from_bytes(stream, 'big')).to_bytes(len(data), 'big')


def frame(opcode, data, masks):
    bit = 0x80 if masks else 0
    if len(data) < 126:
        head = struct.pack('>BB', 0x80 | opcode, bit | len(data))
    elif len(data) < 1 << 16:
        head = struct.pack('>BBH', 0x80 | opcode, bit | 126, len(data))
    else:
        head = struct.pack('>BBQ', 0x80 | opcode, bit | 127, len(data))
    if not masks:
        return head + data
    mask = os.urandom(4)
    return head + mask + masked(data, mask)


def reset(writer):
    """Closes the connection with a RST."""
    with contextlib.suppress(OSError):  # it may be closed already
        writer.get_extra_info('socket').setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    writer.transport.abort()


class WebSocket:
    """`masks`: this is the client's end."""

    def __init__(self, reader, writer, masks):
        self.reader, self.writer, self.masks = reader, writer, masks

    def put(self, opcode, data):
        """Frames go in the order of the calls. `drained` waits until there is room again."""
        if self.writer.transport.is_closing():
            raise Gone('it is closing')
        self.writer.write(frame(opcode, data, self.masks))

    async def drained(self):
        try:
            await self.writer.drain()
        except ConnectionError:
            raise Gone('reset') from None

    async def receive(self):
        """The next binary message. Its fragments are put together; control frames are dealt with."""
        message, fragments = b'', 0
        while True:
            opcode, final, data = await self._frame(MESSAGE_MAX - len(message))
            if opcode == CLOSE:
                self.put(CLOSE, data[:2])
                self.writer.close()
                raise Gone('closed with %d' % (int.from_bytes(data[:2], 'big') if data else 1005))
            if opcode == PING:
                self.put(PONG, data)
            if opcode in (PING, PONG):
                continue
            if opcode != (CONTINUATION if fragments else BINARY) or fragments == FRAGMENTS_MAX:
                raise Violation('a frame that has no place')
            message, fragments = message + data, fragments + 1
            if final:
                return message

    async def _frame(self, room):
        try:
            first, second = await self.reader.readexactly(2)
            if first & 0x70 or bool(second & 0x80) == self.masks:
                raise Violation('a reserved bit or a wrong mask bit')
            size = second & 0x7f
            if size > 125:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), 'big')
            if size > (125 if first & 8 else room):
                raise Violation('a frame that is too long')
            mask = b'' if self.masks else await self.reader.readexactly(4)
            data = await self.reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise Gone('ended') from None
        except ConnectionError:
            raise Gone('reset') from None
        return first & 15, bool(first & 0x80), masked(data, mask) if mask else data

    def close(self):
        """In good order."""
        if not self.writer.transport.is_closing():
            self.put(CLOSE, struct.pack('>H', NORMAL))
            self.writer.close()

    def drop(self):
        """At once, without a WebSocket close."""
        reset(self.writer)
