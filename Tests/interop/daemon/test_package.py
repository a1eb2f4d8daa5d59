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
