"""Pooled tunnels that are no more, and handshakes that the network resets: a retry, not an error."""
import time

from helpers.peers import agent, wire
from helpers.peers.target import echo, read_exactly
from helpers.scenario import PairScenario
from helpers.waiting import eventually


class Retrying(PairScenario):
    OPENS_AHEAD = False

    def setUp(self):
        super().setUp()
        self.echo = self.target(echo)

    def assertWorks(self, data=b'hello'):
        with agent.socks5(self.wstan_client.port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, data))

    def pool_one(self):
        """Leaves one tunnel in the client's pool."""
        self.assertWorks()
        self.between.settle()
        self.assertEqual(len(self.between.links), 1)
        self.assertTrue(self.between.links[0].alive, 'the tunnel was not kept')


class Pool(Retrying):
    def test_server_restarted(self):
        """A server that was killed and started again on its port between two connections costs no error."""
        self.pool_one()
        self.wstan_server.kill()
        self.server(port=self.wstan_server.port)
        self.assertWorks()

    def test_tunnel_closed_in_the_pool(self):
        """A pooled tunnel that was closed costs no error."""
        self.pool_one()
        self.between.cut('close')
        self.assertWorks()

    def test_tunnel_reset_in_the_pool(self):
        """A pooled tunnel that was reset costs no error."""
        self.pool_one()
        self.between.cut('reset')
        self.assertWorks()

    def test_tunnel_closed_under_the_request(self):
        """A pooled tunnel that closes when the request is already on it costs a retry, not an error."""
        self.pool_one()
        self.between.ambush = 'close'
        self.assertWorks(b'x' * 3000)
        self.assertEqual(len(self.between.links), 2)
        self.assertEqual(len(self.echo.connections), 2)

    def test_tunnel_reset_under_the_request(self):
        """A pooled tunnel that is reset when the request is already on it costs a retry, not an error."""
        self.pool_one()
        self.between.ambush = 'reset'
        self.assertWorks(b'x' * 3000)
        self.assertEqual(len(self.between.links), 2)

    def test_all_pooled_tunnels_reset(self):
        """When all of five pooled tunnels are reset, five connections at once come through."""
        agents = [self.keep(agent.socks5(self.wstan_client.port, '127.0.0.1', self.echo.port)) for _ in range(5)]
        for s in agents:
            self.assertTrue(agent.echoes(s, b'one of five'))
        for s in agents:
            s.close()
        self.between.settle()
        self.between.cut('reset')
        agents = [self.keep(agent.socks5(self.wstan_client.port, '127.0.0.1', self.echo.port)) for _ in range(5)]
        for s in agents:
            self.assertTrue(agent.echoes(s, b'again'))


class UnpooledClient(Retrying):
    CLIENT_OPTIONS = ('--pool-size=0',)

    def test_no_pool(self):
        """With --pool-size=0 each connection has a tunnel of its own, which is closed behind it."""
        for _ in range(3):
            self.assertWorks()
        self.assertEqual(len(self.between.links), 3)
        eventually(lambda: not any(link.alive for link in self.between.links), 'the tunnels are closed')


class Handshake(Retrying):
    def seen(self):
        return [wire.SeenRequest(head, wire.key_bytes(self.key)) for head in self.between.heads()]

    def test_reset_three_times(self):
        """A handshake that is reset three times succeeds the fourth time; each try is a new request with a new nonce."""
        self.between.resets_left = 3
        self.assertWorks()
        seen = self.seen()
        self.assertEqual(len(seen), 4)
        self.assertEqual(len({request.websocket_key for request in seen}), 4)
        self.assertEqual(len({request.path for request in seen}), 4)
        self.assertEqual({(request.host, request.port, request.data) for request in seen},
                         {('127.0.0.1', self.echo.port, b'hello')})
        self.assertEqual(len(self.echo.connections), 1)

    def test_reset_always(self):
        """A handshake that is always reset fails after at most six tries, soon, and the client lives on."""
        self.between.resets_left = 1000
        began = time.monotonic()
        try:
            with agent.socks5(self.wstan_client.port, '127.0.0.1', self.echo.port) as s:
                s.sendall(b'hello')
                self.assertIn(agent.outcome(s), ('end', 'reset'))
        except agent.Refused:
            pass
        self.assertLess(time.monotonic() - began, 15)
        self.assertIn(len(self.between.links), range(2, 7))
        self.assertEqual(len({request.websocket_key for request in self.seen()}), len(self.between.links))
        self.between.resets_left = 0
        self.assertWorks()

    def test_server_away(self):
        """With no server there, the user agent's connection is closed soon; when it is back, the client works."""
        port = self.wstan_server.port
        self.wstan_server.kill()
        client = self.direct_client()
        try:
            with agent.socks5(client.port, '127.0.0.1', self.echo.port) as s:
                s.sendall(b'hello')
                self.assertIn(agent.outcome(s), ('end', 'reset'))
        except agent.Refused:
            pass
        self.server(port=port)
        with agent.socks5(client.port, '127.0.0.1', self.echo.port) as s:
            self.assertTrue(agent.echoes(s, b'hello'))


