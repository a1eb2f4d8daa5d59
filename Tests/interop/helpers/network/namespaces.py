"""Network namespaces of a test's own: needs root and iproute2."""
import atexit
import contextlib
import ctypes
import os
import shutil
import subprocess
import unittest
import uuid

from helpers.waiting import Stuck

CLONE_NEWNET = 0x40000000
CONFIGURATION = '/etc/netns'  # what is in a namespace's directory there stands in for the files of /etc
libc = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    done = subprocess.run(['ip', *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Stuck('ip %s: %s' % (' '.join(map(str, words)), done.stderr.strip()))


def need_namespaces():
    """Skips a test that cannot have any here."""
    if os.geteuid() != 0:
        raise unittest.SkipTest('network namespaces need root')
    if not shutil.which('ip'):
        raise unittest.SkipTest('ip is not installed (Debian: iproute2)')
    try:
        Namespace().close()
    except Stuck as reason:
        raise unittest.SkipTest('no network namespaces here: %s' % reason) from None


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


class Namespace:
    """Has nothing but its loopback. Processes and sockets inside keep it alive after `close`, unseen."""

    def __init__(self):
        self.name = 'wstan-interop-%s' % uuid.uuid4().hex[:10]
        self._made = []  # directories
        ip('netns', 'add', self.name)
        atexit.register(self.close)  # for a run that is interrupted
        try:
            ip('-n', self.name, 'link', 'set', 'lo', 'up')
        except Stuck:
            self.close()
            raise

    def ip(self, *words):
        ip('-n', self.name, *words)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is inside: so are the sockets that it opens, and the threads and processes that it starts."""
        with open('/proc/thread-self/ns/net') as outside, open('/run/netns/' + self.name) as inside:
            enter(inside.fileno())
            try:
                yield
            finally:
                enter(outside.fileno())

    def command(self, *arguments):
        """A command line that runs inside and sees what `put` has put; its process is that of the program itself."""
        return ['ip', 'netns', 'exec', self.name, *arguments]

    def put(self, name, text):
        """What /etc/NAME, which must exist, holds inside."""
        directory = os.path.join(CONFIGURATION, self.name)
        for each in CONFIGURATION, directory:
            if not os.path.isdir(each):
                os.mkdir(each)
                self._made.append(each)
        with open(os.path.join(directory, name), 'w') as f:
            f.write(text)

    def ask_loopback(self):
        """Names are asked of the name server that a test starts inside."""
        self.put('resolv.conf', 'nameserver 127.0.0.1\n')
        if os.path.exists('/etc/nsswitch.conf'):
            self.put('nsswitch.conf', 'hosts: files dns\n')

    def close(self):
        atexit.unregister(self.close)
        directory = os.path.join(CONFIGURATION, self.name)
        shutil.rmtree(directory, ignore_errors=True)
        for made in self._made:
            with contextlib.suppress(OSError):  # gone already, or used by others by now
                os.rmdir(made)
        ip('netns', 'del', self.name)


def join(one, other, one_name, other_name):
    """A veth pair; it goes with either namespace."""
    ip('link', 'add', 'name', one_name, 'netns', one.name, 'type', 'veth', 'peer', 'name', other_name, 'netns', other.name)
    one.ip('link', 'set', one_name, 'up')
    other.ip('link', 'set', other_name, 'up')
