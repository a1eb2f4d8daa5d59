"""A server, and clients of it by configuration files."""
import os

from helpers.process import OURS, free_port
from helpers.scenario import Scenario


class ConfiguredClient(Scenario):
    def setUp(self):
        super().setUp()
        self.wstan_server = self.server()

    def path(self, name):
        return os.path.join(self.directory, name)

    def client_with(self, configuration='', *options, listen=None, **others):
        """A client of our server with this at the end of its file; `.port` is where it listens."""
        file = self.path('wstan%d.conf' % len(self.processes))
        port = free_port()
        with open(file, 'w') as f:
            f.write('mode = client\nuri = ws://127.0.0.1:%d/\nkey = %s\n[client]\nlisten = %s\n%s\n' % (
                others.get('server', self.wstan_server).port, self.key, listen or '127.0.0.1:%d' % port, configuration))
        process = self.start('client', OURS, '--config', file, *options)
        process.port = port
        process.await_log('client: ')
        return process
