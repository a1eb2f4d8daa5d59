"""The peer's codec against the vectors of docs/protocol-v2.md section 13, to which the kit's is held too."""
import json
import os
import unittest

from v2.carriers import candidate, load
from v2.handshake import ClientHandshake, Impostor, Refused, ServerHandshake
from v2.keys import KeyString, ServerKey, UserKey, from_base64url
from v2.messages import OPTION_CIPHERS, read_message
from v2.records import CIPHERS
from v2.reference import Violation

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../WstanKitTests/Vectors/v2/vectors-v2.json')
SERVER, USER = ServerKey.of(bytes(range(0x20, 0x40))), UserKey(bytes(range(0x40, 0x60)))


class Vectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(FILE) as file:
            cls.vectors = json.load(file)
        # Those that the peer speaks: it has no ML-KEM, and no TLS to which to bind.
        cls.handshakes = [each for each in cls.vectors['handshakes']
                          if each['hello']['cipher'] in CIPHERS and 'kem_secret' not in each]

    def test_keys(self):
        """Key strings of each kind are read; what is cut, mistyped or unknown is refused."""
        keys = self.vectors['keys']
        for name in 'client', 'shared':
            key, expected = KeyString(keys[name]['text']), keys[name]
            self.assertEqual((key.server.public.hex(), key.user.secret.hex(), key.user.kid.hex(), key.user.psk.hex()),
                             tuple(expected[part] for part in ('server_public', 'user_secret', 'kid', 'psk')))
        self.assertEqual(KeyString(keys['client']['text']).server.cookie, keys['client']['cookie'])
        self.assertEqual(KeyString(keys['client_with_realm']['text']).realm, b'fra1')
        self.assertEqual(KeyString(keys['server']['text']).server.private.hex(), keys['server']['server_private'])
        # Of the shared key's text the last letter was to be made an A, which it is.
        for text in set(keys['bad']) - {keys['shared']['text']}:
            self.assertRaises(ValueError, KeyString, text)

    def open(self, handshake):
        """What a server makes of the vector's M1, and its answer."""
        server = ServerHandshake([SERVER], [USER], handshake['realm'].encode())
        accepted = server.read(bytes.fromhex(handshake['m1']), handshake['time'])
        return accepted, accepted.answer(handshake['time'] + 250, self.options(handshake['hello']['options']), 7,
                                         handshake['hello']['flags'], bytes.fromhex(handshake['e_server']))

    def options(self, texts):
        return {int(kind, 16): bytes.fromhex(value) for kind, value in texts.items()}

    def test_handshakes(self):
        """A server reads each M1, answers with the same ephemeral key and comes to the vector's records."""
        for vector in self.handshakes:
            if vector['name'] == 'hello with options':  # one of them is unknown, and not among those that are listed
                continue
            with self.subTest(vector['name']):
                accepted, (m2, records) = self.open(vector)
                seen = dict(body=accepted.body, handshake_hash=accepted.noise.hash, key_c2s=records.into.key,
                            chain_c2s=records.into.chain, chain_s2c=records.out.chain, iv_s2c=records.out.iv)
                for name, value in seen.items():
                    self.assertEqual(value.hex(), vector[name], name)
                for record in vector['records_c2s']:
                    read_message(records.open(bytes.fromhex(record)))

    def test_client(self):
        """A client makes the vector's M1 from the same inputs, takes its M2 and opens its records."""
        names = 'empty', 'ChaCha20-Poly1305', 'realm', 'hello with options'
        plain = [each for each in self.handshakes if each['name'] in names]
        self.assertEqual(len(plain), len(names))
        for vector in plain:
            with self.subTest(vector['name']):
                accepted, _ = self.open(vector)
                message = bytes([accepted.kind]) + accepted.body
                client = ClientHandshake(SERVER, USER, vector['time'], message, accepted.options[OPTION_CIPHERS], {},
                                         vector['realm'].encode(), 64 if vector['name'] == 'empty' else 5,
                                         bytes.fromhex(vector['salt']), bytes.fromhex(vector['e_client']))
                self.assertEqual(client.m1.hex(), vector['m1'])
                records, _ = client.finish(bytes.fromhex(vector['m2']))
                for record in vector['records_s2c']:
                    read_message(records.open(bytes.fromhex(record)))

    def test_cookies(self):
        """M1 in one cookie or in two is found again."""
        for vector in self.handshakes:
            _, ((name, value),) = load('cookie', SERVER, bytes.fromhex(vector['m1']), '/')
            self.assertEqual(value, vector['cookie'])
            carrier, text = candidate('/', [(name.lower(), value)], [SERVER])
            self.assertEqual((carrier, from_base64url(text).hex()), ('cookie', vector['m1']))

    def test_refused(self):
        """Each M1 that is to be refused is."""
        for vector in self.vectors['refused']:
            with self.subTest(vector['name']):
                server = ServerHandshake([SERVER], [] if vector.get('users') == [] else [USER])
                for before in vector['accepted_before']:
                    server.read(bytes.fromhex(before), vector['now'])
                self.assertRaises(Refused, server.read, bytes.fromhex(vector['m1']), vector['now'])

    def test_impostors(self):
        """Each M2 that is to be refused is."""
        first = self.handshakes[0]
        for vector in self.vectors['refused_hellos']:
            with self.subTest(vector['name']):
                client = ClientHandshake(SERVER, USER, first['time'], salt=bytes.fromhex(first['salt']),
                                         ephemeral=bytes.fromhex(first['e_client']))
                self.assertRaises(Impostor, client.finish, bytes.fromhex(vector['m2']))

    def test_messages(self):
        """A record of every message opens and is well-formed."""
        _, (_, records) = self.open(self.handshakes[0])
        for vector in self.vectors['messages']['list']:
            with self.subTest(vector['name']):
                data = records.open(bytes.fromhex(vector['record']))
                self.assertEqual(data.hex(), vector['plaintext'])
                read_message(data)

    def test_violations(self):
        """Each sequence of records that closes a tunnel does."""
        for vector in self.vectors['violations']:
            with self.subTest(vector['name']):
                _, (_, records) = self.open(self.handshakes[0])
                with self.assertRaises(Violation):
                    for record in vector['records']:
                        zeros = isinstance(record, dict)
                        read_message(records.open(bytes(record['zero_bytes']) if zeros else bytes.fromhex(record)))
