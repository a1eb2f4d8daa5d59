"""make install and make uninstall, of what is built: into a directory of the test's."""
import os
import re
import subprocess
import unittest

from helpers import ROOT
from helpers.process import OURS
from helpers.scenario import Scenario


class Install(Scenario):
    def setUp(self):
        super().setUp()
        self.root = os.path.join(self.directory, 'root')

    def make(self, *words):
        done = subprocess.run(
            ['make', '--no-print-directory', *words, 'DESTDIR=' + self.root, 'INSTALL_PROGRAM=install', 'release_dir=' + os.path.dirname(OURS)],
            cwd=ROOT, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def files(self):
        return sorted(os.path.join(folder, name)[len(self.root):] for folder, _, names in os.walk(self.root) for name in names)

    def test_uninstall(self):
        """It removes what install has put there, and nothing else."""
        os.makedirs(self.root + '/usr/sbin')
        other = self.root + '/usr/sbin/other'
        with open(other, 'w') as f:
            f.write('mine')
        self.make('install')
        installed = self.files()
        for path in '/usr/sbin/wstand', '/usr/bin/wstanctl', '/etc/wstan.conf', '/usr/lib/systemd/system/wstand.service':
            self.assertIn(path, installed)
        self.assertIn('/usr/sbin/wstand\'', self.make('uninstall'))
        self.assertEqual(self.files(), ['/usr/sbin/other'])

    def test_edited_configuration(self):
        """It stays, and that is said; the new one that install has put beside it goes."""
        self.make('install')
        with open(self.root + '/etc/wstan.conf', 'a') as f:
            f.write('# mine\n')
        os.makedirs(self.root + '/etc/wstan')
        with open(self.root + '/etc/wstan/key', 'w') as f:
            f.write('secret')
        self.make('install')
        self.assertIn('/etc/wstan.conf.new', self.files())
        self.assertIn('/etc/wstan.conf was edited and stays\n', self.make('uninstall'))
        self.assertEqual(self.files(), ['/etc/wstan.conf', '/etc/wstan/key'])

    def test_documents(self):
        """Every relative link of the installed documents leads to a file that is installed."""
        self.make('install-docs')
        docs = self.root + '/usr/share/doc/wstan'
        os.makedirs(docs + '/examples')
        with open(os.path.join(ROOT, 'debian/wstan.examples')) as f:
            # As dh_installexamples copies them.
            subprocess.run(['cp', '-R', '--', *f.read().split(), docs + '/examples'], cwd=ROOT, check=True)
        count = 0
        for name in os.listdir(docs):
            if not name.endswith('.md'):
                continue
            with open(os.path.join(docs, name)) as f:
                text = f.read()
            for target in re.findall(r'\]\(([^)\s]+)\)', text):
                path = target.partition('#')[0]
                if '://' in target or not path:
                    continue
                count += 1
                self.assertTrue(os.path.exists(os.path.join(docs, path)), '%s: %s' % (name, target))
        self.assertGreater(count, 20)

    def test_other_places(self):
        """Both go by the same variables."""
        self.make('install', 'prefix=/usr/local', 'sysconfdir=/usr/local/etc')
        self.assertIn('/usr/local/etc/wstan.conf', self.files())
        self.make('uninstall', 'prefix=/usr/local', 'sysconfdir=/usr/local/etc')
        self.assertEqual(self.files(), [])

    def test_help(self):
        """The texts stand in one column."""
        lines = self.make('help').splitlines()[1:]
        self.assertGreater(len(lines), 10)
        columns = {re.match(r'  [a-z-]+ +', line).end() for line in lines}
        self.assertEqual(len(columns), 1, lines)


if __name__ == '__main__':
    unittest.main()
