"""Every key that a reload takes over, changed by itself while a stream is up."""
import os
import re

from helpers import ROOT
from helpers.control.controlled import ControlledPair
from helpers.peers import agent

SHIPPED = os.path.join(ROOT, 'etc/wstan.conf')

BOTH = {
    'drain-timeout': '2s',
    'ping-interval': '9s',
    'memory-limit': '64M',
    'log-level': 'debug',
}
SERVER = {
    '[server] public-uri': 'wss://server.example.com/',
    '[server] x-forward': 'yes',
    '[server] proxy-protocol': 'yes',
    '[server] trusted-proxies': '192.0.2.1',
    '[server] request-ttl': '50s',
    '[server] replay-under-tls': 'no',
    '[server] accept-v1': 'no',
    '[server] allow-bare-dgm': 'yes',
    '[server] allow': '192.0.2.0/24',
    '[server] deny': '127.0.0.0/8',
    '[server] allow-private': 'no',
    '[server] max-tunnels': '1',
    '[server] max-tunnels-per-address': '1',
    '[server] max-tunnel-rate': '1',
    '[server] max-handshakes': '1',
    '[server] handshake-timeout': '3s',
    '[server] connect-timeout': '3s',
    '[server] idle-timeout': '1h',
    '[server] plain-answer': '400',
}
CLIENT = {
    '[client] early-data': '0',
    '[client] early-data-wait': '5ms',
    '[client] early-reply': 'no',
    '[client] allow-uid': '4294967294',
    '[client] direct': 'private',
    '[client] proxy': 'none',
    '[client] connect-to': '127.0.0.1:9',
    '[client] host-header': 'other.test',
    '[client] header': 'X-Tried: yes',
    '[client] carrier': 'path',
    '[client] udp-idle': '5s',
    '[pool] size': '1',
    '[pool] min': '0',
    '[pool] max-idle': '1s',
    '[pool] ping': '3s',
}
# In test_reload, with what they need: other servers, places, files, certificates, a group.
ELSEWHERE = {'uri', 'key', 'key-file', '[client] listen', '[server] listen', '[client] users-file', '[control] group'}

# It is for those who have moved every client to version 2.
NOT_SHIPPED = '[server] accept-v1'


def taken_over():
    """The keys of the file that is shipped of which it does not say that they need a restart."""
    section, comment, keys = '', '', set()
    with open(SHIPPED) as f:
        for line in f:
            heading = re.match(r'#?\[(\w+).*\]$', line)
            setting = re.match(r'#?([a-z0-9-]+) =', line)
            if heading:
                section = heading[1]
            elif setting:
                if 'eeds a restart' not in comment or 'On a server it' in comment:
                    keys.add('[%s] %s' % (section, setting[1]) if section else setting[1])
            elif line.startswith('#'):
                comment += line[1:].strip() + ' '
                continue
            comment = ''
    return keys


class Keys(ControlledPair):
    def test_all_are_here(self):
        """No key has been forgotten in these tests."""
        kept = {key for key in taken_over() if not key.startswith(('[tls]', '[forward]'))}
        self.assertEqual(kept | {NOT_SHIPPED}, set(BOTH) | set(SERVER) | set(CLIENT) | ELSEWHERE)

    def reload(self, mode, base, key=None, value=None):
        """With one more key, or another value of it."""
        settings = dict(base, **{key: value} if key else {})
        sections = {}
        for title, text in settings.items():
            section, _, name = title.rpartition(' ')
            sections.setdefault(section, []).append('%s = %s' % (name, text))
        general = '\n'.join(sections.pop('', []))
        self.configure(mode, general, '\n'.join('\n'.join([section] + lines) for section, lines in sections.items()))
        return self.ctl('reload', to=mode)

    def sweep(self, mode, base, keys):
        with self.connect() as s:
            self.assertTrue(agent.echoes(s, b'hello'))
            for key, value in keys.items():
                with self.subTest(key):
                    in_force = re.search('Applied: (.*)', self.reload(mode, base, key, value))[1]
                    self.assertEqual(in_force, key)
                    self.assertTrue(agent.echoes(s, os.urandom(3000)))
                    self.reload(mode, base)
                    self.assertTrue(agent.echoes(s, os.urandom(3000)))
            self.assertConnects()

    def test_server(self):
        """Each is named as in force, by itself, and the stream goes on; with the former values back newcomers are served."""
        base = {'log-level': 'info', 'state-directory': self.state, '[server] allow-private': 'yes'}
        self.sweep('server', base, dict(BOTH, **SERVER))

    def test_client(self):
        """The same at a client."""
        self.sweep('client', {'[client] listen': '127.0.0.1:%d' % self.client_port}, dict(BOTH, **CLIENT))
