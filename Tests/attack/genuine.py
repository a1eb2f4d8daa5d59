"""What genuine users see: how long a new connection takes, and a round trip on one that they have."""
import itertools
import os
import socket
import time
from dataclasses import dataclass

from attack.forked import Forked
from helpers.peers import agent

FAILURES = OSError, EOFError, agent.Refused, AssertionError


@dataclass
class Sample:
    began: float
    took: float  # seconds
    failure: str = ''


class Users(Forked):
    """Try something over and over, with a pause in between, until `stop`, which returns every sample in the order of time."""

    def __init__(self, attempt, pause):
        """`attempt` makes a generator; each item is one success, and after a failure there is a new one."""
        super().__init__(self._use, attempt, pause)

    @staticmethod
    def _use(control, attempt, pause):
        samples, attempts = [], attempt()
        while not control.poll(pause):
            began, failure = time.monotonic(), ''
            try:
                next(attempts)
            except FAILURES as error:
                failure = '%s: %s' % (type(error).__name__, error)
                attempts = attempt()
            samples.append(Sample(began, time.monotonic() - began, failure))
        control.send(samples)


def connections(client_port, host, port, patience):
    """New ones through the client, each with one round trip. `host` may have a place for a number that is another one each time."""
    def attempts():
        for number in itertools.count():
            name = host % ('genuine%d-%d' % (os.getpid(), number)) if '%s' in host else host
            with agent.socks5(client_port, name, port, timeout=patience) as s:
                exchange(s)
                yield
    return attempts


def round_trips(client_port, host, port, patience):
    """On one connection; another one after a failure, which is a failure of itself."""
    def attempts():
        with agent.socks5(client_port, host, port, timeout=patience) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                exchange(s)
                yield
    return attempts


def exchange(s, data=b'x' * 64):
    if not agent.echoes(s, data):
        raise AssertionError('another echo')


def percentile(samples, share):
    """Milliseconds; a failure took for ever."""
    times = sorted(float('inf') if sample.failure else sample.took * 1000 for sample in samples)
    return times[min(len(times) - 1, int(len(times) * share))] if times else float('nan')
