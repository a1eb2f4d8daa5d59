"""The server's end: requests judged, tunnels accepted, targets connected to."""
import asyncio
import errno
import logging
import random
import socket
import struct
import time

from v2.carriers import candidate
from v2.datagrams import Association
from v2.faults import Fault
from v2.handshake import Refused, ServerHandshake
from v2.keys import from_base64url
from v2.messages import *
from v2.records import CIPHERS
from v2.streams import Stream
from v2.tunnel import Tunnel
from v2.websocket import BINARY, WebSocket, accept, frame

LOG = logging.getLogger('peer')
HEAD_MAX, PATIENCE = 16384, 10.0
DECOY = b'HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
UPGRADE = ('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n'
           'Sec-WebSocket-Accept: %s\r\n\r\n')
ERRORS = {errno.ECONNREFUSED: REFUSED, errno.ENETUNREACH: NETWORK_UNREACHABLE, errno.EHOSTUNREACH: HOST_UNREACHABLE,
          errno.EACCES: NOT_ALLOWED}


def code_of(error):
    """The code of RESET for a target that was not reached."""
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return NO_SUCH_NAME
    if isinstance(error, TimeoutError):
        return TIMED_OUT
    return ERRORS.get(error.errno, FAILED)


class Server:
    """`key` is a KeyString with the server's private key, `users` are UserKeys.

    `shape`: pairs of the shortest and the longest plaintext, for the first records of each direction.
    """

    def __init__(self, key, users, ciphers=tuple(CIPHERS), fault=Fault(), shape=()):
        self.handshake = ServerHandshake([key.server], users, key.realm, ciphers)
        self.fault, self.shape = fault, list(shape)
        self.tunnels, self.listener = set(), None
        self.empty = asyncio.Event()

    async def listen(self, host, port):
        self.listener = await asyncio.start_server(self._accept, host, port)
        return self.listener.sockets[0].getsockname()

    async def _accept(self, reader, writer):
        try:
            fields = await asyncio.wait_for(self._head(reader), PATIENCE)
            carrier, accepted = self._judge(*fields)
        except (Refused, OSError, EOFError, asyncio.LimitOverrunError) as error:
            LOG.info('refused: %s', error or type(error).__name__)
            writer.write(DECOY)
            writer.close()
            return
        m2, records = accepted.answer(int(time.time() * 1000), self._options(), random.randrange(512))
        key = next(value for name, value in fields[1] if name == 'sec-websocket-key')
        writer.write((UPGRADE % accept(key)).encode() + frame(BINARY, m2, masks=False))
        tunnel = Tunnel(WebSocket(reader, writer, masks=False), records, False, self, self.fault, self.shape)
        tunnel.say('user %s, cipher %d, by %s', accepted.kid.hex(), accepted.cipher, carrier)
        self.tunnels.add(tunnel)
        await tunnel.run((accepted.kind, accepted.body))

    async def _head(self, reader):
        """The target and the fields of a WebSocket's request."""
        head = await reader.readuntil(b'\r\n\r\n')
        if len(head) > HEAD_MAX:
            raise Refused('a head that is too long')
        line, *lines = head.decode('latin-1').split('\r\n')[:-2]
        pairs = [each.partition(':')[::2] for each in lines]
        fields = [(name.lower(), value.strip()) for name, value in pairs]
        names = {name for name, _ in fields}
        method, _, rest = line.partition(' ')
        target, _, version = rest.partition(' ')
        has_body = names & {'content-length', 'transfer-encoding'}
        if (method, version) != ('GET', 'HTTP/1.1') or has_body or not {'upgrade', 'sec-websocket-key'} <= names:
            raise Refused('no upgrade')
        return target, fields

    def _judge(self, target, fields):
        found = candidate(target, fields, self.handshake.servers)
        m1 = found and from_base64url(found[1])
        if not m1:
            raise Refused('no candidate')
        return found[0], self.handshake.read(m1, int(time.time() * 1000))

    def _options(self):
        options = {OPTION_FEATURES: struct.pack('>I', FEATURE_UDP), OPTION_TIMERS: struct.pack('>HHI', 25, 300, 86400)}
        if self.shape:
            options[OPTION_SHAPE] = b''.join(struct.pack('>HH', *each) for each in self.shape)
        return options

    async def drain(self):
        """Accepts no more tunnels and says BYE on the open ones. `empty` is set when the last of them has ended."""
        self.listener.close()
        for tunnel in list(self.tunnels):
            await tunnel.say_bye(DRAINING, 'the server restarts')
        self._tell_if_empty()

    # What a tunnel tells its owner

    def idle(self, tunnel):
        pass

    def ended(self, tunnel):
        self.tunnels.discard(tunnel)
        self._tell_if_empty()

    def _tell_if_empty(self):
        if not self.tunnels and not self.listener.is_serving():
            self.empty.set()

    async def requested(self, tunnel, kind, request):
        """What is not built is answered as section 14 says (1, 5 and 17)."""
        if kind == CONNECT and request.address.kind in (IPV4, NAME, IPV6):
            await self._connect(tunnel, request)
        elif kind == ASSOCIATE and request.address.kind == 0:
            tunnel.attach(Association(tunnel))
            await tunnel.carry(OK, Request().pack())
            if request.data:
                await tunnel.connection.received(DGRAM, request.data)
        elif kind in (CONNECT, ASSOCIATE):
            await tunnel.abort(ADDRESS_TYPE)
        elif kind == RESUME and not {OPTION_TOKEN, OPTION_RECEIVED} <= request.options.keys():
            await tunnel.abort(FAILED)
        elif kind == RESUME and OPTION_STRIPE not in request.options:
            await tunnel.abort(NOTHING_TO_RESUME)
        else:
            await tunnel.abort(NOT_SUPPORTED)

    async def _connect(self, tunnel, request):
        """Connects to the target. The tunnel is not read meanwhile."""
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(*request.address.place), PATIENCE)
        except (OSError, UnicodeError) as error:
            await tunnel.abort(code_of(error), str(error))
            return
        stream = Stream(reader, writer)
        tunnel.attach(stream)
        await tunnel.carry(OK, Request({}, Address.of(*writer.get_extra_info('sockname')[:2])).pack())
        stream.start()
        await stream.received(DATA, request.data)
