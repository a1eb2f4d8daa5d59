"""Real programs through our pair: curl, git, ssh."""
import os
import shutil
import subprocess

from helpers.process import MB, free_port
from helpers.toolbox import QuietHandler, Toolbox


class GitHandler(QuietHandler):
    """git-http-backend as a CGI program (RFC 3875), which serves the repositories in the directory."""

    def do_GET(self):
        self._serve(b'')

    def do_POST(self):
        self._serve(b''.join(self.body()))

    def _serve(self, body):
        path, _, query = self.path.partition('?')
        environment = dict(
            os.environ, GIT_PROJECT_ROOT=self.directory, GIT_HTTP_EXPORT_ALL='1', REQUEST_METHOD=self.command, PATH_INFO=path,
            QUERY_STRING=query, CONTENT_TYPE=self.headers.get('Content-Type', ''), CONTENT_LENGTH=str(len(body)),
            HTTP_CONTENT_ENCODING=self.headers.get('Content-Encoding', ''), HTTP_GIT_PROTOCOL=self.headers.get('Git-Protocol', ''))
        answer = subprocess.run(['git', 'http-backend'], input=body, stdout=subprocess.PIPE, env=environment, timeout=30).stdout
        head, _, rest = answer.partition(b'\r\n\r\n')
        fields = dict(line.split(': ', 1) for line in head.decode().split('\r\n'))
        self.send_response(int(fields.pop('Status', '200').split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)


class Tools(Toolbox):
    def setUp(self):
        super().setUp()
        self.wstan_client = self.client(self.server())
        self.proxy = '127.0.0.1:%d' % self.wstan_client.port


class Curl(Tools):
    def assertTransfers(self, *how, host='127.0.0.1'):
        """curl gets and puts a file so."""
        self.needs('curl')
        address, path = 'http://%s:%d' % (host, self.web()), self.put('file', 5 * MB)
        got = os.path.join(self.directory, 'got')
        self.tool('curl', '-sSf', '--noproxy', '', *how, '-o', got, address + '/file')
        self.assertTrue(self.same(got, path))
        # Python's web server does not say "100 Continue", for which curl waits a second.
        self.tool('curl', '-sSf', '--noproxy', '', *how, '-H', 'Expect:', '-T', path, address + '/uploaded')
        self.assertTrue(self.same(os.path.join(self.site, 'uploaded'), path))

    def test_socks4(self):
        """curl --socks4 gets and puts a file."""
        self.assertTransfers('--socks4', self.proxy)

    def test_socks4a(self):
        """curl --socks4a gets and puts a file, of a name."""
        self.assertTransfers('--socks4a', self.proxy, host='localhost')

    def test_socks5(self):
        """curl --socks5 gets and puts a file, of a name that it looks up itself."""
        self.assertTransfers('--socks5', self.proxy, '-4', host='localhost')

    def test_socks5_hostname(self):
        """curl --socks5-hostname gets and puts a file, of a name."""
        self.assertTransfers('--socks5-hostname', self.proxy, host='localhost')

    def test_connect(self):
        """curl -p -x gets and puts a file through CONNECT, of a name."""
        self.assertTransfers('-p', '-x', 'http://' + self.proxy, host='localhost')

    def test_https(self):
        """curl -x gets a page by https, which it does through CONNECT unasked."""
        self.needs('curl')
        path, port = self.put('file', MB), self.web(certificate=self.certificate())
        got = os.path.join(self.directory, 'got')
        self.tool('curl', '-sSfk', '--noproxy', '', '-x', 'http://' + self.proxy, '-o', got, 'https://localhost:%d/file' % port)
        self.assertTrue(self.same(got, path))


class Repository(Tools):
    """A repository to be cloned, which takes pushes."""

    def setUp(self):
        super().setUp()
        self.needs('git')
        self.work, self.bare = os.path.join(self.directory, 'work'), os.path.join(self.site, 'repository.git')
        self.git('init', '-q', self.work)
        for number in range(20):
            with open(os.path.join(self.work, 'file%d' % number), 'wb') as f:
                f.write(os.urandom(20000))
        self.git('add', '.', cwd=self.work)
        self.git('commit', '-q', '-m', 'all', cwd=self.work)
        self.git('clone', '-q', '--bare', self.work, self.bare)
        self.git('config', 'http.receivepack', 'true', cwd=self.bare)

    def git(self, *arguments, **options):
        settings = ('user.name=a', 'user.email=a@example.com', 'init.defaultBranch=main', 'http.sslVerify=false', 'safe.directory=*')
        return self.tool('git', *(word for setting in settings for word in ('-c', setting)), *arguments, **options)

    def needsHTTP(self):
        if not shutil.which('git-remote-http', path=self.tool('git', '--exec-path').decode().strip()):
            self.skipTest('git has no git-remote-http')

    def assertClones(self, address, *how, push=True, **options):
        clone = os.path.join(self.directory, 'clone')
        self.git(*how, 'clone', '-q', address, clone, **options)
        self.assertTrue(self.same(os.path.join(self.work, 'file7'), os.path.join(clone, 'file7')))
        if push:
            self.git('commit', '-q', '--allow-empty', '-m', 'another', cwd=clone)
            self.git(*how, 'push', '-q', cwd=clone, **options)
            self.assertEqual(self.git('log', '-1', '--format=%s', 'main', cwd=self.bare), b'another\n')


class Git(Repository):
    """git clones a repository and pushes to it, through the web."""

    def test_plain_files(self):
        """From a web server that has only its files, by SOCKS5."""
        self.needsHTTP()
        self.git('update-server-info', cwd=self.bare)
        self.assertClones('http://127.0.0.1:%d/repository.git' % self.web(), '-c', 'http.proxy=socks5h://' + self.proxy, push=False)

    def test_http_by_socks5(self):
        """By http and SOCKS5."""
        self.needsHTTP()
        self.assertClones('http://localhost:%d/repository.git' % self.web(GitHandler), '-c', 'http.proxy=socks5h://' + self.proxy)

    def test_https_by_connect(self):
        """By https and CONNECT."""
        self.needsHTTP()
        port = self.web(GitHandler, self.certificate())
        self.assertClones('https://localhost:%d/repository.git' % port, '-c', 'http.proxy=http://' + self.proxy)


class SecureShell(Repository):
    """With an sshd of the test's own. nc speaks SOCKS5 and CONNECT for it."""

    def setUp(self):
        super().setUp()
        self.needs('ssh', 'ssh-keygen', 'nc')
        sshd = shutil.which('sshd') or shutil.which('sshd', path='/usr/sbin:/sbin')
        if not sshd:
            self.skipTest('sshd is not installed')
        host_key, self.user_key = (os.path.join(self.directory, name) for name in ('host_key', 'user_key'))
        for key in host_key, self.user_key:
            self.tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key)
        shutil.copy(self.user_key + '.pub', os.path.join(self.directory, 'authorized'))
        configuration = os.path.join(self.directory, 'sshd_config')
        self.port = free_port()
        with open(configuration, 'w') as f:
            f.write('Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s/authorized\nStrictModes no\n'
                    'UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPidFile none\n' % (self.port, host_key, self.directory))
        if os.geteuid() == 0:
            os.makedirs('/run/sshd', exist_ok=True)  # where Debian's sshd insists on having its empty directory
        self.start('sshd', sshd, '-D', '-e', '-f', configuration).await_port(self.port)

    def ssh(self, protocol):
        return ['ssh', '-F', 'none', '-o', 'ProxyCommand=nc -X %s -x %s %%h %%p' % (protocol, self.proxy), '-o', 'BatchMode=yes',
                '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-i', self.user_key, '-p', str(self.port)]

    def test_command(self):
        """ssh runs a command and gets a few megabytes, by SOCKS5 and by CONNECT."""
        for protocol in '5', 'connect':
            output = self.tool(*self.ssh(protocol), 'localhost', 'head -c 3000000 /dev/zero')
            self.assertEqual(output, bytes(3000000))

    def test_git(self):
        """git clones and pushes by ssh."""
        ssh = ' '.join("'%s'" % word for word in self.ssh('5'))
        self.assertClones('ssh://localhost%s' % self.bare, environment={'GIT_SSH_COMMAND': ssh, 'GIT_SSH_VARIANT': 'ssh'})
