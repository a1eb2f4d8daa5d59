"""nginx, haproxy and Caddy in front of a server, with the files of contrib/, changed only in addresses, ports, paths and how long they try."""
import os
import socket

from helpers import ROOT
from helpers.process import find, free_port

CONTRIB = os.path.join(ROOT, 'contrib')
PATH = '/chat/'


def changed(name, changes):
    """A file of contrib/ in which each of `changes` has found its place."""
    with open(os.path.join(CONTRIB, name)) as f:
        text = f.read()
    for old, new in changes:
        if old not in text:
            raise AssertionError('%s does not hold %r' % (name, old))
        text = text.replace(old, new)
    return text


class Front:
    """Started by `scenario`; without an authority it speaks plain HTTP."""

    def __init__(self, scenario, server_port, authority=None, **options):
        self.port, self.server_port, self.authority = free_port(), server_port, authority
        self.directory = os.path.join(scenario.directory, 'front%d' % self.port)
        os.mkdir(self.directory)
        self.configuration = os.path.join(self.directory, 'configuration')
        with open(self.configuration, 'w') as f:
            f.write(self.text(**options))
        self.process = scenario.start(*self.command())
        self.process.await_port(self.port)

    def reach(self, port, source='127.0.0.1'):
        """A connection to it, from one of this host's addresses."""
        s = socket.create_connection(('127.0.0.1', port), 5, source_address=(source, 0))
        return self.authority.wrap(s) if self.authority else s

    def logs(self):
        """All that it has written about anything."""
        texts = [self.process.log()]
        for name in os.listdir(self.directory):
            path = os.path.join(self.directory, name)
            if name.endswith('.log') and os.path.isfile(path):
                with open(path, errors='replace') as f:
                    texts.append(f.read())
        return '\n'.join(texts)


class Nginx(Front):
    TELLS_CLIENT_BY = '--x-forward=yes'

    def text(self):
        at = '127.0.0.1:%d' % self.port
        changes = [('http://127.0.0.1:8080', 'http://127.0.0.1:%d' % self.server_port), ('listen [::]:443 ssl;', ''),
                   ('/var/log/nginx/access.log', 'access.log'), ('/var/www/html', self.directory), ('example.com;', 'localhost;')]
        if self.authority:
            changes += [('listen 443 ssl;', 'listen %s ssl;' % at),
                        ('/etc/ssl/example.com/fullchain.pem', self.authority.chain),
                        ('/etc/ssl/example.com/privkey.pem', self.authority.key)]
        else:
            changes += [('listen 443 ssl;', 'listen %s;' % at), ('ssl_certificate', '#ssl_certificate')]
        # What Debian's nginx.conf says around it, but for the places of files: all is logged, unless the site says otherwise.
        places = ''.join('    %s_temp_path %s/%s;\n' % (kind, self.directory, kind)
                         for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        return ('error_log error.log;\npid nginx.pid;\ndaemon off;\nmaster_process off;\nworker_processes 1;\n'
                'events { worker_connections 256; }\nhttp {\n    access_log access.log;\n%s\n%s\n}\n'
                % (places, changed('nginx/wstan.conf', changes)))

    def command(self):
        return ('nginx', find('nginx'), '-p', self.directory, '-e', 'error.log', '-c', self.configuration)


class HAProxy(Front):
    TELLS_CLIENT_BY = '--proxy-protocol=yes'
    FILE = 'haproxy/wstan.cfg'

    def text(self, header='send-proxy-v2'):
        if self.authority:
            pem = os.path.join(self.directory, 'both.pem')
            with open(pem, 'w') as both:
                for part in self.authority.chain, self.authority.key:
                    with open(part) as f:
                        both.write(f.read())
            speaks = 'ssl crt %s alpn http/1.1' % pem
        else:
            speaks = ''
        return changed(self.FILE, [
            ('log /dev/log local0', 'log stdout format raw local0'), ('    user haproxy\n', ''), ('    group haproxy\n', ''),
            ('maxconn 4000', 'maxconn 256'), ('timeout connect 5s', 'timeout connect 5s\n    retries 0'),
            ('bind :443 ssl crt /etc/haproxy/certs/example.com.pem alpn http/1.1', 'bind 127.0.0.1:%d %s' % (self.port, speaks)),
            ('bind [::]:443 v6only ssl crt /etc/haproxy/certs/example.com.pem alpn http/1.1', ''),
            ('127.0.0.1:8080 send-proxy-v2', '127.0.0.1:%d %s' % (self.server_port, header))])

    def command(self):
        return ('haproxy', find('haproxy'), '-db', '-f', self.configuration)


class HAProxyTCP(HAProxy):
    """Reads nothing of what it passes on."""
    FILE = 'haproxy/wstan-tcp.cfg'


class Caddy(Front):
    TELLS_CLIENT_BY = '--x-forward=yes'

    def text(self):
        # Without an authority of its own that it would install, an interface for administrators, or files elsewhere.
        changes = [('127.0.0.1:8080', '127.0.0.1:%d' % self.server_port), ('/var/www/html', self.directory),
                   ('{\n\t# The path', '{\n\tadmin off\n\tauto_https off\n\t# The path')]
        if self.authority:
            scheme, certificate = 'https', 'tls %s %s' % (self.authority.chain, self.authority.key)
        else:
            scheme, certificate = 'http', ''
        names = ', '.join('%s://%s:%d' % (scheme, name, self.port) for name in ('localhost', '127.0.0.1', 'server.test'))
        site = '%s {\n\tbind 127.0.0.1\n\t%s\n\tlog {\n\t\toutput file %s/access.log\n\t}' % (names, certificate, self.directory)
        return changed('caddy/Caddyfile', [*changes, ('example.com {', site)])

    def command(self):
        return ('caddy', ['env', 'HOME=' + self.directory, 'XDG_DATA_HOME=' + self.directory, find('caddy')],
                'run', '--adapter', 'caddyfile', '--config', self.configuration)
