"""The client's end: tunnels to one server, in a pool, and requests on them or in the handshake of a new one."""
import asyncio
import base64
import contextlib
import logging
import os
import random
import struct
import time

from v2.carriers import COOKIE, load
from v2.faults import Fault
from v2.handshake import ClientHandshake, Impostor
from v2.messages import OPTION_AGENT, OPTION_SHAPE, PING, plaintext
from v2.records import AES_128_GCM, CHACHA20_POLY1305
from v2.tunnel import Tunnel
from v2.websocket import Gone, WebSocket, accept

LOG = logging.getLogger('peer')
PATIENCE = 10.0         # seconds for the 101, and for M2 behind it
CLOCK_TOLERANCE = 2000  # ms


class NoTunnel(Exception):
    """The server was not reached, or answered with anything but a 101, or did not prove itself."""


def milliseconds():
    return int(time.time() * 1000)


class Client:
    """`key` is a KeyString with a user.

    `early`: user agents are told of success before the server has said so, and their first bytes ride in the request.
    `pool`: so many idle tunnels are kept at most. `ping`: seconds.
    """

    def __init__(self, key, host, port, path='/', carrier=COOKIE, ciphers=(AES_128_GCM, CHACHA20_POLY1305), early=False,
                 pool=1, ping=25.0, fault=Fault()):
        self.key, self.place, self.path, self.carrier, self.ciphers = key, (host, port), path, carrier, ciphers
        self.early, self.pool, self.ping, self.fault = early, pool, ping, fault
        self.idle_tunnels, self.clock_error = [], 0
        self.tunnels = set()

    async def ask(self, kind, request, connection):
        """Sends a request on the idle tunnel that was used last, or in the handshake of a new one. Raises NoTunnel."""
        while self.idle_tunnels:
            tunnel = self.idle_tunnels.pop()
            if tunnel.life.may(kind):
                with contextlib.suppress(Gone):
                    return await tunnel.ask(kind, request, connection)
        await self._open(kind, request, connection)

    async def _open(self, kind, request, connection):
        """A new tunnel, with the request in its handshake."""
        try:
            websocket, records, answer = await self._prove(self._handshake(kind, request))
        except (OSError, EOFError, Gone) as error:
            LOG.info('no tunnel: %r', error)
            raise NoTunnel from None
        except Impostor as impostor:
            LOG.info('impostor: %s', impostor)
            raise NoTunnel from None
        shape = struct.iter_unpack('>HH', answer.options.get(OPTION_SHAPE, b''))
        tunnel = Tunnel(websocket, records, True, self, self.fault, shape)
        tunnel.say('cipher %d, by %s', answer.cipher, self.carrier)
        tunnel.begin(kind, connection)
        self.tunnels.add(tunnel)
        tunnel.tasks = [asyncio.create_task(tunnel.run()), asyncio.create_task(self._pings(tunnel))]

    def _handshake(self, kind, request):
        return ClientHandshake(self.key.server, self.key.user, milliseconds() + self.clock_error,
                               plaintext(kind, request.pack()), self.ciphers, {OPTION_AGENT: b'peer'}, self.key.realm,
                               random.randrange(256))

    async def _prove(self, handshake):
        """Connects to the server and checks its proof."""
        asked = milliseconds()
        reader, writer = await asyncio.open_connection(*self.place)
        try:
            websocket = await self._upgrade(reader, writer, handshake.m1)
            records, answer = handshake.finish(await asyncio.wait_for(websocket.receive(), PATIENCE))
        except BaseException:
            writer.close()
            raise
        self._correct_clock(answer.time, asked)
        return websocket, records, answer

    async def _upgrade(self, reader, writer, m1):
        path, more = load(self.carrier, self.key.server, m1, self.path)
        key = base64.b64encode(os.urandom(16)).decode()
        fields = [('Host', '%s:%d' % self.place), ('Connection', 'Upgrade'), ('Upgrade', 'websocket'),
                  ('Sec-WebSocket-Version', '13'), ('Sec-WebSocket-Key', key), *more]
        writer.write('\r\n'.join(['GET %s HTTP/1.1' % path, *map(': '.join, fields), '', '']).encode())
        head = (await asyncio.wait_for(reader.readuntil(b'\r\n\r\n'), PATIENCE)).decode('latin-1')
        status, _, rest = head.partition('\r\n')
        if status.split(' ')[1:2] != ['101'] or accept(key) not in rest:
            raise ConnectionRefusedError(status)
        return WebSocket(reader, writer, masks=True)

    def _correct_clock(self, theirs, asked):
        """Section 14.8: the answer's time belongs to the middle of the round trip, if that was short enough."""
        now = milliseconds()
        if now - asked < CLOCK_TOLERANCE:
            error = theirs - (asked + now) // 2
            self.clock_error = error if abs(error) > CLOCK_TOLERANCE else 0

    async def _pings(self, tunnel):
        """A record that was swallowed shows at the next one. A missing PONG means nothing (section 14.11)."""
        with contextlib.suppress(Gone):
            while True:
                await asyncio.sleep(self.ping * random.uniform(0.8, 1))
                await tunnel.send(PING, os.urandom(8))

    # What a tunnel tells its owner

    def idle(self, tunnel):
        if len(self.idle_tunnels) < self.pool and not tunnel.life.draining:
            self.idle_tunnels.append(tunnel)
        else:
            tunnel.websocket.close()

    async def requested(self, tunnel, kind, request):
        """Life lets a server send INCOMING on a parked tunnel only, and none is parked."""
        raise AssertionError(kind)

    def ended(self, tunnel):
        self.tunnels.discard(tunnel)
        if tunnel in self.idle_tunnels:
            self.idle_tunnels.remove(tunnel)
