"""Keys of version 2 (docs/protocol-v2.md section 3): of servers and of users, and the strings that carry them."""
import base64
import hashlib
import hmac
import re

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

SHARED, CLIENT, SERVER = 1, 2, 3  # kinds of key strings
PREFIX = 'wstan2:'
PAYLOAD = {SHARED: 32, CLIENT: 64, SERVER: 32}  # bytes
REALM_MAX, CHECK = 32, 4
COOKIES = ('session', 'token', 'auth', 'jwt', 'sid', 'auth_token', 'access_token', 'id_token', 'refresh_token',
           'session_token', 'user_session', 'app_session', 'remember_token', 'login_token', 'sess', 'identity')


def extract(salt, material):
    """HKDF-Extract of RFC 5869 with SHA-256."""
    return hmac.new(salt, material, hashlib.sha256).digest()


def expand(key, label, size):
    """HKDF-Expand of RFC 5869 with SHA-256: `size` bytes, at most 32 * 255."""
    out = block = b''
    number = 1
    while len(out) < size:
        block = hmac.new(key, block + label + bytes([number]), hashlib.sha256).digest()
        out += block
        number += 1
    return out[:size]


def public_of(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def exchange(private, public):
    """X25519. An all-zero result is a ValueError."""
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def from_base64url(text):
    """The bytes of canonical base64url without padding; None of anything else (section 4.2)."""
    if len(text) % 4 == 1 or not re.fullmatch(r'[A-Za-z0-9_-]*', text):
        return None
    data = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    return data if base64url(data) == text else None


class UserKey:
    """The secret of one user or device (32 bytes), with its id (8) and the pre-shared key of its handshakes (32)."""

    def __init__(self, secret):
        key = extract(b'wstan2', secret)
        self.secret, self.kid, self.psk = secret, expand(key, b'kid', 8), expand(key, b'psk', 32)


class ServerKey:
    """A server's static key: a client has its public half (32 bytes) only."""

    def __init__(self, public, private=None):
        self.public, self.private = public, private
        self.mask = extract(b'wstan2 mask', public)
        self.cookie = COOKIES[expand(self.mask, b'cookie', 1)[0] % len(COOKIES)]

    @classmethod
    def of(cls, private):
        return cls(public_of(private), private)

    def request_keys(self, salt):
        """Of the request with this salt: the key of its header box, and the mask of the answer's ephemeral key."""
        key = extract(salt, self.mask)
        return expand(key, b'm1', 32), expand(key, b'm2', 32)


class KeyString:
    """What a key string holds: `server` always, `user` unless it is the server's own, and the realm."""

    def __init__(self, text):
        data = from_base64url(text[len(PREFIX):]) if text.startswith(PREFIX) else None
        if not data or len(data) < 1 + 32 + CHECK or _check(data[:-CHECK]) != data[-CHECK:]:
            raise ValueError('not a key of version 2, or cut or mistyped')
        self.kind, payload = data[0], data[1:-CHECK]
        size = PAYLOAD.get(self.kind)
        if size is None or not size <= len(payload) <= size + REALM_MAX:
            raise ValueError('a key of a kind that is not known')
        payload, self.realm = payload[:size], payload[size:]
        if self.kind == SHARED:
            key = extract(b'wstan2', payload)
            self.server, self.user = ServerKey.of(expand(key, b'server', 32)), UserKey(expand(key, b'user', 32))
        elif self.kind == CLIENT:
            self.server, self.user = ServerKey(payload[:32]), UserKey(payload[32:])
        else:
            self.server, self.user = ServerKey.of(payload), None


def key_string(kind, payload, realm=b''):
    data = bytes([kind]) + payload + realm
    return PREFIX + base64url(data + _check(data))


def _check(data):
    return hashlib.sha256(b'wstan2 key' + data).digest()[:CHECK]
