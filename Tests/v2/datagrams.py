"""Datagrams (docs/protocol-v2.md section 7.3): an association at the server, and one of a user agent at the client."""
import asyncio
import collections
import contextlib
import logging
import socket

from v2.messages import DGRAM, FIN, PIECES_MAX, Address, pack_pieces, read_datagrams
from v2.tunnel import Connection, Gone, Over

LOG = logging.getLogger('peer')
SHARED = 32768  # bytes of datagrams in one record


class Port(asyncio.DatagramProtocol):
    """A UDP socket; `heard(data, sender)` gets what comes."""

    def __init__(self, heard):
        self.heard = heard

    def datagram_received(self, data, sender):
        self.heard(data, sender[:2])

    @classmethod
    async def open(cls, heard, host):
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: cls(heard), local_addr=(host, 0))
        return transport


class Sending:
    """Sends datagrams into a tunnel, in their order. What is at hand shares a record."""

    def __init__(self, tunnel):
        self.tunnel, self.waiting, self.filled = tunnel, collections.deque(), asyncio.Event()
        self.task = asyncio.create_task(self._run())

    def put(self, address, data):
        self.waiting.append(address.pack() + data)
        self.filled.set()

    async def _run(self):
        with contextlib.suppress(Gone, Over):
            while await self.filled.wait():
                while self.waiting:
                    await self.tunnel.carry(DGRAM, pack_pieces(self._next()))
                self.filled.clear()

    def _next(self):
        """One piece of any size, or several that fit into `SHARED` bytes."""
        pieces = [self.waiting.popleft()]
        size = len(pieces[0])
        while self.waiting and len(pieces) < PIECES_MAX and size + len(self.waiting[0]) <= SHARED:
            pieces.append(self.waiting.popleft())
            size += len(pieces[-1])
        return pieces


class Association(Connection):
    """At the server: a socket per family. Only hosts that were sent something may answer."""

    def __init__(self, tunnel):
        self.sending, self.ports, self.hosts = Sending(tunnel), {}, set()

    def _heard(self, data, sender):
        if sender[0] in self.hosts:
            self.sending.put(Address.of(*sender), data)

    async def received(self, kind, body):
        if kind == FIN:
            self.close()
            await self.tunnel.carry(FIN)
            return
        for address, data in read_datagrams(body):
            try:
                await self._send(*address.place, data)
            except (OSError, UnicodeError) as error:
                LOG.info('no datagram to %s: %s', address, error)

    async def _send(self, host, port, data):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, _, _, _, place = found[0]
        if family not in self.ports:
            self.ports[family] = await Port.open(self._heard, '0.0.0.0' if family == socket.AF_INET else '::')
        self.hosts.add(place[0])
        self.ports[family].sendto(data, place)

    async def reset(self, code, is_signal):
        self.close()

    async def lost(self):
        self.close()

    def close(self):
        self.sending.task.cancel()
        for port in self.ports.values():
            port.close()


class UserAgentAssociation(Connection):
    """At the client: `hear(address, data)` gets what comes, `over` is done when the peer has ended it."""

    def __init__(self, hear):
        self.hear = hear
        self.answer = asyncio.get_running_loop().create_future()
        self.over = asyncio.get_running_loop().create_future()

    async def answered(self, request):
        self.answer.set_result(0)

    async def received(self, kind, body):
        if kind == FIN:
            self.close(0)
            return
        for address, data in read_datagrams(body):
            self.hear(address, data)

    async def reset(self, code, is_signal):
        self.close(code)

    async def lost(self):
        self.close(1)

    def close(self, code):
        for future in self.answer, self.over:
            if not future.done():
                future.set_result(code)
