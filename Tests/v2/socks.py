"""SOCKS5 (RFC 1928), the client's side of user agents: CONNECT and UDP ASSOCIATE."""
import asyncio
import contextlib

from v2.client import NoTunnel
from v2.datagrams import Port, Sending, UserAgentAssociation
from v2.handshake import EARLY_MAX
from v2.messages import (ASSOCIATE, CONNECT, FAILED, FIN, IPV4, IPV6, NOT_SUPPORTED, SOCKS_REPLIES, Address, Reader,
                         Request, Violation)
from v2.streams import Stream
from v2.tunnel import Over
from v2.websocket import Gone, reset

FIRST_BYTES = 0.05  # seconds in which a user agent may send what rides in the request
UNSPECIFIED = Address.of('0.0.0.0', 0)


class NotAsked(Exception):
    """The user agent has gone, or has not spoken SOCKS5."""


async def read_request(reader, writer):
    """The command and its address."""
    try:
        version, count = await reader.readexactly(2)
        await reader.readexactly(count)
        writer.write(b'\5\0')
        _, command, _, kind = await reader.readexactly(4)
        length = {IPV4: 4, IPV6: 16}.get(kind) or (await reader.readexactly(1))[0]
        host, port = await reader.readexactly(length), int.from_bytes(await reader.readexactly(2), 'big')
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        raise NotAsked from None
    return command, Address(kind, host, port)


def reply(writer, code, bound=UNSPECIFIED):
    """`code`: of a RESET, or 0."""
    address = bound if bound.kind in (IPV4, IPV6) else UNSPECIFIED
    writer.write(bytes([5, SOCKS_REPLIES.get(code, FAILED), 0]) + address.pack())


async def serve(client, reader, writer):
    """One user agent of a Client."""
    try:
        command, address = await read_request(reader, writer)
        if command == 1:
            await _connect(client, address, reader, writer)
        elif command == 3:
            await _associate(client, reader, writer)
        else:
            reply(writer, NOT_SUPPORTED)
            writer.close()
    except NotAsked:
        writer.close()
    except NoTunnel:
        if client.early:
            reset(writer)
        else:
            reply(writer, FAILED)
            writer.close()


async def _connect(client, address, reader, writer):
    data = b''
    if client.early:
        reply(writer, 0)
        with contextlib.suppress(TimeoutError):
            data = await asyncio.wait_for(reader.read(EARLY_MAX), FIRST_BYTES)

    def tell(code, bound):
        reply(writer, code, bound)
        if code:
            writer.close()
        else:
            stream.start()

    stream = Stream(reader, writer, None if client.early else tell)
    await client.ask(CONNECT, Request({}, address, data), stream)
    if client.early:
        stream.start()


async def _associate(client, reader, writer):
    peers = []  # the user agent's socket, as its last datagram told

    def from_user_agent(data, sender):
        peers[:] = [sender]
        if data[:3] == bytes(3):
            with contextlib.suppress(Violation):
                read = Reader(data[3:])
                sending.put(Address.read(read), read.rest())

    def from_tunnel(address, data):
        if peers:
            port.sendto(bytes(3) + address.pack() + data, peers[0])

    association = UserAgentAssociation(from_tunnel)
    await client.ask(ASSOCIATE, Request(), association)
    if code := await association.answer:
        reply(writer, code)
        writer.close()
        return
    sending = Sending(association.tunnel)
    port = await Port.open(from_user_agent, '127.0.0.1')
    reply(writer, 0, Address.of(*port.get_extra_info('sockname')))
    end = asyncio.create_task(_end_of(reader))
    await asyncio.wait([end, association.over], return_when=asyncio.FIRST_COMPLETED)
    with contextlib.suppress(Gone, Over):
        await association.tunnel.carry(FIN)
    end.cancel()
    sending.task.cancel()
    port.close()
    writer.close()


async def _end_of(reader):
    with contextlib.suppress(ConnectionError):
        await reader.read()