class Request(Retrying):
    def seen(self, number):
        head = eventually(lambda: self.between.heads()[number:number + 1], 'a request goes out')[0]
        return wire.SeenRequest(head, wire.key_bytes(self.key))

    def test_first_bytes_ride_in_the_request(self):
        """The user agent's first bytes reach the target from the URI, with nothing behind the request head let through."""
        for number, dial in enumerate((agent.socks5, agent.connect)):
            self.between.hold_after_head = True
            with dial(self.wstan_client.port, '127.0.0.1', self.echo.port) as s:
                s.sendall(b'the first bytes')
                self.assertEqual(read_exactly(s, 15), b'the first bytes')
            self.assertEqual(self.seen(number).data, b'the first bytes')
            self.between.cut('reset')
            eventually(lambda: not any(link.alive for link in self.between.links), 'the tunnel is gone')

    def test_nothing_goes_before_the_answer(self):
        """Before the server has answered, the client sends one request head and nothing else, whatever the user agent sends."""
        self.between.hold_answers = True
        data = bytes(range(256)) * 40
        with agent.socks5(self.wstan_client.port, '127.0.0.1', self.echo.port) as s:
            s.sendall(data[:5000])
            request = self.seen(0)
            self.assertLessEqual(len(request.data), 4096)
            self.assertTrue(request.data and data.startswith(request.data))
            s.sendall(data[5000:])
            self.between.settle()
            link = self.between.links[0]
            self.assertEqual(len(self.between.links), 1)
            self.assertEqual(len(link.recorded), link.head_end)
            self.between.release()
            self.assertEqual(read_exactly(s, len(data)), data)

    def test_silent_user_agent(self):
        """A user agent that says nothing first is not waited for: its request goes out, without data."""
        with agent.socks5(self.wstan_client.port, '127.0.0.1', self.echo.port) as s:
            self.assertEqual(self.seen(0).data, b'')
            self.assertTrue(agent.echoes(s, b'late'))

    def test_name_is_resolved_by_the_server(self):
        """A name travels as a name, though the client could resolve it; an IP address as what it is."""
        for number, (dial, host, kind) in enumerate((
                (agent.socks5, 'localhost', 3), (agent.connect, 'localhost', 3), (agent.socks5, 'no-such-name.invalid', 3),
                (agent.socks5, '127.0.0.1', 1), (agent.connect, '127.0.0.1', 1), (agent.socks5, '::1', 4), (agent.connect, '::1', 4))):
            with self.subTest(dial=dial.__name__, host=host):
                try:
                    with dial(self.wstan_client.port, host, self.echo.port) as s:
                        s.sendall(b'hi')
                        if host == 'localhost' or kind == 1:
                            self.assertEqual(read_exactly(s, 2), b'hi')
                        request = self.seen(number)
                except agent.Refused:
                    request = self.seen(number)
                self.assertEqual((request.command, request.kind, request.host, request.port), (wire.REQ, kind, host, self.echo.port))
                self.between.cut('reset')  # so that each makes a request of its own
                eventually(lambda: not any(link.alive for link in self.between.links), 'the tunnel is gone')

    def test_request_looks_like_a_browsers(self):
        """The request head has the fields of a WebSocket handshake, and a time that is now."""
        self.assertWorks()
        head = self.between.heads()[0].decode().lower()
        for field in 'host: ', 'upgrade: websocket', 'connection: upgrade', 'sec-websocket-version: 13':
            self.assertIn('\r\n' + field, head)
        self.assertNotIn('wstan', head)
        self.assertLess(abs(self.seen(0).time - time.time()), 10)
