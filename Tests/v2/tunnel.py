"""A tunnel (docs/protocol-v2.md section 6) of either end, from its M2 to its end."""
import itertools
import logging
import random

from v2.messages import *
from v2.websocket import BINARY, Gone

LOG = logging.getLogger('peer')
PADDED_KINDS = {FIN, RESET, OK, BYE, NEED, *REQUESTS}  # by 0 to 255 bytes, section 9


class Over(Exception):
    """Nothing of this connection may be sent."""


class Connection:
    """What a tunnel carries, one at a time."""
    tunnel = None

    async def answered(self, request):
        """OK has come."""

    async def received(self, kind, body):
        """DATA, FIN or DGRAM."""

    async def reset(self, code, is_signal):
        """The peer has aborted it. `is_signal`: behind its own FIN."""

    async def lost(self):
        """The tunnel has ended before it."""


class Tunnel:
    """`owner` hears of requests, of idleness and of the end."""
    numbers = itertools.count(1)

    def __init__(self, websocket, records, client, owner, fault, shape=()):
        self.number = next(self.numbers)
        self.websocket, self.records, self.owner, self.fault = websocket, records, owner, fault
        self.shape = list(shape)  # (shortest, longest) plaintext of the next records
        self.life, self.connection = Life(client), None
        self.sent, self.is_over = 0, False

    def say(self, text, *values):
        LOG.info('tunnel %d: ' + text, self.number, *values)

    # Sending: nothing is awaited before a record is on its way, so records go in the order of the calls.

    async def send(self, kind, body=b''):
        self._put(kind, body)
        if self.records.must_rekey or self.fault.rekeys_after(self.records.out.count):
            self._put(REKEY)
        await self.websocket.drained()

    def _put(self, kind, body=b''):
        if self.is_over:
            raise Gone('it is over')
        record = self.records.seal(plaintext(kind, body, self._padding(kind, body)))
        records = self.fault.passing(self, self.sent, record)
        self.sent += 1
        if records is None:
            self.websocket.drop()
            raise Gone('cut')
        for each in records:
            self.websocket.put(BINARY, each)

    def _padding(self, kind, body):
        if self.shape:
            shortest, longest = self.shape.pop(0)
            if 3 + len(body) <= longest and 1 + len(body) < longest:
                return random.randint(max(min(shortest, longest) - 3 - len(body), 0), longest - 3 - len(body))
        return random.randrange(256) if kind in PADDED_KINDS and len(body) < DATA_MAX else None

    async def carry(self, kind, body=b''):
        """A message of the connection: OK, DATA, FIN or DGRAM."""
        if self.is_over or not self.life.may(kind):
            raise Over
        self.life.do(kind)
        await self.send(kind, body)
        self._settle()

    def attach(self, connection):
        self.connection, connection.tunnel = connection, self

    def begin(self, kind, connection):
        """Begins a connection whose request is sent now, or was in M1."""
        self.life.do(kind)
        self.attach(connection)

    async def ask(self, kind, request, connection):
        self.begin(kind, connection)
        await self.send(kind, request.pack())

    async def abort(self, code, text=''):
        number = self.life.abort()
        if number is not None and not self.is_over:
            await self.send(RESET, bytes([number, code]) + text.encode()[:TEXT_MAX])
        self._settle()

    async def say_bye(self, code, text=''):
        self.life.do(BYE)
        await self.send(BYE, bytes([code]) + text.encode()[:TEXT_MAX])

    # Receiving

    async def run(self, first=(NOP, b'')):
        """Receives until the tunnel ends. `first`: type and body of the message that came in M1."""
        try:
            await self._take(*first)
            while True:
                await self._take(*read_message(self.records.open(await self.websocket.receive())))
        except Gone as gone:
            why = str(gone)
        except Violation as violation:
            why = 'violation: %s' % violation
            self.websocket.drop()
        self.is_over = True
        self.say('over, %s', why)
        self.owner.ended(self)
        if self.connection:
            await self.connection.lost()

    async def _take(self, kind, body):
        what, reply = self.life.receive(kind, body[0] if kind in (RESET, ACK) else 0)
        if reply is not None:
            await self.send(RESET, bytes([reply, NONE]))
        if kind == PING:
            await self.send(PONG, body)
        elif kind == BYE:
            self.say('BYE %d', body[0])
        elif what == 'parked':
            # Not built (section 14.1), and no connection has begun that a RESET could name (14.17).
            await self.say_bye(NO_LISTENER)
            self.websocket.close()
        elif what == 'refuse':
            await self.abort(DRAINING)
        elif what == 'request':
            await self._asked(kind, Request.read(body))
        elif what in ('reset', 'signal'):
            self.say('RESET %d %s', body[1], body[2:].decode(errors='replace'))
            if self.connection:
                await self.connection.reset(body[1], what == 'signal')
        elif what == 'deliver' and self.connection:
            await self._deliver(kind, body)
        self._settle()

    async def _asked(self, kind, request):
        if request.unknown or kind not in NAMES:
            await self.abort(NOT_SUPPORTED)
        else:
            self.say('%s %s', NAMES[kind], request.address)
            await self.owner.requested(self, kind, request)

    async def _deliver(self, kind, body):
        if kind == OK:
            request = Request.read(body)
            if request.unknown:
                await self.abort(NOT_SUPPORTED)
                await self.connection.reset(NOT_SUPPORTED, False)
            else:
                await self.connection.answered(request)
        elif kind in (DATA, FIN, DGRAM):
            await self.connection.received(kind, body)

    def _settle(self):
        """Lets go of a connection that has ended, and closes an idle tunnel that got BYE."""
        if not self.life.idle or self.life.parked or self.is_over:
            return
        if self.connection:
            self.connection = None
            self.owner.idle(self)
        if self.life.peer_drains:
            self.websocket.close()
