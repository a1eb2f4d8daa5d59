"""The server, probed with messages made by hand."""
import base64
import os
import socket
import threading
import time

from helpers.peers import payload, probe, wire
from helpers.peers.probe import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Tunnel, frame
from helpers.peers.target import echo, read_exactly
from helpers.process import free_port
from helpers.scenario import PASSPHRASE, Scenario
from helpers.waiting import eventually


class Probing(Scenario):
    SERVER_OPTIONS = ()

    def setUp(self):
        super().setUp()
        self.raw_key = wire.key_bytes(self.key)
        self.server_under_test = self.server(*self.SERVER_OPTIONS)
        self.port = self.server_under_test.port
        self.echo = self.target(echo)

    def request(self, data=b'', **options):
        return wire.Opening(self.raw_key, wire.request_body('127.0.0.1', self.echo.port, data, **options))

    def tunnel(self, opening=None, **options):
        return self.keep(Tunnel(self.port, opening or self.request(), **options))

    def assertLives(self):
        """A valid request still works."""
        tunnel = self.tunnel(self.request(b'are you there?'))
        self.assertEqual(tunnel.read_data(14), b'are you there?')


class ValidRequest(Probing):
    def test_valid_request(self):
        """A valid request is answered with 101, reaches its target with its data and gets the echo back."""
        tunnel = self.tunnel(self.request(b'first'))
        self.assertEqual(tunnel.read_data(5), b'first')
        tunnel.send(bytes([wire.DAT]) + b'second')
        self.assertEqual(tunnel.read_data(6), b'second')

    def test_head_of_80_kb(self):
        """A request whose head has 80 KB is accepted and its 60 KB of data reach the target."""
        data = os.urandom(60000)
        opening = self.request(data)
        self.assertGreater(len(opening.head()), 80000)
        self.assertEqual(self.tunnel(opening).read_data(len(data)), data)

    def test_time_inside_the_window(self):
        """A request 58 s old or 58 s ahead is accepted."""
        for offset in -58, 58:
            self.assertEqual(self.tunnel(self.request(b'now', when=time.time() + offset)).read_data(3), b'now')

    def test_head_in_single_bytes(self):
        """A request that arrives byte by byte is accepted."""
        opening = self.request(b'slow')
        head = opening.head()
        with socket.create_connection(('127.0.0.1', self.port), 5) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in head:
                s.send(bytes([byte]))
            self.assertTrue(read_exactly(s, 12).startswith(b'HTTP/1.1 101'))

    def test_frames_behind_the_head(self):
        """A message in the same segment as the request head is not lost."""
        opening = self.request(b'one')
        head = opening.head()
        behind = frame(BINARY, opening.half.seal(bytes([wire.DAT]) + b'two', mac=False))
        self.assertEqual(self.tunnel(opening, head=head + behind).read_data(6), b'onetwo')

    def test_name_as_address(self):
        """A name, even one that is an IP address (as 0.4 clients send it), is resolved by the server."""
        for name in b'localhost', b'127.0.0.1':
            body = wire.request_body('127.0.0.1', self.echo.port)[:9] + b'\0\3' + bytes([len(name)]) + name
            opening = wire.Opening(self.raw_key, body + self.echo.port.to_bytes(2, 'big') + b'hi')
            self.assertEqual(self.tunnel(opening).read_data(2), b'hi')

    def test_unreachable_target(self):
        """A target that refuses is answered with a reset that has a reason, and the tunnel can be used again."""
        tunnel = self.tunnel(wire.Opening(self.raw_key, wire.request_body('127.0.0.1', free_port(), b'x')))
        reason = tunnel.read_reset()
        self.assertTrue(reason.strip() and not reason.startswith('  '), reason)
        tunnel.send(wire.reset_body())
        tunnel.send(wire.request_body('127.0.0.1', self.echo.port, b'again'))
        self.assertEqual(tunnel.read_data(5), b'again')


