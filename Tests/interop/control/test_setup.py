"""wstanctl init: what it writes for servers and clients, what it leaves alone, and what it says."""
import os
import re
import shutil
import stat
import subprocess

from control.test_wstanctl import FAILED, KEY, NOT_PERMITTED, Control
from helpers import ROOT
from helpers.process import CTL, OURS, as_nobody


class Setup(Control):
    """From nothing to files that wstand takes."""
    DROP_IN = '/etc/wstan.conf.d/10-init.conf'
    SOCKET = '/etc/systemd/system/wstand.socket.d/10-init.conf'
    SERVICE = '/etc/systemd/system/wstand.service.d/10-init.conf'

    def setUp(self):
        super().setUp()
        self.root = os.path.join(self.directory, 'root')
        os.makedirs(self.root + '/etc')

    def read(self, path):
        with open(self.root + path) as f:
            return f.read()

    def put(self, path, text):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, 'w') as f:
            f.write(text)

    def put_shipped(self):
        shutil.copy(os.path.join(ROOT, 'etc/wstan.conf'), self.root + '/etc/wstan.conf')

    def exists(self, path):
        return os.path.exists(self.root + path)

    def files(self):
        return sorted(os.path.join(folder, name)[len(self.root):] for folder, _, names in os.walk(self.root) for name in names)

    def init(self, *arguments, stdin=None, status=0):
        done = self.run_ctl('init', *arguments, '--root', self.root, stdin=stdin)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def client_key(self, server_key):
        """The string that a client is given."""
        done = subprocess.run([OURS, '--client-key'], input=server_key, capture_output=True, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertRegex(done.stdout, r'\Awstan2:A[g-v]\S+\n\Z')
        return done.stdout.strip()

    def assertTaken(self, path, says=''):
        """By wstand, the drop-ins too, but for where the key is."""
        copy = os.path.join(self.directory, 'copy.conf')
        shutil.rmtree(copy + '.d', ignore_errors=True)
        parts = {path: copy}
        if self.exists(path + '.d'):
            os.mkdir(copy + '.d')
            parts.update({path + '.d/' + name: copy + '.d/' + name for name in os.listdir(self.root + path + '.d')})
        for original, target in parts.items():
            with open(target, 'w') as f:
                f.write(re.sub(r'(?m)^key-file = /', 'key-file = %s/' % self.root, self.read(original)))
        for action in '--check-config', '--print-config':
            done = subprocess.run([OURS, action, '--config', copy, '--control-socket=none'], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(says, done.stdout)

    def test_both_ends(self):
        """The server says what to run at the client, which asks for the key; each end has its own of version 2, readable for few."""
        text = self.init('server', '--host', 'server.example.com')
        self.assertIn('sudo systemctl enable --now wstand\n', text)
        server_key = self.read('/etc/wstan/key')
        self.assertRegex(server_key, r'\Awstan2:A[Q-Za-f]\S+\n\Z')
        key = self.client_key(server_key)
        self.assertEqual(stat.S_IMODE(os.stat(self.root + '/etc/wstan/key').st_mode) & 0o137, 0)
        self.assertEqual(stat.S_IMODE(os.stat(self.root + self.DROP_IN).st_mode), 0o644)
        self.assertTaken('/etc/wstan.conf', '\npublic-uri = ws://server.example.com:8080/\n')
        command = re.search(r'^    sudo wstanctl (init client .*)$', text, re.M).group(1)
        self.assertEqual(command, 'init client client --uri ws://server.example.com:8080/')
        self.assertEqual(re.search(r'^Key:\n\n    (.*)$', text, re.M).group(1), key)
        self.assertNotIn('<<<', text)
        text = self.init(*command.split()[1:], stdin=key + '\n')
        self.assertIn('sudo systemctl enable --now wstand@client\n', text)
        self.assertEqual(self.read('/etc/wstan/client.key').strip(), key)
        self.assertEqual(stat.S_IMODE(os.stat(self.root + '/etc/wstan/client.key').st_mode) & 0o137, 0)
        self.assertTaken('/etc/wstan/client.conf', '\nuri = ws://server.example.com:8080/\n')
        self.assertEqual(sorted(os.listdir(self.root + '/etc/wstan')), ['client.conf', 'client.key', 'key'])

    def test_key_of_the_package(self):
        """Before wstand runs, the client's string follows from the key that a package has made, or the configuration holds."""
        server_key = subprocess.run([OURS, '-g', '--v2'], capture_output=True, text=True, timeout=20, check=True).stdout.split()[0]
        client_key = self.client_key(server_key)
        self.put_shipped()
        self.put('/etc/wstan/key', server_key + '\n')
        self.assertIn('\n    %s\n' % client_key, self.init('server'))
        self.assertEqual(self.read('/etc/wstan/key'), server_key + '\n')
        self.put('/etc/wstan.conf', 'mode = server\nuri = ws://0.0.0.0:9000/\nkey = %s\n' % server_key)
        text = self.init('server')
        self.assertIn('\n    %s\n' % client_key, text)
        self.assertNotIn(server_key, text)

    def test_server_string_without_a_client(self):
        """After a rotation the clients' keys are in the ring only, so wstand has to run."""
        self.put('/etc/wstan/key', 'wstan2:AyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_MmcEDg\n')
        text = self.init('server')
        self.assertIn('    sudo wstanctl -i wstand client-config\n', text)
        self.assertNotIn('wstan2:', text)

    def test_for_python(self):
        """A key of version 1 on demand, and where one is; beside a key of version 2 wstand makes it."""
        text = self.init('server', '--python')
        key = self.read('/etc/wstan/key')
        self.assertRegex(key, r'\A[A-Za-z0-9+/]{22}==\n\Z')
        self.assertIn('\n    ' + key, text)
        for options in (), ('--python',):
            self.assertIn('\n    ' + key, self.init('server', *options))
        self.put('/etc/wstan/key', 'wstan2:AyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_MmcEDg\n')
        self.assertIn('sudo wstanctl add-key NAME --v1', self.init('server', '--python', status=FAILED))

    def test_again(self):
        """The same again changes nothing and says the same."""
        first = self.init('server', '--host', 'a.test')
        files = {name: self.read(name) for name in self.files()}
        second = self.init('server', '--host', 'a.test')
        self.assertIn('/etc/wstan/key                  unchanged: the key exists\n'
                      '/etc/wstan.conf.d/10-init.conf  unchanged: server at ws://0.0.0.0:8080/\n', second)
        self.assertEqual(first.split('Start wstand')[1], second.split('Start wstand')[1])
        self.assertEqual({name: self.read(name) for name in self.files()}, files)
        self.init('client', 'x', '--uri', 'ws://a.test/', stdin=KEY)
        self.assertIn('unchanged: the key', self.init('client', 'x', '--uri', 'ws://a.test/', stdin=KEY + '\n'))

    def test_shipped_file(self):
        """It stays as it is, to the byte: a drop-in says the rest."""
        self.put_shipped()
        before = self.read('/etc/wstan.conf')
        self.init('server', '--uri', 'ws://0.0.0.0:9000/t')
        self.assertEqual(self.read('/etc/wstan.conf'), before)
        self.assertTaken('/etc/wstan.conf', '\nuri = ws://0.0.0.0:9000/t/\n')

    def test_dry_run(self):
        """It shows what would be written, but no key, and changes nothing."""
        text = self.init('server', '--uri', 'ws://0.0.0.0:443/', '--dry-run')
        for line in ('Plan (--dry-run changes nothing):', 'to write: a new key', 'to write: systemd listens on 443', '    ListenStream=443',
                     '    uri = ws://0.0.0.0:443/', '    Requires=wstand.socket'):
            self.assertIn(line, text)
        self.assertNotIn('Key:', text)
        self.assertEqual(self.files(), [])
        text = self.init('client', 'x', '--uri', 'ws://a.test/', '--dry-run', stdin=KEY)
        self.assertNotIn(KEY, text)
        self.assertEqual(self.files(), [])

    def test_low_port(self):
        """A port below 1024 is systemd's, and that one only; another port takes it back; clients are told the port."""
        self.put_shipped()
        text = self.init('server', '--uri', 'ws://0.0.0.0:443/', '--address', 'a.test')
        self.assertIn('--uri ws://a.test:443/\n', text)
        settings = [line for line in self.read(self.SOCKET).splitlines() if not line.startswith('#')]
        self.assertEqual(settings, ['[Socket]', 'ListenStream=', 'ListenStream=443'])
        self.assertIn('Requires=wstand.socket\n', self.read(self.SERVICE))
        self.assertTaken('/etc/wstan.conf', '\nuri = ws://0.0.0.0:443/\n')
        text = self.init('server', '--uri', 'ws://0.0.0.0:8443/')
        self.assertIn('--uri ws://a.test:8443/\n', text)
        self.assertIn('removed: wstand opens the port itself', text)
        self.assertFalse(self.exists(self.SOCKET))
        self.assertFalse(self.exists(self.SERVICE))

    def test_socket_unit_of_the_administrator(self):
        """Where one has set the port already, that is what clients are told."""
        self.put_shipped()
        self.put('/etc/systemd/system/wstand.socket.d/override.conf', '[Socket]\nListenStream=\nListenStream=443\n')
        self.put('/etc/systemd/system/sockets.target.wants/wstand.socket', '')
        text = self.init('server')
        self.assertIn('wstand.socket                   unchanged: enabled, so wstand listens on port 443 instead of 8080\n', text)
        self.assertRegex(text, r'--uri ws://[^ ]+:443/\n')
        self.assertFalse(self.exists(self.SOCKET))

    def test_client_in_the_place(self):
        """What configures a client is not made a server unless that is meant; its file stays even then."""
        client = 'mode = client\nuri = ws://x/\nkey = secret\n'
        self.put('/etc/wstan.conf', client)
        self.assertIn('/etc/wstan.conf configures a client (mode = client)', self.init('server', status=FAILED))
        self.assertEqual(self.files(), ['/etc/wstan.conf'])
        self.init('server', '--force')
        self.assertEqual(self.read('/etc/wstan.conf'), client)
        self.assertTaken('/etc/wstan.conf', '\nmode = server\n')

    def test_edited_server(self):
        """It keeps what it says; another uri comes by the drop-in."""
        server = 'mode = server\nuri = ws://0.0.0.0:9000/\nkey-file = /etc/wstan/key\n[server]\ndeny = :25\n'
        self.put('/etc/wstan.conf', server)
        self.assertIn('unchanged: server at ws://0.0.0.0:9000/', self.init('server'))
        self.assertFalse(self.exists(self.DROP_IN))
        self.init('server', '--uri', 'ws://0.0.0.0:9001/')
        self.assertEqual(self.read('/etc/wstan.conf'), server)
        self.assertTaken('/etc/wstan.conf', '\nuri = ws://0.0.0.0:9001/\n')

    def test_force_keeps_a_copy(self):
        """What is replaced is kept under a name that is told, each time another one."""
        edited = 'mode = server\nthreads = 4\n'
        self.put('/etc/wstan.conf', '')
        self.put(self.DROP_IN, edited)
        self.assertIn('10-init.conf exists and differs. Keep it, or replace it with --force (a copy is kept).',
                      self.init('server', status=FAILED))
        self.assertFalse(self.exists('/etc/wstan/key'))
        self.assertIn('(former file: /etc/wstan.conf.d/10-init.conf.bak)', self.init('server', '--force'))
        self.assertEqual(self.read(self.DROP_IN + '.bak'), edited)
        self.assertTaken('/etc/wstan.conf', '\nmode = server\n')
        self.put(self.DROP_IN, edited + '# again\n')
        self.assertIn('(former file: /etc/wstan.conf.d/10-init.conf.bak.2)', self.init('server', '--force'))
        self.assertEqual(self.read(self.DROP_IN + '.bak'), edited)

    def test_key_of_a_name(self):
        """Without a server that runs no name has a key; with a key ring only wstand can tell it."""
        text = self.init('server', '--name', 'laptop', status=FAILED)
        self.assertIn('no key is named laptop. Once wstand runs, wstanctl add-key laptop makes one', text)
        self.assertEqual(self.files(), [])
        self.put('/etc/wstan/key', KEY + '\n')
        self.put('/var/lib/wstan/keyring', 'wstan key ring 1\n')
        text = self.init('server')
        self.assertNotIn(KEY, text)
        self.assertIn('    sudo wstanctl -i wstand client-config\n', text)
        self.assertIn('    sudo wstanctl -i wstand client-config --key laptop\n', self.init('server', '--name', 'laptop'))

    def test_other_client(self):
        """Another key or server under the same name is refused; nothing is written then."""
        self.init('client', 'x', '--uri', 'ws://a.test/', '--listen', '2080', stdin=KEY)
        self.assertIn('listen = localhost:2080\n', self.read('/etc/wstan/x.conf'))
        self.assertTaken('/etc/wstan/x.conf')
        text = self.init('client', 'x', '--uri', 'ws://b.test/', stdin=KEY, status=FAILED)
        self.assertIn('/etc/wstan/x.conf exists and differs. Keep it, or replace it with --force (a copy is kept).', text)
        other = 'BBECAwQFBgcICQoLDA0ODw=='
        self.init('client', 'x', '--uri', 'ws://b.test/', stdin=other, status=FAILED)
        self.assertEqual(self.read('/etc/wstan/x.key'), KEY + '\n')
        text = self.init('client', 'x', '--uri', 'ws://b.test/', '--force', stdin=other)
        self.assertIn('(former file: /etc/wstan/x.key.bak)', text)
        self.assertEqual(self.read('/etc/wstan/x.key'), other + '\n')
        self.assertEqual(self.read('/etc/wstan/x.key.bak'), KEY + '\n')
        # A script without its key is told how to keep the one that is there; only a person is asked.
        self.assertIn('the key in stdin is empty: --key-file %s/etc/wstan/x.key keeps the key that is there' % self.root,
                      self.init('client', 'x', '--uri', 'ws://b.test/', status=FAILED))
        self.assertIn('the key in stdin is empty', self.init('client', 'y', '--uri', 'ws://b.test/', status=FAILED))
        self.assertFalse(self.exists('/etc/wstan/y.conf'))

    def test_what_is_no_key(self):
        """It is refused with the reason, and a passphrase is one that is said to be one."""
        client = 'client', 'x', '--uri', 'ws://a.test/'
        for text, why in (('garbage', 'that is not a key: it has 7 characters. A key has 24 that end in ==, or begins with wstan2:. For a passphrase add --passphrase.\n'),
                          ('correct horse', 'that is not a key: it has 13 characters. '), (KEY[:-1], 'the key in stdin looks like a damaged one: '),
                          (KEY[:-3] + 'x==', 'the key in stdin looks like a damaged one: '), (' ' + KEY[1:], 'the key in stdin looks like a damaged one: '),
                          ('A fresh random key: ' + KEY, 'the key in stdin is more than a key: keep only the 24 characters')):
            with self.subTest(text=text):
                done = self.init(*client, stdin=text, status=FAILED)
                self.assertTrue(done.startswith('wstanctl: ' + why), done)
        self.assertEqual(self.files(), [])
        self.init(*client, '--passphrase', stdin='correct horse\n')
        self.assertEqual(self.read('/etc/wstan/x.key'), 'correct horse\n')
        path = os.path.join(self.directory, 'pasted')
        with open(path, 'w') as f:
            f.write('\n %s \r\nmore\n' % KEY)
        self.init('client', 'y', '--uri', 'ws://a.test/', '--key-file', path)
        self.assertEqual(self.read('/etc/wstan/y.key'), KEY + '\n')
        self.init('client', 'z', '--uri', 'ws://a.test/', '--key-file', '-', stdin=KEY)
        self.assertEqual(self.read('/etc/wstan/z.key'), KEY + '\n')

    # Of the vectors of version 2.
    CLIENT_STRING = 'wstan2:AjWActY2WIDRruoymt-RITg4Ue0hoo47dell0NLNFmJUQEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl963GkU'
    SHARED_STRING = 'wstan2:AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fJzFQ6A'
    SERVER_STRING = 'wstan2:AyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_MmcEDg'

    def test_strings_of_version_2(self):
        """One of the other end, and one that is damaged, is refused before a file is written, also as a passphrase."""
        client = 'client', 'x', '--uri', 'ws://a.test/'
        for text, why in ((self.SERVER_STRING, "the key is a server's, and a client's is needed: \"wstanctl client-config --key NAME\" prints one"),
                          (self.SHARED_STRING, "the key is a server's, and a client's is needed: \"wstanctl client-config --key NAME\" prints one "
                           'at the server, and "wstand --client-key" makes one of this string'),
                          (self.CLIENT_STRING[:-1], 'the key in stdin is cut off or mistyped'), ('wstan2:', 'the key in stdin ends after wstan2:'),
                          (self.CLIENT_STRING.replace('AjWA', 'AjWB'), 'the key in stdin is cut off or mistyped: its check does not match'),
                          (self.CLIENT_STRING.upper(), 'the key in stdin looks like a damaged one of version 2'),
                          (self.CLIENT_STRING.replace(':', ''), 'the key in stdin looks like a damaged one of version 2')):
            for options in (), ('--passphrase',):
                with self.subTest(text=text, options=options):
                    done = self.init(*client, *options, stdin=text, status=FAILED)
                    self.assertTrue(done.startswith('wstanctl: ' + why), done)
        self.assertEqual(self.files(), [])
        self.init(*client, stdin=self.CLIENT_STRING)
        self.assertEqual(self.read('/etc/wstan/x.key'), self.CLIENT_STRING + '\n')
        self.put('/etc/wstan/key', self.CLIENT_STRING + '\n')
        for options in (), ('--python',):
            self.assertIn("the key in /etc/wstan/key is a client's, and a server's is needed: remove it",
                          self.init('server', *options, status=FAILED))
        self.put('/etc/wstan/key', self.SERVER_STRING + '\n')
        self.init('server')
        self.assertEqual(self.read('/etc/wstan/key'), self.SERVER_STRING + '\n')

    def test_client_of_a_user(self):
        """In the user's own directory, for the user's own unit, readable for that user only."""
        home = self.environment['HOME'] + '/.config'
        text = self.init('client', '--user', '--uri', 'wss://a.test/', stdin=KEY)
        self.assertIn('    systemctl --user enable --now wstand\n', text)
        self.assertEqual(self.files(), [home + '/wstan.conf', home + '/wstan.key'])
        self.assertEqual(stat.S_IMODE(os.stat(self.root + home + '/wstan.key').st_mode), 0o600)
        self.assertIn('key-file = %s/wstan.key\n' % home, self.read(home + '/wstan.conf'))
        self.assertTaken(home + '/wstan.conf')
        self.environment['XDG_CONFIG_HOME'] = '/elsewhere'
        self.init('client', '--user', '--uri', 'wss://a.test/', stdin=KEY)
        self.assertTrue(self.exists('/elsewhere/wstan.conf'))

    def test_umask(self):
        """The service can enter what was made for it, whatever root's umask."""
        os.chmod(self.root + '/etc', 0o700)
        self.addCleanup(os.umask, os.umask(0o027))
        self.init('server', '--uri', 'ws://0.0.0.0:443/')
        for path, mode in ('/etc', 0o700), ('/etc/wstan', 0o755), ('/etc/wstan.conf.d', 0o755), (os.path.dirname(self.SOCKET), 0o755):
            self.assertEqual(stat.S_IMODE(os.stat(self.root + path).st_mode), mode, path)

    def test_links_are_not_followed(self):
        """A link in the place of a file is replaced, not what it leads to."""
        os.mkdir(self.root + '/etc/wstan')
        victim = os.path.join(self.directory, 'victim')
        with open(victim, 'w') as f:
            f.write('precious')
        os.symlink(victim, self.root + '/etc/wstan/x.key')
        self.init('client', 'x', '--uri', 'ws://a.test/', stdin=KEY, status=FAILED)
        self.init('client', 'x', '--uri', 'ws://a.test/', '--force', stdin=KEY)
        with open(victim) as f:
            self.assertEqual(f.read(), 'precious')

    def test_not_permitted(self):
        """A user who may not write is told to use sudo."""
        if os.geteuid() != 0:
            self.skipTest('only root can become somebody else')
        os.chmod(self.directory, 0o755)
        program = shutil.copy(CTL, self.directory)
        self.put('/etc/wstan/key', KEY + '\n')
        done = subprocess.run([program, 'init', 'server', '--root', self.root], env=self.environment, capture_output=True, text=True,
                              timeout=20, preexec_fn=as_nobody)
        self.assertEqual(done.returncode, NOT_PERMITTED, done.stderr)
        self.assertIn('use sudo', done.stderr)
