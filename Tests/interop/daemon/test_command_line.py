"""The command line: what it prints, its one-line errors and its exit statuses."""
import base64
import os
import pty
import re
import socket
import subprocess

from helpers.process import OURS, free_port
from helpers.scenario import Scenario
from helpers.waiting import Stuck

USAGE, CONFIGURATION = 64, 78


class CommandLine(Scenario):
    def run_to_end(self, *arguments, within=4):
        try:
            return subprocess.run([OURS, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within)
        except subprocess.TimeoutExpired as error:
            raise Stuck('%r has not ended within %d s; it said %r %r' % (arguments, within, error.stdout, error.stderr)) from None

    def assertRefused(self, *arguments, status=(USAGE, CONFIGURATION), about=None):
        """It ends with this status, says one line on stderr, which has this in it, and says nothing on stdout."""
        with self.subTest(arguments=' '.join(map(str, arguments)).replace(self.key, 'KEY')):
            done = self.run_to_end(*arguments)
            self.assertIn(done.returncode, status if isinstance(status, tuple) else (status,), done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertEqual(done.stdout, '')
            self.assertNotIn(self.key, done.stderr)
            if about:
                self.assertRegex(done.stderr, re.compile(about, re.IGNORECASE))

    def test_generated_key(self):
        """-g prints the base64 of 16 bytes and nothing else, another each time, with or without other arguments."""
        keys = set()
        for arguments in ('-g',), ('--gen-key',), ('-g', 'ws://127.0.0.1:1', 'x'):
            done = self.run_to_end(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertRegex(done.stdout, r'^\S+\n$')
            self.assertEqual(len(base64.b64decode(done.stdout, validate=False)), 16)
            keys.add(done.stdout)
        self.assertEqual(len(keys), 3)

    def test_strings_of_version_2(self):
        """-g --v2 prints a server's string and its client's, which --client-key derives again from the first."""
        done = self.run_to_end('-g', '--v2')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        server, client = done.stdout.split()
        for given in server + '\n', done.stdout:
            derived = subprocess.run([OURS, '--client-key'], input=given, capture_output=True, text=True, timeout=4)
            self.assertEqual((derived.returncode, derived.stdout, derived.stderr), (0, client + '\n', ''))
        for option, key, warns in ((), server, True), (('--compatible=yes',), client, False), ((), client, False), (('-s',), server, False):
            done = self.run_to_end('--check-config', *option, 'ws://127.0.0.1:1/', '--key-file', self.write('key', key))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual('its holder can play the server' in done.stdout + done.stderr, warns)
            self.assertEqual('compatible has no effect' in done.stdout + done.stderr, '--compatible=yes' in option)
        for given, about in ('', 'is empty'), (self.key, 'is of version 1'), (client, "is a client's already"), (server[:-1], 'is cut off'), ('x' * 5000, 'is above 4096 bytes'):
            refused = subprocess.run([OURS, '--client-key'], input=given, capture_output=True, text=True, timeout=4)
            self.assertEqual((refused.returncode, refused.stdout), (78, ''))
            self.assertRegex(refused.stderr, r'\Awstand: error: the key on stdin %s.*\n\Z' % about)

    def test_full_disk(self):
        """A key that could not be written is no success."""
        with open('/dev/full', 'w') as full:
            for option in '-g', '--version', '--help':
                done = subprocess.run([OURS, option], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=4)
                self.assertEqual(done.returncode, 1, option)
                self.assertIn('cannot write to stdout: No space left on device', done.stderr)

    def test_generated_key_on_a_terminal(self):
        """On a terminal, -g prints the words of the Python wstan before the key; such a line is not taken for a passphrase."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        subprocess.run([OURS, '-g'], stdin=subprocess.DEVNULL, stdout=theirs, check=True, timeout=4)
        os.close(theirs)
        line = os.read(ours, 1000).decode()
        self.assertRegex(line, r'^A fresh random key: \S+\r\n$')
        self.assertRefused('-s', 'ws://127.0.0.1:%d' % free_port(), '--key-file', self.write('key', line), about='more than a key')

    def test_version(self):
        """--version prints a version on one line."""
        done = self.run_to_end('--version')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertRegex(done.stdout, r'^\S*\s?\d+\.\d+\S*\n$')

    def test_help(self):
        """-h names every option of the Python wstan 0.5.1 and our own."""
        done = self.run_to_end('-h')
        self.assertEqual(done.returncode, 0)
        for option in ('--help', '--gen-key', '--client', '--server', '--debug', '--compatible', '--ini', '--proxy', '--addr', '--port',
                       '--pool-size', '--pool-max-idle', '--tun-addr', '--tun-port', '--x-forward', '--config', '--key-file', '--version'):
            self.assertIn(option, done.stdout)
        for letter in 'hgcsdziyaptr':
            self.assertRegex(done.stdout, r'(?m)(^|[\s,(\[|])-%s\b' % letter)

    def test_misuse(self):
        """An option that does not exist, one without its value, -c with -s, one argument too many: a line and 64."""
        uri = 'ws://127.0.0.1:%d' % free_port()
        self.assertRefused('--no-such-option', uri, self.key, status=USAGE, about='--no-such-option')
        self.assertRefused('-c', '-s', uri, self.key, status=USAGE)
        self.assertRefused(uri, self.key, 'another', status=USAGE, about='3 words')
        self.assertRefused(uri, self.key, '-p', status=USAGE)

    def test_missing(self):
        """A missing key or URI is a line that names it."""
        self.assertRefused('-s', 'ws://127.0.0.1:%d' % free_port(), about='key')
        self.assertRefused('ws://127.0.0.1:%d' % free_port(), about='key')
        self.assertRefused('-s', about='uri')

    def test_bad_port(self):
        """A port that is none is a line that names it."""
        uri = 'ws://127.0.0.1:%d' % free_port()
        for port in 'x', '70000', '-1', '':
            about = 'port|' + re.escape(port) if port else 'empty'
            self.assertRefused(uri, self.key, '-p', port, about=about)
            self.assertRefused('-s', uri, self.key, '-r', port, about=about)

    def test_bad_uri(self):
        """A URI that is none of ours is a line about it: another scheme, a bad port, no host, a fragment."""
        for uri in ('http://127.0.0.1:80', 'nonsense', 'ws://127.0.0.1:70000', 'ws://127.0.0.1:x', 'ws://', 'ws://127.0.0.1:80/#a', ''):
            self.assertRefused(uri, self.key)
            self.assertRefused('-s', uri, self.key)

    def test_bad_values(self):
        """A size, a duration or a number that cannot be read is a line that names its option or the value."""
        uri = 'ws://127.0.0.1:%d' % free_port()
        for option, value in (('--memory-limit', 'much'), ('--drain-timeout', 'soon'), ('--handshake-timeout', '-1s'), ('--pool-size', 'big'),
                              ('--max-handshakes', '1.5'), ('--request-ttl', 'x')):
            self.assertRefused('-s', uri, self.key, '%s=%s' % (option, value), about='%s|%s' % (option[2:], re.escape(value)))

    def test_unreadable_files(self):
        """A key file or a configuration that cannot be read is a line that names it."""
        uri = 'ws://127.0.0.1:%d' % free_port()
        missing = os.path.join(self.directory, 'not-there')
        self.assertRefused('-s', uri, '--key-file', missing, status=CONFIGURATION, about='not-there')
        self.assertRefused('-s', uri, '--key-file', self.directory, status=CONFIGURATION)
        self.assertRefused('--config', missing, status=CONFIGURATION, about='not-there')
        self.assertRefused('-i', missing, status=CONFIGURATION, about='not-there')
        empty = os.path.join(self.directory, 'empty')
        open(empty, 'w').close()
        self.assertRefused('-s', uri, '--key-file', empty, status=CONFIGURATION, about='empty')

    def test_port_in_use(self):
        """A port that another program listens on is a line that names the port, not a crash."""
        with socket.create_server(('127.0.0.1', 0)) as taken:
            port = taken.getsockname()[1]
            uri = 'ws://127.0.0.1:%d' % free_port()
            self.assertRefused('-s', 'ws://127.0.0.1:%d' % port, self.key, status=(1, 69, 78), about=str(port))
            self.assertRefused(uri, self.key, '-a', '127.0.0.1', '-p', port, status=(1, 69, 78), about=str(port))

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def test_check_config(self):
        """--check-config reads the file, its drop-ins and what they name, tells every problem, and ends with 78 when there is an error."""
        key = self.write('key', self.key)
        config = self.write('w.conf', 'uri = ws://127.0.0.1:9/\nkey-file = %s\n' % key)
        done = self.run_to_end('--check-config', '--config', config)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, 'The configuration is good.\n', ''))
        self.write('w.conf.d/10.conf', 'key-file = %s-not-there\n[client]\nusers-file = %s\n' % (key, key))
        done = self.run_to_end('--check-config', '--config', config)
        self.assertEqual((done.returncode, done.stdout), (CONFIGURATION, ''))
        self.assertRegex(done.stderr, r'(?m)^\S+/w\.conf\.d/10\.conf:1:12: error: cannot read the key file \S+-not-there: ')
        self.assertRegex(done.stderr, r'(?m)^%s:1:1: warning: line ignored: it has no colon' % re.escape(key))
        self.assertRegex(done.stderr, r'(?m)^%s: error: has no user' % re.escape(key))
        self.assertNotIn(self.key, done.stderr)
        self.write('w.conf.d/20.conf', 'threads = many\n')
        both = self.run_to_end('--check-config', '--config', config).stderr
        self.assertRegex(both, r'(?m)^\S+/20\.conf:1:11: error: threads: takes')
        self.assertIn('error: cannot read the key file', both)

    def test_print_config(self):
        """--print-config prints what is in force and where it comes from, no secrets, and --check-config can read that."""
        config = self.write('w.conf', 'uri = ws://127.0.0.1:9/\nkey = %s\n[client]\nproxy = http://u:%s@127.0.0.1:3\n' % (self.key, self.key))
        self.write('w.conf.d/10.conf', '[pool]\nsize = 3\n')
        done = self.run_to_end('--print-config', '--config', config, '--threads=2')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('\n# %s.d/10.conf:2\nsize = 3\n' % config, done.stdout)
        self.assertIn('\n# command line\nthreads = 2\n', done.stdout)
        self.assertIn('\n# default\nlog-level = notice\n', done.stdout)
        self.assertIn('\nkey = (redacted)\n', done.stdout)
        self.assertNotIn(self.key, done.stdout)
        printed = self.write('printed.conf', done.stdout)
        self.assertEqual(self.run_to_end('--check-config', '--strict', '--config', printed).returncode, 0)
        self.assertEqual(self.run_to_end('--config', printed).returncode, CONFIGURATION)
        again = self.run_to_end('--print-config', '--config', printed)
        self.assertEqual([line for line in again.stdout.splitlines() if not line.startswith('#')],
                         [line for line in done.stdout.splitlines() if not line.startswith('#')])