class Passphrase(Probing):
    def setUp(self):
        super().setUp()
        self.server_under_test = self.server(key=PASSPHRASE)
        self.port = self.server_under_test.port
        self.raw_key = wire.key_bytes(PASSPHRASE)

    def test_passphrase(self):
        """A request under a passphrase is accepted."""
        self.assertLives()


class Refusal(Probing):
    """Whatever is not a valid request gets one and the same answer."""
    SERVER_OPTIONS = ('--handshake-timeout=1s',)

    def setUp(self):
        super().setUp()
        self.expected = probe.exchange(self.port, b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')

    def assertRefused(self, data, within=5.0):
        answer = probe.exchange(self.port, data, within)
        self.assertEqual(answer.masked, self.expected.masked)
        self.assertEqual(answer.closed, self.expected.closed)
        self.assertEqual(self.echo.connections, [])

    def test_plain_get(self):
        """A plain GET is answered as by a web server: 404 with Date, Server and Content-Length."""
        self.assertEqual(self.expected.status, 404)
        self.assertRegex(self.expected.field('Date') or '',
                         r'^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$')
        self.assertTrue(self.expected.field('Server'))
        self.assertNotIn('wstan', self.expected.raw.decode('latin-1').lower())
        body = self.expected.raw.partition(b'\r\n\r\n')[2]
        self.assertEqual(int(self.expected.field('Content-Length')), len(body))

    def test_replayed(self):
        """The same bytes a second time are refused, also while the first tunnel is still open."""
        head = self.request(b'once').head()
        with socket.create_connection(('127.0.0.1', self.port), 5) as s:
            s.sendall(head)
            self.assertTrue(read_exactly(s, 12).startswith(b'HTTP/1.1 101'))
            eventually(lambda: self.echo.connections, 'the target is reached')
            for _ in range(2):
                answer = probe.exchange(self.port, head)
                self.assertEqual(answer.masked, self.expected.masked)
        self.assertEqual(len(self.echo.connections), 1)

    def test_replayed_under_another_spelling_of_its_nonce(self):
        """A nonce whose base64 has stray bits in its last letter is refused: it would be the same nonce in another spelling."""
        opening = self.request()
        alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
        proper = opening.websocket_key
        stray = proper[:21] + alphabet[alphabet.index(proper[21]) + 1] + '=='
        self.assertEqual(base64.b64decode(stray), opening.nonce)
        self.assertRefused(opening.head(websocket_key=stray))

    def test_time_not_finite(self):
        """A time that is NaN or infinite is refused."""
        for when in float('nan'), -float('nan'), float('inf'), -float('inf'):
            self.assertRefused(self.request(when=when).head())

    def test_time_outside_the_window(self):
        """A request 61 s old or 61 s ahead is refused, and so is one from the other end of time."""
        for when in time.time() - 61, time.time() + 62, 0.0, -1e300, 1e300:
            self.assertRefused(self.request(when=when).head())

    def test_empty_request_outside_the_window(self):
        """An empty request with a bad time is refused like any other."""
        for when in time.time() - 61, float('nan'):
            self.assertRefused(wire.Opening(self.raw_key, wire.empty_body(when)).head())

    def test_wrong_mac(self):
        """A request under another key, or with one bit changed anywhere, is refused."""
        self.assertRefused(wire.Opening(os.urandom(16), wire.request_body('127.0.0.1', self.echo.port)).head())
        for place in 0, 1, 9, 12, -11, -10, -1:
            opening = self.request(b'data')
            message = bytearray(opening.message)
            message[place] ^= 1
            opening.message = bytes(message)
            self.assertRefused(opening.head())

    def test_truncated_path(self):
        """A path that lacks its last bytes, most of its bytes or all of them is refused."""
        whole = self.request(b'data')
        message = whole.message
        for length in 0, 1, 9, 10, 11, 19, len(message) - 4:
            whole.message = message[:length]
            self.assertRefused(whole.head())

    def test_bad_base64_in_path(self):
        """A path with letters that are not base64 is refused."""
        opening = self.request()
        path = '/' + base64.urlsafe_b64encode(opening.message).decode()
        other = '%42' if path[9] == 'A' else '%41'
        for bad in path[:9] + '!' + path[10:], path[:9] + other + path[10:], path + 'A', path[:5] + '=' + path[6:]:
            self.assertRefused(opening.head(path=bad))

    def test_bad_address_under_a_right_mac(self):
        """A request whose MAC holds but whose address cannot be read is refused."""
        for tail in b'', b'\0', b'\1\1\x7f\0\0\1\0\x50', b'\0\2aaaaaa', b'\0\1\x7f\0\0', b'\0\3\xffshort', b'\0\3\0\0\x50', b'\0\4' + bytes(15):
            self.assertRefused(wire.Opening(self.raw_key, wire.request_body('127.0.0.1', 1)[:9] + tail).head())

    def test_unknown_command_under_a_right_mac(self):
        """A request that is DAT, or of no known command, is refused although its MAC holds."""
        for command in wire.DAT, 4, 255:
            self.assertRefused(self.request(command=command).head())

    def test_bad_nonce(self):
        """A nonce of 15 or 17 bytes, of none, or none at all, is refused."""
        for length in 15, 17, 0, 4000:
            opening = wire.Opening(self.raw_key, wire.request_body('127.0.0.1', self.echo.port), nonce=os.urandom(length))
            self.assertRefused(opening.head())
        for key in 'AAAAAAAAAAAAAAAAAAAAA', 'A' * 24, '!' * 22 + '==':
            self.assertRefused(self.request().head(websocket_key=key))
        self.assertRefused(self.request().head(without=('Sec-WebSocket-Key',)))

    def test_no_upgrade(self):
        """A valid request in a head that asks for no WebSocket is refused."""
        for missing in 'Upgrade', 'Connection', 'Sec-WebSocket-Version':
            self.assertRefused(self.request().head(without=(missing,)))

    def test_other_method(self):
        """A POST is refused, with a valid request in its path or without."""
        self.assertRefused(self.request().head(method='POST'))
        self.assertRefused(b'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n')

    def test_garbage(self):
        """Bytes that are no HTTP are refused."""
        self.assertRefused(b'\x16\x03\x01' + os.urandom(200) + b'\r\n\r\n')
        self.assertRefused(b'\r\n\r\n\r\n')
        self.assertRefused(b'GET\r\n\r\n')
        self.assertRefused(b'\0' * 5000 + b'\r\n\r\n')

    def test_head_of_100_kib(self):
        """A head of 100 KiB is refused."""
        self.assertRefused(self.request().head(more=[('X', 'x' * (100 << 10))]))
        self.assertRefused(b'GET /' + b'a' * (100 << 10))

    def test_head_that_never_ends(self):
        """A head that never ends is refused after --handshake-timeout=1s, however busily its bytes drip."""
        with socket.create_connection(('127.0.0.1', self.port), 5) as s:
            s.sendall(b'GET / HTTP/1.1\r\nX: ')
            stop = threading.Event()

            def drip():
                try:
                    while not stop.wait(0.1):
                        s.send(b'x')
                except OSError:
                    pass
            dripping = threading.Thread(target=drip, daemon=True)
            began = time.monotonic()
            dripping.start()
            try:
                answer = probe.read_answer(s, 4)
            finally:
                stop.set()
                dripping.join()
        self.assertEqual(answer.masked, self.expected.masked)
        self.assertGreater(time.monotonic() - began, 0.7)

    def test_lives_on(self):
        """After all that, and half a head that was left behind, a valid request is served."""
        for data in b'GET / HTTP/1.1\r\n', b'', b'\x16\x03\x01':
            with socket.create_connection(('127.0.0.1', self.port), 5) as s:
                s.sendall(data)
        self.assertRefused(b'GET /x HTTP/1.0\r\n\r\n')
        self.assertLives()

    def test_log_tells_no_secret(self):
        """The log of refused requests holds neither the key nor a request's path."""
        opening = wire.Opening(os.urandom(16), wire.request_body('127.0.0.1', self.echo.port))
        self.assertRefused(opening.head())
        log = self.server_under_test.log()
        self.assertNotIn(self.key, log)
        self.assertNotIn(base64.urlsafe_b64encode(opening.message).decode()[:12], log)


class Framing(Probing):
    def assertClosed(self, codes, data):
        """These bytes on a tunnel in use close it with one of these codes, and the server lives on."""
        tunnel = self.tunnel(self.request(b'up'))
        self.assertEqual(tunnel.read_data(2), b'up')
        tunnel.send_raw(data(tunnel) if callable(data) else data)
        self.assertIn(tunnel.close_code(), codes)
        self.assertLives()

    def test_unmasked_frame(self):
        """An unmasked frame from a client closes the tunnel with 1002 (RFC 6455, 5.1)."""
        self.assertClosed((1002,), lambda t: frame(BINARY, t.out.seal(b'\1x', False), masked=False))

    def test_reserved_bits(self):
        """Any of the reserved bits closes the tunnel with 1002 (RFC 6455, 5.2)."""
        for reserved in 1, 2, 4:
            self.assertClosed((1002,), lambda t: frame(BINARY, t.out.seal(b'\1x', False), reserved=reserved))

    def test_text_frame(self):
        """A text frame closes the tunnel with 3000."""
        self.assertClosed((3000,), frame(TEXT, b'hello'))

    def test_unknown_opcode(self):
        """An opcode that RFC 6455 reserves closes the tunnel with 1002."""
        for opcode in 3, 7, 11, 15:
            self.assertClosed((1002,), frame(opcode, b'x'))

    def test_fragmented_control_frame(self):
        """A control frame in fragments closes the tunnel with 1002 (RFC 6455, 5.5)."""
        self.assertClosed((1002,), frame(PING, b'x', final=False))

    def test_oversized_control_frame(self):
        """A control frame of 126 bytes closes the tunnel with 1002 (RFC 6455, 5.5)."""
        self.assertClosed((1002,), frame(PING, b'x' * 126))

    def test_stray_continuation(self):
        """A continuation of nothing closes the tunnel with 1002 (RFC 6455, 5.4)."""
        self.assertClosed((1002,), frame(CONTINUATION, b'x'))

    def test_message_inside_a_message(self):
        """A new message before the last fragment of the former closes the tunnel with 1002 (RFC 6455, 5.4)."""
        self.assertClosed((1002,), lambda t: frame(BINARY, t.out.seal(b'\1x', False), final=False) + frame(BINARY, b'x'))

    def test_length_beyond_63_bits(self):
        """A length with its highest bit set closes the tunnel with 1002 (RFC 6455, 5.2)."""
        self.assertClosed((1002,), b'\x82\xff' + b'\xff' * 8 + b'mask')

    def test_unknown_command(self):
        """A message of no known command closes the tunnel with 3000."""
        self.assertClosed((3000,), lambda t: frame(BINARY, t.out.seal(b'\7x', False)))

    def test_reset_with_wrong_mac(self):
        """A reset with a wrong MAC closes the tunnel with 3000, and so does one that is too short for a MAC."""
        self.assertClosed((3000,), lambda t: frame(BINARY, t.out.seal(wire.reset_body(), False) + bytes(10)))
        self.assertClosed((3000,), lambda t: frame(BINARY, t.out.seal(b'\2', False)))

    def test_request_while_in_use(self):
        """A request on a tunnel in use closes it."""
        self.assertClosed((3000, 3001), lambda t: frame(BINARY, t.out.seal(wire.request_body('127.0.0.1', self.echo.port), True)))

    def test_reset_while_idle(self):
        """A reset on an idle tunnel closes it with 3001."""
        tunnel = self.tunnel(wire.Opening(self.raw_key, wire.empty_body()))
        tunnel.send(wire.reset_body())
        self.assertEqual(tunnel.close_code(), 3001)
        self.assertLives()

    def test_ping(self):
        """A ping is answered with a pong that has its payload, also between the fragments of a message."""
        tunnel = self.tunnel(self.request(b'up'))
        self.assertEqual(tunnel.read_data(2), b'up')
        for data in b'', b'x' * 125:
            tunnel.send_raw(frame(PING, data))
            self.assertEqual(tunnel.read_frame(), (PONG, True, data))
        message = tunnel.out.seal(b'\1onetwo', False)
        tunnel.send_raw(frame(BINARY, message[:4], final=False) + frame(PING, b'between') + frame(CONTINUATION, message[4:]))
        frames = [tunnel.read_frame()]
        while frames[-1][0] != PONG:
            frames.append(tunnel.read_frame())
        self.assertEqual(frames[-1][2], b'between')

    def test_close(self):
        """A close is answered with a close of the same code, then the connection ends and the target's too."""
        tunnel = self.tunnel(self.request(b'up'))
        self.assertEqual(tunnel.read_data(2), b'up')
        tunnel.send_raw(frame(CLOSE, (1000).to_bytes(2, 'big')))
        self.assertEqual(tunnel.close_code(), 1000)
        eventually(lambda: self.echo.connections[0].fileno() < 0, 'the target sees the end')

    def test_fragmented_message(self):
        """A message in fragments that drip byte by byte, pings and empty ones among them, arrives whole."""
        tunnel = self.tunnel(self.request(b'up'))
        self.assertEqual(tunnel.read_data(2), b'up')
        data = os.urandom(500)
        message = tunnel.out.seal(b'\1' + data, False)
        stream = frame(BINARY, message[:1], final=False) + frame(CONTINUATION, b'', final=False)
        stream += frame(CONTINUATION, message[1:200], final=False) + frame(CONTINUATION, message[200:333], final=False)
        stream += frame(CONTINUATION, message[333:], final=False) + frame(CONTINUATION, b'')
        for byte in stream:
            tunnel.send_raw(bytes([byte]))
        self.assertEqual(tunnel.read_data(len(data)), data)

    def test_large_message(self):
        """A message of 2 MB in one frame arrives whole: a frame is relayed as its bytes come."""
        data = b''.join(payload.blocks(2000000))
        tunnel = self.tunnel(self.request(b'up'))
        self.assertEqual(tunnel.read_data(2), b'up')
        whole = frame(BINARY, tunnel.out.seal(b'\1' + data, False))
        sender = threading.Thread(target=tunnel.send_raw, args=(whole,), daemon=True)
        sender.start()
        self.assertEqual(tunnel.read_data(len(data)), data)
        sender.join(5)


class TunnelLife(Probing):
    def test_empty_request(self):
        """An empty request opens an idle tunnel, on which a request then works, and after a reset another."""
        tunnel = self.tunnel(wire.Opening(self.raw_key, wire.empty_body()))
        for word in b'one', b'two':
            tunnel.send(wire.request_body('127.0.0.1', self.echo.port, word))
            self.assertEqual(tunnel.read_data(3), word)
            tunnel.send(wire.reset_body())
            self.assertEqual(tunnel.read_reset().strip(), '')

    def test_request_on_idle_tunnel_with_bad_time(self):
        """A request on a pooled tunnel is held to the same rules: one that is too old closes it."""
        tunnel = self.tunnel(wire.Opening(self.raw_key, wire.empty_body()))
        tunnel.send(wire.request_body('127.0.0.1', self.echo.port, b'x', when=time.time() - 61))
        self.assertIn(tunnel.close_code(), (3000, 3001))
        self.assertEqual(self.echo.connections, [])

    def test_request_of_a_tunnel_sent_once_more(self):
        """A request that came as a message opens no tunnel of its own when it is sent once more, in a URI, under the nonce
        of its place in the key stream."""
        opening = wire.Opening(self.raw_key, wire.empty_body())
        tunnel = self.tunnel(opening)
        place = len(opening.message) - wire.MAC_LENGTH
        for _ in range(3):
            # Padded by hand, so that it begins a block of the cipher; of a client's own requests one in 16 does.
            request, reset = (wire.request_body('127.0.0.1', self.echo.port, b'pay'), wire.reset_body())
            for body in request, reset + b' ' * (-(place + len(request) + len(reset)) % 16):
                sealed = tunnel.out.seal(body, mac=True)
                tunnel.send_raw(frame(BINARY, sealed))
                if body is request:
                    last, blocks = sealed, place // 16
                    self.assertEqual(tunnel.read_data(3), b'pay')
                else:
                    tunnel.read_reset()
                place += len(body)
        nonce = (int.from_bytes(opening.nonce, 'big') + blocks) % (1 << 128)
        again = wire.Opening(self.raw_key, b'', nonce.to_bytes(16, 'big'))
        again.message = last
        self.assertEqual(probe.exchange(self.port, again.head()).status, 404)
        self.assertEqual(len(self.echo.connections), 3)

    def test_empty_data_is_answered_once_connected(self):
        """An empty DAT behind the request is answered with an empty DAT once the target has answered."""
        tunnel = self.tunnel()
        tunnel.send(bytes([wire.DAT]))
        self.assertEqual(tunnel.read(), bytes([wire.DAT]))
        tunnel.send(bytes([wire.DAT]) + b'data')
        self.assertEqual(tunnel.read_data(4), b'data')

    def test_data_before_the_target_has_answered(self):
        """Data sent at once behind the request is held until the target has answered, and arrives in order."""
        opening = self.request(b'0')
        head = opening.head()
        behind = b''.join(frame(BINARY, opening.half.seal(bytes([wire.DAT]) + b'%d' % n, False)) for n in range(1, 10))
        self.assertEqual(self.tunnel(opening, head=head + behind).read_data(10), b'0123456789')

    def test_end_of_target(self):
        """The end of the target is a reset without a reason, behind the last byte."""
        def answer_and_end(connection):
            connection.recv(100)
            connection.sendall(b'all there is')
        target = self.target(answer_and_end)
        tunnel = self.tunnel(wire.Opening(self.raw_key, wire.request_body('127.0.0.1', target.port, b'x')))
        self.assertEqual(tunnel.read_data(12), b'all there is')
        reason = tunnel.read_reset()
        self.assertTrue(not reason or reason.startswith('  '), reason)

    def test_data_turned_into_datagram(self):
        """A DAT whose command was flipped to DGM on its way closes the tunnel, and nothing is sent to where it points."""
        with socket.socket(type=socket.SOCK_DGRAM) as thief:
            thief.bind(('127.0.0.1', 0))
            tunnel = self.tunnel(self.request(b'up'))
            self.assertEqual(tunnel.read_data(2), b'up')
            sealed = bytearray(tunnel.out.seal(bytes([wire.DAT]) + wire.address('127.0.0.1', thief.getsockname()[1]) + b'secret', False))
            sealed[0] ^= wire.DAT ^ wire.DGM
            tunnel.send_raw(frame(BINARY, bytes(sealed)))
            self.assertIn(tunnel.close_code(), (3000, 3001))
            thief.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                thief.recv(100)
        self.assertLives()


class Crowd(Probing):
    SERVER_OPTIONS = ('--max-handshakes=16', '--handshake-timeout=5s')

    def test_silent_connections(self):
        """64 connections that send nothing do not keep a valid client from being served under --max-handshakes=16."""
        for _ in range(64):
            self.keep(socket.create_connection(('127.0.0.1', self.port), 5))
        began = time.monotonic()
        self.assertLives()
        self.assertLess(time.monotonic() - began, 4)
