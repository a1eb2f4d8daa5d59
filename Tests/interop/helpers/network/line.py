"""A way between two network namespaces that can be cut without a word, and the TCP connections of a namespace."""
import socket

from helpers.network.namespaces import Namespace, join

ESTABLISHED = '01'


class Line:
    """Two namespaces with a router in between, which can begin to swallow what it gets: no error tells of it."""
    CLIENT, SERVER = '10.97.1.2', '10.97.2.2'

    def __init__(self, scenario):
        self.client, self.server, self.router = (scenario.keep(Namespace()) for _ in range(3))
        for end, name, address in (self.client, 'toclient', self.CLIENT), (self.server, 'toserver', self.SERVER):
            gateway = address[:-1] + '1'
            join(end, self.router, 'way', name)
            self.router.ip('addr', 'add', gateway + '/24', 'dev', name)
            end.ip('addr', 'add', address + '/24', 'dev', 'way')
            end.ip('route', 'add', 'default', 'via', gateway)
        with self.router.entered(), open('/proc/sys/net/ipv4/ip_forward', 'w') as f:
            f.write('1')

    def cut(self):
        for address in self.CLIENT, self.SERVER:
            self.router.ip('route', 'add', 'blackhole', address + '/32')


def established():
    """The IPv4 connections that are where the thread is, each with its own and its other end: (address, port)."""
    with open('/proc/thread-self/net/tcp') as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return [(end(row[1]), end(row[2])) for row in rows if row[3] == ESTABLISHED]


def end(text):
    host, port = text.split(':')
    return socket.inet_ntoa(int(host, 16).to_bytes(4, 'little')), int(port, 16)
