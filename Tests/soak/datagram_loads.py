"""UDP in the soak. Datagrams may be lost, and that is counted; what comes back must have been sent, and from there."""
import collections
import time

from helpers.peers.datagrams import Association
from helpers.waiting import Stuck
from loads import Nothing, expect

SIZES = [0, 1, 100, 1200, 1472, 9000, 60000]
# Seconds after which what has not come back counts as lost.
PATIENCE = 1.5


class Talk:
    """An association, and what is still under way on it."""

    def __init__(self, place):
        self.place = place
        self.under_way = collections.Counter()  # (data, where to)
        self.came = 0
        try:
            self.association = Association(place.client_port)
        except EOFError:
            raise Nothing('no association was granted') from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.association.close()

    def send(self, size):
        data = self.place.random.randbytes(size)
        echo = self.place.random.choice(self.place.echoes)
        self.under_way[data, echo.address] += 1
        self.place.datagrams['sent'] += 1
        self.association.send(data, *echo.address)

    def receive(self):
        """Everything that is under way, or what comes of it while one patiently waits."""
        while +self.under_way:
            try:
                came = self.association.receive(PATIENCE)
            except Stuck:
                return
            expect(self.under_way[came] > 0, 'a datagram that nobody has sent, or twice: %r' % (came[0][:30],))
            self.under_way[came] -= 1
            self.place.datagrams['came'] += 1
            self.came += 1

    def expect_any(self):
        if not self.came:
            raise Nothing('of all datagrams none came back')


def echoed(place):
    """One after the other, of all sizes; then the connection that holds the association is closed."""
    with Talk(place) as talk:
        for _ in range(place.random.randrange(5, 30)):
            talk.send(place.random.choice(SIZES))
            talk.receive()
        talk.expect_any()


def burst(place):
    """Many at once: the first ones wait for the tunnel."""
    with Talk(place) as talk:
        for _ in range(place.random.randrange(5, 60)):
            talk.send(place.random.randrange(1200))
        talk.receive()
        talk.expect_any()


def left_idle(place):
    """The client ends what is not used, and not before."""
    with Talk(place) as talk:
        for _ in range(5):
            talk.send(100)
        last = time.monotonic()
        talk.receive()
        talk.expect_any()
        expect(talk.association.is_over(10), 'an idle association stays')
        expect(time.monotonic() - last > place.udp_idle - 0.2, 'an association ended before it was idle')


def leave_an_association(place):
    """Without a word, or with answers on their way."""
    with Talk(place) as talk:
        for _ in range(place.random.randrange(4)):
            talk.send(1000)
            # Of these nobody hears whether they came.
            place.datagrams['sent'] -= 1


LOADS = [(echoed, 8), (burst, 8), (left_idle, 3), (leave_an_association, 6)]
