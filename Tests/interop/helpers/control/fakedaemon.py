"""A daemon's control socket that says what a test wants: JSON that ends with NUL, over a Unix socket."""
import json
import os
import socket

from helpers.acceptor import Acceptor


class Over(Exception):
    """The client has gone, or the connection is to be closed now."""


class Call:
    """One call, to be answered by whoever was given it."""

    def __init__(self, connection, message):
        self.connection = connection
        self.method = message['method'].rsplit('.', 1)[1]
        self.parameters = message.get('parameters') or {}
        self.wants_more = message.get('more', False)

    def raw(self, data):
        try:
            self.connection.sendall(data)
        except OSError:
            raise Over from None

    def reply(self, parameters, continues=False):
        message = {'parameters': parameters}
        if continues:
            message['continues'] = True
        self.raw(json.dumps(message).encode() + b'\0')

    def error(self, name, /, **parameters):
        if '.' not in name:
            name = 'org.wstan.control.' + name
        self.raw(json.dumps({'error': name, 'parameters': parameters}).encode() + b'\0')

    def hang(self):
        """Until the client goes."""
        while self.connection.recv(4096):
            pass
        raise Over

    def close(self):
        raise Over


class FakeDaemon:
    """Listens at `path`. `answers` has what each method is answered with: an object, or a function of the Call."""

    def __init__(self, path, **answers):
        self.path = path
        self.answers = answers
        self.calls = []
        listener = socket.socket(socket.AF_UNIX)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            os.unlink(path)
        listener.bind(path)
        listener.listen(16)
        self.acceptor = Acceptor(listener, self.serve, threads=True)

    def serve(self, connection):
        rest = b''
        try:
            while True:
                while b'\0' not in rest:
                    part = connection.recv(1 << 16)
                    if not part:
                        return
                    rest += part
                message, rest = rest.split(b'\0', 1)
                call = Call(connection, json.loads(message))
                self.calls.append((call.method, call.parameters))
                answer = self.answers.get(call.method)
                if answer is None:
                    call.error('org.varlink.service.MethodNotImplemented', method=call.method)
                elif callable(answer):
                    answer(call)
                else:
                    call.reply(answer)
        except (Over, OSError):
            pass
        finally:
            connection.close()

    def close(self):
        """The socket's file stays, as after a kill."""
        self.acceptor.close()


def status(**changes):
    """What GetStatus is answered with by a client that runs."""
    return dict({
        'version': '0.1.0', 'mode': 'client', 'state': 'running', 'pid': 4711,
        'startTimestampUSec': 1_700_000_000_000_000, 'configurationLoadTimestampUSec': 1_700_000_000_000_000,
        'listeners': [{'name': 'listen', 'address': '127.0.0.1:1080', 'activated': False}],
        'tunnelsActive': 3, 'tunnelsTotal': 214, 'bytesReceived': 2_000_000, 'bytesSent': 1_400,
        'pool': {'size': 16, 'idle': 4, 'opening': 2, 'hits': 9, 'misses': 1, 'rttUSec': 12345},
        'keys': [{'name': 'default', 'id': '0123456789abcdef', 'state': 'current', 'source': 'configuration', 'uses': 3}],
        'logLevel': 'notice'}, **changes)


def tunnel(number, **changes):
    return dict({
        'id': number, 'state': 'using', 'protocol': 'tcp', 'peer': '192.0.2.1:8080', 'client': '127.0.0.1:50000',
        'target': 'www%d.example.com:443' % number, 'key': 'default', 'bytesReceived': 1000, 'bytesSent': 2000,
        'startTimestampUSec': 1_700_000_000_000_000, 'lastActivityTimestampUSec': 1_700_000_000_000_000, 'rttUSec': 20000},
        **changes)


def tunnels(*listed, then=()):
    """An answer to ListTunnels; `then` has pairs of an event and a tunnel, for who follows."""
    def answer(call):
        wanted = call.parameters.get('states')
        for entry in listed:
            if not wanted or entry['state'] in wanted:
                call.reply({'tunnel': entry, 'event': 'listed'}, continues=True)
        if not call.parameters.get('follow'):
            return call.reply({'event': 'synchronized'})
        call.reply({'event': 'synchronized'}, continues=True)
        for event, entry in then:
            call.reply({'tunnel': entry, 'event': event}, continues=True)
        call.hang()
    return answer
