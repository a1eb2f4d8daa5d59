"""Runs every test_*.py in the folders beside it, in ../attack and in ../v2, or the tests whose names contain an argument.

The folders are packages, imported from here: `python3 -m unittest client.test_http` in this directory runs one module, when
the variables are set that `run` sets.
"""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)  # attack is there, which uses the helpers, and v2, which they use


class Result(unittest.TextTestResult):
    """Adds the logs of a failed test's processes to its report, and remembers how long each test took."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.seconds = {}
        self.passed = 0
        self.began = 0.0

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.seconds[test.id()] = time.monotonic() - self.began
        super().stopTest(test)

    def addSuccess(self, test):
        self.passed += 1
        super().addSuccess(test)

    def _exc_info_to_string(self, err, test):
        report = getattr(test, 'report', None)
        return super()._exc_info_to_string(err, test) + (report() if report else '')


def main(filters):
    loader = unittest.TestLoader()
    if filters:
        loader.testNamePatterns = ['*%s*' % f for f in filters]
    suite = loader.discover(HERE, pattern='test_*.py', top_level_dir=HERE)
    for folder in 'attack', 'v2':
        suite.addTests(loader.discover(os.path.join(TESTS, folder), pattern='test_*.py', top_level_dir=TESTS))
    if loader.errors:
        print('\n'.join(loader.errors), file=sys.stderr)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(suite)

    slowest = sorted(result.seconds.items(), key=lambda item: -item[1])[:8]
    print('slowest: ' + ', '.join('%s %.1f s' % (name.split('.')[-1], s) for name, s in slowest))
    for test, reason in result.skipped:
        print('NOT RUN: %s: %s' % (test.id(), reason))
    # A test with several broken parts (subTest) is one broken test.
    broken = {getattr(t, 'test_case', t).id() for t, _ in result.failures + result.errors}
    if not result.testsRun:
        print('no test has such a name')
    print('%d passed, %d failed' % (result.passed, len(broken)))
    return 1 if broken or loader.errors or not result.testsRun else 0


if __name__ == '__main__':
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main(sys.argv[1:]))
