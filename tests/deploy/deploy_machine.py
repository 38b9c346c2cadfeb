"""A folder that stands for a machine on which the files of ``deploy/`` are installed."""

import sys
from pathlib import Path

from harness import REPO, free_port, write_archive

DEPLOY = REPO / 'deploy'
COMMAND = 'opt/mxnet-model-server/bin/mxnet-model-server'
# What the files name, and where it begins.
_PLACES = ('/opt/mxnet-model-server', '/etc/mxnet-model-server', '/var/lib/mxnet-model-server',
           '/var/log/mxnet-model-server', '/var/log/nginx')
# The address that the files name.
ADDRESS = '127.0.0.1:8080'


class Machine:
    """Has the command, a model, and a port of its own in place of 8080.

    Parameters
    ----------
    root
        The folder.
    body
        What the model's service does with its input, ``data``.
    """

    def __init__(self, root, body='return data'):
        self.root = Path(root)
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.archive = Path(
            write_archive(self.folder('var/lib/mxnet-model-server'), 'flowers', body))
        self.folder('var/log/mxnet-model-server')
        command = self.folder(Path(COMMAND).parent) / Path(COMMAND).name
        command.symlink_to(Path(sys.executable).parent / command.name)

    def folder(self, name):
        """A folder of this machine, made if it is not there."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def here(self, text):
        """A text of ``deploy/`` with this machine's places and port; nothing else is changed."""
        for place in _PLACES:
            text = text.replace(place, f'{self.root}{place}')
        return text.replace(ADDRESS, f'127.0.0.1:{self.port}').replace(
            'port = 8080', f'port = {self.port}')

    def install(self, name, folder):
        """Copy a file of ``deploy/`` into a folder of this machine."""
        path = self.folder(folder) / Path(name).name
        path.write_text(self.here((DEPLOY / name).read_text(encoding='utf-8')), encoding='utf-8')
        return path

    def install_units(self, *names):
        """Paths of units in the folder where systemd looks for them; their server's file, too."""
        self.install('systemd/server.toml', 'etc/mxnet-model-server')
        return [self.install(f'systemd/{name}', Path('etc/systemd/system', name).parent)
                for name in names]
