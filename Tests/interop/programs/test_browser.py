"""Browsers through the pair: a page with many parts, under a name that only the server can look up; and a target that fails."""
import os
import re
import signal

from helpers.names import Names
from helpers.process import free_port
from helpers.toolbox import QuietHandler, Toolbox
from helpers.waiting import eventually, standstill

HOST = 'page.none.live.test'  # see helpers.names.answers
PARTS = 200


class CountingHandler(QuietHandler):
    served = []  # paths

    def do_GET(self):
        self.served.append(self.path)
        super().do_GET()


class Browser(Names, Toolbox):
    """In a namespace whose addresses do not change meanwhile: Chromium drops what is under way when they do."""
    LIMIT = 120
    BOUND = 60

    def setUp(self):
        super().setUp()
        self.needs('chromium')
        self.write('index.html', self.page())
        CountingHandler.served = []

    def write(self, name, text):
        with open(os.path.join(self.site, name), 'w') as f:
            f.write(text)

    def page(self):
        """Images, style sheets and scripts in turn; each that is loaded counts, and the sum is there when all are done."""
        rows = []
        for number in range(PARTS):
            kind = number % 3
            if kind == 0:
                self.write('part%d.svg' % number, '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><!-- %d --></svg>' % number)
                rows.append('<img src="part%d.svg" onload="loaded++">' % number)
            elif kind == 1:
                self.write('part%d.css' % number, '#part%d { color: red }' % number)
                rows.append('<link rel="stylesheet" href="part%d.css" onload="loaded++">' % number)
            else:
                self.write('part%d.js' % number, 'loaded++;')
                rows.append('<script src="part%d.js"></script>' % number)
        counting = 'var loaded = 0; addEventListener("load", () => document.title = "loaded " + loaded)'
        return ('<!doctype html><html><head><title>-</title><script>%s</script></head><body>%s</body></html>'
                % (counting, '\n'.join(rows)))

    def browse(self, proxy, address, *options):
        """What the page has become when all of it has loaded."""
        way = ['--proxy-server=' + proxy] if proxy else []
        # As root Chromium refuses its sandbox; and it asks its makers for this and that unless told otherwise.
        return self.tool('chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
                         '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
                         '--user-data-dir=' + os.path.join(self.directory, 'profile'), *way, *options, '--dump-dom',
                         address, within=self.BOUND).decode()

    def assertLoads(self, scheme, proxy, certificate=None, *options):
        """All parts load, and each is asked for once."""
        port = self.web(CountingHandler, certificate)
        document = self.browse(proxy, '%s://%s:%d/' % (scheme, HOST, port), *options)
        self.assertIn('<title>loaded %d</title>' % PARTS, document)
        parts = [path for path in CountingHandler.served if path.startswith('/part')]
        self.assertEqual((len(parts), len(set(parts))), (PARTS, PARTS))

    def test_socks5(self):
        """By SOCKS5."""
        self.assertLoads('http', 'socks5://127.0.0.1:%d' % self.wstan_client.port)

    def test_plain_http(self):
        """By an HTTP proxy, which is asked for every part."""
        self.assertLoads('http', 'http://127.0.0.1:%d' % self.wstan_client.port)

    def test_https_by_connect(self):
        """By https, for which it asks an HTTP proxy by CONNECT."""
        self.assertLoads('https', 'http://127.0.0.1:%d' % self.wstan_client.port, self.certificate(), '--ignore-certificate-errors')


class TargetThatFails(Toolbox):
    """How often a browser tries it before it explains. Without a proxy Firefox and Chromium try a port that refuses three times; with
    early-reply = yes ten and four to six times."""
    LIMIT = 120
    FIREFOX, CHROMIUM = 2, 3

    def setUp(self):
        super().setUp()
        self.wstan_client = self.client(self.server(), '-d', '--threads=2')

    def tries(self, target, program, *arguments, **environment):
        """How often the client was asked for it; browsers ask for other places of their own."""
        command = ['env', *('%s=%s' % pair for pair in environment.items()), 'HOME=' + self.directory, program]
        browser = self.start('browser', command, *arguments, prepare=os.setsid)
        browser.may_end = True
        self.addCleanup(os.killpg, browser.popen.pid, signal.SIGKILL)
        count = lambda: len(re.findall('target not reached .*target=%s ' % re.escape(target), self.wstan_client.log()))
        eventually(lambda: count() > 0, 'the browser tries', within=60)
        return standstill(count, 'the browser gives up', still=3, within=40)

    def firefox(self, target, **preferences):
        self.needs('firefox-esr')
        profile = os.path.join(self.directory, 'profile')
        os.mkdir(profile)
        preferences = {name.replace('_', '.', 2): value for name, value in preferences.items()}
        preferences.update({'network.proxy.type': 1, 'network.proxy.allow_hijacking_localhost': 'true', 'dom.security.https_first': 'false',
                            'datareporting.policy.dataSubmissionEnabled': 'false', 'network.captive-portal-service.enabled': 'false',
                            'network.connectivity-service.enabled': 'false', 'app.normandy.enabled': 'false',
                            'services.settings.server': '"http://127.0.0.1:9/"'})
        with open(os.path.join(profile, 'user.js'), 'w') as f:
            for name, value in preferences.items():
                f.write('user_pref("%s", %s);\n' % (name, value))
        return self.tries(target, 'firefox-esr', '--no-remote', '--headless', '--profile', profile, 'https://%s/' % target,
                          MOZ_HEADLESS='1')

    def test_firefox_socks5(self):
        tries = self.firefox('nosuch.invalid:443', network_proxy_socks='"127.0.0.1"', network_proxy_socks_port=self.wstan_client.port,
                             network_proxy_socks_version=5, network_proxy_socks_remote_dns='true')
        self.assertLessEqual(tries, self.FIREFOX)

    def test_firefox_connect(self):
        tries = self.firefox('127.0.0.1:%d' % free_port(), network_proxy_ssl='"127.0.0.1"',
                             network_proxy_ssl_port=self.wstan_client.port)
        self.assertLessEqual(tries, self.FIREFOX)

    def test_chromium(self):
        self.needs('chromium')
        tries = self.tries('nosuch.invalid:443', 'chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
                           '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
                           '--user-data-dir=' + os.path.join(self.directory, 'profile'), '--dump-dom',
                           '--proxy-server=http://127.0.0.1:%d' % self.wstan_client.port, 'https://nosuch.invalid/')
        self.assertLessEqual(tries, self.CHROMIUM)
