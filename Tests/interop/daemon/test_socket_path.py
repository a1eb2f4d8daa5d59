"""A user who may write in the directory of a Unix socket of root's daemon changes the mode of no other file by it."""
import contextlib
import os
import shutil
import signal
import time

from helpers.process import NOBODY, OURS, as_nobody, free_port
from helpers.scenario import Scenario

CHANGES = 'chmod,fchmod,fchmodat,listen,linkat,rename,renameat,renameat2'


class SocketPath(Scenario):
    def test_link(self):
        """A link is put there in the half second behind bind(2), or in that before each change of a file."""
        if os.geteuid() != 0 or not shutil.which('strace'):
            self.skipTest('it needs root and strace')
        os.chmod(self.directory, 0o755)
        place, secret = os.path.join(self.directory, 'place'), os.path.join(self.directory, 'secret')
        os.mkdir(place)
        os.chown(place, NOBODY, NOBODY)
        with open(secret, 'w'):
            os.chmod(secret, 0o600)
        attacker = self.attack(place, secret)
        try:
            port = free_port()
            server = self.start('server', ['strace', '-D', '-f', '-o', os.path.join(self.directory, 'trace'), '-e', 'trace=bind,' + CHANGES,
                                           '-e', 'inject=bind:delay_exit=500000', '-e', 'inject=%s:delay_enter=500000' % CHANGES, OURS],
                                '-s', 'ws://127.0.0.1:%d' % port, self.key, '--control-socket=' + os.path.join(place, 'control'))
            server.may_end = True  # it may refuse to serve there
            with contextlib.suppress(AssertionError):
                server.await_port(port)
            time.sleep(3)  # changes may follow, half a second apart
        finally:
            os.kill(attacker, signal.SIGKILL)
            os.waitpid(attacker, 0)
        self.assertEqual(os.stat(secret).st_mode & 0o777, 0o600)

    def attack(self, place, secret):
        """The process that turns whatever comes into the directory into a link."""
        child = os.fork()
        if child == 0:
            as_nobody()
            end = time.monotonic() + 30
            while time.monotonic() < end:
                for name in os.listdir(place):
                    path = os.path.join(place, name)
                    if not os.path.islink(path):
                        with contextlib.suppress(OSError):
                            os.symlink(secret, path + '.new')
                            os.rename(path + '.new', path)
            os._exit(0)
        return child
