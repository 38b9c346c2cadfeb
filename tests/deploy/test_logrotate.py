"""Debian's logrotate with the file of ``deploy/``, on the log of a server that is asked."""

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from debian_programs import environment, needs, path_of
from deploy_clients import Clients
from deploy_machine import DEPLOY, Machine
from doc_pages import blocks, read
from harness import Server, until

from mms.arg_parser import ArgParser
from mms.config.settings import Settings
from mms.log.rotation import NEVER

pytestmark = needs('logrotate')

FILE = (DEPLOY / 'logrotate' / 'mxnet-model-server').read_text(encoding='utf-8')
# What the file calls on: of systemd's, that which signals the main process of each unit.
SYSTEMCTL = '''#!/bin/sh
case "$*" in
"kill --kill-who=main --signal=SIGUSR1 mxnet-model-server*.service") kill -USR1 {pid} ;;
"reload mxnet-model-server*.service") kill -HUP {pid} ;;
*) exit 2 ;;
esac
'''
# What the page has in the server's configuration.
[CONFIG] = [block.body for block in blocks(read('docs/deploy_logrotate.md'))
            if block.language == 'toml']


class Rotation:
    """A server that runs as the page says, and the logrotate of its machine."""

    def __init__(self, machine):
        self._machine = machine
        # Whoever else may write to the folder: logrotate would refuse it.
        self._logs = machine.folder('var/log/mxnet-model-server')
        self._logs.chmod(0o755)
        config = machine.folder('etc/mxnet-model-server') / 'server.toml'
        config.write_text(machine.here(CONFIG), encoding='utf-8')
        self.server = Server(machine.root / 'server', ['--config', str(config), '--workers', '1'],
                             port=str(machine.port))
        self.log = self._logs / 'server.log'

    def start(self):
        self.server.wait_until_up()
        self._bin = self._machine.folder('usr/bin')
        systemctl = self._bin / 'systemctl'
        systemctl.write_text(SYSTEMCTL.format(pid=self.server.pid))
        systemctl.chmod(0o755)
        return self

    def rotate(self, text=FILE):
        """Rotate now, whatever the time."""
        file = self._machine.folder('etc/logrotate.d') / 'mxnet-model-server'
        file.write_text(self._machine.here(text))
        # A file that others may write to is passed over.
        file.chmod(0o644)
        variables = environment()
        done = subprocess.run(
            [path_of('logrotate'), '--force', '--verbose', '--state',
             str(self._machine.root / 'logrotate.state'), str(file)],
            env={**variables, 'PATH': f'{self._bin}{os.pathsep}{variables["PATH"]}'},
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert 'error:' not in done.stderr, done.stderr
        until(self.log.exists)

    def files(self):
        return sorted(self._logs.iterdir())

    def ids(self):
        """How many lines there are for each id, in all of the files."""
        lines = [line for path in self.files()
                 for line in subprocess.run(['zcat', '-f', path], check=True, capture_output=True,
                                            text=True).stdout.splitlines()]
        return Counter(found for line in lines if ' POST /flowers/predict ' in line
                       for found in re.findall(r'request_id=(ask-\d+)', line))


@pytest.fixture
def rotation(tmp_path):
    rotation = Rotation(Machine(tmp_path))
    yield rotation.start()
    rotation.server.stop()


def test_no_line_is_lost_or_there_twice_when_the_log_is_rotated_under_load(rotation):
    with_reload = FILE.replace('systemctl kill --kill-who=main --signal=SIGUSR1',
                               'systemctl reload')
    assert with_reload != FILE
    with Clients(rotation.server.url) as clients:
        for text in (FILE, FILE, with_reload):
            clients.ask_some_more()
            rotation.rotate(text)
        clients.ask_some_more()
    assert clients.failures == []
    until(lambda: sum(rotation.ids().values()) >= len(clients.answered))
    assert rotation.ids() == Counter(clients.answered)
    assert [path.name for path in rotation.files()] == [
        'server.log', 'server.log.1', 'server.log.2.gz', 'server.log.3.gz']


def test_the_server_leaves_the_file_to_logrotate(tmp_path):
    config = tmp_path / 'server.toml'
    config.write_text(CONFIG, encoding='utf-8')
    settings = Settings.from_args(ArgParser.extract_args(['--config', str(config)]))
    assert settings.log_rotation.when == NEVER
    assert Path(settings.log_file).match(FILE.split()[FILE.split().index('{') - 1])
