"""The control socket by the reference implementation of Varlink, and by what its interface promises."""
import json
import os
import subprocess

from varlink import Client, VarlinkError
from varlink.error import InterfaceNotFound, InvalidParameter

from helpers import ROOT
from helpers.control.controlled import ControlledPair, Varlink
from helpers.control.varlinktypes import Interfaces
from helpers.peers import agent
from helpers.process import CTL, NOBODY, as_nobody

CONTROL, SERVICE = 'org.wstan.control', 'org.varlink.service'


def source_text():
    with open(os.path.join(ROOT, 'Sources/WstanControl', CONTROL + '.varlink')) as f:
        return f.read()


class Reference(ControlledPair):
    """The package of PyPI, version by Tests/interop/run, as a client that knows nothing but the socket."""

    def open(self, to='server', interface=CONTROL):
        client = Client('unix:' + self.socket(to))
        self.addCleanup(client.cleanup)
        connection = client.open(interface)
        self.addCleanup(connection.close)
        return connection

    def test_description(self):
        """It finds both interfaces and reads them; ours is the file that the sources have."""
        with self.open(interface=SERVICE) as service:
            info = service.GetInfo()
            self.assertEqual((info['vendor'], info['product'], sorted(info['interfaces'])), ('wstan', 'wstand', [SERVICE, CONTROL]))
            self.assertEqual(service.GetInterfaceDescription(CONTROL)['description'].strip(), source_text().strip())
            with self.assertRaises(InterfaceNotFound):
                service.GetInterfaceDescription('org.example.none')

    def test_every_method(self):
        """Each is called as the description says, and answers so, at both ends; what it changes is undone."""
        for to in 'server', 'client':
            control = self.open(to)
            self.assertEqual(control.GetStatus()['mode'], to)
            self.assertEqual(control.CheckConfiguration()['diagnostics'], [])
            self.assertIn('error', [d['severity'] for d in control.CheckConfiguration('mode = both')['diagnostics']])
            self.assertEqual(control.Reload()['requiresRestart'], [])
            self.assertEqual(control.Reload(True)['changed'], [])
            former = control.SetLogLevel('debug')['former']
            self.assertEqual(control.SetLogLevel(former)['former'], 'debug')
            self.assertIn('key = ', control.GetClientConfiguration()['text'])
        control = self.open()
        self.assertEqual(control.ListRejects()['refusals'], [])
        added = control.AddKey('tablet')
        self.assertEqual(control.RetireKey(added['id'], True)['closed'], 0)
        phone = control.AddKey('phone', None, 2)
        self.assertEqual([(key.get('name'), key['id']) for reply in control.ListKeys(_more=True) for key in reply['keys']][-1],
                         ('phone', phone['id']))
        self.assertEqual(control.RotateServerKey(force=True)['formerKeys'][0]['kind'], 'server')
        control.RetireKey(phone['id'])
        rotated = control.RotateKey(graceUSec=0)
        self.open('client').RotateKey(key=rotated['key'])
        self.assertConnects()
        with self.connect() as s:
            self.assertTrue(agent.echoes(s, b'hello'))
            listed = list(control.ListTunnels(['using'], _more=True))
            control.CloseTunnel(listed[0]['tunnel']['id'])
            self.assertEqual(agent.outcome(s), 'reset')
        control.Drain(timeoutUSec=0)
        self.assertEqual(control.GetStatus()['state'], 'draining')
        control.Undrain()
        self.assertConnects()
        called = set(Interfaces(source_text()).methods)
        self.assertEqual(called, {'GetStatus', 'CheckConfiguration', 'Reload', 'SetLogLevel', 'GetClientConfiguration', 'AddKey',
                                  'ListKeys', 'RotateServerKey', 'RetireKey', 'RotateKey', 'ListTunnels', 'ListRejects',
                                  'CloseTunnel', 'Drain', 'Undrain'})

    def test_more(self):
        """A call that is answered again and again: what is there, then what changes, until the client leaves."""
        replies = self.open().ListTunnels(['using'], True, _more=True)
        self.assertEqual(next(replies), {'event': 'synchronized'})
        with self.connect() as s:
            self.assertTrue(agent.echoes(s, b'hello'))
            added = next(replies)
            self.assertEqual((added['event'], added['tunnel']['target']), ('added', '127.0.0.1:%d' % self.echo.port))
        while (reply := next(replies))['event'] == 'changed':
            pass
        self.assertEqual((reply['event'], reply['tunnel']['id']), ('removed', added['tunnel']['id']))
        statuses = self.open().GetStatus(100_000, _more=True)
        self.assertGreaterEqual(next(statuses)['pid'], next(statuses)['pid'])

    def test_drain(self):
        """`more` counts down; the last reply is the end of it."""
        s = self.connect()
        self.assertTrue(agent.echoes(s, b'hello'))
        replies = self.open().Drain(_more=True)
        self.assertEqual(next(replies), {'tunnelsActive': 1})
        s.close()
        self.assertEqual([reply['tunnelsActive'] for reply in replies], [0])
        self.open().Undrain()

    def test_oneway(self):
        """It is done, and not answered."""
        control = self.open()
        self.assertIsNone(control.SetLogLevel('debug', _oneway=True))
        self.assertEqual(control.SetLogLevel('notice')['former'], 'debug')

    def test_errors(self):
        """Each comes as the error that the interface names, with its parameters."""
        control = self.open()

        def error(name, method, *arguments):
            with self.assertRaises(VarlinkError) as caught:
                getattr(control, method)(*arguments)
            self.assertEqual(caught.exception.error(), CONTROL + '.' + name)
            complaints = interfaces.complaints(caught.exception.parameters(), interfaces.errors[name].type)
            self.assertEqual(complaints, [])
            return caught.exception.parameters()
        interfaces = Interfaces(source_text())
        self.assertEqual(error('NoSuchTunnel', 'CloseTunnel', 77), {'id': 77})
        self.assertEqual(error('NoSuchKey', 'RetireKey', 'ffffffffffffffff'), {'id': 'ffffffffffffffff'})
        control.AddKey('laptop')
        self.assertEqual(error('KeyExists', 'AddKey', 'laptop'), {'name': 'laptop'})
        self.assertIn('message', error('InvalidKey', 'RotateKey', None, ''))
        self.assertEqual(error('WrongState', 'Undrain'), {'state': 'running'})
        with self.assertRaises(VarlinkError) as caught:
            self.open('client').ListRejects()
        self.assertEqual(caught.exception.parameters(), {'state': 'client'})
        self.configure('server', 'log-level = loud', '')
        self.assertEqual(error('ConfigurationInvalid', 'Reload')['diagnostics'][0]['severity'], 'error')
        with self.assertRaises(InvalidParameter):
            control.SetLogLevel('loud')


