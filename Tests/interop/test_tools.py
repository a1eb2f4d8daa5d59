"""Real programs through our pair: curl, git, ssh."""
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading

import payload
from process import MB, free_port
from scenario import Scenario
from waiting import Stuck

HERE = os.path.dirname(os.path.abspath(__file__))


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_PUT(self):
        path = self.translate_path(self.path)
        with open(path, 'wb') as f:
            left = int(self.headers['Content-Length'])
            while left:
                part = self.rfile.read(min(left, 1 << 18))
                if not part:
                    return
                f.write(part)
                left -= len(part)
        self.send_response(201)
        self.send_header('Content-Length', '0')
        self.end_headers()


class Tools(Scenario):
    def setUp(self):
        super().setUp()
        self.site = os.path.join(self.directory, 'site')
        os.mkdir(self.site)
        self.wstan_client = self.client(self.server())
        self.proxy = '127.0.0.1:%d' % self.wstan_client.port

    def web(self):
        """A web server of the files in `self.site`; returns its address."""
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(QuietHandler, directory=self.site))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return 'http://127.0.0.1:%d' % server.server_address[1]

    def tool(self, *arguments, within=30, **options):
        """Runs it to a good end and returns what it printed."""
        clean = {name: value for name, value in os.environ.items() if not name.lower().endswith('_proxy')}
        environment = dict(clean, HOME=self.directory, LC_ALL='C', **options.pop('environment', {}))
        try:
            done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=within, env=environment, **options)
        except subprocess.TimeoutExpired as error:
            raise Stuck('%s has not ended within %d s; it said %r' % (arguments[0], within, error.stderr)) from None
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors='replace'))
        return done.stdout

    def needs(self, *programs):
        for program in programs:
            if not shutil.which(program):
                self.skipTest('%s is not installed' % program)

    def put(self, name, size):
        with open(os.path.join(self.site, name), 'wb') as f:
            for block in payload.blocks(size):
                f.write(block)
        return os.path.join(self.site, name)

    def same(self, one, other):
        with open(one, 'rb') as a, open(other, 'rb') as b:
            return a.read() == b.read()

    def curl(self, *how):
        self.needs('curl')
        address, path = self.web(), self.put('file', 5 * MB)
        got = os.path.join(self.directory, 'got')
        self.tool('curl', '-sSf', '--noproxy', '', *how, '-o', got, address + '/file')
        self.assertTrue(self.same(got, path))
        self.tool('curl', '-sSf', '--noproxy', '', *how, '-T', path, address + '/uploaded')
        self.assertTrue(self.same(os.path.join(self.site, 'uploaded'), path))

    def test_curl_by_socks5(self):
        """curl --socks5-hostname gets and puts a file."""
        self.curl('--socks5-hostname', self.proxy)

    def test_curl_by_connect(self):
        """curl -p -x gets and puts a file through CONNECT."""
        self.curl('-p', '-x', 'http://' + self.proxy)

    def test_git(self):
        """git clones a repository."""
        self.needs('git')
        if not shutil.which('git-remote-http', path=self.tool('git', '--exec-path').decode().strip()):
            self.skipTest('git has no git-remote-http')
        work, bare, clone = (os.path.join(self.directory, name) for name in ('work', 'site/repository.git', 'clone'))
        git = ('git', '-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'init.defaultBranch=main')
        self.tool(*git, 'init', '-q', work)
        for number in range(20):
            with open(os.path.join(work, 'file%d' % number), 'wb') as f:
                f.write(os.urandom(20000))
        self.tool(*git, 'add', '.', cwd=work)
        self.tool(*git, 'commit', '-q', '-m', 'all', cwd=work)
        self.tool(*git, 'clone', '-q', '--bare', work, bare)
        self.tool(*git, 'update-server-info', cwd=bare)
        self.tool(*git, '-c', 'http.proxy=socks5h://' + self.proxy, 'clone', '-q', self.web() + '/repository.git', clone)
        self.assertTrue(self.same(os.path.join(work, 'file7'), os.path.join(clone, 'file7')))

    def test_ssh(self):
        """ssh runs a command and moves a few megabytes by a ProxyCommand that speaks SOCKS5."""
        self.needs('ssh', 'ssh-keygen')
        sshd = shutil.which('sshd') or shutil.which('sshd', path='/usr/sbin:/sbin')
        if not sshd:
            self.skipTest('sshd is not installed')
        host_key, user_key = (os.path.join(self.directory, name) for name in ('host_key', 'user_key'))
        for key in host_key, user_key:
            self.tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key)
        shutil.copy(user_key + '.pub', os.path.join(self.directory, 'authorized'))
        configuration = os.path.join(self.directory, 'sshd_config')
        port = free_port()
        with open(configuration, 'w') as f:
            f.write('Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s/authorized\nStrictModes no\n'
                    'UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPidFile none\n' % (port, host_key, self.directory))
        if os.geteuid() == 0:
            os.makedirs('/run/sshd', exist_ok=True)  # where Debian's sshd insists on having its empty directory
        self.start('sshd', sshd, '-D', '-e', '-f', configuration).await_port(port)
        connector = '%s %s %d %%h %%p' % (sys.executable, os.path.join(HERE, 'connector.py'), self.wstan_client.port)
        output = self.tool('ssh', '-F', 'none', '-o', 'ProxyCommand=' + connector, '-o', 'StrictHostKeyChecking=no', '-o', 'BatchMode=yes',
                           '-o', 'UserKnownHostsFile=/dev/null', '-i', user_key, '-p', str(port), '127.0.0.1', 'head -c 3000000 /dev/zero')
        self.assertEqual(output, bytes(3000000))
