"""What tests of real programs share: running a program to its end, and a web server with files."""
import functools
import http.server
import os
import shutil
import ssl
import subprocess
import threading

from helpers.peers import payload
from helpers.process import without_proxies
from helpers.scenario import Scenario
from helpers.waiting import Stuck


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and takes them by PUT."""

    def log_message(self, *arguments):
        pass

    def do_PUT(self):
        with open(self.translate_path(self.path), 'wb') as f:
            for part in self.body():
                f.write(part)
        self.send_response(201)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def body(self):
        left = int(self.headers['Content-Length'])
        while left:
            part = self.rfile.read(min(left, 1 << 18))
            if not part:
                raise EOFError('%d bytes of the body are missing' % left)
            yield part
            left -= len(part)


class WebServer(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


class Toolbox(Scenario):
    def setUp(self):
        super().setUp()
        self.site = os.path.join(self.directory, 'site')
        os.mkdir(self.site)

    def web(self, handler=QuietHandler, certificate=None):
        """A web server on 127.0.0.1 of the files in `self.site`, https with a `certificate`; returns its port."""
        server = WebServer(('127.0.0.1', 0), functools.partial(handler, directory=self.site))
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # Shaking hands is for the connection's own thread, not for the one that accepts.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def certificate(self):
        """A file with a key and a certificate that nobody has signed."""
        self.needs('openssl')
        path = os.path.join(self.directory, 'certificate.pem')
        self.tool('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                  '-subj', '/CN=wstan.test', '-days', '1', '-keyout', path + '.key', '-out', path + '.crt')
        with open(path, 'wb') as whole:
            for part in '.key', '.crt':
                with open(path + part, 'rb') as f:
                    whole.write(f.read())
        return path

    def tool(self, *arguments, within=30, **options):
        """Runs it to a good end and returns what it printed."""
        environment = dict(without_proxies(), HOME=self.directory, LC_ALL='C', **options.pop('environment', {}))
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
