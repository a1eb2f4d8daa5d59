"""A mix of everything through a real pair for a while: soak.py MINUTES

Four rounds of load; in the midst of the third the server is restarted. After each round all is quiet for a while, and then
descriptors are as many as before the first connection and for a full pool, and memory is what it was after the first round of that
process. Each transfer is verified by its sum. Only what a restart has cut may fail, and not even that may lose a byte unsaid. Datagrams may
be lost at any time; they are counted.
"""
import collections
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'interop'))

import datagram_loads
import loads
import web_loads
from helpers.peers import agent
from helpers.peers.datagrams import DatagramTarget
from helpers.peers.web import Web
from helpers.process import MB, Process, free_port
from helpers.scenario import binary_key
from helpers.waiting import Stuck, eventually, standstill

WSTAND = os.environ['WSTAND']
LOADS = loads.LOADS + web_loads.LOADS + datagram_loads.LOADS
USER_AGENTS = 24
# The memory of a process may differ by so much between two rounds: it depends on how many connections were slow at once.
MARGIN = 8 * MB
# How long what was cut short may take to be put away: a farewell to a peer that says nothing more takes two seconds.
SETTLING = 30
IDLE = 3  # seconds that a tunnel is kept in the pool, so that an end of idle tunnels is in sight
# Everything that may be in the logs; a client warns when its server is away.
# Some loads ask for a target that refuses, and the server is restarted.
# A user agent may have closed its socket when the client looks up whose it is.
USUAL = re.compile(r' notice: (wstand |stopping|stopped|a target was not reached; .*reason="connection refused"|server \S+ works again |'
                   r'datagrams are dropped: their socket was closed before its user was looked up)')
WHILE_AWAY = re.compile(r'server|tunnel|connect', re.IGNORECASE)


class Round:
    """Loads in many threads until the time is over."""

    def __init__(self, soak, seconds, disturbance=None):
        self.soak, self.seconds, self.disturbance = soak, seconds, disturbance
        self.done, self.cut, self.problems = collections.Counter(), collections.Counter(), []
        self.disturbed = None  # from when to when nothing is certain
        self.over = threading.Event()

    def run(self, seed):
        threads = [threading.Thread(target=self._agent, args=(random.Random(seed + n),), daemon=True) for n in range(USER_AGENTS)]
        for thread in threads:
            thread.start()
        if self.disturbance:
            time.sleep(self.seconds / 2)
            began = time.monotonic()
            self.disturbed = (began, float('inf'))
            self.disturbance()
            # What had begun before needs a moment to be told.
            self.disturbed = (began, time.monotonic() + 1)
        self.over.wait(self.seconds / 2 if self.disturbance else self.seconds)
        self.over.set()
        for thread in threads:
            thread.join(120)
            if thread.is_alive():
                self.problems.append('a load hangs')
        return self

    def _agent(self, source):
        place = self.soak.place(source)
        functions, weights = zip(*LOADS)
        while not self.over.is_set():
            load = source.choices(functions, weights)[0]
            began = time.monotonic()
            try:
                load(place)
                self.done[load.__name__] += 1
            except Exception as error:  # of whatever kind: it is reported
                self._failed(load.__name__, error, began)

    def _failed(self, name, error, began):
        disturbed = self.disturbed
        overlaps = disturbed and began <= disturbed[1] and time.monotonic() >= disturbed[0]
        # A transfer that was cut must not look as if it had come to its end: a reset says so, a short answer would not.
        if overlaps and isinstance(error, (OSError, agent.Refused)):
            self.cut[name] += 1
        elif len(self.problems) < 20:
            self.problems.append('%s: %s' % (name, ''.join(traceback.format_exception_only(type(error), error)).strip()))


