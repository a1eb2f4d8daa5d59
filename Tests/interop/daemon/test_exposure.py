"""Files that others can read or change are told of, with what to do; none of them keeps the daemon from starting."""
import os

from helpers.control.controlled import ControlledPair
from helpers.process import OURS


class Exposure(ControlledPair):
    def warnings(self, mode='server'):
        """After a start anew."""
        process = self.wstan_server if mode == 'server' else self.wstan_client
        process.end()
        general = 'log-level = info\nstate-directory = ' + self.state if mode == 'server' else ''
        section = '[server]\nallow-private = yes' if mode == 'server' else '[client]\nlisten = 127.0.0.1:%d\n%s' % (self.client_port, self.more)
        process = self.daemon(mode, general, section)
        if mode == 'server':
            self.wstan_server = process
        else:
            self.wstan_client = process
        return process.log()

    more = ''

    def test_none(self):
        self.assertNotRegex(self.wstan_server.log() + self.wstan_client.log(), 'can (read|change|replace)')

    def test_key_file(self):
        os.chmod(self.key_path, 0o666)
        log = self.warnings()
        self.assertIn('every user of this host can change %s: chmod go-w %s' % (self.key_path, self.key_path), log)
        self.assertIn('every user of this host can read the key in %s: ' % self.key_path, log)
        os.chmod(self.key_path, 0o620)
        os.chown(self.key_path, -1, 54321)
        self.assertIn('the group 54321 can change %s: chmod go-w %s' % (self.key_path, self.key_path), self.warnings())
        os.chown(self.key_path, 54321, 0)
        os.chmod(self.key_path, 0o600)
        self.assertIn('the user 54321 can change %s: chown root %s' % (self.key_path, self.key_path), self.warnings())

    def test_state_directory(self):
        os.chmod(self.state, 0o777)
        self.assertIn('every user of this host can change what is in %s: chmod go-w %s' % (self.state, self.state), self.warnings())

    def test_configuration(self):
        path = os.path.join(self.directory, 'server.conf')
        os.chmod(path, 0o666)
        # It is written again, and keeps its mode.
        log = self.warnings()
        self.assertIn('every user of this host can change %s: chmod go-w %s' % (path, path), log)
        os.chmod(path, 0o644)
        os.chmod(self.directory, 0o777)
        log = self.warnings()
        self.assertIn('every user of this host can replace %s in %s: chmod go-w %s' % (path, self.directory, self.directory), log)
        self.assertIn('every user of this host can replace %s in %s' % (self.key_path, self.directory), log)

    def test_users_file(self):
        users = self.write('users', 'u:$6$abcdefgh$' + 'x' * 86 + '\n')
        os.chmod(users, 0o646)
        self.more = 'users-file = ' + users
        log = self.warnings('client')
        self.assertIn('can read the hashes in %s: ' % users, log)
        self.assertIn('every user of this host can change %s: chmod go-w %s' % (users, users), log)

    def test_check(self):
        """--check-config says the same, and is content."""
        import subprocess
        os.chmod(self.key_path, 0o622)
        done = subprocess.run([OURS, '--check-config', '--config', os.path.join(self.directory, 'server.conf')], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('every user of this host can change %s: chmod go-w %s' % (self.key_path, self.key_path), done.stderr)
