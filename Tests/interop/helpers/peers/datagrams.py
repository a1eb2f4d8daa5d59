"""UDP at both ends: a user agent's association (RFC 1928 section 7), a target, and a relay for programs that speak no SOCKS."""
import ipaddress
import select
import socket
import struct
import threading

from helpers.peers import agent
from helpers.peers.target import read_exactly
from helpers.waiting import Stuck

LARGEST = 65535 - 28 - 10  # IP, UDP and the SOCKS5 header of an IPv4 address


def family_of(host):
    return socket.AF_INET6 if ':' in host else socket.AF_INET


def udp_socket(host, port=0):
    s = socket.socket(family_of(host), socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    s.bind((host, port))
    return s


def wrapped(data, host, port):
    return bytes(3) + agent.address(host, port) + data


def unwrapped(datagram):
    """(data, (host, port))"""
    length = {1: 4, 4: 16}.get(datagram[3])
    if datagram[:3] != bytes(3) or length is None:
        raise AssertionError('no SOCKS5 datagram, or from a name: %r' % datagram[:30])
    end = 4 + length
    host = str(ipaddress.ip_address(datagram[4:end]))
    return datagram[end + 2:], (host, struct.unpack('>H', datagram[end:end + 2])[0])


class Association:
    """A user agent's; its sockets are on `own`, or else on `host`, where the client listens."""

    def __init__(self, client_port, host='127.0.0.1', declared_port=0, declared_host=None, own=None):
        self.control = socket.create_connection((host, client_port), 5, (own or host, 0))
        self.socket = udp_socket(own or host)
        try:
            self.control.sendall(b'\5\1\0')
            read_exactly(self.control, 2)
            self.control.sendall(b'\5\3\0' + agent.address(declared_host or ('::' if ':' in host else '0.0.0.0'), declared_port))
            reply = read_exactly(self.control, 4)
            if reply[1]:
                raise agent.Refused(reply[1])
            bound = read_exactly(self.control, {1: 4, 4: 16}[reply[3]] + 2)
            self.relay = (str(ipaddress.ip_address(bound[:-2])), struct.unpack('>H', bound[-2:])[0])
        except BaseException:
            self.close()
            raise

    def send(self, data, host, port):
        self.socket.sendto(wrapped(data, host, port), self.relay)

    def receive(self, within=5.0):
        """(data, (host, port))"""
        self.socket.settimeout(within)
        try:
            return unwrapped(self.socket.recv(1 << 16))
        except TimeoutError:
            raise Stuck('no datagram within %.1f s' % within) from None

    def ask(self, data, host, port, within=5.0):
        """Sends `data` and returns the next datagram that comes."""
        self.send(data, host, port)
        return self.receive(within)

    def answers(self, data, host, port, within=0.3):
        """Whether `data` comes back, whatever else does before."""
        self.send(data, host, port)
        try:
            while self.receive(within)[0] != data:
                pass
            return True
        except Stuck:
            return False

    def is_over(self, within=5.0):
        """Whether the client closes the connection to which this is bound."""
        return agent.outcome(self.control, within) in ('end', 'reset')

    def close(self):
        self.control.close()
        self.socket.close()


class DatagramTarget:
    """Answers each datagram with what `answer(data)` says, None for nothing."""

    def __init__(self, answer=lambda data: data, host='127.0.0.1', port=0):
        self.answer = answer
        self.received = []  # (data, sender)
        self.closing = False
        self.socket = udp_socket(host, port)
        self.host, self.port = self.socket.getsockname()[:2]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            data, sender = self.socket.recvfrom(1 << 16)
            if self.closing:
                return
            self.received.append((data, sender[:2]))
            answer = self.answer(data)
            if answer is not None:
                self.socket.sendto(answer, sender)

    @property
    def address(self):
        return self.host, self.port

    @property
    def heard(self):
        """The datagrams without their senders."""
        return [data for data, _ in self.received]

    def close(self):
        self.closing = True
        # A datagram from itself wakes the thread: closing does not.
        self.socket.sendto(b'', self.address)
        self._thread.join(5)
        self.socket.close()


class DatagramRelay:
    """A port whose datagrams go to `host`, `port` through the client, each sender's by an association of its own."""

    def __init__(self, client_port, host, port):
        self.client_port, self.target = client_port, (host, port)
        self.socket = udp_socket('127.0.0.1')
        self.port = self.socket.getsockname()[1]
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        associations = {}  # by sender
        while True:
            senders = {association.socket: sender for sender, association in associations.items()}
            readable, _, _ = select.select([self._stopped, self.socket, *senders], [], [])
            if self._stopped in readable:
                break
            for s in readable:
                if s is self.socket:
                    data, sender = s.recvfrom(1 << 16)
                    if sender not in associations:
                        associations[sender] = Association(self.client_port)
                    associations[sender].send(data, *self.target)
                else:
                    self.socket.sendto(associations[senders[s]].receive()[0], senders[s])
        for association in associations.values():
            association.close()
        self.socket.close()

    def close(self):
        self._stop.send(b'!')
        self._thread.join(5)
        self._stop.close()
        self._stopped.close()
