"""wstanctl beside a daemon that says what the test wants: exit statuses, JSON, instances, terminals."""
import fcntl
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

from helpers import ROOT
from helpers.control import fakedaemon
from helpers.control.fakedaemon import FakeDaemon, tunnel, tunnels
from helpers.process import CTL, free_port
from helpers.scenario import Scenario
from helpers.waiting import Stuck, eventually

FAILED, NOT_RUNNING, NOT_PERMITTED, USAGE, CONFIGURATION = 1, 3, 4, 64, 78
KEY = 'AAECAwQFBgcICQoLDA0ODw=='


class Control(Scenario):
    """Instances are found below a directory of the test's, which stands for a user's."""

    def setUp(self):
        super().setUp()
        self.environment = {'PATH': os.environ['PATH'], 'HOME': self.directory, 'XDG_RUNTIME_DIR': self.directory, 'LANG': 'C.UTF-8', 'TZ': 'UTC', 'TERM': 'xterm'}

    def fake(self, name='wstand', **answers):
        if 'GetStatus' not in answers:
            answers['GetStatus'] = self.statuses(fakedaemon.status())
        return self.keep(FakeDaemon(os.path.join(self.directory, name, 'control'), **answers))

    @staticmethod
    def statuses(*statuses):
        """One after the other, and the last one as long as it is asked for."""
        def answer(call):
            if not call.wants_more:
                return call.reply(statuses[0])
            for entry in statuses:
                call.reply(entry, continues=True)
            while True:
                time.sleep(0.05)
                call.reply(statuses[-1], continues=True)
        return answer

    def run_ctl(self, *arguments, stdin=None, program=CTL, within=20, stdout=subprocess.PIPE):
        try:
            return subprocess.run([program, *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=within,
                                  env=self.environment, input=stdin or '')
        except subprocess.TimeoutExpired as error:
            raise Stuck('wstanctl %r has not ended: %r %r' % (arguments, error.stdout, error.stderr)) from None

    def out(self, *arguments, **options):
        """What it prints when all goes well."""
        done = self.run_ctl(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ''), done.stdout)
        return done.stdout

    def assertFails(self, status, about, *arguments, **options):
        done = self.run_ctl(*arguments, **options)
        self.assertEqual(done.returncode, status, (done.stdout or '') + done.stderr)
        self.assertIn(about, done.stderr)
        return done

    def json(self, *arguments, **options):
        return [json.loads(line) for line in self.out(*arguments, '--json', **options).splitlines()]


