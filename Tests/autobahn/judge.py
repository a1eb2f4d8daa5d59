"""Runs the Autobahn testsuite against the echo in both roles, and counts its verdicts. judge.py [quick]"""
import collections
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

WSTEST, ECHO = os.environ['WSTEST'], os.environ['ECHO']
WORK = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '.build', 'autobahn')
PASSED = {'OK', 'NON-STRICT', 'INFORMATIONAL'}
COMPRESSION = ['12.*', '13.*']
LARGE = ['9.*']
LIMIT = 900  # seconds for one role


class Failure(Exception):
    pass


def free_port():
    """Outside the range from which the kernel takes the ports of outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


def await_port(port, process):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failure('%s ended with status %d before it listened' % (process.args[0], process.returncode))
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise Failure('%s does not listen' % process.args[0])


class Running:
    """A process that is ended, by its number, whatever happens."""

    def __init__(self, name, *arguments):
        self.log_path = os.path.join(WORK, name + '.log')
        self.arguments = list(map(str, arguments))

    def __enter__(self):
        with open(self.log_path, 'wb') as log:
            self.popen = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        return self.popen

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()


def spec(name, excluded, **more):
    """A specification for wstest, and the directory of its report."""
    reports = os.path.join(WORK, name)
    shutil.rmtree(reports, ignore_errors=True)
    path = reports + '.json'
    with open(path, 'w') as f:
        json.dump({'outdir': reports, 'cases': ['*'], 'exclude-cases': excluded, 'exclude-agent-cases': {}, **more}, f)
    return path, reports


def await_end(process, log_path):
    try:
        status = process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        raise Failure('not done within %d s; see %s' % (LIMIT, log_path)) from None
    if status:
        raise Failure('ended with status %d; see %s' % (status, log_path))


def as_server(excluded):
    port = free_port()
    path, reports = spec('server', excluded, servers=[{'agent': 'wstan', 'url': 'ws://127.0.0.1:%d' % port}])
    with Running('server-echo', ECHO, 'serve', port) as echo:
        await_port(port, echo)
        judge = Running('server-judge', WSTEST, '-m', 'fuzzingclient', '-s', path)
        with judge as process:
            await_end(process, judge.log_path)
        if echo.poll() is not None:
            raise Failure('the echo ended with status %d; see %s' % (echo.returncode, WORK))
    return reports


def as_client(excluded):
    port = free_port()
    path, reports = spec('client', excluded, url='ws://127.0.0.1:%d' % port)
    # Without a web server of its own, which would take a port that is not ours to give.
    with Running('client-judge', WSTEST, '-m', 'fuzzingserver', '-s', path, '-u', '0') as judge:
        await_port(port, judge)
        echo = Running('client-echo', ECHO, 'visit', port)
        with echo as process:
            await_end(process, echo.log_path)
    return reports


def verdicts(reports):
    with open(os.path.join(reports, 'index.json')) as f:
        return json.load(f)['wstan']


def main(words):
    excluded = COMPRESSION + (LARGE if words == ['quick'] else [])
    os.makedirs(WORK, exist_ok=True)
    failed = False
    for role, run in ('server', as_server), ('client', as_client):
        began = time.monotonic()
        cases = verdicts(run(excluded))
        counts = collections.Counter(case['behavior'] for case in cases.values())
        closes = collections.Counter(case['behaviorClose'] for case in cases.values())
        # Whose fault a wrong end is, is in the second verdict.
        bad = sorted(number for number, case in cases.items() if not {case['behavior'], case['behaviorClose']} <= PASSED)
        print('autobahn, as %s: %d cases in %d s: %s; closing: %s' % (
            role, len(cases), time.monotonic() - began,
            *(', '.join('%d %s' % (count, verdict) for verdict, count in sorted(c.items())) for c in (counts, closes))))
        for number in bad:
            print('  %s: %s, closing: %s' % (number, cases[number]['behavior'], cases[number]['behaviorClose']))
        failed = failed or bool(bad) or not cases
    return 1 if failed else 0


if __name__ == '__main__':
    sys.stdout.reconfigure(line_buffering=True)
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit('autobahn: %s' % failure)
