"""Web servers in front of a server, with the files of contrib/, changed only in addresses, ports, paths and how long they try."""
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
    # What Debian's haproxy.cfg says that the drop-in has to stand: a log format with the request, and short timeouts.
    MAIN = """global
    log stdout format raw local0
    maxconn 256

defaults
    log global
    mode http
    option httplog
    option dontlognull
    retries 0
    timeout connect 5000
    timeout client 50000
    timeout server 50000
"""

    def text(self, header='send-proxy-v2'):
        main = os.path.join(self.directory, 'haproxy.cfg')
        with open(main, 'w') as f:
            f.write(self.MAIN)
        if self.authority:
            pem = os.path.join(self.directory, 'both.pem')
            with open(pem, 'w') as both:
                for part in self.authority.chain, self.authority.key:
                    with open(part) as f:
                        both.write(f.read())
            speaks = 'ssl crt %s alpn http/1.1' % pem
        else:
            speaks = ''
        tls = ' ssl crt /etc/haproxy/certs/example.com.pem alpn http/1.1 ssl-min-ver TLSv1.2'
        return changed(self.FILE, [
            ('bind :443' + tls, 'bind 127.0.0.1:%d %s' % (self.port, speaks)), ('bind [::]:443 v6only' + tls, ''),
            ('127.0.0.1:8080 send-proxy-v2', '127.0.0.1:%d %s' % (self.server_port, header))])

    def command(self):
        main = os.path.join(self.directory, 'haproxy.cfg')
        return ('haproxy', find('haproxy'), '-db', '-f', main, '-f', self.configuration)


class HAProxyTCP(HAProxy):
    """Reads nothing of what it passes on."""
    FILE = 'haproxy/wstan-tcp.cfg'


class Caddy(Front):
    TELLS_CLIENT_BY = '--x-forward=yes'

    def text(self):
        changes = [('127.0.0.1:8080', '127.0.0.1:%d' % self.server_port), ('/var/www/html', self.directory)]
        if self.authority:
            scheme, certificate = 'https', 'tls %s %s' % (self.authority.chain, self.authority.key)
        else:
            scheme, certificate = 'http', ''
        names = ', '.join('%s://%s:%d' % (scheme, name, self.port) for name in ('localhost', '127.0.0.1', 'server.test'))
        site = '%s {\n\tbind 127.0.0.1\n\t%s\n\tlog {\n\t\toutput file %s/access.log\n\t}' % (names, certificate, self.directory)
        text = changed('caddy/wstan.caddy', [*changes, ('example.com {', site)])
        with open(os.path.join(self.directory, 'wstan.caddy'), 'w') as f:
            f.write(text)
        # The first block is the one that the file asks for; without an authority of its own that it would install, and without
        # an interface for administrators.
        return '{\n\tadmin off\n\tauto_https off\n\tlog {\n\t\texclude http.log.error\n\t}\n}\n\nimport wstan.caddy\n'

    def command(self):
        return ('caddy', ['env', 'HOME=' + self.directory, 'XDG_DATA_HOME=' + self.directory, find('caddy')],
                'run', '--adapter', 'caddyfile', '--config', self.configuration)


class Apache(Front):
    TELLS_CLIENT_BY = '--x-forward=yes'
    # What Debian has on, and what the file says to switch on.
    MODULES = ('mpm_event', 'authz_core', 'proxy', 'proxy_http', 'socache_shmcb', 'ssl')

    def text(self):
        changes = [('http://127.0.0.1:8080/chat/', 'http://127.0.0.1:%d/chat/' % self.server_port),
                   ('<VirtualHost *:443>', '<VirtualHost 127.0.0.1:%d>' % self.port), ('/var/www/html', self.directory),
                   ('/var/log/apache2/', self.directory + '/'), ('ServerName example.com', 'ServerName localhost')]
        if self.authority:
            changes += [('/etc/ssl/example.com/fullchain.pem', self.authority.chain),
                        ('/etc/ssl/example.com/privkey.pem', self.authority.key)]
        else:
            changes += [('SSLEngine on', ''), ('SSLProtocol', '#'), ('SSLCertificateFile', '#'), ('SSLCertificateKeyFile', '#')]
        modules = ''.join('LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n' % (name, name) for name in self.MODULES)
        user = 'User www-data\nGroup www-data\n' if os.getuid() == 0 else ''
        return ('%s%sServerName localhost\nListen 127.0.0.1:%d\nPidFile %s/pid\nDefaultRuntimeDir %s\nErrorLog %s/error.log\n'
                'LogFormat "%%h %%l %%u %%t \\"%%r\\" %%>s %%O \\"%%{Referer}i\\" \\"%%{User-Agent}i\\"" combined\n'
                'LogLevel warn\nTimeout 300\n%s'
                % (modules, user, self.port, self.directory, self.directory, self.directory, changed('apache/wstan.conf', changes)))

    def command(self):
        # One process, which has no children that would outlive it.
        return ('apache', find('apache2'), '-X', '-d', self.directory, '-f', self.configuration)


class Lighttpd(Front):
    TELLS_CLIENT_BY = '--x-forward=yes'

    def text(self):
        site = changed('lighttpd/wstan.conf', [('"port" => 8080', '"port" => %d' % self.server_port),
                                               ('| logger -t lighttpd', '>>%s/filtered.log' % self.directory)])
        tls = ''
        if self.authority:
            tls = ('server.modules += ( "mod_openssl" )\nssl.engine = "enable"\nssl.pemfile = "%s"\nssl.privkey = "%s"\n'
                   % (self.authority.chain, self.authority.key))
        # What Debian's lighttpd.conf says around it.
        return ('server.modules = ( "mod_access", "mod_proxy", "mod_accesslog" )\n%s'
                'server.bind = "127.0.0.1"\nserver.port = %d\nserver.document-root = "%s"\n'
                'server.errorlog = "%s/error.log"\naccesslog.filename = "%s/access.log"\n'
                'server.feature-flags += ("server.h2proto" => "enable")\n'
                'server.http-parseopts = ( "header-strict" => "enable", "host-strict" => "enable", "host-normalize" => "enable",\n'
                '    "url-normalize-unreserved" => "enable", "url-normalize-required" => "enable", "url-ctrls-reject" => "enable",\n'
                '    "url-path-2f-decode" => "enable", "url-path-dotseg-remove" => "enable" )\n%s'
                % (tls, self.port, self.directory, self.directory, self.directory, site))

    def command(self):
        return ('lighttpd', find('lighttpd'), '-D', '-f', self.configuration)


class Varnish(Front):
    """Speaks no TLS; it compiles its configuration, which takes a C compiler."""
    TELLS_CLIENT_BY = '--x-forward=yes'

    def text(self):
        backend = changed('varnish/wstan.vcl', [('"8080"', '"%d"' % self.server_port)])
        return 'vcl 4.1;\n\nbackend default none;\n\n' + backend

    def command(self):
        return ('varnish', find('varnishd'), '-F', '-j', 'none', '-n', self.directory, '-s', 'malloc,16m', '-T', 'none',
                '-a', '127.0.0.1:%d' % self.port, '-p', 'pipe_timeout=600', '-f', self.configuration)
