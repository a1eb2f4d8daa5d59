"""The control socket and wstanctl: who may do what, what is told, and that what runs goes on."""
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time

from helpers.control.controlled import ControlledPair, Varlink
from helpers.peers import agent, probe, wire
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
        for command in ['tunnels'], ['rotate-key'], ['reload'], ['drain'], ['client-config'], ['log-level', 'debug'], ['keys'], ['rejects'], ['top'], \
                ['reload', '--dry-run']:
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
        self.assertLess(tunnel['id'], 1000)
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

    def test_activity(self):
        """A tunnel on which bytes go one way only is not idle, at either end; nor is one that sends only."""
        def pour(connection):
            while True:
                connection.sendall(bytes(1000))
                time.sleep(0.01)

        def swallow(connection):
            while connection.recv(65536):
                pass
        for serve in pour, swallow:
            target = self.target(serve)
            s = self.keep(agent.socks5(self.client_port, '127.0.0.1', target.port))
            over = threading.Event()
            self.addCleanup(over.set)

            def move():
                try:
                    while not over.is_set():
                        s.recv(65536) if serve is pour else s.sendall(bytes(1000))
                        time.sleep(0.01)
                except OSError:
                    pass
            threading.Thread(target=move, daemon=True).start()
            time.sleep(1.2)  # longer than what counts as idle below
            for end in 'server', 'client':
                entries = [json.loads(line).get('tunnel') for line in self.ctl('tunnels', '--json', '--state=using', to=end).splitlines()]
                moving = next(entry for entry in entries if entry and entry['target'] == '127.0.0.1:%d' % target.port)
                self.assertLess(time.time() - moving['lastActivityTimestampUSec'] / 1e6, 1, (serve.__name__, end))
            sender = 'server' if serve is pour else 'client'
            self.assertRegex(self.ctl('top', '--interval', '500ms', to=sender), r', out [\d.]+ KB/s; by rate\n')
            over.set()
            s.close()

    def test_rejects(self):
        """Who was refused, why, how often and under which name; the totals are everybody's, the list is not a client's."""
        self.assertEqual(json.loads(self.ctl('rejects', '--json'))['refusals'], [])
        self.assertRegex(self.ctl('rejects'), r'^Nothing was refused since .*\.\n$')
        raw_key = wire.key_bytes(self.key)
        for key, when in (os.urandom(16), None), (os.urandom(16), None), (raw_key, time.time() - 1000):
            probe.exchange(self.port, wire.Opening(key, wire.request_body('127.0.0.1', self.echo.port, when=when)).head())
        probe.exchange(self.port, b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        reply = json.loads(self.ctl('rejects', '--json'))
        found = [(entry['address'], entry['cause'], entry['count'], entry.get('key')) for entry in reply['refusals']]
        self.assertEqual(found, [('127.0.0.1', 'expired', 1, 'default'), ('127.0.0.1', 'bad-authentication', 2, None)])
        self.assertEqual(reply['refusals'][0]['text'], 'expired: its time is 1000 s behind')
        self.assertLessEqual(reply['sinceTimestampUSec'], reply['refusals'][1]['firstTimestampUSec'])
        self.assertIn('not-a-request', [entry['cause'] for entry in json.loads(self.ctl('rejects', '--all', '--json'))['refusals']])
        self.assertIn('wstand is a client. Run this on its server.', self.ctl('rejects', to='client', status=1))

    def test_not_set_up(self):
        """The remedy is named, and the status is 64."""
        result = subprocess.run([CTL, '-i', 'none'], capture_output=True, text=True, timeout=10)
        self.assertEqual(result.returncode, 64)
        self.assertIn('wstanctl init client none', result.stderr)


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
            for line in r'rotate-key default \(new ID %s\) by root' % reply['id'], r'retire-key default \(ID %s\) by root' % keys[1]['id']:
                self.wstan_server.await_log(line.replace('root', r'(root|user \d+)') + r', pid \d+')
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

    def test_all_former_keys_at_once(self):
        """Those of earlier rotations end as well; until then the answer names them with their ends."""
        self.ctl('rotate-key', '--grace', '2h')
        reply = json.loads(self.ctl('rotate-key', '--grace', '1h', '--json'))
        previous = [key['id'] for key in self.status()['keys'] if key['state'] == 'previous']
        self.assertEqual([key['id'] for key in reply['formerKeys']], previous)
        self.assertEqual(len(previous), 2)
        self.assertTrue(all(key['retireTimestampUSec'] > 0 for key in reply['formerKeys']))
        self.assertRegex(self.ctl('rotate-key', '--grace', '1h'), r'Former keys that are accepted:\n\n    %s, ends in ' % previous[0])
        text = self.ctl('rotate-key', '--grace', '0')
        self.assertIn('The old key is no longer accepted.', text)
        self.assertNotIn('Former keys', text)
        self.assertEqual([key['state'] for key in self.status()['keys']], ['current'])
        with self.assertRaises((AssertionError, OSError, EOFError, agent.Refused)):
            self.assertConnects()

    def test_closed_tunnels_are_counted(self):
        """Used and idle ones."""
        s = self.keep(self.connect())
        self.assertTrue(agent.echoes(s, b'hello'))
        self.assertConnects()
        self.ctl('rotate-key')
        status = self.status()
        former = next(key['id'] for key in status['keys'] if key['state'] == 'previous')
        text = self.ctl('retire-key', former, '--close')
        self.assertRegex(text, r'no longer accepted\. ([2-9]|\d\d+) tunnels were closed\.')

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
        # The server's own key, which belongs there once that of version 1 is retired, is for root.
        self.ctl('add-key', 'laptop', '--v2')
        current = next(key['id'] for key in self.status()['keys'] if (key['kind'], key['state']) == ('v1', 'current'))
        reply = json.loads(self.ctl('retire-key', current, '--json'))
        self.assertEqual(reply['keyFile'], self.key_path)
        self.assertTrue(reply['keyFileKey'].startswith('wstan2:'))
        self.assertTrue(reply['warnings'][0].endswith(' sudo wstanctl retire-key %s replaces it.' % current), reply)
        self.assertEqual(json.loads(self.ctl('retire-key', current, '--json')), reply)

    def test_retired_key_of_the_file(self):
        """The server's own string takes the place of the configured key of version 1; a start goes on with it, also without the ring."""
        self.ctl('add-key', 'laptop', '--v2')
        before = json.loads(self.ctl('client-config', '--key', 'laptop', '--json'))['key']
        self.assertNotIn('warning', self.ctl('retire-key', 'default', '--close'))
        with open(self.key_path) as f:
            self.assertTrue(f.read().startswith('wstan2:'))
        self.assertEqual(self.ctl('reload'), 'No change.\n')
        self.wstan_server.end()
        self.wstan_server = self.daemon('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        self.assertEqual([key['kind'] for key in self.status()['keys']], ['v2'])
        self.assertEqual(json.loads(self.ctl('client-config', '--key', 'laptop', '--json'))['key'], before)
        server = next(key for key in map(json.loads, self.ctl('keys', '--json').splitlines()) if key['kind'] == 'server')
        self.wstan_server.end()
        os.unlink(os.path.join(self.state, 'keyring'))
        self.wstan_server = self.daemon('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        self.assertEqual([json.loads(line)['id'] for line in self.ctl('keys', '--json').splitlines()], [server['id']])

    def test_another_server_key_in_the_file(self):
        """It counts at once and ends the one before. A reload, and one that is only tried, say so and what gives clients time."""
        self.ctl('add-key', 'laptop', '--v2')
        self.ctl('retire-key', 'default')
        made = subprocess.run([OURS, '-g', '--v2'], capture_output=True, text=True, timeout=10).stdout.split()[0]
        self.write('key', made + '\n')
        for arguments in ('reload', '--dry-run'), ('reload',):
            said = self.ctl(*arguments)
            self.assertIn("replaces the server's own key (", said)
            self.assertIn('Each client of version 2 needs its new string at once; to give clients time, put the former key back, reload, and '
                          'run wstanctl rotate-server-key', said)

    def test_uses_outlive_a_restart(self):
        """How often a key was used, and when last, is known after a restart, and counted on."""
        self.assertConnects()
        before = self.status()['keys'][0]
        self.assertGreater(before['uses'], 0)
        self.wstan_server.signal(signal.SIGTERM)
        self.assertEqual(self.wstan_server.exit_status(), 0)
        self.assertEqual(os.stat(os.path.join(self.state, 'key-uses')).st_mode & 0o777, 0o600)
        self.daemon('server', 'state-directory = ' + self.state, '[server]\nallow-private = yes')
        after = self.status()['keys'][0]
        self.assertGreaterEqual(after['uses'], before['uses'])
        self.assertGreaterEqual(after['lastUseTimestampUSec'], before['lastUseTimestampUSec'])
        self.assertConnects()
        eventually(lambda: self.status()['keys'][0]['uses'] > after['uses'], 'it counts on', 5, 0.1)

    def test_names(self):
        """A key of its own for a device: used, counted, and ended by itself with its tunnels."""
        added = json.loads(self.ctl('add-key', 'laptop', '--json'))
        self.wstan_server.await_log(r'add-key laptop \(ID %s\) by ' % added['id'])
        self.assertIn(added['key'], self.ctl('client-config', '--key', 'laptop'))
        text = self.ctl('client-config', '--key', 'laptop')
        self.assertIn('#     sudo wstanctl init client laptop --uri ws://HOST/\n', text)
        self.assertIn('\n# The server listens on loopback only. Write the URI of what forwards to it; [server] public-uri sets it.\n', text)
        self.assertIn('This server listens on loopback only', self.ctl('add-key', 'phone'))
        self.assertEqual(json.loads(self.ctl('client-config', '--json'))['clientURILoopback'], True)
        port = free_port()
        client = self.start('laptop', OURS, '-c', '-p', port, 'ws://127.0.0.1:%d/' % self.port, added['key'])
        client.await_port(port)
        with agent.socks5(port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))
            self.assertIn('laptop', self.ctl('tunnels', '--state=using'))
            self.wstan_server.await_log('tunnel opened key-name=laptop')
            reply = json.loads(self.ctl('retire-key', added['id'], '--close', '--json'))
            self.assertGreater(reply['closed'], 0)
            self.assertEqual(agent.outcome(s), 'reset')
        self.assertConnects()


class Drain(ControlledPair):
    def order(self, method, parameters):
        self.assertNotIn('error', Varlink(self.socket('server')).call('org.wstan.control.' + method, parameters))

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

    def test_told(self):
        """Since when, until when, what is left and what becomes of it; what is refused is counted."""
        s = self.connect()
        self.assertTrue(agent.echoes(s, b'hello'))
        self.order('Drain', {'timeoutUSec': 90_000_000})
        status = self.status()
        start, deadline = status['drainStartTimestampUSec'], status['drainDeadlineTimestampUSec']
        self.assertGreaterEqual(start, status['startTimestampUSec'])
        self.assertAlmostEqual(deadline - start, 90_000_000, delta=1000)
        self.assertIs(status['drainExits'], False)
        text = self.ctl('status')
        self.assertRegex(text, r'state  draining for \d+s, since ')
        self.assertIn('1 tunnel left: they stay open until they end by themselves', text)
        self.assertIn('wstanctl drain waits for them for another 1min', text)
        self.assertNotIn('is ended', text)
        eventually(lambda: self.status()['rejects']['draining'] > 0, 'the pool of the client is refused', 10)
        self.assertIn('refused while draining', self.ctl('rejects'))
        self.order('Drain', {})
        again = self.status()
        self.assertEqual(again['drainStartTimestampUSec'], start)
        self.assertNotIn('drainDeadlineTimestampUSec', again)
        self.order('Undrain', {})
        self.assertNotIn('drainStartTimestampUSec', self.status())
        self.assertTrue(agent.echoes(s, b'still here'))

    def test_only_valid_requests_learn_of_it(self):
        """A valid request, for a connection or for an idle tunnel, is told once; a replay, a late one and a wrong key are not."""
        self.order('Drain', {})
        key = wire.key_bytes(self.key)
        plain = probe.exchange(self.port, b'GET / HTTP/1.1\r\nHost: a\r\n\r\n').masked
        for body in (wire.request_body('127.0.0.1', self.echo.port), wire.empty_body()):
            head = wire.Opening(key, body).head()
            busy = probe.exchange(self.port, head)
            self.assertEqual((busy.status, busy.field('Retry-After'), busy.closed), (503, '5', True))
            self.assertEqual(probe.exchange(self.port, head).masked, plain)
        late = wire.Opening(key, wire.empty_body(when=time.time() - 7200))
        wrong = wire.Opening(os.urandom(16), wire.empty_body())
        for opening in late, wrong:
            self.assertEqual(probe.exchange(self.port, opening.head()).masked, plain)
        self.assertGreaterEqual(self.status()['rejects']['draining'], 2)
        self.assertEqual([self.status()['rejects'][cause] for cause in ('replay', 'expired', 'badAuthentication')], [2, 1, 1])

    def test_exit_at_the_end_of_its_time(self):
        """What is left then is closed at once, as it is said."""
        self.configure('server', 'drain-timeout = 10min\nstate-directory = ' + self.state, '[server]\nallow-private = yes')
        self.ctl('reload')
        s = self.keep(self.connect())
        self.assertTrue(agent.echoes(s, b'hello'))
        self.wstan_server.may_end = True
        waiting = subprocess.Popen([CTL, 'drain', '--exit', '--timeout', '3s', '--socket', self.socket('server')], stdout=subprocess.PIPE, text=True)
        self.addCleanup(waiting.kill)
        self.assertEqual(waiting.stdout.readline(), '1 tunnel in use\n')
        self.assertIs(self.status()['drainExits'], True)
        self.assertRegex(self.ctl('status'), r'1 tunnel left: wstand ends when they have ended, and closes what is left in \ds')
        self.assertEqual(waiting.communicate(timeout=20)[0], '1 tunnel ended with it\n')
        self.assertEqual(self.wstan_server.popen.wait(10), 0)

    def test_stopping(self):
        """The same of one that a signal has told to end."""
        self.configure('server', 'drain-timeout = 10min\nstate-directory = ' + self.state, '[server]\nallow-private = yes')
        self.ctl('reload')
        s = self.keep(self.connect())
        self.assertTrue(agent.echoes(s, b'hello'))
        self.wstan_server.may_end = True
        self.wstan_server.popen.send_signal(signal.SIGTERM)
        eventually(lambda: self.status()['state'] == 'stopping', 'it stops', 5)
        text = self.ctl('status')
        self.assertRegex(text, r'state  stopping for \d+s, since ')
        self.assertRegex(text, r'1 tunnel left: wstand ends when they have ended, and closes what is left in (10min|9min)')
        s.close()
        self.assertEqual(self.wstan_server.popen.wait(10), 0)

    def test_exit(self):
        """With --exit it ends when nothing is left, with success."""
        self.assertConnects()
        self.wstan_server.may_end = True
        self.ctl('drain', '--exit')
        self.assertEqual(self.wstan_server.popen.poll(), 0)


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


class DryRun(ControlledPair):
    """What a reload would do, and that nothing is done."""
    SECTIONS = '[server]\nallow-private = yes'

    def dry_run(self, general='', sections=SECTIONS, status=0):
        self.configure('server', 'log-level = info\nstate-directory = %s\n%s' % (self.state, general), sections)
        return self.ctl('reload', '--dry-run', status=status)

    def test_changes(self):
        self.assertEqual(self.dry_run(), 'A reload would change nothing.\n')
        self.assertEqual(self.dry_run(sections=self.SECTIONS + '\nmax-tunnels = 77\ndeny = 192.0.2.0/24'),
                         'A reload would apply: [server] deny, [server] max-tunnels\n')
        self.assertEqual(self.dry_run('threads = 3'), 'A reload would apply no change. To apply `threads`: restart it\n')
        self.assertEqual(self.dry_run('threads = 3', self.SECTIONS + '\nmax-tunnels = 77'),
                         'A reload would apply: [server] max-tunnels\nTo apply `threads`: restart it\n')
        # Nothing was done: a real one has it all to do, and the files still differ from what is in force.
        self.assertTrue(json.loads(self.ctl('status', '--json'))['filesChanged'])
        self.assertEqual(self.ctl('reload'), 'Applied: [server] max-tunnels\nTo apply `threads`: restart it\n')
        self.assertFalse(json.loads(self.ctl('status', '--json'))['filesChanged'])
        self.assertEqual(self.ctl('reload', '--dry-run'), 'A reload would apply no change. To apply `threads`: restart it\n')

    def test_listeners(self):
        """An address that is taken is found, and one that is free is not opened."""
        listen = '[server]\nallow-private = yes\nlisten = %s'
        free, taken = free_port(), self.echo.port
        ours = '127.0.0.1:%d' % self.port
        self.assertEqual(self.dry_run(sections=listen % ('%s, 127.0.0.1:%d' % (ours, free))),
                         'A reload would apply: [server] listen\n')
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', free), 2)
        said = self.dry_run(sections=listen % ('%s, 127.0.0.1:%d' % (ours, taken)), status=78)
        self.assertIn('a reload would fail', said)
        self.assertIn('cannot listen on 127.0.0.1:%d' % taken, said)
        said = self.dry_run(sections=listen % ('%s, unix:%s/none/x' % (ours, self.directory)), status=78)
        self.assertIn('there is no directory', said)
        # One that takes over a port of ours is fine, with both there for a moment.
        self.assertEqual(self.dry_run(sections=listen % ('0.0.0.0:%d' % self.port)), 'A reload would apply: [server] listen\n')
        self.assertConnects()

    def test_errors(self):
        """They are told with their places, and the status has nothing of it."""
        said = self.dry_run('drain-timeout = soon', status=78)
        self.assertRegex(said, r'a reload would fail; the configuration has errors:\n  \S+server\.conf:\d+:\d+: error: ')
        self.assertNotIn('configurationErrors', self.status())
        self.assertNotIn('Reload', self.wstan_server.log())

    def test_key(self):
        """Another key in its file is a change; it is not used yet."""
        with open(self.key_path, 'w') as f:
            f.write('AAECAwQFBgcICQoLDA0ODw==\n')
        before = self.status()['keys']
        said = self.ctl('reload', '--dry-run')
        self.assertIn('A reload would apply: key\n', said)
        self.assertIn('replaces the keys of default', said)
        self.assertEqual([key['id'] for key in self.status()['keys']], [key['id'] for key in before])
        self.assertConnects()
