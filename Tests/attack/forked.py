"""A process that works beside the test until it is told to stop."""
import multiprocessing


class Forked:
    """`work` is what it does; it gets its end of a pipe, and ends when the other end says so or is no more."""

    def __init__(self, work, *arguments):
        self.control, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context('fork').Process(target=self._run, args=(other, work, arguments), daemon=True)
        self.process.start()
        other.close()

    def _run(self, other, work, arguments):
        self.control.close()
        try:
            work(other, *arguments)
        except EOFError:
            pass  # the test has gone

    def tell(self):
        self.control.send(None)

    def stop(self, within=20):
        """What it has to report; what it holds open is closed then."""
        try:
            self.tell()
            return self.control.recv() if self.control.poll(within) else None
        except (OSError, EOFError):
            return None
        finally:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.join(10)
