"""A wall clock that is set forward and back under a running server, and between two: nothing that was accepted is accepted again."""
import signal
import time

from helpers.process import OURS
from helpers.restarting import Restarting
from helpers.scenario import TARGETS_HERE
from helpers.wallclock import WrongClock

TEN_YEARS = 10 * 365 * 86400


class WallClock(Restarting):
    """The server's wall clock is wrong by what a file says; its other clocks are right."""

    def setUp(self):
        super().setUp()
        self.clock = WrongClock(self.directory)
        self.error = 0
        self.begin()
        self.assertAdmitted(self.fresh())
        self.seen = self.fresh()
        self.assertAdmitted(self.seen)

    def begin(self):
        self.serving = self.start('server', [*self.clock.prefix, 'RUNTIME_DIRECTORY=' + self.runtime, OURS], '-s', 'ws://127.0.0.1:%d' % self.port, self.key, TARGETS_HERE, '--log-level=info')
        self.serving.await_port(self.port)

    def restart(self):
        self.serving.signal(signal.SIGTERM)
        self.assertEqual(self.serving.exit_status(), 0)
        self.begin()

    def set(self, seconds):
        self.clock.set(seconds)
        self.error = seconds

    def fresh(self):
        return self.opening(when=time.time() + self.error)

    def test_ahead_and_back(self):
        """Five minutes ahead, where something is accepted, and back."""
        for ahead, behind in (300, 0), (400, 30):
            self.set(ahead)
            self.assertAdmitted(self.fresh())
            self.set(behind)
            self.assertRefused(self.seen)

    def test_years_back(self):
        """A start under a clock that is ten years back, which is then set right."""
        self.set(-TEN_YEARS)
        self.restart()
        self.assertAdmitted(self.fresh())
        self.set(0)
        self.assertRefused(self.seen)
        self.restart()
        self.assertRefused(self.seen)
        self.assertAdmitted(self.fresh())
