"""What a daemon or a peer says is cleaned before it is printed or logged."""
import itertools
import json
import os
import unicodedata

from helpers.control import fakedaemon
from helpers.control.fakedaemon import tunnel, tunnels
from control.test_wstanctl import Control
from helpers.passwords import HASHES
from helpers.peers import agent
from helpers.scenario import Scenario

HOSTILE = ('a\x1b[31m\x07\x9b1m\x00\r\x7f' '\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c'
           '\u2028\u2029\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u3164\ufe0f' '\U000e0041\U000e007f\ue000\ufdd0' 'b')
HIDDEN = {'\u034f', '\u3164', '\ufe0f', '\u180e'}


def unclean(text):
    """What of a text should not reach a terminal."""
    return [hex(ord(c)) for c in text if c not in '\n' and (
        c in HIDDEN or unicodedata.category(c) in ('Cc', 'Cf', 'Cs', 'Co', 'Cn', 'Zl', 'Zp'))]


def poisoned(value, *kept):
    """All texts but those of the members `kept`, whose words are few."""
    if isinstance(value, dict):
        return {k: v if k in kept else poisoned(v, *kept) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(v, *kept) for v in value]
    return value + HOSTILE if isinstance(value, str) else value


WORDS = 'mode', 'state', 'source', 'logLevel', 'event', 'protocol', 'severity', 'former', 'level'

STATUS = fakedaemon.status(
    statusText='text', instance='work', warnings=['w'], configurationErrors=['e'], requiresRestart=['uri'], warningCount=1,
    replacedListen=['a'], withoutTLS=['b'], trustsFront=False, refusedKeys=['n'],
    reloadFailureTimestampUSec=1_700_000_000_000_000,
    servers=[{'uri': 'wss://h/', 'state': 'unreachable', 'used': True, 'trying': False, 'code': 'c', 'cause': 'why', 'advice': 'do', 'tunnels': 1},
             {'uri': 'wss://i/', 'state': 'unknown', 'used': False, 'trying': False, 'cause': 'why', 'tunnels': 0}],
    certificate={'file': '/f', 'names': ['n'], 'mismatchedHost': 'm', 'refusal': 'r', 'endTimestampUSec': 1_700_000_000_000_000})
SERVER = dict(STATUS, mode='server', rejects={
    'replay': 1, 'expired': 0, 'badAuthentication': 0, 'malformed': 0, 'forbiddenTarget': 0, 'overLimit': 0, 'droppedDatagrams': 0})
DIAGNOSTICS = [{'severity': 'warning', 'message': 'm', 'file': '/f', 'line': 1, 'column': 2}, {'severity': 'error', 'message': 'm'}]
NEW_KEY = {'id': '0123456789abcdef', 'key': 'AAECAwQFBgcICQoLDA0ODw==', 'persisted': False, 'warnings': ['w'], 'clientURI': 'ws://h/',
           'clientURIGuessed': True}
ANSWERS = {
    'ListRejects': {'sinceTimestampUSec': 1_700_000_000_000_000, 'refusals': [
        {'address': 'a', 'cause': 'c', 'text': 't', 'key': 'k', 'count': 2, 'firstTimestampUSec': 1_700_000_000_000_000,
         'lastTimestampUSec': 1_700_000_000_000_000}]},
    'CheckConfiguration': {'diagnostics': DIAGNOSTICS},
    'Reload': {'changed': ['a'], 'requiresRestart': ['b'], 'warnings': ['w']},
    'RotateKey': NEW_KEY,
    'AddKey': NEW_KEY,
    'RetireKey': {'closed': 1, 'warnings': ['w'], 'keyFile': '/f', 'keyFileKey': 'k'},
    'GetClientConfiguration': {
        'text': 'mode = client\nkey = k\n', 'key': 'k', 'clientURI': 'ws://h/', 'clientURIGuessed': True, 'warnings': ['w']},
    'Drain': {'tunnelsActive': 0},
    'Undrain': {},
    'CloseTunnel': {},
    'SetLogLevel': {'former': 'notice'},
}
COMMANDS = (
    ['status'], ['pool'], ['keys'], ['tunnels'], ['top'], ['rejects'], ['rejects', '--all'], ['check'], ['check-config'], ['reload'],
    ['reload', '--dry-run'], ['drain'], ['undrain'], ['log-level'], ['log-level', 'info'], ['close', '1'], ['add-key', 'phone'],
    ['rotate-key'], ['rotate-key', 'phone'], ['retire-key', '0123456789abcdef'], ['retire-key', 'default'], ['client-config'],
    ['client-config', '--key', 'phone'], ['client-config', '--pac'], ['instances'])