class Soak:
    UDP_IDLE = 2  # seconds
    POOL = 16  # tunnels that may be idle

    def __init__(self, minutes):
        self.minutes = minutes
        self.directory = tempfile.mkdtemp(prefix='wstan-soak.')
        self.key_file = os.path.join(self.directory, 'key')
        with open(os.open(self.key_file, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as f:
            f.write(binary_key())
        self.target = loads.new_target()
        self.webs = [Web('127.0.0.1'), Web('127.0.0.1'), Web('127.0.0.2')]
        self.echoes = [DatagramTarget(host='127.0.0.1'), DatagramTarget(host='127.0.0.2')]
        self.datagrams = collections.Counter()
        self.refusing_port = free_port()
        self.server_port = free_port()
        self.client_port = free_port()
        self.processes = []
        self.failures = []

    def start(self, name, *arguments):
        log_path = os.path.join(self.directory, '%d-%s.log' % (len(self.processes), name))
        process = Process(name, [WSTAND, *map(str, arguments)], log_path)
        self.processes.append(process)
        return process

    def start_server(self):
        self.server = self.start('server', '-s', 'ws://127.0.0.1:%d' % self.server_port, '--key-file', self.key_file,
                                 '--allow-private=yes')  # the targets are on this host
        self.server.await_port(self.server_port)

    def start_client(self):
        self.client = self.start('client', 'ws://127.0.0.1:%d' % self.server_port, '--key-file', self.key_file,
                                 '-a', '127.0.0.1', '-p', self.client_port, '--pool-size', self.POOL, '--pool-max-idle', '%ds' % IDLE,
                                 '--udp-idle', '%ds' % self.UDP_IDLE)
        self.client.await_port(self.client_port)

    def restart_server(self):
        self.server.signal(signal.SIGTERM)
        status = self.server.exit_status(20)
        if status:
            self.failures.append('the server ended with status %d at SIGTERM' % status)
        self.start_server()

    def place(self, source):
        return loads.Place(self, source)

    def are_settled(self, fresh):
        """One tunnel is open ahead from the start; after bursts of connections there are as many as the pool may have."""
        return all(first <= now <= first + self.POOL - 1 for first, now in zip(fresh, self.descriptors()))

    def descriptors(self):
        return [len(os.listdir('/proc/%d/fd' % p.popen.pid)) for p in (self.server, self.client)]

    def run(self):
        seconds = self.minutes * 60 / 4
        self.start_server()
        self.start_client()
        fresh = standstill(self.descriptors, 'descriptors of fresh processes')
        baseline = {}
        names = ['warm-up', 'load', 'load with a restart', 'load']
        for number, name in enumerate(names):
            restart = self.restart_server if 'restart' in name else None
            self.datagrams.clear()
            result = Round(self, seconds, restart).run(seed=1000 * number)
            self.failures += result.problems
            settled = self.settle(fresh)
            memory = {p: p.resident() for p in (self.server, self.client)}
            print('%-20s %6d loads done, %d cut by the restart; descriptors %s; resident %s' % (
                name, sum(result.done.values()), sum(result.cut.values()), settled,
                ', '.join('%s %.1f MB' % (p.name, size / MB) for p, size in memory.items())))
            print('%-20s %6d datagrams sent, %d of them lost' % (
                '', self.datagrams['sent'], self.datagrams['sent'] - self.datagrams['came']))
            for process, size in memory.items():
                if size > baseline.setdefault(process, size) + MARGIN:
                    self.failures.append('the %s has grown from %.1f to %.1f MB' % (
                        process.name, baseline[process] / MB, size / MB))
            missing = [f.__name__ for f, _ in LOADS if not result.done[f.__name__]]
            if missing:
                self.failures.append('never succeeded in "%s": %s' % (name, ', '.join(missing)))
        self.still_works()
        for process in (self.client, self.server):
            process.signal(signal.SIGTERM)
            if status := process.exit_status():
                self.failures.append('the %s ended with status %d' % (process.name, status))
        self.read_logs()

    def targets(self):
        return [self.target] + [web.target for web in self.webs]

    def settle(self, fresh):
        """Waits until all connections are put away, and their targets' too."""
        for target in self.targets():
            for connection in target.connections:
                connection.close()
            target.connections.clear()
        for web in self.webs:
            web.requests.clear()
        for echo in self.echoes:
            echo.received.clear()
        try:
            eventually(lambda: self.are_settled(fresh), 'descriptors are as many as at the start, and the pool', SETTLING, 0.2)
            return 'as expected'
        except Stuck:
            self.failures.append('descriptors of server and client: %s, at the start %s' % (self.descriptors(), fresh))
            return str(self.descriptors())

    def still_works(self):
        size = 4096
        if agent.download(agent.socks5(self.client_port, '127.0.0.1', self.target.port), size) != (size, loads.SUMS[size]):
            self.failures.append('a last download is not whole')

    def read_logs(self):
        for process in self.processes:
            for line in process.log().splitlines():
                if not USUAL.search(line) and not (process is self.client and WHILE_AWAY.search(line) and 'warning' in line):
                    self.failures.append('%s logged: %s' % (process.name, line))

    def end(self):
        for process in self.processes:
            try:
                process.end()
            except AssertionError as error:
                self.failures.append(str(error))
        for target in [self.target, *self.webs, *self.echoes]:
            target.close()
        if not self.failures:
            shutil.rmtree(self.directory, ignore_errors=True)


def main(minutes):
    soak = Soak(float(minutes))
    try:
        soak.run()
    except AssertionError as error:
        soak.failures.append(str(error))
    finally:
        soak.end()
    for failure in soak.failures[:40]:
        print('soak: ' + failure, file=sys.stderr)
    if soak.failures:
        print('soak: FAILED; the logs are in %s' % soak.directory, file=sys.stderr)
        return 1
    print('soak: passed')
    return 0


if __name__ == '__main__':
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main(*sys.argv[1:]))
