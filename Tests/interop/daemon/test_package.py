"""What the package carries beside the programs: documents, examples, and files for other programs."""
import configparser
import glob
import os
import re
import subprocess

from helpers import ROOT
from helpers.process import OURS, find, free_port
from helpers.scenario import Scenario

DOCUMENTS = [path for pattern in ('*.md', 'docs/*.md') for path in glob.glob(os.path.join(ROOT, pattern))]


def text_of(*path):
    with open(os.path.join(ROOT, *path)) as f:
        return f.read()


def anchors(text):
    """Of the headings, as the renderers make them."""
    headings = re.findall(r'^#+ (.*)$', re.sub(r'^```.*?^```', '', text, flags=re.M | re.S), re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


class Files(Scenario):
    def test_links(self):
        """Every link among the documents leads to a file, and to a heading of it."""
        for document in DOCUMENTS:
            for target in re.findall(r'\]\(([^)\s]+)\)', text_of(document)):
                if '://' in target:
                    continue
                path, _, anchor = target.partition('#')
                path = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
                self.assertTrue(os.path.exists(path), '%s: %s' % (document, target))
                if anchor:
                    self.assertIn(anchor, anchors(text_of(path)), '%s: %s' % (document, target))

    def test_configurations(self):
        """Every piece of configuration in the documents is one that wstand takes, as a drop-in of a server's file or of a client's."""
        count = 0
        for name in 'howto.md', 'recipes.md', 'fronts.md':
            for block in re.findall(r'(?:^    .*\n|^\n(?=    ))+', text_of('docs', name), re.M):
                # A here-document's lines, or a whole block.
                pieces = re.findall(r"<<'END'\n(.*?)\n    END", block, re.S) or [block]
                for piece in pieces:
                    lines = [line.strip() for line in piece.strip('\n').splitlines()]
                    if not all(re.match(r'$|\[[\w ]+\]$|[a-z-]+ = \S', line) for line in lines):
                        continue
                    count += 1
                    self.assertTrue(any(self.is_taken(mode, lines) for mode in ('server', 'client')), '%s: %s' % (name, lines))
        self.assertGreater(count, 8)

    def is_taken(self, mode, lines):
        """Without a word of warning; of a client's `proxy` with a password there is one, for a file that others can read."""
        base = os.path.join(self.directory, 'base.conf')
        os.makedirs(base + '.d', exist_ok=True)
        for path, text in ((base, ['mode = ' + mode, 'uri = ws://a/', 'key-file = /k']), (base + '.d/1.conf', lines)):
            with open(path, 'w') as f:
                f.write('\n'.join(text) + '\n')
            os.chmod(path, 0o600)
        done = subprocess.run([OURS, '--strict', '--print-config', '--config', base], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
        return done.returncode == 0 and done.stderr == ''

    def test_packaged_files(self):
        """Debian's lists name files that are there."""
        for name in 'wstan.install', 'wstan.examples', 'wstan.docs':
            for line in text_of('debian', name).splitlines():
                self.assertTrue(glob.glob(os.path.join(ROOT, line.split()[0])), '%s: %s' % (name, line))

    def test_apparmor_profile(self):
        """The profile is one that AppArmor reads; this kernel need not have it."""
        if not find('apparmor_parser'):
            self.skipTest('apparmor_parser is not installed')
        done = subprocess.run([find('apparmor_parser'), '-Q', '-K', os.path.join(ROOT, 'contrib/apparmor/wstand')],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_ufw_application(self):
        """The file has what ufw wants of each application."""
        file = configparser.ConfigParser()
        file.read_string(text_of('contrib/ufw/wstan'))
        self.assertEqual(file.sections(), ['wstan', 'wstan TLS'])
        for section in file.sections():
            self.assertRegex(section, r'^[A-Za-z][A-Za-z0-9 ]*$')
            self.assertEqual(set(file[section]), {'title', 'description', 'ports'})
            self.assertRegex(file[section]['ports'], r'^\d+/tcp$')

    def test_container(self):
        """The options of the recipe's `docker run` fit the image's entry point, and its health check needs no curl."""
        self.assertIn('ENTRYPOINT ["/usr/sbin/wstand"]', text_of('contrib/container/Containerfile'))
        options = re.search(r'docker run .*\bwstan \\\n +(-s .*)', text_of('docs/recipes.md')).group(1)
        self.assertIn(options, text_of('contrib/container/Containerfile'))
        port = free_port()
        check = re.search(r'^HEALTHCHECK CMD (.*)$', text_of('contrib/container/Containerfile'), re.M).group(1)

        def health():
            environment = {'PATH': '/nonexistent', 'WSTAN_PORT': str(port)}
            return subprocess.run(['/bin/bash', '-c', check], env=environment, stderr=subprocess.DEVNULL).returncode

        self.assertNotEqual(health(), 0)
        server = self.start('server', ['env', 'WSTAN_KEY=' + self.key, OURS],
                            *options.replace('0.0.0.0:8080', '127.0.0.1:%d' % port).split())
        server.await_port(port)
        self.assertEqual(health(), 0)