class Answers(Control):
    """Each command against a daemon that answers it."""

    def test_status(self):
        """Two looks make the traffic; without a terminal there are no colours."""
        self.fake(GetStatus=self.statuses(fakedaemon.status(), fakedaemon.status(bytesReceived=2_500_000)))
        text = self.out()
        self.assertEqual(text, self.out('status'))
        self.assertNotIn('\x1b', text)
        self.assertTrue(text.startswith('● wstand 0.1.0, client, pid 4711\n     state  running for '), text)
        self.assertIn(', since Tue 2023-11-14 22:13:20 UTC\n', text)
        self.assertIn('   traffic  in 1.0 MB/s, out 0 B/s; since the start 2.5 MB and 1.4 KB\n', text)
        self.assertIn('      pool  ████▒▒·········· 4 of 16 idle, 2 opening; 90% hits; 12 ms TCP RTT\n', text)

    def test_status_in_ascii(self):
        self.environment['LANG'] = 'C'
        self.fake()
        self.assertTrue(self.out().isascii())

    def test_status_of_one_that_goes(self):
        """What it has said before is shown."""
        self.fake(GetStatus=lambda call: (call.reply(fakedaemon.status(), continues=True), call.close()))
        self.assertIn('   traffic  since the start 2.0 MB and 1.4 KB\n', self.out())

    def test_json(self):
        """The reply's object as it is, on one line."""
        diagnostic = {'severity': 'warning', 'file': '/etc/wstan.conf', 'line': 3, 'column': 1, 'message': 'odd'}
        answers = {
            'RotateKey': {'id': 'ab', 'key': KEY, 'persisted': True}, 'AddKey': {'id': 'cd', 'persisted': True},
            'RetireKey': {'closed': 2, 'warnings': ['it comes back']}, 'Reload': {'changed': ['a'], 'requiresRestart': []},
            'CheckConfiguration': {'diagnostics': [diagnostic]}, 'SetLogLevel': {'former': 'notice'}, 'Undrain': {}, 'CloseTunnel': {},
            'GetClientConfiguration': {'text': 'mode = client\n'}}
        daemon = self.fake(**answers)
        for arguments, method in (['rotate-key'], 'RotateKey'), (['add-key', 'x'], 'AddKey'), (['retire-key', 'ab'], 'RetireKey'), \
                (['reload'], 'Reload'), (['check-config'], 'CheckConfiguration'), (['log-level', 'debug'], 'SetLogLevel'), \
                (['undrain'], 'Undrain'), (['close', '7'], 'CloseTunnel'), (['client-config'], 'GetClientConfiguration'):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.json(*arguments), [answers[method]])
                self.assertEqual(daemon.calls[-1][0], method)
        status = fakedaemon.status()
        self.assertEqual(json.loads(self.out('--json', 'status')), status)
        self.assertEqual(self.json('status'), [status])
        self.assertEqual(self.json('pool'), [status['pool']])
        self.assertEqual(self.json('keys'), status['keys'])
        self.assertEqual(self.json('log-level'), [{'level': 'notice'}])
        self.assertEqual(self.json('instances'), [{
            'unit': 'wstand', 'socket': os.path.join(self.directory, 'wstand/control'), 'mode': 'client', 'state': 'running',
            'tunnelsActive': 3, 'user': True}])

    def test_what_is_asked(self):
        """Options become parameters; nothing is sent that was not said."""
        daemon = self.fake(RotateKey={'id': 'ab', 'persisted': True}, Drain={'tunnelsActive': 0}, ListTunnels=tunnels(),
                           RetireKey={'closed': 0}, AddKey={'id': 'ab', 'persisted': True})
        for arguments, parameters in (
                (['rotate-key'], {}), (['rotate-key', 'laptop', '--grace', '15min', '--runtime-only'],
                                       {'name': 'laptop', 'graceUSec': 900_000_000, 'runtimeOnly': True}),
                (['drain', '--timeout', '90'], {'timeoutUSec': 90_000_000}), (['drain'], {}),
                (['tunnels', '--state', 'using', '--state=idle'], {'states': ['using', 'idle']}),
                (['retire-key', 'default', '--close'], {'id': '0123456789abcdef', 'close': True}),
                (['retire-key', 'unknown'], {'id': 'unknown'})):
            with self.subTest(arguments=arguments):
                self.out(*arguments)
                self.assertEqual(daemon.calls[-1][1], parameters)
        # This one goes on until the daemon's process has ended, which is the test's own.
        draining = subprocess.Popen([CTL, 'drain', '--exit'], env=self.environment, stdout=subprocess.DEVNULL)
        self.addCleanup(draining.wait)
        self.addCleanup(draining.kill)
        eventually(lambda: daemon.calls[-1][1] == {'exit': True}, 'it is asked to end')

    def test_keys_that_are_given(self):
        """By a file or stdin: the first line, without the white space around it."""
        daemon = self.fake(RotateKey={'id': 'ab', 'persisted': True}, AddKey={'id': 'ab', 'persisted': True})
        path = os.path.join(self.directory, 'key')
        with open(path, 'w') as f:
            f.write(' ' + KEY + ' \r\nmore\n')
        self.assertEqual(self.out('rotate-key', '--key-file', path), 'New key for "default" (ID ab).\n')
        self.assertEqual(daemon.calls[-1][1]['key'], KEY)
        self.assertFails(FAILED, 'that is not a key: it has 13 characters.', 'add-key', 'x', '--key-file', '-', stdin='correct horse\n')
        self.out('add-key', 'x', '--key-file', '-', '--passphrase', stdin='correct horse\n')
        self.assertEqual(daemon.calls[-1][1]['key'], 'correct horse')
        before = len(daemon.calls)
        self.assertFails(FAILED, 'the key in stdin is empty', 'rotate-key', '--key-file', '-')
        self.assertFails(FAILED, 'No such file', 'rotate-key', '--key-file', path + 'x')
        self.assertFails(FAILED, 'above 4096 bytes', 'rotate-key', '--key-file', '-', stdin='x' * 10000)
        self.assertEqual(len(daemon.calls), before)

    def test_new_key(self):
        """It is printed with where it goes, and is in no command; that it is not kept is a warning."""
        new = {'key': KEY, 'persisted': False, 'clientURI': 'ws://192.0.2.7:8080/'}
        self.fake(RotateKey={'id': 'ab', 'warnings': ['losing the state directory revives it'], 'clientURIGuessed': True, **new},
                  AddKey={'id': 'cd', **new})
        done = self.run_ctl('rotate-key')
        self.assertEqual(done.stdout, """\
New key for "default" (ID ab):

    %s

The old key is accepted for another 1d. On a client that has it, run this; it asks for the new key:

    sudo wstanctl -i client rotate-key --key-file -

On a new client, run this; it asks for the key:

    sudo wstanctl init client client --uri ws://192.0.2.7:8080/

Or, with the Python wstan and the key in place of KEY:

    wstan ws://192.0.2.7:8080/ KEY

192.0.2.7 is this host's own address. If clients use another one, set it:

    sudo wstanctl init server --address NAME

sudo wstanctl client-config prints it again.
""" % KEY)
        self.assertEqual(done.stderr, 'wstanctl: warning: losing the state directory revives it\n')
        done = self.run_ctl('add-key', 'laptop')
        self.assertEqual(done.stdout, """\
New key for "laptop" (ID cd):

    %s

On a new client, run this; it asks for the key:

    sudo wstanctl init client laptop --uri ws://192.0.2.7:8080/

Or, with the Python wstan and the key in place of KEY:

    wstan ws://192.0.2.7:8080/ KEY

sudo wstanctl client-config --key laptop prints it again.
""" % KEY)
        self.assertEqual(done.stderr, 'wstanctl: warning: the key is lost with the next restart\n')
        self.assertEqual(self.run_ctl('rotate-key', '--runtime-only').stderr, 'wstanctl: warning: losing the state directory revives it\n')

    def test_line_of_a_configuration(self):
        """client-config prints a configuration that says in comments how else to get there."""
        self.fake(GetClientConfiguration={'text': 'mode = client\nkey = x\n', 'key': 'x', 'clientURI': 'wss://a.test/t/'})
        text = self.out('client-config', '--key', 'laptop')
        self.assertIn('#     sudo wstanctl init client laptop --uri wss://a.test/t/\n', text)
        self.assertEqual([line for line in text.splitlines() if not line.startswith('#')], ['mode = client', 'key = x'])

    def test_key_file_of_a_daemon_that_lies(self):
        """Where a key file is, no daemon can tell this program: that could be any file of root's."""
        victim = os.path.join(self.directory, 'victim')
        with open(victim, 'w') as f:
            f.write('precious\n')
        self.fake(RotateKey={'id': 'ab', 'key': KEY, 'persisted': True, 'keyFile': victim, 'warnings': ['it still has the old key']})
        self.assertIn('warning: it still has the old key', self.run_ctl('rotate-key').stderr)
        with open(victim) as f:
            self.assertEqual(f.read(), 'precious\n')

    def test_orders(self):
        self.fake(Reload={'changed': ['a', 'b'], 'requiresRestart': ['c'], 'warnings': ['odd']}, Undrain={}, CloseTunnel={},
                  SetLogLevel={'former': 'notice'}, CheckConfiguration={'diagnostics': []}, RetireKey={'closed': 1},
                  GetClientConfiguration={'text': 'mode = client\nkey = x\n'})
        done = self.run_ctl('reload')
        self.assertEqual((done.returncode, done.stdout), (0, 'Applied: a, b\nTo apply `c`: systemctl --user restart wstand\n'))
        self.assertEqual(done.stderr, 'wstanctl: warning: odd\n')
        self.assertEqual(self.out('undrain'), 'New tunnels are accepted again.\n')
        self.assertEqual(self.out('close', '7'), 'Tunnel 7 is closed.\n')
        self.assertEqual(self.out('log-level', 'debug'), 'debug now, notice before\n')
        self.assertEqual(self.out('log-level'), 'notice\n')
        self.assertEqual(self.out('check-config'), 'The configuration is good.\n')
        self.assertEqual(self.out('retire-key', 'ab', '--close'), 'Key ab is no longer accepted. 1 tunnel was closed.\n')
        self.assertEqual(self.out('client-config'), 'mode = client\nkey = x\n')

    def test_drain(self):
        """Each count once; what is left when the time is over is a failure, but not when it ends anyway."""
        def counting(*counts):
            return lambda call: [call.reply({'tunnelsActive': n}, continues=i < len(counts) - 1) for i, n in enumerate(counts)]
        self.fake(Drain=counting(2, 1, 0, 0))
        self.assertEqual(self.out('drain'), '2 tunnels in use\n1 tunnel in use\ndrained\n')
        self.assertEqual(self.json('drain'), [{'tunnelsActive': n} for n in (2, 1, 0, 0)])
        self.fake(Drain=counting(2, 2))
        self.assertFails(FAILED, 'timed out: 2 tunnels are still in use', 'drain', '--timeout=1s')

    def ending(self, *answers, last=True):
        """A daemon in a process of its own, which ends after it has answered Drain; `last` says whether the last answer is said to be it."""
        script = ("import os, sys, time\n"
                  "from helpers.control.fakedaemon import FakeDaemon\n"
                  "def drain(call):\n"
                  "    for i, n in enumerate(%r):\n"
                  "        call.reply({'tunnelsActive': n}, continues=%r or i < %d)\n"
                  "    daemon.close()\n"
                  "    call.connection.close()\n"
                  "    time.sleep(0.5)\n"
                  "    os._exit(0)\n"
                  "daemon = FakeDaemon(sys.argv[1], Drain=drain)\n"
                  "print(flush=True)\n"
                  "time.sleep(60)\n") % (answers, not last, len(answers) - 1)
        process = subprocess.Popen([sys.executable, '-c', script, os.path.join(self.directory, 'wstand', 'control')], stdout=subprocess.PIPE,
                                   cwd=os.path.join(ROOT, 'Tests', 'interop'))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), b'\n')
        return process

    def test_drain_and_exit(self):
        """It returns when the process has ended, and not with its last word or its socket."""
        process = self.ending(2, 2)
        self.assertEqual(self.out('drain', '--timeout=1s', '--exit'), '2 tunnels in use\n2 tunnels ended with it\n')
        self.assertEqual(process.poll(), 0)
        process = self.ending(1, last=False)
        self.assertEqual(self.out('drain', '--exit'), '1 tunnel in use\nended\n')
        self.assertEqual(process.poll(), 0)

    def test_drain_of_one_that_goes_on(self):
        self.fake(Drain=lambda call: (call.reply({'tunnelsActive': 1}, continues=True), call.close()))
        self.assertFails(FAILED, 'before it had answered', 'drain', '--exit')
        self.assertFails(FAILED, 'before it had answered', 'drain')

    def test_tunnels(self):
        """A table; what was asked to be followed goes on with a line for every change."""
        listed = [tunnel(1), tunnel(12, state='idle', target=None, client=None, rttUSec=None)]
        changes = [('added', tunnel(13, state='connecting')), ('changed', tunnel(1, bytesReceived=5000)), ('removed', tunnel(12))]
        self.fake(ListTunnels=tunnels(*listed, then=changes))
        age = r'\d+d'
        self.assertRegex(self.out('tunnels'), (
            r'\AID  STATE +AGE +IDLE +IN +OUT +RTT  KEY      PEER            CLIENT           TARGET\n'
            r' 1  using +{0} +{0}  1\.0 KB  2\.0 KB  20 ms  default  192\.0\.2\.1:8080  127\.0\.0\.1:50000  www1\.example\.com:443\n'
            r'12  idle +{0} +{0}  1\.0 KB  2\.0 KB      -  default  192\.0\.2\.1:8080  -                -\n\Z').format(age))
        self.assertEqual([entry.get('event') for entry in self.json('tunnels')], ['listed', 'listed', 'synchronized'])
        watching = subprocess.Popen([CTL, 'tunnels', '--watch'], env=self.environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(watching.stdout.close)
        self.addCleanup(watching.kill)
        lines = [watching.stdout.readline() for _ in range(6)]
        self.assertEqual([re.split(' {2,}', line)[:3] for line in lines[3:]], [
            ['added', '13', 'connecting'], ['changed', '1', 'using'], ['removed', '12', 'using']])
        watching.send_signal(signal.SIGINT)
        self.assertEqual(watching.wait(5), -signal.SIGINT)

    def test_top(self):
        """Without a terminal it is printed once; as JSON an object after each interval, for as long as it is read."""
        looks = []

        def answer(call):
            looks.append(call)
            call.reply({'tunnel': tunnel(1, bytesSent=1_000_000 * len(looks)), 'event': 'listed'}, continues=True)
            call.reply({'tunnel': tunnel(2), 'event': 'listed'}, continues=True)
            call.reply({'event': 'synchronized'})
        self.fake(ListTunnels=answer)
        head, _, titles, *rows = self.out('top', '--interval', '100ms').splitlines()
        self.assertRegex(head, r'^wstand: 2 tunnels, 2 in use; in 0 B/s, out [\d.]+ MB/s; by rate$')
        self.assertEqual(titles.split(), ['ID', 'STATE', 'AGE', 'IDLE', 'IN/S', 'OUT/S', 'IN', 'OUT', 'RTT', 'KEY', 'PEER', 'CLIENT', 'TARGET'])
        self.assertEqual([row.split()[0] for row in rows], ['1', '2'])
        top = subprocess.Popen([CTL, 'top', '--json', '--interval', '100ms', '--sort', 'number'], env=self.environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(top.wait)
        self.addCleanup(top.kill)
        self.addCleanup(top.stdout.close)
        for _ in range(2):
            line = json.loads(top.stdout.readline())
            self.assertEqual([entry['tunnel']['id'] for entry in line['tunnels']], [1, 2])
            self.assertEqual((line['sentPerSecond'], line['receivedPerSecond']), (line['tunnels'][0]['sentPerSecond'], 0))
            self.assertGreater(line['sentPerSecond'], 1_000_000)
            self.assertGreaterEqual(line['intervalUSec'], 100_000)
        self.assertFails(USAGE, '--interval takes 100ms or more', 'top', '--interval', '1ms')

    REFUSAL = {'address': '192.0.2.7', 'cause': 'bad-authentication', 'text': 'wrong key', 'count': 3,
               'firstTimestampUSec': 1_700_000_000_000_000, 'lastTimestampUSec': 1_700_000_000_000_000}

    def test_rejects(self):
        """A table, or since when there is nothing to tell; a client has no such list."""
        answer = {'sinceTimestampUSec': 1_700_000_000_000_000, 'refusals': [self.REFUSAL]}
        daemon = self.fake(ListRejects=answer)
        self.assertRegex(self.out('rejects'), r'\A *LAST +FIRST +TIMES  ADDRESS    KEY  CAUSE\n\d+d ago  \d+d ago      3  192\.0\.2\.7  -    wrong key\n\Z')
        self.assertEqual(daemon.calls[-1], ('ListRejects', {}))
        self.assertEqual(self.json('rejects', '--all'), [answer])
        self.assertEqual(daemon.calls[-1], ('ListRejects', {'all': True}))
        self.fake(ListRejects=dict(answer, refusals=[]))
        self.assertEqual(self.out('rejects'), 'Nothing was refused since Tue 2023-11-14 22:13:20 UTC.\n')
        self.fake(ListRejects=lambda call: call.error('WrongState', state='client'))
        self.assertFails(FAILED, 'wstand is a client. Run this on its server.', 'rejects')
        self.fake(ListRejects=lambda call: call.error('org.varlink.service.PermissionDenied'))
        self.assertFails(NOT_PERMITTED, 'use sudo', 'rejects')

    def test_dry_run(self):
        daemon = self.fake(Reload={'changed': ['log-level'], 'requiresRestart': ['uri'], 'warnings': ['odd']})
        done = self.run_ctl('reload', '--dry-run')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (
            0, 'A reload would apply: log-level\nTo apply `uri`: systemctl --user restart wstand\n', 'wstanctl: warning: odd\n'))
        self.assertEqual(daemon.calls[-1], ('Reload', {'dryRun': True}))
        self.fake(Reload={'changed': [], 'requiresRestart': []})
        self.assertEqual(self.out('reload', '--dry-run'), 'A reload would change nothing.\n')
        self.assertEqual(self.out('reload'), 'No change.\n')
        self.assertEqual(self.json('reload', '--dry-run'), [{'changed': [], 'requiresRestart': []}])
        found = [{'severity': 'error', 'file': '/x', 'line': 3, 'message': 'wrong'}]
        self.fake(Reload=lambda call: call.error('ConfigurationInvalid', diagnostics=found))
        done = self.assertFails(CONFIGURATION, 'a reload would fail; the configuration has errors:\n  /x:3: error: wrong\n', 'reload', '--dry-run')
        self.assertEqual(done.stdout, '')
        self.fake(Reload=lambda call: call.error('org.varlink.service.InvalidParameter', parameter='dryRun'))
        self.assertFails(FAILED, 'cannot do a dry run: it is an older version', 'reload', '--dry-run')

    def test_words_that_others_chose(self):
        """Nothing in them reaches the terminal as an order."""
        evil = '\x1b]0;owned\x07\x9b2J\u202e'
        self.fake(GetStatus=self.statuses(fakedaemon.status(version=evil, instance=evil, warnings=[evil], configurationErrors=[evil],
                  listeners=[{'name': evil, 'address': evil, 'activated': True}],
                  keys=[{'name': evil, 'id': evil, 'state': 'previous', 'source': 'state', 'uses': 1}])),
                  ListTunnels=tunnels(tunnel(1, target=evil, peer=evil, client=evil, key=evil), then=[('changed', tunnel(1, target=evil))]),
                  RotateKey=lambda call: call.error('InvalidKey', message=evil), CheckConfiguration={
                      'diagnostics': [{'severity': 'error', 'file': evil, 'message': evil}]},
                  Reload={'changed': [evil], 'requiresRestart': [evil], 'warnings': [evil]}, AddKey={'id': evil, 'key': evil, 'persisted': True},
                  ListRejects={'sinceTimestampUSec': 1, 'refusals': [dict(self.REFUSAL, address=evil, text=evil, key=evil, cause=evil)]})
        for arguments in ['status'], ['keys'], ['tunnels'], ['top', '--interval', '100ms'], ['rejects'], ['rotate-key'], ['check-config'], ['reload'], ['add-key', 'x'], ['instances']:
            done = self.run_ctl(*arguments)
            self.assertNotRegex(done.stdout + done.stderr, '[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]', arguments)


class Failures(Control):
    """Every way in which it does not go well."""

    def test_not_running(self):
        self.assertFails(NOT_RUNNING, 'wstand is not running. Start it: systemctl start wstand', 'status')
        for command in ['tunnels'], ['status'], ['doctor'], ['check-config'], ['check-config', '--json']:
            self.assertFails(USAGE, 'no configuration for wstand@home (/etc/wstan/home.conf). Make one: wstanctl init client home', '-i', 'home', *command)
        check = self.run_ctl('check', '-i', 'home')
        self.assertEqual((check.returncode, check.stdout), (
            3, 'UNKNOWN - no configuration for wstand@home (/etc/wstan/home.conf). Make one: wstanctl init client home\n'))
        self.assertFails(NOT_RUNNING, 'wstand is not running: /nowhere does not answer', 'reload', '--socket', '/nowhere')
        self.assertFails(NOT_RUNNING, 'wstand is not running. Start it: systemctl start wstand', 'instances')
        self.fake('wstand-own').close()
        self.assertFails(NOT_RUNNING, 'systemctl start wstand', 'status')
        self.assertFails(USAGE, 'no configuration for wstand@own (user) (%s/.config/wstan/own.conf). Make one: wstanctl init client own --user'
                         % self.directory, 'status', '--user', '-i', 'own')
        os.makedirs(os.path.join(self.directory, '.config/wstan'))
        with open(os.path.join(self.directory, '.config/wstan/own.conf'), 'w') as f:
            f.write('mode = client\n')
        self.assertFails(NOT_RUNNING, 'systemctl --user start wstand@own', 'status', '-i', 'own')

    def test_failed(self):
        """A service that has failed, or waits to be started again, is not taken for a stopped one."""
        self.environment['PATH'] = self.directory + ':' + self.environment['PATH']
        path = os.path.join(self.directory, 'systemctl')
        with open(path, 'w') as f:
            f.write('#!/bin/sh\ncase "$*" in *--user*) exit 1;; *list-units*) echo "wstand.service loaded $STATE x";; '
                    '*) printf "ActiveState=%s\\nSubState=%s\\nResult=exit-code\\nExecMainStatus=78\\n" $STATE;; esac\n')
        os.chmod(path, 0o755)
        for state in 'failed failed', 'activating auto-restart':
            self.environment['STATE'] = state
            about = ('is not running: its service has failed (exit-code, status 78). journalctl -u wstand%s -n 20 may say why. '
                     'Correct it, then: systemctl restart wstand%s')
            for arguments in ['status'], ['keys'], ['-i', 'wstand', 'status'], ['instances']:
                self.assertFails(NOT_RUNNING, 'wstand ' + about % ('', ''), *arguments)
            self.assertFails(NOT_RUNNING, 'wstand@home ' + about % ('@home', '@home'), '-i', 'home', 'status')
            check = self.run_ctl('check')
            self.assertEqual((check.returncode, check.stdout), (2, 'CRITICAL - wstand %s\n' % (about % ('', ''))))
        self.environment['STATE'] = 'inactive dead'
        self.assertFails(NOT_RUNNING, 'wstand is not running. Start it: systemctl start wstand', 'status')

    def test_key_file_that_is_a_pipe(self):
        """One that nothing writes to is empty, and does not hang; a late writer is waited for."""
        self.fake(RotateKey={'id': 'ab', 'persisted': True})
        path = os.path.join(self.directory, 'fifo')
        os.mkfifo(path)
        self.assertFails(FAILED, 'is empty', 'rotate-key', '--key-file', path)
        writer = subprocess.Popen(['sh', '-c', 'exec >"$1"; echo "$2"', 'sh', path, KEY])
        self.addCleanup(writer.wait, 10)
        self.assertIn('New key', self.out('rotate-key', '--key-file', path))

    def test_refused(self):
        """What the daemon refuses has its words and its status."""
        found = [{'severity': 'error', 'file': '/etc/wstan.conf', 'line': 3, 'column': 7, 'message': 'no such mode'}]
        for error, status, about in (
                (('org.varlink.service.PermissionDenied', {}), NOT_PERMITTED, 'use sudo, or add yourself to the group wstan'),
                (('ConfigurationInvalid', {'diagnostics': found}), CONFIGURATION, '\n  /etc/wstan.conf:3:7: error: no such mode\n'),
                (('org.varlink.service.InvalidParameter', {'parameter': 'graceUSec'}), USAGE, 'refuses the value for graceUSec'),
                (('org.varlink.service.InvalidParameter', {'parameter': 'name'}), USAGE,
                 'a name of a key has 1 to 64 letters (A-Z, a-z), digits, dots, dashes and underscores'),
                (('NoSuchKey', {'id': 'x'}), FAILED, 'there is no key x. wstanctl keys lists names and IDs.'),
                (('NoSuchTunnel', {'id': 7}), FAILED, 'there is no tunnel 7'),
                (('KeyExists', {'name': 'x'}), FAILED, 'wstanctl rotate-key x replaces it'),
                (('KeyReadOnly', {'source': 'the file is read-only'}), FAILED, 'the file is read-only. Nothing was changed'),
                (('InvalidKey', {'message': 'it is empty'}), FAILED, 'it is empty'),
                (('WrongState', {'state': 'stopping'}), FAILED, 'wstand is stopping'),
                (('OperationFailed', {'message': 'no room'}), FAILED, 'no room'),
                (('com.example.Odd', {}), FAILED, 'com.example.Odd'), (('NoSuchTunnel', {}), FAILED, 'does not know'),
                (('org.varlink.service.MethodNotFound', {'method': 'a.B'}), FAILED, "its version differs from wstanctl's")):
            with self.subTest(error=error[0]):
                self.fake(Reload=lambda call: call.error(error[0], **error[1]))
                done = self.assertFails(status, about, 'reload')
                self.assertEqual(done.stdout, '')

    def test_found_by_the_check(self):
        found = [{'severity': 'warning', 'message': 'odd'}, {'severity': 'error', 'file': '/x', 'message': 'wrong'}]
        self.fake(CheckConfiguration={'diagnostics': found})
        done = self.run_ctl('check-config')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (CONFIGURATION, 'warning: odd\n/x: error: wrong\n', ''))
        self.assertEqual(self.run_ctl('check-config', '--json').returncode, CONFIGURATION)
        self.fake(CheckConfiguration={'diagnostics': found[:1]})
        self.assertEqual(self.out('check-config'), 'warning: odd\n')

    def test_strangers(self):
        """Of the keys a stranger is told nothing."""
        self.fake(GetStatus=self.statuses(fakedaemon.status(keys=None, restricted=True)))
        self.assertIn('      note  root and the group wstan see more: addresses, keys, exact numbers\n', self.out())
        self.assertIn('   traffic  since the start ', self.out())
        self.fake(GetStatus=self.statuses(fakedaemon.status(keys=None, restricted=True, bytesSent=0)))
        self.assertNotIn(' 0 B', self.out())
        self.assertFails(NOT_PERMITTED, 'not permitted', 'keys')

    def test_malformed(self):
        """What is no reply ends it with a word, and never with a crash."""
        deep = b'{"parameters":' + b'[' * 5000 + b']' * 5000 + b'}'
        for data in b'\0', b'{}\0', b'nonsense\0', b'[]\0', b'{"parameters":7}\0', b'{"parameters":{"version":1}}\0', b'{"error":7}\0', \
                b'{"continues":1}\0', b'\xff\xfe\0', deep + b'\0', b'{"error":"x","continues":true}\0', \
                json.dumps({'parameters': fakedaemon.status(state='odd')}).encode() + b'\0', \
                json.dumps({'parameters': fakedaemon.status(pid=1e300)}).encode() + b'\0', \
                json.dumps({'parameters': fakedaemon.status(pid=1 << 70)}).encode() + b'\0', b'x' * (2 << 20):
            with self.subTest(data=data[:40]):
                self.fake(GetStatus=lambda call: (call.raw(data), call.hang()), ListTunnels=lambda call: (call.raw(data), call.hang()))
                for arguments in ['status'], ['status', '--json'], ['pool'], ['tunnels']:
                    self.assertFails(FAILED, 'is not one of this version of wstand', *arguments)

    def test_list_without_end(self):
        """One that goes on and on is not waited for."""
        def endless(call):
            while True:
                call.reply({'count': 1}, continues=True)
        def keys(call):
            while True:
                call.reply({'keys': [fakedaemon.status()['keys'][0]] * 256}, continues=True)
        self.fake(ListKeys=keys)
        self.assertFails(FAILED, 'is not one of this version of wstand', 'keys')
        self.fake(ListTunnels=endless)
        for arguments in ['tunnels'], ['tunnels', '--json'], ['tunnels', '--watch'], ['top'], ['top', '--json']:
            with self.subTest(arguments=arguments):
                self.assertFails(FAILED, 'is not one of this version of wstand', *arguments)

    def test_end_in_the_middle(self):
        self.fake(GetStatus=lambda call: (call.raw(b'{"param'), call.close()), Reload=lambda call: call.close(),
                  ListTunnels=lambda call: (call.reply({'tunnel': tunnel(1), 'event': 'listed'}, continues=True), call.close()))
        for arguments in ['status'], ['reload'], ['tunnels'], ['tunnels', '--watch'], ['tunnels', '--json']:
            self.assertFails(FAILED, 'wstand closed the connection before it had answered: journalctl --user -u wstand may say why', *arguments)

    def test_silence(self):
        """A daemon that does not answer is not waited for much longer than a person would."""
        self.fake(GetStatus=lambda call: call.hang(), ListTunnels=lambda call: call.hang())
        for arguments in ['status'], ['keys'], ['tunnels']:
            self.assertFails(FAILED, 'wstand does not answer: journalctl', *arguments, within=8)
        self.assertIn('wstand (user)  -     does not answer', self.out('instances'))

    def test_usage(self):
        """What is typed wrong is told in one line, with the usage below, and changes nothing."""
        client = 'init', 'client', 'x', '--uri'
        for words, text in (
                (('status', '-i', 'a', '--socket', '/x'), 'name an instance or a socket, not both'),
                (('status', '-i', '/'), 'an instance is the NAME of wstand@NAME'),
                (('instances', '-i', 'a'), 'instances lists all instances of this host: leave -i, --user and --socket out. wstanctl -i NAME '
                                           'status shows one'),
                (('--user', 'instances'), 'instances lists all instances of this host: leave -i, --user and --socket out. wstanctl -i NAME '
                                          'status shows one'),
                (('status', '--socket', ''), 'a socket is the path of one'),
                (('doctor', '--socket', '/x'), 'a socket does not tell where the configuration is: use --config'),
                (('check-config', '--json', '--config', '/x'), '--json needs an instance that is running'),
                ((*client, 'ws://a/', '--listen', 'a#b'), "The value 'a#b' is invalid for '--listen <listen>': it takes host:port, a port, "
                                                          'or unix:/path'),
                ((*client, 'ws://a/', '--listen', ':1085'), "The value ':1085' is invalid for '--listen <listen>': the host is missing"),
                ((*client, 'ws://a/', '--listen', '::1'), "The value '::1' is invalid for '--listen <listen>': an IPv6 address stands in brackets"),
                ((*client, 'ws://a/', '--listen', 'a'), "The value 'a' is invalid for '--listen <listen>': the port is missing, as in a:1080"),
                ((*client, 'ws://0.0.0.0/'), "a client cannot connect to 0.0.0.0: use the server's name or address"),
                ((*client, 'ws://HOST/'), "replace HOST with the server's name or address"),
                (('init', 'client', '.x', '--uri', 'ws://a/'), 'a name is letters, digits, dots, dashes and underscores'),
                (('init', 'server', '--host', 'a:b'), "The value 'a:b' is invalid for '--host <address>': takes a name, an address (IPv6 in "
                                                      'brackets) or a whole URI'),
                (('init', 'client', '--uri', 'ws://a/'), 'name the instance, such as: wstanctl init client home --uri ws://a/'),
                (('init', 'client', 'x', '--user', '--uri', 'ws://a/'), 'a user has one client, without a name: leave the name out'),
                (('init', 'client', 'x', '--uri', 'foo'), "The value 'foo' is invalid for '--uri <uri>': a URI begins with ws:// or wss://, "
                                                          'such as ws://server.example.com:8080/'),
                (('status', '--user', '--socket', '/x'), '--user and --socket exclude each other'),
                (('client-config', '--pac', '--json'), '--pac excludes --key, --v1, --v2 and --json'),
                (('init', 'server', '--root', 'x'), '--root takes a path that begins with /'),
                (('log-level', 'loud'), "The value 'loud' is invalid for '<level>'. Please provide one of 'debug', 'info', 'notice', "
                                        "'warning' or 'error'."),
                (('drain', '--timeout', '5x'), "The value '5x' is invalid for '--timeout <timeout>': a time is a number with a unit, such as "
                                               '90s, 15min, 24h or 7d'),
                (('close', 'abc'), "The value 'abc' is invalid for '<id>'")):
            with self.subTest(words=words):
                done = self.run_ctl(*words)
                self.assertEqual((done.returncode, done.stdout, done.stderr.splitlines()[0]), (USAGE, '', 'Error: ' + text))
                self.assertRegex(done.stderr, r'\nUsage: wstanctl [^\n]+\n  See \'wstanctl .*--help\' for more information\.\n$')

    def test_unknown_command(self):
        """It is told with the nearest ones, and not with the usage of status."""
        for words, text in (
                (('foo',), 'unknown command "foo". wstanctl --help lists the commands.'),
                (('statsu',), 'unknown command "statsu". Did you mean "status"? wstanctl --help lists the commands.'),
                (('-i', 'home', 'rotate'),
                 'unknown command "rotate". Did you mean "rotate-key" or "rotate-server-key"? wstanctl --help lists the commands.'),
                (('init', 'sever'), 'unknown command "sever". Did you mean "server"? wstanctl init --help lists the commands.'),
                (('\x1b[2J',), 'unknown command "?[2J". wstanctl --help lists the commands.')):
            with self.subTest(words=words):
                done = self.run_ctl(*words)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (USAGE, '', 'wstanctl: %s\n' % text))

    def test_help(self):
        """Setting up has a group of its own; each command's help ends with an example."""
        text = self.out('--help')
        self.assertRegex(text, r'\nSETUP SUBCOMMANDS:\n  init +Set up a server, or a client of one\.\n')
        self.assertTrue(text.endswith('\nEXAMPLE:\n  wstanctl -i home\n'), text[-200:])
        for words in (['init', 'client'], ['rotate-key'], ['tunnels'], ['drain'], ['init']):
            for arguments in [*words, '--help'], ['help', *words]:
                self.assertRegex(self.out(*arguments), r'\nEXAMPLE:\n  (sudo )?wstanctl %s' % ' '.join(words))

    def test_words(self):
        """All that can be said besides, to the letter."""
        def assertSays(text, *words, status=FAILED, **options):
            with self.subTest(words=words):
                done = self.run_ctl(*words, **options)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (status, '', 'wstanctl: %s\n' % text))
        server = fakedaemon.status(mode='server', logLevel=None, pool=None)
        self.fake(GetStatus=self.statuses(server), ListTunnels=lambda call: call.reply({'event': 'listed', 'tunnel': tunnel(1)}))
        assertSays('this wstand tells of no pool', 'pool')
        assertSays("wstand does not report its log level: its version differs from wstanctl's", 'log-level')
        assertSays('wstand is a server. Run this on a client.', 'client-config', '--pac')
        place = {'name': 'listen', 'address': 'unix:/x', 'activated': False}
        self.fake(GetStatus=self.statuses(fakedaemon.status(mode='client', listeners=[place])))
        assertSays('wstand listens on no TCP port, where browsers could fetch it: see listen in wstan.conf(5)', 'client-config', '--pac')
        port = free_port()
        place['address'] = '127.0.0.1:%d' % port
        self.fake(GetStatus=self.statuses(fakedaemon.status(mode='client', listeners=[place])))
        url = 'http://127.0.0.1:%d/proxy.pac' % port
        assertSays('cannot fetch %s: Connection refused' % url, 'client-config', '--pac')
        other = self.target(lambda connection: (connection.recv(4096), connection.sendall(b'HTTP/1.1 404 Not Found\r\n\r\n')))
        place['address'] = '127.0.0.1:%d' % other.port
        assertSays('http://127.0.0.1:%d/proxy.pac is not a proxy script' % other.port, 'client-config', '--pac')
        rotate = 'rotate-key', '--key-file'
        missing, blank, long, odd = (os.path.join(self.directory, name) for name in ('missing', 'blank', 'long', 'odd'))
        for path, content in (blank, b' \n'), (long, b'x' * 5000), (odd, b'\xff\xfe\n'):
            with open(path, 'wb') as f:
                f.write(content)
        assertSays('cannot read %s: No such file or directory' % missing, *rotate, missing)
        assertSays('the key in %s is empty: at the server, "sudo wstanctl add-key NAME" makes a key and prints it' % blank, *rotate, blank)
        assertSays('the key in stdin is empty: at the server, "sudo wstanctl add-key NAME" makes a key and prints it', *rotate, '-')
        assertSays('the key in %s is above 4096 bytes' % long, *rotate, long)
        assertSays('the key in %s is not UTF-8 text' % odd, *rotate, odd)
        root = os.path.join(self.directory, 'root')
        os.makedirs(root + '/etc/wstan')
        with open(root + '/etc/wstan.conf', 'w') as f:
            f.truncate(2 << 20)
        assertSays('%s/etc/wstan.conf is too large: above 1048576 bytes' % root, 'init', 'server', '--root', root)
        self.environment['PATH'] = self.directory
        assertSays('there is no journalctl on this host: install the package that has it', 'logs')

    def test_full_disk(self):
        self.fake(ListTunnels=tunnels(tunnel(1)))
        for arguments in ['status'], ['tunnels', '--json']:
            with open('/dev/full', 'w') as full:
                self.assertFails(FAILED, 'cannot write: No space left on device', *arguments, stdout=full)

    def test_several(self):
        """They are listed, and one is to be chosen; one that was killed is none."""
        self.fake('wstand-b', GetStatus=self.statuses(fakedaemon.status(instance='b')))
        self.fake('wstand-dead').close()
        self.assertIn('wstand@b', self.out())
        self.fake('wstand')
        self.fake('wstand-a')
        done = self.assertFails(USAGE, 'several instances are running. Choose one with -i, --user or --socket:', 'status')
        self.assertEqual(done.stderr.splitlines()[1:], [
            '  wstand (user)    %s/wstand/control' % self.directory, '  wstand@a (user)  %s/wstand-a/control' % self.directory,
            '  wstand@b (user)  %s/wstand-b/control' % self.directory])
        for chosen in ['-i', 'b'], ['-i', 'wstand@b'], ['--socket', self.directory + '/wstand-b/control']:
            self.assertIn('wstand@b', self.out(*chosen))
            self.assertIn('wstand@b', self.out('status', *chosen))
            self.assertEqual(self.json(*chosen, 'pool'), [fakedaemon.status()['pool']])
        self.assertIn('● wstand 0', self.out('-i', 'wstand'))
        self.assertEqual([entry['unit'] for entry in self.json('instances')], ['wstand', 'wstand@a', 'wstand@b'])


