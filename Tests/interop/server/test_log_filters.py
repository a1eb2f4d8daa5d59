"""What contrib has for programs that read logs: fail2ban's filter and logcheck's rules, on lines that a server writes."""
import configparser
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from helpers import ROOT
from helpers.peers import probe, wire
from helpers.peers.target import echo
from helpers.process import find, without_proxies
from helpers.scenario import Scenario

FAIL2BAN = os.path.join(ROOT, 'contrib/fail2ban')
LOGCHECK = os.path.join(ROOT, 'contrib/logcheck/ignore.d.server/wstan')
# Each is refused for another reason.
CAUSES = {'bad-authentication', 'expired', 'replayed', 'sealed-for-other-scheme', 'forbidden-target', 'not-a-request'}
REFUSED = re.compile(r'refused|not a request|no TLS with a peer|right key, unreadable')


class LogFilters(Scenario):
    def setUp(self):
        super().setUp()
        self.raw_key = wire.key_bytes(self.key)
        self.echo = self.target(echo)

    def refuse(self, *options):
        """The log of a server that has refused whatever it can, twice each, and has stopped."""
        server = self.server('--allow-private=no', '--log-level=info', '--trusted-proxies=127.0.0.1', '--x-forward=yes', *options)

        def opening(key=self.raw_key, body=None, **when):
            return wire.Opening(key, body or wire.request_body('127.0.0.1', self.echo.port, **when))
        seen = opening()
        for client in '192.0.2.7', '2001:db8::7', None:
            more = [('X-Forwarded-For', client)] if client else []
            for _ in range(2):
                # Those that are opened ask for a target that is forbidden.
                for asked in seen, opening():
                    with socket.create_connection(('127.0.0.1', server.port), 5) as s:
                        s.sendall(asked.head(more=more))
                        s.recv(1024)
                wrong = opening(key=os.urandom(16)), opening(when=time.time() - 1000), opening(body=bytes([wire.REQ]) + bytes(8) + b'\xff')
                for head in [asked.head(more=more) for asked in wrong] + [seen.head(method='POST', more=more)]:
                    probe.exchange(server.port, head)
        for reason in CAUSES:
            server.await_log('reason=' + reason)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_status(), 0)
        return server.log().splitlines()

    def test_fail2ban(self):
        """The filter matches every line of a refusal with its address, in each form that it comes in, and no other."""
        if not find('fail2ban-regex'):
            self.skipTest('fail2ban is not installed, so its filter is NOT TRIED: apt-get install fail2ban')
        lines = self.refuse()
        refused = [line for line in lines if REFUSED.search(line)]
        self.assertTrue(any('refused again' in line for line in refused), lines)
        expected = [self.address(re.search(r'(?:peer|source)=(\S+)', line).group(1)) for line in refused]
        self.assertLessEqual({'192.0.2.7', '2001:db8::7', '2001:db8::/64', '127.0.0.1'}, set(expected))
        for form in self.forms(lines):
            self.assertEqual(self.found(form), expected, form)

    @staticmethod
    def address(text):
        """Without the port, if there is one."""
        if text.startswith('['):
            return text[1:].split(']')[0]
        return text.split(':')[0] if text.count(':') == 1 else text

    @staticmethod
    def forms(lines):
        """As on stderr, as fail2ban has it of the journal and of syslog."""
        yield lines
        texts = [re.sub(r'^\S+ [a-z]+: ', '', line) for line in lines]
        yield ['2026-11-29T12:00:00.123456 host wstand[4711]: ' + text for text in texts]
        yield ['Nov 29 12:00:00 host wstand[4711]: <5>' + text for text in texts]

    def found(self, lines, filter='wstan'):
        """The addresses that the filter finds, in order."""
        place = os.path.join(self.directory, 'filter.d')
        if not os.path.exists(place):
            os.mkdir(place)
            shutil.copy('/etc/fail2ban/filter.d/common.conf', place)
            shutil.copy(os.path.join(FAIL2BAN, 'filter.d/wstan.conf'), place)
        log = os.path.join(self.directory, 'log')
        with open(log, 'w') as f:
            f.write('\n'.join(lines) + '\n')
        done = subprocess.run([find('fail2ban-regex'), '-o', 'ip', log, os.path.join(place, filter.replace('wstan', 'wstan.conf', 1))],
                              capture_output=True, text=True, timeout=60, env=without_proxies())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.split()

    def test_jail(self):
        """It is disabled as it comes; its filter takes the causes that it names, also of summaries."""
        jail = configparser.ConfigParser(interpolation=None)
        jail.read(os.path.join(FAIL2BAN, 'jail.d/wstan.conf'))
        self.assertEqual(jail['wstan']['enabled'], 'false')
        if not find('fail2ban-regex'):
            self.skipTest('fail2ban is not installed, so its jail is NOT TRIED: apt-get install fail2ban')
        start = '2026-11-29T12:00:00Z notice: '
        self.assertEqual(self.found([
            start + 'request refused: wrong key peer=192.0.2.1:1 reason=bad-authentication',
            start + 'request refused peer=192.0.2.2:1 reason=draining',
            start + 'refused again within a minute reasons="draining: 3, replayed: 1" source=192.0.2.3',
            start + 'refused again within a minute reasons="draining: 3, expired: 1" source=192.0.2.4',
            start + 'refused again within a minute reasons="replayed: 7" source=others',
            start + 'a user agent is refused: wrong name or password peer=192.0.2.5:1',
        ], jail['wstan']['filter']), ['192.0.2.1', '192.0.2.3', '192.0.2.5'])

    def test_logcheck(self):
        """Every line at notice that a server writes on an ordinary day is matched; what an administrator should read is not."""
        lines = self.refuse('--drain-timeout=1s')
        texts = [line.split(' notice: ', 1)[1] for line in lines if ' notice: ' in line]
        self.assertGreater(len(texts), 10)
        self.assertEqual(self.unusual(texts), [])
        unusual = [
            'rotate-key default (new ID 0123456789abcdef) by root, pid 539', 'server a.test:443 does not work (refused); now using b.test:443',
            'control command received method=org.wstan.control.GetClientConfiguration pid=7 uid=0', 'the state directory cannot be written',
            'request refused reason=x peer=a b',
        ]
        self.assertEqual(self.unusual(unusual), unusual)

    def unusual(self, texts):
        """What logcheck would report of these."""
        starts = 'Nov 29 12:00:00 host wstand[4711]: ', '2026-11-29T12:00:00.123456+00:00 host.example wstand[4711]: '
        left = []
        for start in starts:
            done = subprocess.run(['grep', '-E', '-v', '-f', LOGCHECK], input=''.join(start + text + '\n' for text in texts),
                                  capture_output=True, text=True, timeout=20, env=dict(os.environ, LC_ALL='C.UTF-8'))
            self.assertEqual(done.stderr, '')
            left.append([line[len(start):] for line in done.stdout.splitlines()])
        self.assertEqual(left[0], left[1])
        return left[0]
