"""A target that never stops sending."""
import select
import socket
import threading

BLOCK = bytes(1 << 16)


class Fountain:
    """One thread for all of its connections, with as little work as can be."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        ready, connections = select.epoll(), {}
        ready.register(self.listener, select.EPOLLIN)
        while True:
            for number, _ in ready.poll():
                if number == self.listener.fileno():
                    connection, _ = self.listener.accept()
                    connection.setblocking(False)
                    connections[connection.fileno()] = connection
                    ready.register(connection, select.EPOLLOUT)
                    continue
                try:
                    connections[number].send(BLOCK)
                except BlockingIOError:
                    pass
                except OSError:
                    ready.unregister(number)
                    connections.pop(number).close()
