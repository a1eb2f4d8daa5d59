"""What every flood has: an aim, sources, a size."""
import itertools
import socket

BIND_ADDRESS_NO_PORT = 24  # the port is chosen when the connection's other end is known: ip(7)


def sources(count):
    """So many addresses of this host, over and over."""
    return itertools.cycle(['127.66.%d.%d' % (n >> 8, n & 255) for n in range(1, count + 1)])


class Flood:
    """One kind of attack. `rounds` does a small piece of work whenever it is asked for the next item, and never ends by itself.

    It keeps at most `held` connections at a time: the first number of HELD in a quick test, the second in the measurement.
    """
    TITLE = ''
    HELD = 100, 1000
    SOURCES = 250
    TLS = False
    KEYS = 0, 0  # how many keys the server has beside those of the two clients
    OPTIONS = ()  # of the server
    NAMED = False  # whether names matter: then genuine clients ask for targets by name, each time another one

    def __init__(self, port, key, full, fountain=None):
        self.port = port
        self.key = key  # the attacker's, which the server knows; only a few floods use it
        self.held = self.HELD[full]
        self.fountain = fountain  # the port of a target that never stops sending
        self.sources = sources(self.SOURCES)

    def rounds(self):
        raise NotImplementedError

    def dial(self, receive_buffer=None):
        """A connection that does not wait for anything. On loopback it is there at once, unless the server's backlog is full."""
        s = socket.socket()
        s.setblocking(False)
        s.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        s.bind((next(self.sources), 0))
        try:
            s.connect(('127.0.0.1', self.port))
        except BlockingIOError:
            pass
        return s


def push(s, data):
    """Sends what there is room for; False when the connection is no more."""
    try:
        s.send(data)
    except BlockingIOError:
        pass
    except OSError:
        return False
    return True


def received(s):
    """What has come; None when nothing has, nothing at all at the end."""
    try:
        return s.recv(1 << 16)
    except BlockingIOError:
        return None
    except OSError:
        return b''
