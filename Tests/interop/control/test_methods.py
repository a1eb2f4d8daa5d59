"""The control socket and wstanctl: who may do what, what is told, and that what runs goes on."""
import json
import os
import select
import signal
import socket
import subprocess

from helpers.control.controlled import ControlledPair, Varlink
from helpers.peers import agent
from helpers.process import CTL, NOBODY, OURS, as_nobody, free_port
from helpers.waiting import eventually


class Methods(ControlledPair):
    def test_rules(self):
        """What is no call ends the connection; what is a wrong one is answered, in the order of the calls."""
        for wrong in b'{', b'[]', b'{"parameters":{}}', b'{"method":"a.B","more":true,"oneway":true}', b'{"method":"a.B","x":1}':
            v = Varlink(self.socket('server'))
            v.send(wrong)
            self.assertIsNone(v.receive(), wrong)
        v = Varlink(self.socket('server'))
        for method, error in ('org.wstan.control.None', 'MethodNotFound'), ('org.none.A', 'InterfaceNotFound'):
            self.assertEqual(v.call(method)['error'], 'org.varlink.service.' + error)
        self.assertEqual(v.call('org.wstan.control.GetStatus', {'intervalUSec': 'x'})['parameters'], {'parameter': 'intervalUSec'})
        self.assertEqual(v.call('org.wstan.control.ListTunnels')['error'], 'org.varlink.service.ExpectedMore')
        v.send({'method': 'org.varlink.service.GetInfo', 'oneway': True})
        v.send({'method': 'org.varlink.service.GetInfo'})
        v.send({'method': 'org.wstan.control.GetStatus', 'parameters': None})
        self.assertEqual(v.receive()['parameters']['product'], 'wstand')
        self.assertEqual(v.receive()['parameters']['mode'], 'server')
        for interface in v.call('org.varlink.service.GetInfo')['parameters']['interfaces']:
            text = v.call('org.varlink.service.GetInterfaceDescription', {'interface': interface})['parameters']['description']
            self.assertIn('interface ' + interface, text)

    def test_client_that_does_not_read(self):
        """It costs nobody anything, and is dropped before it has got all that it has asked for."""
        v = Varlink(self.socket('server'))
        v.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wanted = 500
        call = {'method': 'org.varlink.service.GetInterfaceDescription', 'parameters': {'interface': 'org.wstan.control'}}
        v.socket.sendall((json.dumps(call).encode() + b'\0') * wanted)
        hung_up = select.poll()
        hung_up.register(v.socket, 0)  # only its end
        while not hung_up.poll(500):
            self.assertConnects()
            self.assertEqual(self.status()['state'], 'running')
        got = 0
        try:
            while v.receive():
                got += 1
        except ConnectionError:
            pass
        self.assertLess(got, wanted)

    def test_strangers(self):
        """Everybody sees the totals, without keys; all else is refused, logged, and not done."""
        if os.geteuid() != 0:
            self.skipTest('only root can become somebody else')
        text = self.ctl('status', user=as_nobody)
        self.assertIn('running', text)
        self.assertNotIn('default', text)
        for command in ['tunnels'], ['rotate-key'], ['reload'], ['drain'], ['client-config'], ['log-level', 'debug'], ['keys']:
            self.assertIn('not permitted', self.ctl(*command, user=as_nobody, status=4))
        self.wstan_server.await_log('uid=%d' % NOBODY)
        self.assertEqual(len(self.status()['keys']), 1)

    def test_tunnels(self):
        """What is up is listed at both ends, with peer, target, key and bytes, and can be closed."""
        s = self.connect()
        self.addCleanup(s.close)
        self.assertTrue(agent.echoes(s, bytes(5000)))
        using = [json.loads(line) for line in self.ctl('tunnels', '--json', '--state=using').splitlines()]
        self.assertEqual([entry['event'] for entry in using], ['listed', 'synchronized'])
        tunnel = using[0]['tunnel']
        self.assertEqual((tunnel['target'], tunnel['key'], tunnel['state']), ('127.0.0.1:%d' % self.echo.port, 'default', 'using'))
        self.assertGreater(tunnel['bytesReceived'], 5000)
        at_client = self.ctl('tunnels', '--state=using', to='client')
        self.assertIn('127.0.0.1:%d' % self.echo.port, at_client)
        self.assertEqual(self.status('client')['tunnelsActive'], 1)
        self.ctl('close', str(tunnel['id']))
        self.assertEqual(agent.outcome(s), 'reset')
        self.ctl('close', str(tunnel['id']), status=1)

    def test_many_tunnels(self):
        """A list that is made piece by piece has each of them once, in order, and says so when they go."""
        held = []
        for _ in range(200):
            held.append(self.keep(self.connect()))
            self.assertTrue(agent.echoes(held[-1], b'hello'))
        for end in 'server', 'client':
            *listed, last = [json.loads(line) for line in self.ctl('tunnels', '--json', '--state=using', to=end).splitlines()]
            numbers = [reply['tunnel']['id'] for reply in listed]
            self.assertEqual(numbers, sorted(set(numbers)))
            self.assertEqual((len(numbers), last['event']), (200, 'synchronized'))
        follower = Varlink(self.socket('server'))
        self.addCleanup(follower.socket.close)
        follower.send({'method': 'org.wstan.control.ListTunnels', 'parameters': {'states': ['using'], 'follow': True}, 'more': True})
        listed = [follower.receive()['parameters'] for _ in range(201)]
        self.assertEqual(listed[-1]['event'], 'synchronized')
        for s in held:
            s.close()
        gone = set()
        while len(gone) < 200:
            reply = follower.receive()['parameters']
            if reply['event'] == 'removed':
                gone.add(reply['tunnel']['id'])
        self.assertEqual(gone, {reply['tunnel']['id'] for reply in listed[:-1]})

    def test_not_running(self):
        """The remedy is named, and the status is 3."""
        result = subprocess.run([CTL, '-i', 'none'], capture_output=True, text=True, timeout=10)
        self.assertEqual(result.returncode, 3)
        self.assertIn('systemctl start wstand@none', result.stderr)


