"""A wall clock that is set forward and back under a running server, and between two: nothing that was accepted is accepted again."""
import os
import shutil
import signal
import struct
import subprocess
import time

from helpers import ROOT
from helpers.process import OURS
from helpers.restarting import Restarting
from helpers.scenario import TARGETS_HERE

TEN_YEARS = 10 * 365 * 86400


class WallClock(Restarting):
    """The server's wall clock is wrong by what a file says; its other clocks are right."""

    def setUp(self):
        compiler = shutil.which('cc') or shutil.which('clang')
        if not compiler or os.environ.get('ASAN_OPTIONS') or os.environ.get('TSAN_OPTIONS'):
            self.skipTest('no C compiler, or a sanitizer, which wants to be loaded first')
        super().setUp()
        self.library, self.clock = os.path.join(self.directory, 'wallclock.so'), os.path.join(self.directory, 'clock')
        subprocess.run([compiler, '-shared', '-fPIC', '-o', self.library, os.path.join(ROOT, 'Tests/interop/helpers/wallclock.c'), '-ldl'], check=True)
        with open(self.clock, 'wb') as f:
            f.write(bytes(4096))
        self.error = 0
        self.begin()
        self.assertAdmitted(self.fresh())
        self.seen = self.fresh()
        self.assertAdmitted(self.seen)

    def begin(self):
        self.serving = self.start('server', ['env', 'RUNTIME_DIRECTORY=' + self.runtime, 'LD_PRELOAD=' + self.library, 'WSTAN_WALL_CLOCK=' + self.clock, OURS],
                                  '-s', 'ws://127.0.0.1:%d' % self.port, self.key, TARGETS_HERE, '--log-level=info')
        self.serving.await_port(self.port)

    def restart(self):
        self.serving.signal(signal.SIGTERM)
        self.assertEqual(self.serving.exit_status(), 0)
        self.begin()

    def set(self, seconds):
        with open(self.clock, 'r+b') as f:
            f.write(struct.pack('q', seconds))
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
