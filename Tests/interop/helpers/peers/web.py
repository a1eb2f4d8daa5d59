"""Plain HTTP from both ends: a target that does what the path says, and a user agent that sends what it is told to."""
import hashlib
import threading

from helpers.peers import agent, payload
from helpers.peers.target import Target, echo, read_exactly, reset

CHUNKED = b'5\r\nhello\r\n6;note=x\r\n world\r\n0\r\nSum: 11\r\n\r\n'


class Message:
    """A head and what follows it."""

    def __init__(self, head, body=b''):
        self.head, self.body = head, body
        lines = head.decode('latin-1').split('\r\n')
        self.line = lines[0]
        self.fields = [tuple(part.strip() for part in line.split(':', 1)) for line in lines[1:] if line]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def status(self):
        return int(self.line.split()[1])


def read_chunked(s):
    """(the data, the body as it came, its trailers included)."""
    data, raw = b'', b''
    while True:
        line = agent.read_line_raw(s)
        raw += line
        size = int(line.split(b';')[0], 16)
        if not size:
            break
        part = read_exactly(s, size + 2)
        raw += part
        data += part[:-2]
    while True:
        line = agent.read_line_raw(s)
        raw += line
        if line == b'\r\n':
            return data, raw


class Web:
    """A target that speaks HTTP. `requests` is what came, `target.connections` on how many connections."""

    def __init__(self, host='127.0.0.1'):
        self.requests = []
        self.go = threading.Event()  # what /wait waits for
        self.target = Target(self.serve, host)
        self.port = self.target.port

    def close(self):
        self.go.set()
        self.target.close()

    @property
    def connections(self):
        return len(self.target.connections)

    def serve(self, s):
        while True:
            request = Message(agent.read_head(s))
            request.connection = self.target.connections.index(s)
            self.requests.append(request)
            path = request.line.split()[1].split('?')[0]
            first, *rest = path.strip('/').split('/')
            if not getattr(self, first.replace('-', '_') or 'hello')(s, request, *rest):
                return

    def body(self, s, request):
        """(count, sum) of a request's body, read to its end."""
        if request.get('Transfer-Encoding'):
            data, request.body = read_chunked(s)
            return len(data), hashlib.sha256(data).hexdigest()
        digest, left = hashlib.sha256(), int(request.get('Content-Length') or 0)
        count = left
        while left:
            part = s.recv(min(left, 1 << 18))
            if not part:
                raise EOFError
            digest.update(part)
            left -= len(part)
        return count, digest.hexdigest()

    def say(self, s, text, *fields, status='200 OK'):
        head = ['HTTP/1.1 ' + status, 'Content-Length: %d' % len(text), *fields, '', '']
        s.sendall('\r\n'.join(head).encode() + text.encode())
        return True

    # What the paths do; true when the connection is kept.

    def hello(self, s, request, *rest):
        return self.say(s, 'hello ' + request.line.split()[1])

    def up(self, s, request):
        if request.get('Expect'):
            self.go.wait(10)
            s.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
        return self.say(s, '%d %s' % self.body(s, request))

    def down(self, s, request, size):
        s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n' % size.encode())
        for block in payload.blocks(int(size)):
            s.sendall(block)
        return True

    def head(self, s, request):
        s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
        return True

    def nothing(self, s, request):
        s.sendall(b'HTTP/1.1 204 No Content\r\n\r\n')
        return True

    def unchanged(self, s, request):
        s.sendall(b'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: "x"\r\n\r\n')
        return True

    def chunks(self, s, request):
        s.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n' + CHUNKED)
        return True

    def dripped(self, s, request):
        for byte in b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + CHUNKED:
            s.sendall(bytes([byte]))
        return True

    def until_close(self, s, request):
        s.sendall(b'HTTP/1.0 200 OK\r\n\r\nto the end')
        return False

    def old(self, s, request):
        s.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold')
        return False

    def interim(self, s, request):
        s.sendall(b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n')
        return self.say(s, 'at last')

    def last(self, s, request):
        return self.say(s, 'last', 'Connection: close') and False

    def vanish(self, s, request):
        return False

    def vanish_second(self, s, request):
        """Answers the first request of a connection, and ends it at the second."""
        if [r.connection for r in self.requests].count(request.connection) > 1:
            reset(s)
            return False
        return self.say(s, 'once')

    def cut_length(self, s, request):
        s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this')
        return False

    def cut_chunk(self, s, request):
        s.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
        return False

    def cut_close(self, s, request):
        s.sendall(b'HTTP/1.1 200 OK\r\n\r\nonly this')
        self.go.wait(10)
        reset(s)
        return False

    def wait(self, s, request):
        self.go.wait(10)
        return self.say(s, 'waited')

    def hurry(self, s, request):
        """Answers before it has read the body."""
        return self.say(s, 'enough', status='413 Content Too Large')

    def surplus(self, s, request):
        s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
        return True

    def garbage(self, s, request):
        s.sendall(b'SSH-2.0-no HTTP\r\n\r\n')
        return False

    def two_lengths(self, s, request):
        s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc')
        return True

    def fields(self, s, request):
        return self.say(s, 'x', 'Connection: X-Hop', 'X-Hop: 1', 'Keep-Alive: timeout=5', 'X-End: 2')

    def upgrade_and_down(self, s, request, size):
        head = b'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'
        s.sendall(head + b''.join(payload.blocks(int(size))))
        return False

    def endless_interim(self, s, request):
        while True:
            s.sendall(b'HTTP/1.1 100 \r\n\r\n' * 1000)

    def upgrade(self, s, request):
        s.sendall(b'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhi ')
        echo(s)
        return False


class Browser:
    """One connection to the proxy."""

    def __init__(self, port, **options):
        self.s = agent.dial(port, **options)

    def close(self):
        self.s.close()

    def send(self, *lines, body=b''):
        self.s.sendall('\r\n'.join([*lines, '', '']).encode('latin-1') + body)

    def get(self, url, *fields, method='GET', body=b''):
        """Asks and returns the answer."""
        self.send('%s %s HTTP/1.1' % (method, url), 'Host: whatever', *fields, body=body)
        return self.answer(method)

    def answer(self, method='GET'):
        """The next answer; its body without the chunks' framing, which is in `raw`."""
        message = Message(agent.read_head(self.s))
        if method == 'HEAD' or message.status < 200 or message.status in (204, 304):
            return message
        if message.get('Transfer-Encoding'):
            message.body, message.raw = read_chunked(self.s)
        elif message.get('Content-Length') is not None:
            message.body = read_exactly(self.s, int(message.get('Content-Length')))
        else:
            message.body = self.rest()
        return message

    def rest(self):
        """What comes up to the end in good order; a reset is an exception."""
        parts = []
        while part := self.s.recv(1 << 18):
            parts.append(part)
        return b''.join(parts)