ERRORS = [
    ('ConfigurationInvalid', {'diagnostics': DIAGNOSTICS}), ('NoSuchTunnel', {'id': 1}), ('NoSuchKey', {'id': 'x'}), ('KeyExists', {'name': 'x'}),
    ('InvalidKey', {'message': 'x'}), ('KeyReadOnly', {'source': 'x'}), ('WrongState', {'state': 'x'}), ('OperationFailed', {'message': 'x'}),
    ('org.varlink.service.InvalidParameter', {'parameter': 'x'}), ('org.varlink.service.MethodNotFound', {'method': 'x'}),
    ('org.example.' + HOSTILE, {'x': 'y'})]


class Commands(Control):
    """Every command, against a daemon that means no good."""
    LIMIT = 240

    def assertClean(self, *arguments):
        done = self.run_ctl(*arguments, within=60)
        self.assertGreaterEqual(done.returncode, 0, done.stderr)
        self.assertEqual(unclean(done.stdout + done.stderr), [], '%r: %r' % (arguments, done.stdout + done.stderr))
        return done

    def test_answers(self):
        answers = {method: poisoned(answer, *WORDS) for method, answer in ANSWERS.items()}
        listed = tunnels(*(poisoned(tunnel(n), *WORDS) for n in range(3)))
        for status in STATUS, SERVER:
            self.fake(GetStatus=self.statuses(poisoned(status, *WORDS)), ListTunnels=listed, **answers)
            seen = ''
            for command in COMMANDS:
                with self.subTest(command=command, mode=status['mode']):
                    seen += self.assertClean(*command).stdout
                    if status is SERVER and command != ['top']:  # which goes on
                        self.assertClean(*command, '--json')
            self.assertIn('?[31m', seen)

    def test_errors(self):
        """Each error, and each command."""
        for command, (name, parameters) in zip(COMMANDS, itertools.cycle(ERRORS)):
            def refuse(call):
                call.error(name, **poisoned(parameters, *WORDS))
            self.fake(GetStatus=self.statuses(SERVER), **{method: refuse for method in [*ANSWERS, 'ListTunnels']})
            with self.subTest(error=name, command=command):
                self.assertClean(*command)

    def test_json(self):
        """A program that reads JSON gets the text as it is."""
        self.fake(GetStatus=self.statuses(poisoned(STATUS, *WORDS)))
        self.assertEqual(self.json('status')[0]['warnings'], ['w' + HOSTILE])

    def test_client_config(self):
        """A configuration that is printed as it came: its lines stay, and nothing in them reaches the terminal."""
        text = 'mode = client\nkey = k\n# \x1b]0;owned\x07\x1b[2J' + HOSTILE + '\n'
        self.fake(GetStatus=fakedaemon.status(mode='server'), GetClientConfiguration={
            'text': text, 'key': 'k', 'clientURI': 'ws://h/', 'clientURIGuessed': True})
        done = self.run_ctl('client-config')
        self.assertIn('mode = client\nkey = k\n', done.stdout)
        self.assertEqual(unclean(done.stdout + done.stderr), [])


class Log(Scenario):
    """A name that a user agent gives, in each form of the log."""

    def test_socks_user(self):
        name = HOSTILE.replace('\x00', '').encode()[:250].decode(errors='ignore')
        users = os.path.join(self.directory, 'users')
        with open(users, 'w') as f:
            f.write('anna:%s\n' % HASHES['anna'])
        os.chmod(users, 0o600)
        for form in 'text', 'json':
            with self.subTest(form=form):
                client = self.client(self.server(), '--log-level=debug', '--log-format=' + form, '--users-file=' + users)
                with agent.dial(client.port) as s:
                    # SOCKS4a: a user, and a name that is looked up elsewhere.
                    s.sendall(b'\4\1\0\1\0\0\0\1' + name.encode() + b'\0' + b'x.' + name.encode() + b'.invalid\0')
                    s.recv(8)
                with agent.dial(client.port) as s:
                    s.sendall(b'\5\1\2')
                    s.recv(2)
                    s.sendall(b'\1' + bytes([len(name.encode())]) + name.encode() + b'\1p')
                    s.recv(2)
                client.await_log('debug.*wrong name or password')
                client.end()
                self.assertEqual(unclean(client.log()), [])
                if form == 'json':
                    for line in client.log().splitlines():
                        json.loads(line)