class Output(ControlledPair):
    """`--json` is the reply of a method, field by field as the interface says."""

    def setUp(self):
        super().setUp()
        self.interfaces = Interfaces(source_text())

    def assertIsReply(self, method, text):
        lines = text.splitlines()
        self.assertGreater(len(lines), 0, method)
        for line in lines:
            self.assertEqual(self.interfaces.complaints(json.loads(line), self.interfaces.methods[method].out_type, method), [])

    def test_every_command(self):
        """At both ends, with tunnels and keys there."""
        s = self.connect()
        self.addCleanup(s.close)
        self.assertTrue(agent.echoes(s, b'hello'))
        added = json.loads(self.ctl('add-key', 'laptop', '--json'))
        for to in 'server', 'client':
            for method, *command in (
                    ('GetStatus', 'status'), ('ListTunnels', 'tunnels'), ('CheckConfiguration', 'check-config'), ('Reload', 'reload'),
                    ('SetLogLevel', 'log-level', 'info'), ('GetClientConfiguration', 'client-config')):
                self.assertIsReply(method, self.ctl(*command, '--json', to=to))
            # Parts of a status.
            types = self.interfaces.types
            self.assertEqual(self.interfaces.complaints(json.loads(self.ctl('pool', '--json', to=to)), types['Pool'].type), [])
            for line in self.ctl('keys', '--json', to=to).splitlines():
                self.assertEqual(self.interfaces.complaints(json.loads(line), types['Key'].type), [])
            self.assertEqual(json.loads(self.ctl('log-level', '--json', to=to)), {'level': 'info'})
        self.assertIsReply('ListRejects', self.ctl('rejects', '--all', '--json'))
        self.assertIsReply('Reload', self.ctl('reload', '--dry-run', '--json'))
        self.assertIsReply('AddKey', self.ctl('add-key', 'tablet', '--json'))
        self.assertIsReply('RotateKey', self.ctl('rotate-key', '--json'))
        self.assertIsReply('RotateKey', self.ctl('rotate-key', '--json', '--key-file', '-', to='client', stdin='MDEyMzQ1Njc4OWFiY2RlZg=='))
        self.assertIsReply('RetireKey', self.ctl('retire-key', added['id'], '--close', '--json'))
        id = json.loads(self.ctl('tunnels', '--state=using', '--json').splitlines()[0])['tunnel']['id']
        self.assertIsReply('CloseTunnel', self.ctl('close', str(id), '--json'))
        self.assertIsReply('Drain', self.ctl('drain', '--json'))
        self.assertIsReply('Undrain', self.ctl('undrain', '--json'))

    def test_watching(self):
        """One object a line, for as long as somebody reads."""
        for method, *command in ('GetStatus', 'status', '--watch'), ('ListTunnels', 'tunnels', '--watch'):
            watching = subprocess.Popen([CTL, *command, '--json', '--socket', self.socket('server')], stdout=subprocess.PIPE, text=True)
            self.addCleanup(watching.wait, 10)
            self.addCleanup(watching.kill)
            self.addCleanup(watching.stdout.close)
            self.assertIsReply(method, watching.stdout.readline())

    def test_documented(self):
        """What is no reply of a method has a word in wstanctl(1)."""
        with open(os.path.join(ROOT, 'docs/man/wstanctl.1')) as f:
            manual = f.read()
        for word in 'unit', 'socket', 'mode', 'state', 'tunnelsActive', 'level', 'receivedPerSecond', 'sentPerSecond', 'intervalUSec':
            self.assertIn(word, manual)


