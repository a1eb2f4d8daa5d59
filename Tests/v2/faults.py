"""Faults in the records that an end sends: KIND:N.

    flip     a bit of record N is another        cut      the TCP connection is reset in place of record N
    drop     record N is left out                mute     nothing is sent from record N on
    dup      record N is sent twice              rekey    no fault: a REKEY follows every N records, on every tunnel
    swap     record N is sent behind the next

The first record of a tunnel is 0. A fault strikes once, on the first tunnel that comes so far.
"""
FLIP, DROP, DUP, SWAP, CUT, MUTE, REKEY = KINDS = ('flip', 'drop', 'dup', 'swap', 'cut', 'mute', 'rekey')


class Fault:
    def __init__(self, text=''):
        """`text`: KIND:N, or nothing for no fault."""
        self.kind, _, number = text.partition(':')
        if text and (self.kind not in KINDS or not number.isdigit()):
            raise ValueError('no fault: ' + text)
        self.number = int(number or 0)
        self.tunnel = None  # that was struck
        self.held = b''

    def rekeys_after(self, count):
        """Whether the epoch ends after so many records."""
        return self.kind == REKEY and count >= self.number

    def passing(self, tunnel, number, record):
        """What is sent for a record of a tunnel; None: the connection is reset instead."""
        strikes = self.kind not in ('', REKEY) and self.tunnel is None and number == self.number
        if strikes:
            self.tunnel = tunnel
        elif tunnel is not self.tunnel:
            return [record]
        if self.kind == MUTE:
            return []
        if not strikes:
            held, self.held = self.held, b''
            return [record, held] if held else [record]
        if self.kind == SWAP:
            self.held = record
        flipped = record[:-1] + bytes([record[-1] ^ 1])
        return {FLIP: [flipped], DROP: [], DUP: [record, record], SWAP: [], CUT: None}[self.kind]
