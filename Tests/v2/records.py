"""Records of version 2 (docs/protocol-v2.md section 4.6): each is one WebSocket message, sealed as a whole."""
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from v2.keys import expand
from v2.messages import PLAINTEXT_MAX
from v2.reference import REKEY, Violation

AES_128_GCM, CHACHA20_POLY1305, AES_256_GCM = 1, 2, 3
CIPHERS = {AES_128_GCM: (AESGCM, 16), CHACHA20_POLY1305: (ChaCha20Poly1305, 32), AES_256_GCM: (AESGCM, 32)}
EPOCH = 1 << 20  # records, the REKEY that ends them included
TAG = 16


class Direction:
    """One direction's chain, and the key and counter of its epoch."""

    def __init__(self, cipher, chain):
        self.cipher, self.chain = cipher, chain
        self._begin()

    def _begin(self):
        aead, size = CIPHERS[self.cipher]
        self.key, self.iv = expand(self.chain, b'key' + bytes([self.cipher]), size), expand(self.chain, b'iv', 12)
        self.aead, self.count = aead(self.key), 0

    def nonce(self):
        if self.count >= EPOCH:
            raise Violation('an epoch of too many records')
        counter = bytes(4) + struct.pack('>Q', self.count)
        self.count += 1
        return bytes(a ^ b for a, b in zip(self.iv, counter))

    def passed(self, plaintext):
        """After each record: a REKEY, which may be padded, has ended the epoch."""
        if plaintext[0] & 0x7f == REKEY:
            self.chain = expand(self.chain, b'next', 32)
            self._begin()


class Records:
    """Both directions of a tunnel, as one end has them."""

    def __init__(self, cipher, sending, receiving):
        self.cipher = cipher
        self.out, self.into = Direction(cipher, sending), Direction(cipher, receiving)

    @classmethod
    def of(cls, noise, cipher, client):
        """After both messages of the handshake."""
        up, down = (expand(key, b'wstan2 chain' + noise.hash, 32) for key in noise.split())
        return cls(cipher, up, down) if client else cls(cipher, down, up)

    @property
    def must_rekey(self):
        """Whether the next record has to be a REKEY."""
        return self.out.count == EPOCH - 1

    def seal(self, plaintext):
        record = self.out.aead.encrypt(self.out.nonce(), plaintext, None)
        self.out.passed(plaintext)
        return record

    def open(self, record):
        """The plaintext; a Violation of anything but the peer's next record."""
        if not TAG < len(record) <= PLAINTEXT_MAX + TAG:
            raise Violation('a record of a wrong length')
        try:
            plaintext = self.into.aead.decrypt(self.into.nonce(), record, None)
        except InvalidTag:
            raise Violation('a record that does not open') from None
        self.into.passed(plaintext)
        return plaintext
