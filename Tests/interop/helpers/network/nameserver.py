"""A DNS server (RFC 1035) of a test's own: it answers as told, or not at all."""
import socket
import struct
import threading

FAMILIES = {1: socket.AF_INET, 28: socket.AF_INET6}
NO_SUCH_NAME = 3


class NameServer:
    """`answers(name, family)` returns the addresses, or None for a question that is never answered."""

    def __init__(self, answers, host='127.0.0.1', port=53):
        self.answers = answers
        self.unanswered = []  # names, each time one was asked for
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((host, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with self.socket:
            while True:
                question, sender = self.socket.recvfrom(4096)
                if not question:
                    return
                answer = self._answer(question)
                if answer:
                    self.socket.sendto(answer, sender)

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind, _ = struct.unpack('>HH', question[at + 1:at + 5])
        name, family = '.'.join(labels), FAMILIES.get(kind)
        found = self.answers(name, family) if family else []
        if found is None:
            self.unanswered.append(name)
            return None
        code = 0 if found else NO_SUCH_NAME
        head = question[:2] + struct.pack('>HHHHH', 0x8180 | code, 1, len(found), 0, 0)
        records = b''.join(struct.pack('>HHHIH', 0xc00c, kind, 1, 1, len(packed)) + packed
                           for packed in (socket.inet_pton(family, text) for text in found))
        return head + question[12:at + 5] + records

    def close(self):
        # An empty datagram from itself ends the thread: closing does not wake it.
        self.socket.sendto(b'', self.socket.getsockname())
