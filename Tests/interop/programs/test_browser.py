"""A browser through the pair: a page with many parts, under a name that only the server can look up."""
import os

from helpers.toolbox import QuietHandler, Toolbox
from helpers.names import Names

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
