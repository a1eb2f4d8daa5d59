"""Plain HTTP in the soak: what user agents ask, and how they and the targets break off."""
import hashlib
import socket
import struct

from helpers.peers import agent, payload
from helpers.peers.target import read_exactly
from helpers.peers.web import Browser
from loads import KB, MB, SUMS, Nothing, expect

# Paths of web.Web whose answers are short: method, path, status, body. Behind each the connection goes on.
SHORT = [
    ('HEAD', '/head', 200, b''), ('GET', '/nothing', 204, b''), ('GET', '/unchanged', 304, b''),
    ('GET', '/chunks', 200, b'hello world'), ('GET', '/old', 200, b'old'), ('GET', '/last', 200, b'last'),
]


class Agent(Browser):
    """A browser whose troubles are told apart: what a restart may do, and what nothing may."""

    def __init__(self, place):
        super().__init__(place.client_port)
        self.place = place

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def url(self, path):
        web = self.place.random.choice(self.place.webs)
        return 'http://%s:%d%s' % (web.target.host, web.port, path)

    def ask(self, method, path, *fields, body=b''):
        self.send('%s %s HTTP/1.1' % (method, self.url(path)), 'Host: whatever', *fields, body=body)

    def expect(self, status, body, method='GET'):
        # An end in good order within a body is no OSError, so it is never excused.
        if not self.s.recv(1, socket.MSG_PEEK):
            raise Nothing('the connection ended before an answer')
        answer = self.answer(method)
        if answer.status in (502, 504) and answer.status != status:
            raise Nothing('the proxy says: %s' % answer.body.decode().strip())
        expect(answer.status == status, '%d instead of %d' % (answer.status, status))
        if body is not None:
            expect(answer.body == body, 'an answer is not whole, or another one: %r' % answer.body[:80])
        return answer


def kept_alive(place):
    """Requests to several hosts on one connection, of every kind of answer."""
    with Agent(place) as browser:
        for number in range(place.random.randrange(2, 15)):
            kind = place.random.randrange(4)
            if kind == 0:
                method, path, status, body = place.random.choice(SHORT)
                browser.ask(method, path)
                browser.expect(status, body, method)
            elif kind == 1:
                browser.ask('GET', '/hello?%d' % number)
                browser.expect(200, b'hello /hello?%d' % number)
            elif kind == 2:
                size = place.size(300 * KB)
                browser.ask('GET', '/down/%d' % size)
                came = browser.expect(200, None).body
                expect(hashlib.sha256(came).hexdigest() == SUMS[size], 'a download is not whole')
            else:
                data = place.random.randbytes(place.random.randrange(1, 5000))
                browser.ask('POST', '/up', 'Content-Length: %d' % len(data), body=data)
                browser.expect(200, b'%d %s' % (len(data), hashlib.sha256(data).hexdigest().encode()))


def pipelined(place):
    """All at once, to several hosts: the answers keep the order."""
    with Agent(place) as browser:
        count = place.random.randrange(2, 20)
        for number in range(count):
            browser.ask('GET', '/hello?%d' % number)
        for number in range(count):
            browser.expect(200, b'hello /hello?%d' % number)


def upload_counted(place):
    size = place.size(2 * MB)
    with Agent(place) as browser:
        browser.ask('PUT', '/up', 'Content-Length: %d' % size)
        for block in payload.blocks(size):
            browser.s.sendall(block)
        browser.expect(200, b'%d %s' % (size, SUMS[size].encode()))


def upload_chunked(place):
    """And another request right behind the last chunk."""
    size = place.size(2 * MB)
    with Agent(place) as browser:
        browser.ask('POST', '/up', 'Transfer-Encoding: chunked')
        for block in payload.blocks(size):
            while block:
                piece, block = block[:(cut := place.random.randrange(1, 64 * KB))], block[cut:]
                browser.s.sendall(b'%x;at=random\r\n%s\r\n' % (len(piece), piece))
        browser.s.sendall(b'0\r\nSum: no\r\n\r\n')
        browser.ask('GET', '/hello')
        browser.expect(200, b'%d %s' % (size, SUMS[size].encode()))
        browser.expect(200, b'hello /hello')


def cut_response(place):
    """What a target cuts does not look whole."""
    path, part = place.random.choice([('/cut-length', b'only this'), ('/cut-chunk', b'5\r\nhello\r\n')])
    with Agent(place) as browser:
        browser.ask('GET', path)
        try:
            head = agent.read_head(browser.s)
        except EOFError:
            raise Nothing('the connection ended before an answer') from None
        if head.startswith(b'HTTP/1.1 502'):
            raise Nothing('the proxy explains')
        expect(read_exactly(browser.s, len(part)) == part, 'what came before the cut is lost')
        expect(agent.outcome(browser.s) == 'reset', 'a cut answer looks whole')


def until_the_end(place):
    """What ends with the connection is whole if that ends in good order."""
    with Agent(place) as browser:
        browser.ask('GET', '/until-close')
        browser.expect(200, b'to the end')


def upgraded(place):
    with Agent(place) as browser:
        browser.ask('GET', '/upgrade', 'Connection: Upgrade', 'Upgrade: echo')
        browser.expect(101, b'')
        expect(read_exactly(browser.s, 3) == b'hi ', 'the first words are lost')
        data = place.random.randbytes(place.random.randrange(1, 20000))
        browser.s.sendall(data)
        expect(read_exactly(browser.s, len(data)) == data, 'an echo came back changed')


def leave_an_exchange(place):
    """Closes or resets within a request, before its answer, or within that."""
    with Agent(place) as browser:
        moment = place.random.randrange(4)
        if moment == 0:
            browser.ask('PUT', '/up', 'Content-Length: %d' % (8 * MB), body=bytes(place.random.randrange(200 * KB)))
        elif moment == 1:
            browser.ask('POST', '/up', 'Transfer-Encoding: chunked', body=b'ffff\r\n' + bytes(1000))
        else:
            browser.ask('GET', '/down/%d' % (8 * MB))
            if moment == 2:
                browser.s.recv(place.random.randrange(1, 200 * KB))
        if place.random.random() < 0.5:
            browser.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def refused_request(place):
    """It is explained, and the connection goes on."""
    with Agent(place) as browser:
        browser.send('GET http://127.0.0.1:%d/ HTTP/1.1' % place.refusing_port, 'Host: whatever')
        browser.expect(502, None)
        browser.ask('GET', '/hello')
        browser.expect(200, b'hello /hello')


LOADS = [
    (kept_alive, 20), (pipelined, 6), (upload_counted, 5), (upload_chunked, 5), (cut_response, 6), (until_the_end, 5),
    (upgraded, 5), (leave_an_exchange, 10), (refused_request, 5),
]
