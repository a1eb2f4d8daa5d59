"""What may stand between client and server and takes part in their talk: an HTTP proxy, a WebSocket proxy."""
import base64
import os
import re
import socket

from helpers.network.forwarder import Forwarder, Link
from helpers.peers import agent, wire


class Intermediary(Forwarder):
    """`arrange(client)` returns the connected server, or None to hang up."""
    THREADS = True

    def welcome(self, client):
        client.settimeout(10)
        try:
            server = self.arrange(client)
        except (OSError, EOFError):
            server = None
        if server:
            Link(self, client, server)
        else:
            client.close()

    def reach_server(self):
        return socket.create_connection(('127.0.0.1', self.server_port), 5)


class HTTPProxy(Intermediary):
    """Grants every CONNECT, wherever to: there is one server; or refuses all with `refusal`, a status and its reason."""

    def __init__(self, server_port, refusal=None):
        self.refusal = refusal
        self.requests = []
        super().__init__(server_port)

    def arrange(self, client):
        self.requests.append(agent.read_head(client))
        if self.refusal:
            client.sendall(b'HTTP/1.1 %s\r\nContent-Length: 5\r\n\r\nsorry' % self.refusal.encode())
            return None
        server = self.reach_server()
        client.sendall(b'HTTP/1.0 200 Connection established\r\nVia: 1.0 proxy\r\n\r\n')
        return server


class WebSocketProxy(Intermediary):
    """Makes a WebSocket handshake of its own on each side: the key of the client is not the one that the server gets."""

    def arrange(self, client):
        head = agent.read_head(client)
        own_key = base64.b64encode(os.urandom(16))
        key = re.search(rb'(?i)\r\nsec-websocket-key: *(\S+)', head).group(1)
        server = self.reach_server()
        server.sendall(head.replace(key, own_key))
        answer = agent.read_head(server)
        accepts = [base64.b64encode(wire.accept_digest(k.decode())) for k in (own_key, key)]
        client.sendall(answer.replace(*accepts))
        return server
