"""A wall clock that is wrong for one program by what a file says: wallclock.c."""
import os
import shutil
import struct
import subprocess
import unittest

from helpers import ROOT


class WrongClock:
    """In `directory`. `prefix` is what a program is started by that is to have it."""

    def __init__(self, directory):
        compiler = shutil.which('cc') or shutil.which('clang')
        if not compiler or os.environ.get('ASAN_OPTIONS') or os.environ.get('TSAN_OPTIONS'):
            raise unittest.SkipTest('no C compiler, or a sanitizer, which wants to be loaded first')
        library, self.path = os.path.join(directory, 'wallclock.so'), os.path.join(directory, 'clock')
        source = os.path.join(ROOT, 'Tests/interop/helpers/wallclock.c')
        subprocess.run([compiler, '-shared', '-fPIC', '-o', library, source, '-ldl'], check=True)
        with open(self.path, 'wb') as file:
            file.write(bytes(4096))
        self.prefix = 'env', 'LD_PRELOAD=' + library, 'WSTAN_WALL_CLOCK=' + self.path

    def set(self, seconds):
        """Ahead of the right time by so many seconds."""
        with open(self.path, 'r+b') as file:
            file.write(struct.pack('q', seconds))