class Terminals(Control):
    """On a terminal, of which the test is the other end."""

    def terminal(self, *arguments, size=(24, 100)):
        near, far = os.openpty()
        self.addCleanup(os.close, near)
        self.near = near
        self.before = termios.tcgetattr(far)
        self.resize(*size)
        popen = subprocess.Popen([CTL, *arguments], stdin=far, stdout=far, stderr=far, env=self.environment,
                                 preexec_fn=lambda: os.login_tty(os.dup(far)))
        self.far = far
        self.addCleanup(os.close, far)
        self.addCleanup(lambda: popen.poll() is None and popen.kill())
        self.seen = b''
        return popen

    def resize(self, lines, columns):
        fcntl.ioctl(self.near, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))

    def read(self):
        while select.select([self.near], [], [], 0.02)[0]:
            self.seen += os.read(self.near, 1 << 16)
        return self.seen

    def type(self, keys):
        os.write(self.near, keys)

    def frame(self):
        """The lines that were drawn last, without colours."""
        last = self.read().rsplit(b'\x1b[H', 1)[-1].split(b'\x1b[J')[0]
        return [re.sub(r'\x1b\[[0-9;]*[a-zA-Z]', '', line) for line in last.decode(errors='replace').split('\r\n')]

    def assertShows(self, pattern):
        eventually(lambda: any(re.search(pattern, line) for line in self.frame()), 'the terminal shows %r' % pattern)

    def assertRestored(self, popen, status=0):
        eventually(lambda: (self.read(), popen.poll() is not None)[1], 'it has ended')
        self.read()
        self.assertEqual(popen.returncode, status, self.seen[-2000:])
        self.assertIn(b'\x1b[?25h\x1b[?1049l', self.seen.rsplit(b'\x1b[H', 1)[-1])
        self.assertEqual(termios.tcgetattr(self.far), self.before)

    def watched(self, count=3):
        listed = [tunnel(n, target='a-target-with-a-long-name-%d.example.com:443' % n) for n in range(1, count + 1)]
        self.changes = []

        def answer(call):
            for entry in listed:
                call.reply({'tunnel': entry, 'event': 'listed'}, continues=True)
            call.reply({'event': 'synchronized'}, continues=True)
            while True:
                time.sleep(0.02)
                while self.changes:
                    change = self.changes.pop(0)
                    if change == 'end':
                        call.close()
                    call.reply({'event': change[0], 'tunnel': change[1]}, continues=True)
        return answer

    def test_watch(self):
        """Changes show in place, a resized terminal is filled anew, and Ctrl-C gives it back as it was."""
        self.fake(ListTunnels=self.watched())
        popen = self.terminal('tunnels', '--watch')
        self.assertShows('^wstand: 3 tunnels, 3 in use')
        self.assertIn(b'\x1b[?1049h\x1b[?25l', self.seen)
        self.changes += [('added', tunnel(4, state='connecting')), ('changed', tunnel(2, bytesReceived=5_000_000)), ('removed', tunnel(1))]
        self.assertShows('^ 4  connecting')
        self.assertShows(r'^ 2 .*5\.0 MB')
        self.assertShows('; in .*/s, out ')
        self.assertFalse(any(line.startswith(' 1') for line in self.frame()))
        for lines, columns in (10, 40), (4, 20), (2, 5), (50, 200), (24, 80):
            self.resize(lines, columns)
            eventually(lambda: len(self.frame()) <= lines and all(len(line) <= columns for line in self.frame()), 'it fits')
        self.assertShows(r'example\.com|m:443')
        self.type(b'abc')  # shows nowhere
        self.type(b'\x03')
        self.assertRestored(popen)
        self.assertNotIn(b'abc', self.seen)

    def test_more_than_fits(self):
        self.fake(ListTunnels=self.watched(50))
        popen = self.terminal('tunnels', '--watch', size=(10, 80))
        self.assertShows('^1-6 of 50  q quit$')
        self.assertEqual(len(self.frame()), 10)
        for keys, rows in (b'\x1b[B', '2-7'), (b'\x1b[6~', '8-13'), (b'\x1bOF', '45-50'), (b'\x1b[A', '44-49'), (b'\x1b[5~', '38-43'):
            self.type(keys)
            self.assertShows('^%s of 50 ' % rows)
        self.type(b'q')
        self.assertRestored(popen)
        # What was seen last stays, without the footer.
        left = self.left()
        self.assertEqual([line.split()[0] for line in left[:3] + left[3:4]], ['wstand:', 'ID', '38', '39'])
        self.assertFalse(any('quit' in line for line in left))

    def left(self):
        """The lines that are on the terminal after the end."""
        text = re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]', '', self.seen.rsplit(b'\x1b[?1049l', 1)[-1].decode())
        return [line for line in text.split('\r\n') if line]

    def test_top(self):
        """The busiest first, or by what is pressed; rates are of the last interval; Ctrl-C leaves the list."""
        looks = []

        def answer(call):
            looks.append(call)
            for n in 1, 2, 3:
                entry = tunnel(n, bytesReceived=1000 * n * len(looks), bytesSent=10, client=None,
                               lastActivityTimestampUSec=int(time.time() * 1e6) - n * 60_000_000)
                call.reply({'tunnel': entry, 'event': 'listed'}, continues=True)
            call.reply({'event': 'synchronized'})
        self.fake(ListTunnels=answer)
        popen = self.terminal('top', '--interval', '200ms', size=(24, 100))
        self.assertShows(r'^wstand: 3 tunnels, 3 in use; in \d+ KB/s, out 0 B/s; by rate')
        self.assertShows('^q quit  r rate  t total  a age  i idle  n number$')
        for key, name, order in ('n', 'number', '123'), ('r', 'rate', '321'), ('i', 'idle', '321'), ('t', 'total', '321'), ('n', 'number', '123'):
            self.type(key.encode())
            self.assertShows('; by %s$' % name)
            eventually(lambda: [line.split()[:1] for line in self.frame()[3:6]] == [[number] for number in order], 'sorted by ' + name)
        for lines, columns in (10, 45), (4, 20), (50, 140), (24, 80):
            self.resize(lines, columns)
            eventually(lambda: len(self.frame()) <= lines and all(len(line) <= columns for line in self.frame()), 'it fits')
        self.assertShows('^ID  STATE .* IN/S .* TARGET')
        self.type(b'\x03')
        self.assertRestored(popen)
        self.assertEqual([line.split()[0] for line in self.left()], ['wstand:', 'ID', '1', '2', '3'])
        popen = self.terminal('top', '--sort', 'age')
        self.assertShows('; by age$')
        popen.send_signal(signal.SIGTERM)
        self.assertRestored(popen, status=-signal.SIGTERM)

    def test_top_of_one_that_ends(self):
        daemon = self.fake(ListTunnels=tunnels(tunnel(1)))
        popen = self.terminal('top', '--interval', '100ms')
        self.assertShows('1 tunnel, 1 in use')
        daemon.answers['ListTunnels'] = lambda call: call.close()
        self.assertRestored(popen, status=FAILED)
        self.assertIn(b'closed the connection before it had answered', self.seen.rsplit(b'\x1b[?1049l', 1)[-1])

    def test_terminal_that_goes(self):
        """When nothing can be written any longer, the keyboard is given back all the same."""
        self.fake(ListTunnels=self.watched())
        near, far = os.openpty()
        self.addCleanup(os.close, near)
        self.addCleanup(os.close, far)
        self.before = termios.tcgetattr(far)
        read, write = os.openpty()
        popen = subprocess.Popen([CTL, 'top', '--interval', '100ms'], stdin=far, stdout=write, stderr=subprocess.DEVNULL, env=self.environment)
        self.addCleanup(lambda: popen.poll() is None and popen.kill())
        os.close(write)
        eventually(lambda: not termios.tcgetattr(far)[3] & termios.ECHO, 'it reads keys')
        os.close(read)
        eventually(lambda: popen.poll() is not None, 'it has ended')
        self.assertEqual(termios.tcgetattr(far), self.before)

    def test_daemon_that_ends(self):
        """The terminal comes back first, then it is said."""
        self.fake(ListTunnels=self.watched())
        popen = self.terminal('tunnels', '--watch')
        self.assertShows('3 tunnels')
        self.changes.append('end')
        self.assertRestored(popen, status=FAILED)
        self.assertIn(b'before it had answered', self.seen.rsplit(b'\x1b[?1049l', 1)[-1])

    def test_signals(self):
        """Whatever ends it, the terminal comes back; who stops it gets it, and the program goes on when it is told to."""
        self.fake(ListTunnels=self.watched())
        popen = self.terminal('tunnels', '--watch')
        self.assertShows('3 tunnels')
        # An orphaned process group is not stopped by the terminal's Ctrl-Z, so it is sent.
        popen.send_signal(signal.SIGTSTP)
        eventually(lambda: self.read().endswith(b'\x1b[?25h\x1b[?1049l'), 'the terminal is given back')
        self.assertEqual(termios.tcgetattr(self.far), self.before)
        self.seen = b''
        popen.send_signal(signal.SIGCONT)
        self.assertShows('3 tunnels')
        popen.send_signal(signal.SIGTERM)
        self.assertRestored(popen, status=-signal.SIGTERM)

    def test_status(self):
        """With colours, unless NO_COLOR says otherwise; `--watch` refreshes it in place."""
        self.fake(GetStatus=self.statuses(fakedaemon.status(), fakedaemon.status(bytesReceived=2_500_000)))
        popen = self.terminal('status')
        self.assertEqual(popen.wait(5), 0)
        self.assertTrue(self.read().startswith('\x1b[32m●\x1b[0m \x1b[1mwstand\x1b[0m 0.1.0, client'.encode()), self.seen)
        self.environment['NO_COLOR'] = '1'
        self.assertEqual(self.terminal('status').wait(5), 0)
        self.assertNotIn(b'\x1b', self.read())
        popen = self.terminal('status', '--watch')
        self.assertShows('^   traffic  in ')
        self.type(b'\x03')
        self.assertRestored(popen)

    def test_key_that_is_typed(self):
        """It does not show; Ctrl-C leaves the terminal as it was, and nothing is changed."""
        daemon = self.fake(RotateKey={'id': 'ab', 'persisted': True})
        popen = self.terminal('rotate-key', '--key-file', '-')
        eventually(lambda: b'input is hidden' in self.read(), 'it asks')
        eventually(lambda: not termios.tcgetattr(self.far)[3] & termios.ECHO, 'nothing shows')
        self.type(b'wrongX\x7f\x15' + KEY.encode() + b'X\x7f\r')
        self.assertEqual(popen.wait(5), 0)
        self.assertNotIn(KEY[:4].encode(), self.read())
        self.assertEqual(daemon.calls[-1][1]['key'], KEY)
        self.assertEqual(termios.tcgetattr(self.far), self.before)
        popen = self.terminal('rotate-key', '--key-file', '-')
        eventually(lambda: not termios.tcgetattr(self.far)[3] & termios.ECHO, 'nothing shows')
        self.type(b'half\x03')
        self.assertEqual(popen.wait(5), 130)
        self.assertEqual(termios.tcgetattr(self.far), self.before)
        self.assertEqual(len(daemon.calls), 1)


    def test_key_that_init_asks_for(self):
        """It does not show, and what is not a key is refused before anything is written."""
        root = os.path.join(self.directory, 'root')
        os.mkdir(root)
        init = 'init', 'client', 'home', '--uri', 'ws://a.test/', '--root', root
        for keys, status, seen in ((b'garbage\r', FAILED, b'that is not a key: it has 7 characters. A key has 24 that end in ==, or begins with wstan2:.'),
                                   (KEY.encode() + b'\r', 0, b'sudo systemctl enable --now wstand@home')):
            popen = self.terminal(*init)
            eventually(lambda: b'Key (input is hidden): ' in self.read(), 'it asks')
            eventually(lambda: not termios.tcgetattr(self.far)[3] & termios.ECHO, 'nothing shows')
            self.assertFalse(os.listdir(root))
            self.type(keys)
            self.assertEqual(popen.wait(5), status)
            self.assertIn(seen, self.read())
            self.assertNotIn(keys[:7], self.read())
            self.assertEqual(termios.tcgetattr(self.far), self.before)
        path = root + '/etc/wstan/home.key'
        with open(path) as f:
            self.assertEqual(f.read(), KEY + '\n')
        # The same again: the key that is there is offered.
        popen = self.terminal(*init)
        eventually(lambda: b'Key (input is hidden; Enter keeps the one in %s): ' % path.encode() in self.read(), 'it offers the key')
        eventually(lambda: not termios.tcgetattr(self.far)[3] & termios.ECHO, 'nothing shows')
        self.type(b'\r')
        self.assertEqual(popen.wait(5), 0, self.read())
        self.assertRegex(self.read(), rb'home\.key +unchanged: the key')
        with open(path) as f:
            self.assertEqual(f.read(), KEY + '\n')


class Completion(Control):
    """bash, asked for what could come next."""

    def completions(self, script, function, *words):
        """What is offered for the last of the words."""
        text = """
            source /dev/stdin <<< "$SCRIPT"
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            %s "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
            printf '%%s\\n' "${COMPREPLY[@]}"
        """ % function
        done = subprocess.run(['bash', '-c', text, 'bash', *words], capture_output=True, text=True, timeout=20,
                              env=dict(self.environment, SCRIPT=script))
        self.assertEqual(done.returncode, 0, done.stderr)
        return sorted(set(done.stdout.split()))

    def test_wstanctl(self):
        """Instances behind -i, wherever it stands; names and ids of the instance that is meant."""
        keys = [{'name': name, 'id': id * 8, 'state': 'current', 'source': 'state', 'uses': 0} for name, id in (('laptop', 'ab'), ('phone', 'cd'))]
        self.fake('wstand-home', GetStatus=self.statuses(fakedaemon.status(keys=keys)))
        self.fake('wstand')
        script = self.out('--generate-completion-script', 'bash')
        for words, offered in (
                (['-i', ''], ['home', 'wstand']), (['-i', 'h'], ['home']), (['status', '-i', ''], ['home', 'wstand']),
                (['--instance', 'w'], ['wstand']), (['-i', 'home', 're'], ['rejects', 'reload', 'retire-key']),
                (['-i', 'home', 'retire-key', ''], ['abababababababab', 'cdcdcdcdcdcdcdcd', 'laptop', 'phone']),
                (['retire-key', '-i', 'home', 'l'], ['laptop']), (['rotate-key', '-i', 'wstand', ''], ['default']),
                (['to'], ['top']), (['-'], ['--help', '--instance', '--json', '--socket', '--user', '--version', '-h', '-i'])):
            with self.subTest(words=words):
                self.assertEqual([word for word in self.completions(script, '_wstanctl', CTL, *words) if words[-1] or word[0] != '-'], offered)

    def test_wstand(self):
        """Options, and the values that are known."""
        with open(os.path.join(ROOT, 'contrib/completion/wstand.bash')) as f:
            script = 'compopt() { :; }\n' + f.read()
        for words, offered in (
                (['--log-l'], ['--log-level=']), (['--log-level', '=', 'n'], ['notice']), (['--mode', ''], ['client', 'server']),
                (['--tls-verify', '=', ''], ['no', 'yes']), (['--do'], ['--doctor']), (['--threads', '=', ''], []),
                (['--config', '=', os.path.join(ROOT, 'Makefi')], [os.path.join(ROOT, 'Makefile')])):
            with self.subTest(words=words):
                self.assertEqual(self.completions(script, '_wstand', 'wstand', *words), offered)


class Handover(Control):
    """Other programs that it becomes: here they print what they were given."""

    def setUp(self):
        super().setUp()
        self.bin = os.path.join(self.directory, 'tools', 'bin')
        os.makedirs(self.bin)
        self.program = os.path.join(self.bin, 'wstanctl')
        shutil.copy(CTL, self.program)
        self.tool('journalctl')
        self.tool('wstand', status=69)
        self.environment['PATH'] = self.bin + ':' + self.environment['PATH']

    def tool(self, name, status=0):
        path = os.path.join(self.bin, name)
        with open(path, 'w') as f:
            f.write('#!/bin/sh\necho "%s" "$@"\nexit %d\n' % (name, status))
        os.chmod(path, 0o755)

    def given(self, *arguments, status=0):
        done = self.run_ctl(*arguments, program=self.program)
        self.assertEqual((done.returncode, done.stderr), (status, ''), done.stdout)
        return done.stdout.strip()

    def test_logs(self):
        self.assertEqual(self.given('logs'), 'journalctl -u wstand -u wstand@*')
        self.assertEqual(self.given('logs', '-i', 'home', '-f', '-n', '50'), 'journalctl -u wstand@home -f -n 50')
        self.assertEqual(self.given('-i', 'wstand', 'logs', '--since', 'today'), 'journalctl -u wstand --since today')
        self.fake('wstand-own')
        self.assertEqual(self.given('logs'), 'journalctl --user -u wstand@own')

    def test_doctor(self):
        """Its status is wstand's, up or down."""
        self.assertEqual(self.given('doctor', status=69), 'wstand --doctor --config /etc/wstan.conf')
        self.assertEqual(self.given('doctor', '--config', '/x', status=69), 'wstand --doctor --config /x')
        self.fake('wstand-own')
        self.assertEqual(self.given('doctor', status=69), 'wstand --doctor --config %s/.config/wstan/own.conf' % self.directory)
        self.assertEqual(self.given('--user', 'doctor', status=69), 'wstand --doctor --config %s/.config/wstan.conf' % self.directory)
        self.assertEqual(self.given('-i', 'own', 'doctor', status=69), 'wstand --doctor --config %s/.config/wstan/own.conf' % self.directory)
        self.assertFails(USAGE, 'use --config', 'doctor', '--socket', '/x')

    def test_instances_that_do_not_run(self):
        """Those that systemd knows are listed with their state."""
        path = os.path.join(self.bin, 'systemctl')
        with open(path, 'w') as f:
            f.write('#!/bin/sh\ncase "$*" in *--user*) exit 1;; esac\n'
                    'echo "wstand.service loaded inactive dead wstan tunnel"\necho "wstand@lost.service loaded failed failed wstan tunnel lost"\n')
        os.chmod(path, 0o755)
        done = self.run_ctl('instances', program=self.program)
        self.assertEqual(done.returncode, NOT_RUNNING, done.stderr)
        self.assertRegex(done.stdout, r'\nwstand +- +stopped +- +-\n')
        self.assertRegex(done.stdout, r'\nwstand@lost +- +failed +- +-\n')
        self.fake('wstand-own')
        lines = [json.loads(line) for line in self.out('instances', '--json', program=self.program).splitlines()]
        found = {line['unit']: (line.get('state'), line.get('unitState'), line.get('user')) for line in lines}
        self.assertEqual(found['wstand@own'], ('running', None, True))
        self.assertEqual(found['wstand@lost'], (None, 'failed', None))

    def test_check_of_one_that_is_down(self):
        self.tool('wstand', status=78)
        self.assertEqual(self.given('check-config', status=78), 'wstand --check-config --config /etc/wstan.conf')
        self.assertFails(NOT_RUNNING, 'not running', 'check-config', '--json')
        self.assertFails(NOT_RUNNING, 'not running', 'check-config', '--socket', '/x')
        self.fake(CheckConfiguration={'diagnostics': []})
        self.assertEqual(self.given('check-config'), 'The configuration is good.')
        self.assertEqual(self.given('check-config', '--config', '/x', status=78), 'wstand --check-config --config /x')

    def test_missing_program(self):
        self.environment['PATH'] = '/nowhere'
        self.assertFails(FAILED, 'there is no journalctl on this host', 'logs', program=self.program)

    def test_script_for_browsers(self):
        """Fetched from where the client says that it listens."""
        self.fake(GetStatus=fakedaemon.status(mode='server'))
        self.assertFails(FAILED, 'is a server', 'client-config', '--pac')
        self.fake(GetStatus=fakedaemon.status(listeners=[{'name': 'listen', 'address': 'unix:/x', 'activated': False}]))
        self.assertFails(FAILED, 'listens on no TCP port', 'client-config', '--pac')
        server = self.server()
        client = self.client(server)
        self.fake(GetStatus=fakedaemon.status(listeners=[{'name': 'listen', 'address': '127.0.0.1:%d' % client.port, 'activated': False}]))
        done = self.run_ctl('client-config', '--pac')
        self.assertEqual((done.returncode, done.stderr), (0, 'wstanctl: this is http://127.0.0.1:%d/proxy.pac\n' % client.port))
        self.assertIn('function FindProxyForURL', done.stdout)
        self.assertIn('127.0.0.1:%d' % client.port, done.stdout)
        client.kill()
        self.assertFails(FAILED, 'Connection refused', 'client-config', '--pac')
