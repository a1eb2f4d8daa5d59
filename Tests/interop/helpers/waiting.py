"""Waits with a bound: whatever takes longer is a failure that says what was awaited."""
import contextlib
import signal
import time


class Stuck(AssertionError):
    pass


def eventually(condition, what, within=5.0, step=0.01):
    """Polls `condition` until it is true and returns its value."""
    end = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Stuck('waited %.1f s in vain: %s' % (within, what))
        time.sleep(step)


def standstill(value, what, still=1.0, within=20.0):
    """Waits until `value()` has been the same for `still` seconds and returns it: the absence of an event has none to await."""
    end = time.monotonic() + within
    last, since = value(), time.monotonic()
    while time.monotonic() - since < still:
        if time.monotonic() > end:
            raise Stuck('no standstill within %.1f s: %s' % (within, what))
        time.sleep(0.02)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
    return last


@contextlib.contextmanager
def at_most(seconds, what):
    """Interrupts the main thread, whatever it waits for, when the block takes longer."""
    def ring(number, frame):
        raise Stuck('%s took more than %d s' % (what, seconds))
    former = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
