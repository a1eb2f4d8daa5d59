"""The file in which a server keeps its keys: to start one with many of them."""
import base64
import hashlib
import os
import time


def write(state, configured, named):
    """`configured` is the key of the configuration; `named` has for each name its keys, the current one first."""
    digest = hashlib.sha256(b'wstan key id\0' + configured).hexdigest()[:16]
    now = int(time.time() * 1e6)
    lines = ['wstan key ring 1', 'origin ' + digest, 'default current configuration - - ' + text(configured)]
    for name, keys in named.items():
        lines.append('%s current state %d - %s' % (name, now, text(keys[0])))
        for number, key in enumerate(keys[1:]):
            lines.append('%s previous state %d %d %s' % (name, now, now + int((86400 - number) * 1e6), text(key)))
    body = '\n'.join(lines).encode() + b'\n'
    path = os.path.join(state, 'keyring')
    with open(path, 'wb') as f:
        os.chmod(path, 0o600)
        f.write(body + b'sha256 ' + hashlib.sha256(body).hexdigest().encode() + b'\n')


def text(key):
    return base64.b64encode(key).decode()


def thousand():
    """249 names with four keys each: with the configuration's 997 keys."""
    return {'k%d' % number: [os.urandom(16) for _ in range(4)] for number in range(249)}