class Keys(ControlledPair):
    def test_rotation(self):
        """The former key is accepted for its grace, then not; what runs goes on; the key file is written anew."""
        with self.connect() as s:
            reply = json.loads(self.ctl('rotate-key', '--json'))
            self.assertTrue(reply['persisted'])
            self.assertConnects()
            keys = self.status()['keys']
            self.assertEqual([(key['id'] == reply['id'], key['state']) for key in keys], [(True, 'current'), (False, 'previous')])
            with open(self.key_path) as f:
                self.assertEqual(f.read().strip(), reply['key'])
            self.ctl('rotate-key', '--key-file', '-', to='client', stdin=reply['key'] + '\n')
            self.assertConnects()
            eventually(lambda: self.status()['keys'][0]['uses'] > 0, 'the new key is used', 5, 0.1)
            self.ctl('retire-key', keys[1]['id'])
            self.assertConnects()
            self.assertTrue(agent.echoes(s, b'still here'))
        # And after a restart of the server, the client's key is the only one.
        self.wstan_server.end()
        self.daemon('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        self.assertEqual([key['id'] for key in self.status()['keys']], [reply['id']])
        self.assertConnects()

    def test_former_key_at_once(self):
        """Without grace the former key is a wrong one from then on, and counted as such."""
        self.assertConnects()
        self.ctl('rotate-key', '--grace', '0')
        with self.assertRaises((AssertionError, OSError, EOFError, agent.Refused)):
            self.assertConnects()
        self.assertGreater(self.status()['rejects']['badAuthentication'], 0)

    def test_key_file_that_it_may_not_write(self):
        """As packaged: root's program does it instead where it knows the file, and else says what follows."""
        if os.geteuid() != 0:
            self.skipTest('only root can become somebody else')
        self.wstan_server.end()
        os.chmod(self.key_path, 0o644)
        os.chown(self.state, NOBODY, NOBODY)
        self.prepare = as_nobody
        os.chmod(self.directory, 0o777)  # where it makes its socket
        self.daemon('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes\npublic-uri = wss://a.test/t')
        text = self.ctl('rotate-key')
        self.assertIn('\nwstanctl: warning: %s still has the old key (the service may not write there). Replace it, or the old key returns '
                      'if %s/keyring is lost.\n' % (self.key_path, self.state), text)
        self.assertIn('    sudo wstanctl init client client --uri wss://a.test/t/\n', text)
        reply = json.loads(self.ctl('rotate-key', '--json'))
        self.assertEqual((reply['keyFile'], reply['clientURI'], reply.get('clientURIGuessed')), (self.key_path, 'wss://a.test/t/', False))
        self.assertIn('\nuri = wss://a.test/t/\n', self.ctl('client-config'))
        # Once it was replaced there is nothing to say of it.
        self.write('key', reply['key'] + '\n')
        former = next(key['id'] for key in self.status()['keys'] if key['state'] == 'previous')
        self.assertNotIn('warning', self.ctl('retire-key', former))

    def test_names(self):
        """A key of its own for a device: used, counted, and ended by itself with its tunnels."""
        added = json.loads(self.ctl('add-key', 'laptop', '--json'))
        self.assertIn(added['key'], self.ctl('client-config', '--key', 'laptop'))
        self.assertRegex(self.ctl('client-config', '--key', 'laptop'), r'#     sudo wstanctl init client laptop --uri ws://[^ ]+:%d/\n' % self.port)
        port = free_port()
        client = self.start('laptop', OURS, '-c', '-p', port, 'ws://127.0.0.1:%d/' % self.port, added['key'])
        client.await_port(port)
        with agent.socks5(port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
            self.assertIn('laptop', self.ctl('tunnels', '--state=using'))
            reply = json.loads(self.ctl('retire-key', added['id'], '--close', '--json'))
            self.assertGreater(reply['closed'], 0)
            self.assertEqual(agent.outcome(s), 'reset')
        self.assertConnects()


class Drain(ControlledPair):
    def test_drain_and_back(self):
        """Nothing new is taken on, what is up is waited for, and it can be taken back."""
        s = self.connect()
        self.assertTrue(agent.echoes(s, b'hello'))
        waiting = subprocess.Popen([CTL, 'drain', '--socket', self.socket('server')], stdout=subprocess.PIPE, text=True)
        self.addCleanup(waiting.kill)
        self.assertEqual(waiting.stdout.readline(), '1 tunnel in use\n')
        self.assertEqual(self.status()['state'], 'draining')
        self.assertTrue(agent.echoes(s, b'still here'))
        s.close()
        self.assertEqual(waiting.communicate(timeout=10)[0], 'drained\n')
        self.ctl('undrain')
        self.assertConnects()
        self.ctl('undrain', status=1)

    def test_exit(self):
        """With --exit it ends when nothing is left, with success."""
        self.assertConnects()
        self.wstan_server.may_end = True
        self.ctl('drain', '--exit')
        self.assertEqual(self.wstan_server.popen.wait(10), 0)


class Notify(ControlledPair):
    """A fake service manager listens."""

    def daemon(self, mode, general, sections):
        if mode == 'server':
            self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.addCleanup(self.notify.close)
            self.notify.settimeout(5)
            path = os.path.join(self.directory, 'notify')
            self.notify.bind(path)
            return self.start(mode, ['env', 'NOTIFY_SOCKET=' + path, 'WATCHDOG_USEC=400000', OURS],
                              '--config', self.configure(mode, general, sections))
        return super().daemon(mode, general, sections)

    def message(self, key, where=lambda value: True):
        """The next message with `key`, as a dictionary."""
        while True:
            lines = dict(line.split('=', 1) for line in self.notify.recv(4096).decode().splitlines())
            if key in lines and where(lines[key]):
                return lines

    def test_life(self):
        """Ready when it listens, alive while it turns, with its numbers; reloading and ready again; stopping."""
        self.assertIn('listening on', self.message('READY')['STATUS'])
        socket.create_connection(('127.0.0.1', self.port), 2).close()
        self.assertIn('WATCHDOG', self.message('STATUS', lambda text: 'tunnels in use' in text))
        self.message('WATCHDOG')
        self.ctl('reload')
        self.assertGreater(int(self.message('RELOADING')['MONOTONIC_USEC']), 0)
        self.message('READY')
        self.wstan_server.may_end = True
        self.wstan_server.popen.send_signal(signal.SIGTERM)
        self.message('STOPPING')
        self.assertEqual(self.wstan_server.popen.wait(10), 0)

    def end_with_a_long_drain(self, *signals):
        """A stream goes on meanwhile, which is returned."""
        self.configure('server', 'drain-timeout = 10min\nstate-directory = ' + self.state, '[server]\nallow-private = yes')
        self.ctl('reload')
        s = self.keep(self.connect())
        self.assertTrue(agent.echoes(s, b'hello'))
        self.wstan_server.may_end = True
        process = self.wstan_server.popen
        os.kill(process.pid, signal.SIGSTOP)
        for number in signals:
            process.send_signal(number)
        os.kill(process.pid, signal.SIGCONT)
        return s

    def test_long_drain(self):
        """More time is asked for again and again while it drains, and never so much that one that hangs is waited for."""
        s = self.end_with_a_long_drain(signal.SIGTERM)
        asked = [self.message('STOPPING')] + [self.message('EXTEND_TIMEOUT_USEC') for _ in range(5)]
        self.assertEqual({lines['EXTEND_TIMEOUT_USEC'] for lines in asked}, {'5400000'})
        self.assertTrue(agent.echoes(s, b'still here'))
        s.close()
        self.assertEqual(self.wstan_server.popen.wait(10), 0)

    def test_reload_at_the_end(self):
        """A reload that is under way when the end is ordered opens nothing again."""
        s = self.end_with_a_long_drain(signal.SIGHUP, signal.SIGTERM)
        self.message('STOPPING')
        self.wstan_server.await_log('wstand is stopping')
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', self.port), 5)
        for _ in range(5):
            self.assertNotIn('READY', self.message('EXTEND_TIMEOUT_USEC'))
        s.close()
        self.assertEqual(self.wstan_server.popen.wait(10), 0)

    def test_watchdog_falls_silent(self):
        """A process that is stopped says nothing; when it goes on it does again."""
        self.message('WATCHDOG')
        os.kill(self.wstan_server.popen.pid, signal.SIGSTOP)
        self.notify.settimeout(1)
        with self.assertRaises(TimeoutError):
            while True:
                self.notify.recv(4096)
        os.kill(self.wstan_server.popen.pid, signal.SIGCONT)
        self.notify.settimeout(5)
        self.message('WATCHDOG')
