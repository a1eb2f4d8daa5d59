"""A TCP forwarder between client and server: it counts, records, holds back, forges, cuts and resets."""
import select
import socket
import struct
import threading

from helpers.acceptor import Acceptor
from helpers.waiting import standstill

RECORDED = 1 << 18


class Way:
    """One direction of a link."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.pending = bytearray()
        self.ended = False   # the source has ended
        self.closed = False  # and the sink was told
        self.moved = 0


class Link:
    """One forwarded connection, with a thread of its own."""

    def __init__(self, forwarder, client, server):
        self.forwarder = forwarder
        self.client, self.server = client, server
        self.up, self.down = Way(client, server), Way(server, client)
        self.recorded = bytearray()  # from the client
        self.answered = bytearray()  # from the server
        self.head_end = 0            # of the request, once it is there
        self.cut = None              # 'close' or 'reset', by order
        self.alive = True
        self._wake, self._woken = socket.socketpair()
        for s in client, server:
            s.setblocking(False)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        forwarder.links.append(self)  # before anything moves
        threading.Thread(target=self._run, daemon=True).start()

    def order(self, cut=None):
        self.cut = cut or self.cut
        try:
            self._wake.send(b'!')
        except OSError:
            pass

    def _may_pass(self, way):
        """How many pending bytes may go on now."""
        if way is self.down:
            return 0 if self.forwarder.hold_answers else len(way.pending)
        if self.forwarder.hold_after_head:
            return max(0, self.head_end - way.moved)
        return len(way.pending)

    def _take(self, way):
        try:
            data = way.source.recv(1 << 16)
        except BlockingIOError:
            return
        if not data:
            way.ended = True
            return
        if way is self.up and self.head_end:
            data = self.forwarder.altered(data)
        way.pending += data
        if way is self.down and len(self.answered) < RECORDED:
            self.answered += data
        if way is self.up:
            if len(self.recorded) < RECORDED:
                self.recorded += data
            if not self.head_end and b'\r\n\r\n' in self.recorded:
                self.head_end = self.recorded.index(b'\r\n\r\n') + 4
                self.cut = self.cut or self.forwarder.handshake_arrived()
            elif self.head_end:
                self.cut = self.cut or self.forwarder.bytes_arrived()

    def _run(self):
        ways = (self.up, self.down)
        broken = False
        try:
            while not self.cut and not all(way.closed for way in ways):
                reads, writes = [self._woken], []
                for way in ways:
                    if not way.ended and len(way.pending) < 1 << 18:
                        reads.append(way.source)
                    if self._may_pass(way):
                        writes.append(way.sink)
                readable, writable, _ = select.select(reads, writes, [], 120)
                if self._woken in readable:
                    self._woken.recv(4096)
                for way in ways:
                    if way.source in readable:
                        self._take(way)
                    if self.cut:
                        break
                    if way.sink in writable:
                        sent = way.sink.send(way.pending[:min(1 << 16, self._may_pass(way))])
                        del way.pending[:sent]
                        way.moved += sent
                    if way.ended and not way.pending and not way.closed:
                        way.closed = True
                        way.sink.shutdown(socket.SHUT_WR)
        except OSError:
            broken = True
        for s in self.client, self.server:
            if broken or self.cut == 'reset':
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            s.close()
        self.alive = False
        self._wake.close()
        self._woken.close()

    def head(self):
        """The request head that the client sent, or None."""
        return bytes(self.recorded[:self.head_end]) if self.head_end else None


class Forwarder:
    THREADS = False  # whether each client is welcomed in a thread of its own

    def __init__(self, server_port):
        self.server_port = server_port
        self.links = []
        self.hold_answers = False     # nothing passes from the server to the client
        self.hold_after_head = False  # nothing passes from the client to the server behind the request head
        self.resets_left = 0          # so many handshakes to come are reset
        self.ambush = None            # 'close' or 'reset': what the next bytes on an open link bring about, once
        self.forgery = None           # what the next bytes of a client on an open link become, once: a function of them
        self._lock = threading.Lock()
        listener = socket.create_server(('127.0.0.1', 0), backlog=512)
        self.port = listener.getsockname()[1]
        self.acceptor = Acceptor(listener, self.welcome, self.THREADS)

    def welcome(self, client):
        try:
            server = socket.create_connection(('127.0.0.1', self.server_port), 5)
        except OSError:
            client.close()
            return
        Link(self, client, server)

    def handshake_arrived(self):
        with self._lock:
            if self.resets_left > 0:
                self.resets_left -= 1
                return 'reset'

    def bytes_arrived(self):
        with self._lock:
            cut, self.ambush = self.ambush, None
            return cut

    def altered(self, data):
        with self._lock:
            forgery, self.forgery = self.forgery, None
            return forgery(data) if forgery else data

    def release(self):
        self.hold_answers = self.hold_after_head = False
        for link in self.links:
            link.order()

    def cut(self, how):
        """Ends all links: how = 'close' or 'reset'."""
        for link in list(self.links):  # and none of those that are made because of it
            link.order(how)

    def settle(self):
        """Waits until nothing moves: a tunnel that was freed has then come back to its pool."""
        standstill(lambda: sum(link.up.moved + link.down.moved for link in self.links), 'traffic between client and server', 0.15)

    def heads(self):
        return [link.head() for link in self.links if link.head_end]

    def close(self):
        self.acceptor.close()
        self.cut('close')
