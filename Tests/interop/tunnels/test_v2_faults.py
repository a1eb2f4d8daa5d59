"""Records that were tampered with: user agents and targets are reset, and what they got until then is right."""
import socket
import threading

from helpers.peers import agent, payload
from helpers.peers.target import echo
from helpers.process import MB
from helpers.version2 import PEER, Version2Pair
from helpers.waiting import eventually, standstill

SIZE = 2 * MB
CONTENT = b''.join(payload.blocks(SIZE))
KINDS = 'flip', 'drop', 'dup', 'swap', 'cut'


def read_all(s):
    """What comes, and how it ends: 'end' or 'reset'."""
    parts = []
    try:
        while part := s.recv(1 << 18):
            parts.append(part)
        return b''.join(parts), 'end'
    except ConnectionError:
        return b''.join(parts), 'reset'


class Sink:
    """A target's behaviour that remembers what the last connection brought, and how it ended."""

    def __init__(self):
        self.got, self.ending = b'', None

    def __call__(self, connection):
        self.got, self.ending = b'', None
        connection.sendall(b'!')
        try:
            while part := connection.recv(1 << 18):
                self.got += part
            self.ending = 'end'
        except ConnectionError:
            self.ending = 'reset'


class Tampering:
    def setUp(self):
        super().setUp()
        self.sink = Sink()
        self.sinking = self.target(self.sink)

    def connect(self, target):
        s = agent.socks5(self.wstan_client.port, '127.0.0.1', target.port)
        self.addCleanup(s.close)
        return s

    def assertRightSoFar(self, got):
        self.assertTrue(CONTENT.startswith(got), '%d bytes, and not those that were sent' % len(got))
        self.assertLess(len(got), SIZE)

    def assertLives(self):
        """The next connection is served, on another tunnel."""
        with self.connect(self.commanded) as s:
            s.sendall(b'echo\n')
            self.assertTrue(agent.echoes(s, b'here again'))

    def send_all(self, s):
        """Until it is reset."""
        self.assertEqual(s.recv(1), b'!')
        with self.assertRaises(ConnectionError):
            for block in payload.blocks(SIZE):
                s.sendall(block)
            if s.recv(1) == b'':
                raise AssertionError('it has ended in good order')

    def check_upload(self, prepare=lambda: None):
        with self.connect(self.sinking) as s:
            prepare()
            self.send_all(s)
        eventually(lambda: self.sink.ending, 'the target hears of the end')
        self.assertEqual(self.sink.ending, 'reset')
        self.assertRightSoFar(self.sink.got)
        self.assertLives()

    def check_download(self):
        with self.connect(self.commanded) as s:
            s.sendall(b'down %d\n' % SIZE)
            got, ending = read_all(s)
        self.assertEqual(ending, 'reset')
        self.assertRightSoFar(got)
        self.assertLives()


class OnTheWayUp(Tampering):
    """The peer is the client, and orders faults in its own records."""

    def test_faults(self):
        """Each fault, in the third record of an upload and in the thirtieth."""
        for kind in KINDS:
            for number in 2, 29:
                with self.subTest('%s in record %d' % (kind, number)):
                    self.pair(fault='%s:%d' % (kind, number))
                    self.check_upload()

    def test_swallowed_tail(self):
        """A last record that is left out shows at the next PING, and never looks like an end."""
        target = self.target(echo)
        self.pair(fault='drop:1', ping='0.3')
        with self.connect(target) as s:
            self.assertTrue(agent.echoes(s, b'the first'))
            s.sendall(b'the last')
            self.assertEqual(agent.outcome(s), 'reset')
        self.assertLives()

    def test_swallowed_end(self):
        """The same with FIN as the last record."""
        self.pair(fault='drop:1', ping='0.3')
        with self.connect(self.sinking) as s:
            self.assertEqual(s.recv(1), b'!')
            s.sendall(CONTENT[:1000])
            eventually(lambda: len(self.sink.got) == 1000, 'it arrives')
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(agent.outcome(s), 'reset')
        eventually(lambda: self.sink.ending, 'the target hears of the end')
        self.assertEqual(self.sink.ending, 'reset')

    def test_mute(self):
        """A client that falls silent delivers nothing more, and no end."""
        self.pair(fault='mute:3')
        with self.connect(self.sinking) as s:
            self.assertEqual(s.recv(1), b'!')
            threading.Thread(target=self.send_as_far_as_it_goes, args=(s,), daemon=True).start()
            eventually(lambda: self.sink.got, 'something arrives')
            standstill(lambda: len(self.sink.got), 'nothing more does')
            self.assertRightSoFar(self.sink.got)
            self.assertIsNone(self.sink.ending)
        self.assertLives()

    def send_as_far_as_it_goes(self, s):
        try:
            s.sendall(CONTENT)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class OnTheWayDown(Tampering):
    """The peer is the server, and orders faults in its own records."""

    def test_faults(self):
        """Each fault, in the third record of a download and in the thirtieth."""
        for kind in KINDS:
            for number in 2, 29:
                with self.subTest('%s in record %d' % (kind, number)):
                    self.pair(server={'fault': '%s:%d' % (kind, number)})
                    self.check_download()

    def test_mute(self):
        """A server that falls silent delivers nothing more, and no end."""
        self.pair(server={'fault': 'mute:3'})
        got = []
        with self.connect(self.commanded) as s:
            threading.Thread(target=lambda: got.append(read_all(s)), daemon=True).start()
            s.sendall(b'down %d\n' % SIZE)
            self.between.settle()
            self.assertEqual(got, [])
            s.shutdown(socket.SHUT_RD)  # wakes the reader
            eventually(lambda: got, 'the reader ends')
        self.assertRightSoFar(got[0][0])

    def test_fault_before_ok(self):
        """A tampered OK is no success."""
        self.pair(server={'fault': 'flip:0'})
        with self.assertRaises(agent.Refused):
            self.connect(self.commanded)
        eventually(lambda: len(self.commanded.connections) == 1, 'the target was reached, once')
        self.assertLives()


class InBetween(Tampering):
    """An attacker on the path alters bytes or cuts the line."""

    def test_altered_bytes(self):
        """A flipped bit in an upload, in a record or in the head of a frame."""
        for place in -1, 0, 1, 100:
            with self.subTest(place):
                self.pair()

                def flip(data):
                    at = place % len(data)
                    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
                self.check_upload(lambda: setattr(self.between, 'forgery', flip))

    def test_cut_line(self):
        """A TCP connection that ends, by FIN or by RST, is a truncation: both ends are reset."""
        target = self.target(self.sink)
        for how in 'close', 'reset':
            with self.subTest(how):
                self.pair()
                with self.connect(target) as s:
                    self.assertEqual(s.recv(1), b'!')
                    s.sendall(b'the first')
                    eventually(lambda: self.sink.got == b'the first', 'it arrives')
                    self.between.cut(how)
                    self.assertEqual(agent.outcome(s), 'reset')
                eventually(lambda: self.sink.ending, 'the target hears of the end')
                self.assertEqual(self.sink.ending, 'reset')
                self.assertLives()


class OurPair(InBetween, Version2Pair):
    pass


class OurClientPeerServer(OnTheWayDown, Version2Pair):
    SERVER = PEER


class PeerClientOurServer(OnTheWayUp, Version2Pair):
    CLIENT = PEER


class UpOfPeers(OnTheWayUp, InBetween, Version2Pair):
    CLIENT = SERVER = PEER


class DownOfPeers(OnTheWayDown, Version2Pair):
    CLIENT = SERVER = PEER
