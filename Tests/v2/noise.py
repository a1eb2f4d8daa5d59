"""Noise_NKpsk0_25519_AESGCM_SHA256 (The Noise Protocol Framework, revision 34), one side of one handshake.

    <- s   ...   -> psk, e, es     <- e, ee

The ephemeral keys travel apart from the rest of Noise's messages, so they are passed and returned apart.
"""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from v2.keys import exchange, public_of

NAME = b'Noise_NKpsk0_25519_AESGCM_SHA256'  # of 32 bytes, so it is the first hash itself


class Noise:
    """`ephemeral` is the own private key. What does not open is an InvalidTag, an all-zero exchange a ValueError."""

    def __init__(self, psk, prologue, server, ephemeral):
        self.hash = self.chaining = NAME
        self.key, self.count = None, 0
        self.psk, self.server, self.ephemeral = psk, server, ephemeral
        self.mix_hash(prologue)
        self.mix_hash(server.public)

    def write_request(self, payload):
        """Initiator. The own ephemeral public key, and the rest of the first message."""
        public = public_of(self.ephemeral)
        self._begin(public)
        self.mix(exchange(self.ephemeral, self.server.public))
        return public, self.encrypt_and_hash(payload)

    def read_request(self, theirs, sealed):
        """Responder. The payload of the first message."""
        self.theirs = theirs
        self._begin(theirs)
        self.mix(exchange(self.server.private, theirs))
        return self.decrypt_and_hash(sealed)

    def write_answer(self, payload):
        """Responder. The own ephemeral public key, and the rest of the second message."""
        public = public_of(self.ephemeral)
        self.take(public)
        self.mix(exchange(self.ephemeral, self.theirs))
        return public, self.encrypt_and_hash(payload)

    def read_answer(self, theirs, sealed):
        """Initiator. The payload of the second message."""
        self.take(theirs)
        self.mix(exchange(self.ephemeral, theirs))
        return self.decrypt_and_hash(sealed)

    def split(self):
        """The keys of both directions, the initiator's first."""
        return self._derive(b'', 2)

    def mix(self, material):
        """MixKey."""
        self.chaining, self.key = self._derive(material, 2)
        self.count = 0

    def mix_hash(self, data):
        """MixHash."""
        self.hash = hashlib.sha256(self.hash + data).digest()

    def _begin(self, public):
        self.chaining, hashed, self.key = self._derive(self.psk, 3)
        self.mix_hash(hashed)
        self.count = 0
        self.take(public)

    def take(self, public):
        """An `e` token; with a psk it is mixed into the key too (section 9.2 there)."""
        self.mix_hash(public)
        self.mix(public)

    def _derive(self, material, count):
        key = hmac.new(self.chaining, material, hashlib.sha256).digest()
        out = [hmac.new(key, b'\1', hashlib.sha256).digest()]
        for number in range(2, count + 1):
            out.append(hmac.new(key, out[-1] + bytes([number]), hashlib.sha256).digest())
        return out

    def _nonce(self):
        nonce = bytes(4) + struct.pack('>Q', self.count)
        self.count += 1
        return nonce

    def encrypt_and_hash(self, payload):
        sealed = AESGCM(self.key).encrypt(self._nonce(), payload, self.hash)
        self.mix_hash(sealed)
        return sealed

    def decrypt_and_hash(self, sealed):
        payload = AESGCM(self.key).decrypt(self._nonce(), sealed, self.hash)
        self.mix_hash(sealed)
        return payload
