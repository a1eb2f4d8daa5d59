"""Bytes without end that are cheap to make and of which no two blocks are alike: a lost or doubled one changes the sum."""
import hashlib
import random

BLOCK = random.Random(5).randbytes(1 << 16)


def blocks(size):
    number = 0
    while size > 0:
        block = number.to_bytes(8, 'big') + BLOCK[8:]
        yield block[:size]
        size -= len(block)
        number += 1


def sum_of(size):
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
    return digest.hexdigest()
