"""Two network namespaces with a wire between them on which every packet takes its time: bench/delayline.c."""
import os
import shutil
import subprocess
import unittest

from helpers import ROOT
from helpers.network.namespaces import Namespace, need_namespaces
from helpers.waiting import eventually

NEAR, FAR = '10.99.0.1', '10.99.0.2'


def program():
    """Built as `make .build/bench/delayline` builds it."""
    path, source = os.path.join(ROOT, '.build/bench/delayline'), os.path.join(ROOT, 'bench/delayline.c')
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        compiler = shutil.which('cc')
        if not compiler:
            raise unittest.SkipTest('there is no C compiler')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run([compiler, '-O2', '-o', path, source], check=True)
    return path


class DelayLine:
    """Started by `scenario`; `near` has NEAR and `far` has FAR, and a round trip takes so many milliseconds."""

    def __init__(self, scenario, round_trip=100):
        need_namespaces()
        if not os.path.exists('/dev/net/tun'):
            raise unittest.SkipTest('there is no /dev/net/tun')
        self.near, self.far = scenario.keep(Namespace()), scenario.keep(Namespace())
        # Inside from the beginning, so that the devices' names are nobody else's.
        command = self.near.command(program(), self.near.name, self.far.name, str(round_trip // 2))
        process = scenario.start('delay line', command)
        for namespace, device in (self.near, 'wireA'), (self.far, 'wireB'):
            eventually(lambda: self._is_up(namespace, device, process), '%s is up' % device)

    @staticmethod
    def _is_up(namespace, device, process):
        if process.popen.poll() is not None:
            raise AssertionError('no delay line: ' + process.log())
        with namespace.entered():
            try:
                with open('/proc/thread-self/net/fib_trie') as table:
                    return '10.99.0.' in table.read() and device in open('/proc/thread-self/net/dev').read()
            except OSError:
                return False
