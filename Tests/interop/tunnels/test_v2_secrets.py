"""Recorded tunnels before a thief of both long-term secrets (docs/protocol-v2.md section 12, claim 2).

The request that came in the handshake opens. Nothing behind it does: that takes an ephemeral key, which was not stored.
"""
import copy
import os

from cryptography.exceptions import InvalidTag

from helpers.peers import agent
from helpers.peers.sealed import Opening, SealedTunnel, connect_to, frames, m1_of, now
from helpers.peers.target import echo
from helpers.version2 import PEER, Version2Pair
from v2.handshake import ServerHandshake
from v2.keys import exchange
from v2.messages import *
from v2.records import CIPHERS, Records

EARLY, LATE = b'the first secret', b'the second secret'


class Recording:
    """A tunnel as it was seen on its way: what went up and what came down."""

    def __init__(self, link):
        self.head = link.head()
        self.up = frames(bytes(link.recorded[link.head_end:]))
        answer, _, rest = bytes(link.answered).partition(b'\r\n\r\n')
        self.m2, *self.down = frames(rest)


class Thief:
    """Has the server's private key and the user's secret."""

    def __init__(self, key, recording):
        self.key, self.recording = key, recording
        self.accepted = ServerHandshake([key.server], [key.user], key.realm).read(m1_of(recording.head, key), now())
        mask = key.server.request_keys(self.accepted.salt)[1]
        self.theirs = bytes(a ^ b for a, b in zip(recording.m2, mask))  # the server's ephemeral public key

    def request(self):
        return Request.read(self.accepted.body)

    def guesses(self):
        """What could stand in the place of the exchange of both ephemeral keys."""
        ours = self.accepted.noise.theirs  # the client's
        yield bytes(32)
        for private in self.key.server.private, self.key.user.secret, self.key.user.psk, self.theirs:
            for public in ours, self.theirs:
                yield exchange(private, public)

    def opens(self, material):
        """Whether M2, or any record under any cipher, opens with it."""
        noise = copy.deepcopy(self.accepted.noise)
        noise.take(self.theirs)
        noise.mix(material)
        try:
            noise.decrypt_and_hash(self.recording.m2[32:])
            return True
        except InvalidTag:
            noise.mix_hash(self.recording.m2[32:])
        return any(self._opens(noise, cipher) for cipher in CIPHERS)

    def _opens(self, noise, cipher):
        records = Records.of(noise, cipher, client=False)
        for direction, sealed in (records.into, self.recording.up), (records.out, self.recording.down):
            try:
                direction.aead.decrypt(direction.nonce(), sealed[0], None)
                return True
            except InvalidTag:
                pass
        return False


class Recorded:
    def test_recorded_tunnel(self):
        """The request opens, with its first bytes; nothing behind it does. Nothing was in the clear."""
        target = self.target(echo)
        self.pair(early=True)
        with agent.socks5(self.wstan_client.port, '127.0.0.1', target.port) as s:
            self.assertTrue(agent.echoes(s, EARLY))
            self.assertTrue(agent.echoes(s, LATE))
        self.between.settle()
        link, = self.between.links
        for secret in EARLY, LATE:
            self.assertNotIn(secret, bytes(link.recorded + link.answered))
        thief = Thief(self.raw_key, Recording(link))
        request = thief.request()
        self.assertEqual((str(request.address), request.data), ('127.0.0.1:%d' % target.port, EARLY))
        for material in thief.guesses():
            self.assertFalse(thief.opens(material))

    def test_two_tunnels(self):
        """The requests of one client have nothing in common."""
        self.pair()
        for _ in range(2):
            with agent.socks5(self.wstan_client.port, '127.0.0.1', self.commanded.port) as s:
                s.sendall(b'echo\n')
                self.assertTrue(agent.echoes(s, b'hello'))
            self.between.cut('close')
        one, other = (m1_of(head, self.raw_key) for head in self.between.heads()[:2])
        self.assertEqual([n for n in range(len(one) - 3) if one[n:n + 4] in other], [])


class ControlOfPeer(Version2Pair):
    SERVER = PEER

    def test_right_secret(self):
        """With the client's ephemeral key, which a thief does not have, the same means open all of it."""
        self.wstan_server = self.server()
        self.between = self.forwarder(self.wstan_server)
        ephemeral = os.urandom(32)
        tunnel = self.keep(SealedTunnel.open(self.between.port, Opening(self.raw_key, ephemeral=ephemeral)))
        tunnel.send(CONNECT, connect_to(self.target(echo), LATE))
        tunnel.expect(OK)
        self.between.settle()
        thief = Thief(self.raw_key, Recording(self.between.links[0]))
        self.assertTrue(thief.opens(exchange(ephemeral, thief.theirs)))
        for material in thief.guesses():
            self.assertFalse(thief.opens(material))


class OurPair(Recorded, Version2Pair):
    pass


class OurClientPeerServer(Recorded, Version2Pair):
    SERVER = PEER


class PeerClientOurServer(Recorded, Version2Pair):
    CLIENT = PEER


class PairOfPeers(Recorded, Version2Pair):
    CLIENT = SERVER = PEER