class Standing(ControlledPair):
    """Who may call what: root, the daemon's user, a member of the group, a stranger."""
    FOR_ALL = {'GetStatus'}
    FOR_OWNERS = {'GetClientConfiguration'}  # it hands out the secret

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('only root can become somebody else')
        super().setUp()

    def outcome(self, method, parameters, who):
        """The error's last name, `closed`, or None; each call on a connection of its own, by a process of its own."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                who()
                v = Varlink(self.socket('server'))
                reply = v.call(CONTROL + '.' + method, parameters, more=method in ('ListTunnels', 'ListKeys'))
                os.write(write, (reply.get('error') or 'None').split('.')[-1].encode() if reply else b'closed')
            finally:
                os._exit(0)
        os.close(write)
        os.waitpid(child, 0)
        with os.fdopen(read) as f:
            return f.read()

    CALLS = [  # what does no harm when it is let in
        ('GetStatus', {}), ('ListTunnels', {}), ('ListRejects', {}), ('CloseTunnel', {'id': 77}), ('CheckConfiguration', {}), ('Reload', {}),
        ('RotateKey', {'key': ''}), ('AddKey', {'name': 'default'}), ('RetireKey', {'id': 'none'}), ('Drain', {'timeoutUSec': -1}),
        ('Undrain', {}), ('SetLogLevel', {'level': 'info'}), ('GetClientConfiguration', {}), ('ListKeys', {}), ('RotateServerKey', {}),
    ]

    def test_who(self):
        """Every method, by everybody."""
        self.assertEqual({method for method, _ in self.CALLS}, set(Interfaces(source_text()).methods))
        group = 54321  # nobody's

        def member():
            as_nobody([group])
        self.control = 'group = %d\n' % group
        self.configure('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        self.ctl('reload')
        for method, parameters in self.CALLS:
            self.assertNotIn(self.outcome(method, parameters, lambda: None), ('PermissionDenied', 'closed'), method)
            self.assertEqual(self.outcome(method, parameters, as_nobody) != 'PermissionDenied', method in self.FOR_ALL, method)
            self.assertEqual(self.outcome(method, parameters, member) != 'PermissionDenied', method not in self.FOR_OWNERS, method)
        self.wstan_server.await_log('uid=%d' % NOBODY)

    def test_members_that_follow(self):
        """A member whose calls do not end takes all sessions but the last few, which are for root; the log tells of it."""
        group = 54321  # nobody's
        self.wstan_server.end()
        self.control = 'group = %d\n' % group
        self.wstan_server = self.daemon('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        (read, write), (held, holding) = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(holding)
                as_nobody([group])
                following = []
                for _ in range(80):
                    v = Varlink(self.socket('server'))
                    try:
                        if not v.call(CONTROL + '.GetStatus', {'intervalUSec': 86_400_000_000}, more=True):
                            break
                    except OSError:
                        break
                    following.append(v)
                os.write(write, b'%d' % len(following))
                os.read(held, 1)  # until the parent closes it
            finally:
                os._exit(0)
        os.close(write)
        os.close(held)
        try:
            self.assertIn(int(os.read(read, 10) or 0), range(32, 64))
            for _ in range(3):
                self.assertIn('parameters', Varlink(self.socket('server')).call(CONTROL + '.GetStatus'))
            self.wstan_server.await_log('warning: a connection to the control socket was closed.*uid=%d' % NOBODY)
        finally:
            os.close(holding)
            os.close(read)
            os.waitpid(child, 0)

    def test_own_user(self):
        """The user that the daemon runs as may do everything."""
        self.wstan_server.end()
        os.chown(self.key_path, NOBODY, NOBODY)
        os.chown(self.state, NOBODY, NOBODY)
        os.chown(self.directory, NOBODY, NOBODY)
        self.prepare = as_nobody
        self.daemon('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        for method, parameters in self.CALLS:
            self.assertNotIn(self.outcome(method, parameters, as_nobody), ('PermissionDenied', 'closed'), method)
