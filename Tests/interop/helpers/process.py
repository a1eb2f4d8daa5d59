"""A process under test: its log, its memory, its end."""
import itertools
import os
import random
import re
import resource
import shutil
import socket
import subprocess

from helpers.waiting import Stuck, eventually

OURS = os.environ.get('WSTAND', '')
CTL = os.path.join(os.path.dirname(os.path.realpath(OURS)), 'wstanctl') if OURS else ''  # built beside it
THEIRS = os.environ.get('THEIRS', '')
MB = 1 << 20
NOBODY = 65534  # a user and a group
# How a sanitizer's report begins, in a program that was built with one.
SANITIZER = re.compile(r'^(==\d+==ERROR: \w+Sanitizer|WARNING: ThreadSanitizer)', re.MULTILINE)


# Each once: whoever asks for several before it opens the first must not get one of them twice.
_ports = itertools.cycle(random.sample(range(20000, 32000), 12000))


def free_port():
    """A port that nobody has, outside the range from which the kernel takes the ports of outgoing connections."""
    for port in _ports:
        try:
            for family, host in (socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1'):
                with socket.socket(family) as s:
                    s.bind((host, port))
            return port
        except OSError:
            continue


def find(program):
    """Daemons live where a user's PATH often does not lead."""
    return shutil.which(program) or shutil.which(program, path='/usr/local/sbin:/usr/sbin:/sbin')


def without_proxies():
    """The environment, but for what names a proxy."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith('_proxy')}


def limited_files(count):
    """For `prepare`: both limits, since a daemon raises the soft one to the hard one."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def as_nobody(groups=()):
    """For `prepare` and `preexec_fn`: the process has no rights but those of `groups`."""
    os.setgroups(groups)
    os.setgid(NOBODY)
    os.setuid(NOBODY)


class Process:
    def __init__(self, name, arguments, log_path, prepare=None, inherited=()):
        self.name = name
        self.arguments = arguments
        self.log_path = log_path
        self.may_end = False  # whoever ends it, or expects its end, says so
        with open(log_path, 'ab') as log:
            self.popen = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                          preexec_fn=prepare, pass_fds=inherited, env=dict(os.environ, PYTHONUNBUFFERED='1', **self.visible()))

    @staticmethod
    def visible():
        """Only root looks into /proc/PID of a wstand, unless that is told to let its user."""
        return {} if os.geteuid() == 0 else {'WSTAN_DUMPS': '1'}

    def await_port(self, port, within=15.0, host='127.0.0.1'):
        def listens():
            if self.popen.poll() is not None:
                self.may_end = True
                raise Stuck('%s ended with status %d before it listened:\n%s' % (self.name, self.popen.returncode, self.log()))
            try:
                socket.create_connection((host, port), 1).close()
                return True
            except OSError:
                return False
        eventually(listens, '%s listens on port %d' % (self.name, port), within, 0.03)

    def log(self):
        with open(self.log_path, errors='replace') as f:
            return f.read()

    def await_log(self, pattern, within=5.0, since=0):
        """A match of `pattern` in the log behind its first `since` characters."""
        return eventually(lambda: re.search(pattern, self.log()[since:], re.IGNORECASE),
                          'the log of %s matches %r' % (self.name, pattern), within)

    def resident(self):
        """Bytes of resident memory."""
        return self._memory('VmRSS')

    def peak(self):
        """The most that it ever was."""
        return self._memory('VmHWM')

    def _memory(self, field):
        with open('/proc/%d/status' % self.popen.pid) as f:
            return int(re.search(field + r':\s+(\d+) kB', f.read()).group(1)) * 1024

    def descriptors(self):
        """How many it has open."""
        return len(os.listdir('/proc/%d/fd' % self.popen.pid))

    def watches_network(self):
        """Whether a client has opened what tells it of a sleep and of another network, which it does behind its start."""
        folder = '/proc/%d/fd/' % self.popen.pid
        return any('timerfd' in os.readlink(folder + name) for name in os.listdir(folder))

    def signal(self, number):
        self.may_end = True
        self.popen.send_signal(number)

    def exit_status(self, within=10.0):
        self.may_end = True
        try:
            return self.popen.wait(within)
        except subprocess.TimeoutExpired:
            raise Stuck('%s has not ended within %.1f s' % (self.name, within)) from None

    def kill(self):
        self.may_end = True
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait(10)

    def end(self):
        """The last thing done to it: one that has ended unasked has crashed."""
        ended_unasked = not self.may_end and self.popen.poll() is not None
        status = self.popen.returncode
        self.kill()
        if ended_unasked:
            raise AssertionError('%s ended by itself with status %d:\n%s' % (self.name, status, self.log()[-8000:]))
        report = SANITIZER.search(self.log())
        if report:
            raise AssertionError('%s: a sanitizer complains:\n%s' % (self.name, self.log()[report.start():][:8000]))
