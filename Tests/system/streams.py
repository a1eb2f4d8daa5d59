#!/usr/bin/env python3
"""Connections that are held or made over and over while something happens, and requests that are recorded and sent again.

    streams.py --hold 100 --port 1080 --while COMMAND --longest 2    through the client at the port: streams to an echo of its own
    streams.py --hold 0 --port 443 --plain --while COMMAND ...       straight to the server at the port, for its plain answer
    streams.py --record FILE --port 443 --run COMMAND                a client ({port} is where it goes) and what it says first
    streams.py --replay FILE --port 443                              says it again; prints the status
    streams.py --datagram --port 1080                                one datagram through the client to an echo, and back
"""
import argparse
import shlex
import socket
import socketserver
import subprocess
import sys
import threading
import time

PATIENCE = 20


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(4096):
                self.request.sendall(data)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 200


def serve(handler):
    server = Server(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def read(s, count):
    data = b''
    while len(data) < count:
        part = s.recv(count - len(data))
        if not part:
            raise EOFError('it was closed')
        data += part
    return data


def socks(port, target):
    s = socket.create_connection(('127.0.0.1', port), PATIENCE)
    s.sendall(b'\5\1\0')
    if read(s, 2) != b'\5\0':
        raise EOFError('no SOCKS')
    s.sendall(b'\5\1\0\1' + socket.inet_aton('127.0.0.1') + target.to_bytes(2, 'big'))
    if read(s, 10)[1] != 0:
        raise EOFError('refused')
    return s


def echoes(s):
    s.sendall(b'ping')
    if read(s, 4) != b'ping':
        raise EOFError('no echo')


def datagram(options):
    with socket.socket(type=socket.SOCK_DGRAM) as target, socket.socket(type=socket.SOCK_DGRAM) as own, \
            socket.create_connection(('127.0.0.1', options.port), PATIENCE) as s:
        for each in target, own:
            each.bind(('127.0.0.1', 0))
            each.settimeout(PATIENCE)
        s.sendall(b'\5\1\0')
        if read(s, 2) != b'\5\0':
            raise EOFError('no SOCKS')
        s.sendall(b'\5\3\0\1' + socket.inet_aton('127.0.0.1') + own.getsockname()[1].to_bytes(2, 'big'))
        reply = read(s, 10)
        if reply[1] != 0:
            raise EOFError('refused')
        head = b'\0\0\0\1' + socket.inet_aton('127.0.0.1') + target.getsockname()[1].to_bytes(2, 'big')
        own.sendto(head + b'ping', ('127.0.0.1', int.from_bytes(reply[8:], 'big')))
        said, sender = target.recvfrom(100)
        target.sendto(said, sender)
        return own.recv(100) != head + b'ping'


def plain(port):
    """A server that ends closes what it has not answered yet, and whoever asks tries once more, as user agents do."""
    for last in False, True:
        try:
            with socket.create_connection(('127.0.0.1', port), PATIENCE) as s:
                s.sendall(b'GET / HTTP/1.1\r\nHost: here\r\n\r\n')
                if read(s, 12) != b'HTTP/1.1 404':
                    raise OSError('another answer')
            return
        except (EOFError, ConnectionResetError):
            if last:
                raise


def hold(options):
    target = serve(Echo)

    def visit():
        if options.plain:
            return plain(options.port)
        with socks(options.port, target) as s:
            echoes(s)
    held = [socks(options.port, target) for _ in range(options.hold)]
    for s in held:
        echoes(s)
    times, failures, over = [], [], threading.Event()

    def visit_again():
        while not over.is_set():
            began = time.monotonic()
            try:
                visit()
            except (OSError, EOFError) as error:
                failures.append('%s after %.2f s' % (error, time.monotonic() - began))
            times.append(time.monotonic() - began)
    threads = [threading.Thread(target=visit_again) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    status = subprocess.run(getattr(options, 'while'), shell=True).returncode
    took = time.monotonic() - began
    time.sleep(1)
    over.set()
    for thread in threads:
        thread.join(PATIENCE)
    print('%d connections while %r ran for %.2f s; longest %.2f s; %d failed: %s'
          % (len(times), getattr(options, 'while'), took, max(times), len(failures), failures[:3]))
    return status != 0 or bool(failures) or max(times) > options.longest


def record(options):
    said, heard = bytearray(), threading.Event()

    class Middleman(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.create_connection(('127.0.0.1', options.port)) as up:
                while b'\r\n\r\n' not in said:
                    said.extend(self.request.recv(4096))
                up.sendall(said)
                self.request.sendall(up.recv(4096))
                heard.set()
                while data := up.recv(4096):
                    self.request.sendall(data)
    client = subprocess.Popen(shlex.split(options.run.format(port=serve(Middleman))))
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                s = socks(2080, serve(Echo))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        with s:
            if not heard.wait(PATIENCE):
                raise EOFError('nothing was said')
    finally:
        client.kill()
        client.wait()
    with open(options.record, 'wb') as f:
        f.write(said)
    return False


def replay(options):
    with open(options.replay, 'rb') as f, socket.create_connection(('127.0.0.1', options.port), PATIENCE) as s:
        s.sendall(f.read())
        print(int(read(s, 12)[9:12]))
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--hold', type=int)
    parser.add_argument('--port', type=int, required=True)
    parser.add_argument('--plain', action='store_true')
    parser.add_argument('--datagram', action='store_true')
    parser.add_argument('--longest', type=float)
    for name in 'while', 'run', 'record', 'replay':
        parser.add_argument('--' + name)
    options = parser.parse_args()
    work = datagram if options.datagram else record if options.record else replay if options.replay else hold
    sys.exit(work(options))


main()
