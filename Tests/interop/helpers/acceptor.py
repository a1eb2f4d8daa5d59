"""The accepting half of a server."""
import socket
import threading


class Acceptor:
    """Calls `welcome` with each connection that comes: one after the other in one thread, or with `threads` each in its own."""

    def __init__(self, listener, welcome, threads=False):
        self.listener, self.welcome, self.threads = listener, welcome, threads
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.threads:
                threading.Thread(target=self.welcome, args=(connection,), daemon=True).start()
            else:
                self.welcome(connection)

    def close(self):
        # Closing alone does not wake who waits in accept.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
