"""A stream (docs/protocol-v2.md section 7.1): a connection between a tunnel and a local socket, with half-close."""
import asyncio
import contextlib

from v2.messages import DATA, FAILED, FIN, NONE, RESET_BY_PEER, Address
from v2.tunnel import Connection, Gone, Over
from v2.websocket import reset

READ = 32768


class Stream(Connection):
    """`tell(code, bound)` is called once, when the peer says OK (code 0) or RESET, before a byte of it is delivered."""

    def __init__(self, reader, writer, tell=None):
        self.reader, self.writer, self.tell = reader, writer, tell
        self.pumping = None
        self.sent_end = self.got_end = False

    def start(self):
        """Sends what comes from the socket from now on."""
        self.pumping = asyncio.create_task(self._pump())

    async def _pump(self):
        try:
            while data := await self.reader.read(READ):
                await self.tunnel.carry(DATA, data)
            self.sent_end = True
            await self.tunnel.carry(FIN)
            self._close_if_done()
        except ConnectionError:
            await self._aborts(RESET_BY_PEER)
        except (Gone, Over):
            pass

    async def _aborts(self, code):
        with contextlib.suppress(Gone):
            await self.tunnel.abort(code)

    async def answered(self, request):
        self._tell(NONE, request.address)
        await self.received(DATA, request.data)

    def _tell(self, code, bound=Address()):
        """Whether an answer was awaited."""
        tell, self.tell = self.tell, None
        if tell:
            tell(code, bound)
        return bool(tell)

    async def received(self, kind, body):
        try:
            self.writer.write(body)
            await self.writer.drain()
            if kind == FIN:
                self.got_end = True
                self.writer.write_eof()
                self._close_if_done()
        except OSError:
            # A near end that had finished is only gone: the peer is told to stop, and closes its socket in good order.
            await self._aborts(NONE if self.sent_end else RESET_BY_PEER)

    def _close_if_done(self):
        if self.sent_end and self.got_end:
            self.writer.close()

    async def reset(self, code, is_signal):
        is_told = self._tell(code)
        if self.pumping:
            self.pumping.cancel()
        if is_signal and code == NONE:
            self.writer.close()
        elif not is_told:
            reset(self.writer)

    async def lost(self):
        """A truncation is never an end in good order."""
        await self.reset(FAILED, False)
