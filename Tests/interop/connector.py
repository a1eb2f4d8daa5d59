"""A ProxyCommand: connects stdin and stdout to HOST PORT through the SOCKS5 proxy on a local port. connector.py PROXY HOST PORT"""
import os
import socket
import sys
import threading

import agent


def upwards(s):
    while data := os.read(0, 1 << 16):
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)


def main(proxy, host, port):
    s = agent.socks5(int(proxy), host, int(port), timeout=None)
    threading.Thread(target=upwards, args=(s,), daemon=True).start()
    while data := s.recv(1 << 16):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


if __name__ == '__main__':
    main(*sys.argv[1:])
