"""The handshake of version 2 (docs/protocol-v2.md sections 4.3 to 4.5): M1 and M2, made and judged."""
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from v2.messages import (INCOMING, NOP, OPTION_CIPHERS, OPTION_KEM, REQUESTS, Reader, Request, Violation, plaintext,
                         read_message, read_options)
from v2.noise import Noise
from v2.records import CIPHERS, TAG, Records

SALT, BOX = 16, 64
M1 = range(101, 4608 + 1)
M2 = range(62, 4096 + 1)
EARLY_MAX = 4096
KEM = 1184  # of an ML-KEM-768 encapsulation key
TIME_TO_LIVE, REMEMBERED = 60_000, 120_000  # ms; a request is remembered for so much longer than it is valid


class Refused(Exception):
    """An M1 that is not accepted. The word is for our own log: all the peer sees is the decoy."""


class Impostor(Exception):
    """An M2 that does not hold."""


def prologue(salt, kid, time, realm):
    return b'wstan2\0' + salt + kid + struct.pack('>Q', time) + bytes([len(realm)]) + realm


def header_box(server, salt, kid, time, ephemeral):
    """`ephemeral`: the client's public key of this handshake."""
    return AESGCM(server.request_keys(salt)[0]).encrypt(bytes(12), kid + struct.pack('>Q', time) + ephemeral, b'')


def payload(fixed, options, rest, padding):
    """P1 or P2. `fixed`: the fields in front of the padding's length."""
    packed = Request(options).pack()[:-1]  # the options with their length, no address
    return fixed + struct.pack('>H', padding) + packed + rest + bytes(padding)


class ClientHandshake:
    """One handshake of a client: `m1`, then `finish` with the answer."""

    def __init__(self, server, user, time, message=plaintext(NOP), ciphers=tuple(CIPHERS), options={}, realm=b'',
                 padding=0, salt=None, ephemeral=None):
        self.server, self.ciphers, self.salt = server, ciphers, salt or os.urandom(SALT)
        self.noise = Noise(user.psk, prologue(self.salt, user.kid, time, realm), server, ephemeral or os.urandom(32))
        options = {**options, OPTION_CIPHERS: bytes(ciphers)}
        room = M1[-1] - SALT - BOX - TAG - len(payload(b'', options, message, 0))
        if room < 0:
            raise ValueError('the request does not fit into M1')
        public, sealed = self.noise.write_request(payload(b'', options, message, min(padding, room)))
        self.m1 = self.salt + header_box(server, self.salt, user.kid, time, public) + sealed

    def finish(self, m2):
        """The records of the tunnel, and the answer."""
        if len(m2) not in M2:
            raise Impostor('an answer of %d bytes' % len(m2))
        mask = self.server.request_keys(self.salt)[1]
        try:
            answer = Answer(self.noise.read_answer(bytes(a ^ b for a, b in zip(m2, mask)), m2[32:]))
        except (InvalidTag, ValueError, Violation):
            raise Impostor('an answer that does not hold') from None
        if answer.cipher not in self.ciphers or OPTION_KEM in answer.options:
            raise Impostor('an answer to what was not offered')
        return Records.of(self.noise, answer.cipher, client=True), answer


class Answer:
    """P2: `time` in ms since the epoch."""

    def __init__(self, data):
        reader = Reader(data)
        self.time, self.cipher, self.flags, padding = (reader.number(size) for size in (8, 1, 1, 2))
        self.options, unknown = read_options(reader.take(reader.number(2)))
        if unknown or reader.left != padding:
            raise Violation('a malformed answer')


class ServerHandshake:
    """What a server needs to judge M1. `servers`: its live keys, the current one first; `users`: its users' keys."""

    def __init__(self, servers, users, realm=b'', ciphers=tuple(CIPHERS)):
        self.servers, self.users = servers, {user.kid: user for user in users}
        self.realm, self.ciphers = realm, ciphers
        self.seen = {}  # (kid, salt): until when, ms

    def read(self, m1, now):
        """In the order of section 4.4. `now` in ms since the epoch."""
        if len(m1) not in M1:
            raise Refused('length')
        salt, box, sealed = m1[:SALT], m1[SALT:SALT + BOX], m1[SALT + BOX:]
        server, head = self._unbox(salt, box)
        kid, time, ephemeral = head[:8], int.from_bytes(head[8:16], 'big'), head[16:]
        if abs(now - time) > TIME_TO_LIVE:
            raise Refused('expired')
        if kid not in self.users:
            raise Refused('no such key')
        if (kid, salt) in self.seen:
            raise Refused('replayed')
        noise = Noise(self.users[kid].psk, prologue(salt, kid, time, self.realm), server, os.urandom(32))
        try:
            accepted = Accepted(noise, server, salt, kid, noise.read_request(ephemeral, sealed), self.ciphers)
        except (InvalidTag, ValueError):
            raise Refused('bad tag') from None
        except Violation as violation:
            raise Refused(str(violation)) from None
        self.seen = {key: until for key, until in self.seen.items() if until > now}
        self.seen[kid, salt] = time + TIME_TO_LIVE + REMEMBERED
        return accepted

    def _unbox(self, salt, box):
        for server in self.servers:
            try:
                return server, AESGCM(server.request_keys(salt)[0]).decrypt(bytes(12), box, b'')
            except InvalidTag:
                pass
        raise Refused('not ours')


class Accepted:
    """An M1 that has held: `kind` and `body` of its message, the cipher that the answer will name."""

    def __init__(self, noise, server, salt, kid, data, ciphers):
        self.noise, self.server, self.salt, self.kid = noise, server, salt, kid
        reader = Reader(data)
        padding = reader.number(2)
        self.options, unknown = read_options(reader.take(reader.number(2)))
        if unknown or padding >= reader.left or len(self.options.get(OPTION_KEM, bytes(KEM))) != KEM:
            raise Violation('a malformed payload')
        self.kind, self.body = read_message(reader.take(reader.left - padding))
        if self.kind != NOP and (self.kind not in REQUESTS or self.kind == INCOMING):
            raise Violation('no request')
        common = [cipher for cipher in self.options.get(OPTION_CIPHERS, b'') if cipher in ciphers]
        if not common:
            raise Violation('no common cipher')
        self.cipher = common[0]

    def answer(self, now, options={}, padding=0, flags=0, ephemeral=None):
        """M2, and the records of the tunnel."""
        self.noise.ephemeral = ephemeral or self.noise.ephemeral
        fixed = struct.pack('>QBB', now, self.cipher, flags)
        public, sealed = self.noise.write_answer(payload(fixed, options, b'', padding))
        masked = bytes(a ^ b for a, b in zip(public, self.server.request_keys(self.salt)[1]))
        return masked + sealed, Records.of(self.noise, self.cipher, client=False)
