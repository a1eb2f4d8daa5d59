"""What a flood has done, as figures, and the table of them."""
import os
import sys
import threading
import time

from attack.genuine import percentile
from helpers import ROOT

sys.path.append(os.path.join(ROOT, 'bench'))
import machine  # noqa: E402

PAGE = os.path.join(ROOT, 'docs/security.md')
BEGIN, END = '<!-- Tests/attack/run writes from here -->\n', '<!-- to here -->\n'
LAST = os.path.join(ROOT, '.build/attack/last.md')

TIMES_QUIET, LEAST, MOST = 3, 20, 100  # goals of a p99: times the quiet one, or milliseconds; never above
RETURN = 1.1  # of the memory that it had before

ROWS = []


class Memory:
    """Resident bytes of a process before, the most of them during, and after."""

    def __init__(self, before):
        self.before = self.most = self.after = before
        self.process = None
        self.is_over = threading.Event()

    def watch(self, process):
        self.process = process
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.is_over.wait(0.05):
            self.after = self.process.resident()
            self.most = max(self.most, self.after)

    def is_back(self, margin=0):
        return self.after <= self.before * RETURN + margin

    def settle(self, within, margin):
        """Waits until it is back, for so long at most, and not less than a few moments."""
        end = time.monotonic() + within
        time.sleep(min(within, 2))
        while not self.is_back(margin) and time.monotonic() < end:
            time.sleep(0.1)
        self.is_over.set()
        self.thread.join()

    def __str__(self):
        return '%.1f / %.1f / %.1f' % tuple(size / (1 << 20) for size in (self.before, self.most, self.after))


class Figures:
    def __init__(self, title, began, ended, newcomers, residents, memory, per_second):
        self.title, self.memory, self.per_second = title, memory, per_second
        # Each as (quiet, flood, after).
        self.newcomers, self.residents = (
            [[s for s in samples if s.began < began], [s for s in samples if began <= s.began < ended],
             [s for s in samples if s.began >= ended]] for samples in (newcomers, residents))

    def failures(self):
        """The first few; an empty phase is one, too."""
        said = []
        for name, phases in ('new connection', self.newcomers), ('round trip', self.residents):
            for phase, samples in zip(('before', 'during', 'after'), phases):
                failed = [s.failure for s in samples if s.failure]
                if failed:
                    said.append('%s, %s: %d of %d failed: %s' % (name, phase, len(failed), len(samples), failed[0]))
                elif not samples:
                    said.append('%s, %s: not one' % (name, phase))
        return said

    def missed(self):
        """The goals that are missed."""
        said = []
        for name, (quiet, flood, _) in ('new connection', self.newcomers), ('round trip', self.residents):
            goal = min(MOST, max(LEAST, TIMES_QUIET * percentile(quiet, 0.99)))
            if not percentile(flood, 0.99) <= goal:
                said.append('p99 of a %s is %.1f ms, at most %.1f' % (name, percentile(flood, 0.99), goal))
        if not self.memory.is_back():
            said.append('memory is not back: %s MB' % self.memory)
        return said

    def row(self):
        def pair(samples):
            return '%.1f / %.1f' % (percentile(samples, 0.5), percentile(samples, 0.99))
        failed = sum(1 for phases in (self.newcomers, self.residents) for phase in phases for s in phase if s.failure)
        tried = sum(len(phase) for phases in (self.newcomers, self.residents) for phase in phases)
        cells = [self.title, '{:,.0f}'.format(self.per_second), pair(self.newcomers[0]), pair(self.newcomers[1]),
                 pair(self.residents[0]), pair(self.residents[1]), '%d of %d' % (failed, tried), str(self.memory),
                 'met' if not (self.missed() or self.failures()) else '**missed**']
        return '| ' + ' | '.join(cells) + ' |'


HEAD = ('| flood | rounds/s | new connection, quiet: p50 / p99 ms | in the flood | round trip, quiet | in the flood | failed '
        '| MB resident before / most / after | goals |\n' + '| --- ' * 9 + '|\n')


def provenance():
    commit = machine.said('git', '-C', ROOT, 'describe', '--always', '--dirty') or 'no commit'
    return '%s, %s; %s.' % (time.strftime('%Y-%m-%d', time.gmtime()), commit, machine.description())


def add(figures):
    if os.environ.get('TOP'):
        for phases in (figures.newcomers, figures.residents):
            print([(round(s.began - phases[1][0].began, 2), round(s.took * 1000)) for s in sorted(phases[1], key=lambda s: -s.took)[:14]], len(phases[1]))
    ROWS.append(figures)


def finish():
    """Prints the table, when figures were wanted; a whole one goes to the page."""
    if not os.environ.get('WSTAN_FIGURES') or not ROWS:
        return
    table = provenance() + '\n\n' + HEAD + ''.join(figures.row() + '\n' for figures in ROWS)
    os.makedirs(os.path.dirname(LAST), exist_ok=True)
    with open(LAST, 'w') as f:
        f.write(table)
    print('\n' + table, file=sys.stdout)
    if os.environ.get('WSTAN_FLOODS') != 'page':
        return
    with open(PAGE) as f:
        text = f.read()
    head, rest = text.split(BEGIN)
    with open(PAGE, 'w') as f:
        f.write(head + BEGIN + '\n' + table + '\n' + END + rest.split(END)[1])
