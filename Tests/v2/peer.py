"""A peer for either end of protocol version 2, independent of the kit. For tests, over ws:// only.

    export PYTHONPATH=Tests
    python3 -m v2.peer keygen
    python3 -m v2.peer server --listen 127.0.0.1:9000 --key STRING [--user STRING]... [--shape 400:500]...
    python3 -m v2.peer client --listen 127.0.0.1:1080 --key STRING --uri ws://127.0.0.1:9000/
            [--carrier cookie|path|protocol] [--early] [--pool 1] [--ping 25] [--clock SECONDS]

keygen prints a shared key, a server's key, and the key of a client of that server. A server's users are those of its
own key and of each --user. The client listens for SOCKS5 user agents; its clock may go wrong by so much. Either end
takes --cipher 1|2|3, more than once by preference, and --fault KIND:N (faults.py). SIGTERM lets a server drain: it says
BYE, and ends with its last tunnel. A line per event goes to standard error.
"""
import argparse
import asyncio
import logging
import os
import signal
import sys
import urllib.parse

from v2 import keys
from v2.carriers import CARRIERS, COOKIE
from v2.client import Client
from v2.faults import Fault
from v2.keys import KeyString, key_string
from v2.records import AES_128_GCM, CHACHA20_POLY1305, CIPHERS
from v2.server import Server
from v2.socks import serve


def place(text):
    host, _, port = text.rpartition(':')
    return host.strip('[]'), int(port)


def sizes(text):
    shortest, longest = text.split(':')
    return int(shortest), int(longest)


def arguments():
    parser = argparse.ArgumentParser(prog='v2.peer', description='A peer for protocol version 2 of wstan.')
    roles = parser.add_subparsers(dest='role', required=True)
    roles.add_parser('keygen')
    server, client = roles.add_parser('server'), roles.add_parser('client')
    for role in server, client:
        role.add_argument('--listen', type=place, required=True)
        role.add_argument('--key', type=KeyString, required=True)
        role.add_argument('--cipher', type=int, choices=CIPHERS, action='append')
        role.add_argument('--fault', type=Fault, default=Fault())
    server.add_argument('--user', type=KeyString, action='append', default=[])
    server.add_argument('--shape', type=sizes, action='append', default=[])
    client.add_argument('--uri', type=urllib.parse.urlsplit, required=True)
    client.add_argument('--carrier', choices=CARRIERS, default=COOKIE)
    client.add_argument('--early', action='store_true')
    client.add_argument('--pool', type=int, default=1)
    client.add_argument('--ping', type=float, default=25.0)
    client.add_argument('--clock', type=float, default=0.0)
    return parser.parse_args()


def generate():
    private, secret = os.urandom(32), os.urandom(32)
    print('shared', key_string(keys.SHARED, os.urandom(32)))
    print('server', key_string(keys.SERVER, private))
    print('client', key_string(keys.CLIENT, keys.public_of(private) + secret))


async def run_server(given):
    users = [key.user for key in (given.key, *given.user) if key.user]
    server = Server(given.key, users, given.cipher or tuple(CIPHERS), given.fault, given.shape)
    await server.listen(*given.listen)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: asyncio.create_task(server.drain()))
    await server.empty.wait()


async def run_client(given):
    client = Client(given.key, given.uri.hostname, given.uri.port or 80, given.uri.path or '/', given.carrier,
                    given.cipher or (AES_128_GCM, CHACHA20_POLY1305), given.early, given.pool, given.ping, given.fault)
    client.clock_error = int(given.clock * 1000)
    listener = await asyncio.start_server(lambda reader, writer: serve(client, reader, writer), *given.listen)
    await listener.serve_forever()


def main():
    given = arguments()
    if given.role == 'keygen':
        generate()
        return
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format='%(message)s')
    asyncio.run(run_server(given) if given.role == 'server' else run_client(given))


if __name__ == '__main__':
    main()
