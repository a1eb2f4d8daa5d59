"""Certificates of the tests' own, and servers that have them."""
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from helpers.network.fronts import PATH
from helpers.process import OURS, find, free_port
from helpers.scenario import TARGETS_HERE


class Authority:
    """A certificate authority of our own, and a certificate of localhost by it."""

    def __init__(self, directory):
        self.directory = directory
        new_key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes')
        self.certificate, self.key, self.chain = self.path('ca.pem'), self.path('key.pem'), self.path('chain.pem')
        self.openssl('req', '-x509', *new_key, '-keyout', self.path('ca-key.pem'), '-out', self.certificate, '-days', '2',
                     '-subj', '/CN=Test authority', '-addext', 'keyUsage=critical,keyCertSign')
        self.openssl('req', *new_key, '-keyout', self.key, '-out', self.path('request.pem'), '-subj', '/CN=localhost')
        with open(self.path('extensions'), 'w') as f:
            f.write('subjectAltName=DNS:localhost,IP:127.0.0.1\n')
        self.openssl('x509', '-req', '-in', self.path('request.pem'), '-CA', self.certificate, '-CAkey', self.path('ca-key.pem'),
                     '-CAcreateserial', '-days', '2', '-extfile', self.path('extensions'), '-out', self.chain)

    def path(self, name):
        return os.path.join(self.directory, name)

    def issue(self, name, alternatives='DNS:localhost,IP:127.0.0.1', days=2, by=None):
        """A certificate and its key; signed by itself when that is `by`."""
        certificate, key = self.path(name + '.pem'), self.path(name + '-key.pem')
        self.openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key,
                     '-out', self.path(name + '.csr'), '-subj', '/CN=' + name)
        with open(self.path(name + '.ext'), 'w') as f:
            f.write('subjectAltName=%s\n' % alternatives)
        signer = (['-signkey', key] if by == 'itself' else
                  ['-CA', self.certificate, '-CAkey', self.path('ca-key.pem'), '-CAcreateserial'])
        self.openssl('x509', '-req', '-in', self.path(name + '.csr'), *signer, '-days', str(days), '-extfile', self.path(name + '.ext'),
                     '-out', certificate)
        return certificate, key

    def openssl(self, *arguments):
        subprocess.run(['openssl', *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=True)

    def shown(self, port):
        """The certificate that a server on this host shows, in DER."""
        with socket.create_connection(('127.0.0.1', port), timeout=10) as s, self.wrap(s) as t:
            return t.getpeercert(binary_form=True)

    def wrap(self, s):
        return ssl.create_default_context(cafile=self.certificate).wrap_socket(s, server_hostname='localhost')


def module_authority():
    """For setUpModule: an authority that goes with the module's tests; None without openssl."""
    directory = tempfile.mkdtemp(prefix='wstan-interop.')
    unittest.addModuleCleanup(shutil.rmtree, directory)
    return Authority(directory) if find('openssl') else None


def tls_server(scenario, authority, *options, identity=None):
    """A server for wss://localhost, started by `scenario`, with a certificate of the authority's or another `identity`."""
    port = free_port()
    certificate, key = identity or (authority.chain, authority.key)
    server = scenario.start('server', OURS, '-s', 'wss://localhost:%d%s' % (port, PATH), scenario.key, '--listen=127.0.0.1:%d' % port,
                            '--tls-certificate=' + certificate, '--tls-key=' + key, TARGETS_HERE, *options)
    server.port = port
    server.await_port(port)
    return server
