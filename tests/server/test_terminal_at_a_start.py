"""What a person sees on a terminal when a server starts."""

import os
import pty
import re
import subprocess
import sys
import threading

import pytest
from harness import REPO, SERVICE, until, write_archive

# Its warm-up prints, logs and warns.
TALKER = 'import logging\n' + SERVICE.format(body='''\
        print('printed')
        logging.info('logged')
        logging.warning('warned\\nin two lines')
        return data''')
HEAD = re.compile(r'\[[A-Z]+ \d{4}-')


class Terminal:
    """A server whose standard error is a terminal."""

    def __init__(self, folder, *words):
        self._terminal, end = pty.openpty()
        self._seen = b''
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'mms', '--port', '0', '--workers', '1', *words], cwd=folder,
            env={**os.environ, 'PYTHONPATH': str(REPO), 'NO_COLOR': '1'},
            stdout=subprocess.PIPE, stderr=end)
        os.close(end)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        try:
            while piece := os.read(self._terminal, 65536):
                self._seen += piece
        except OSError:
            os.close(self._terminal)

    @property
    def lines(self):
        """Lines of the log so far; the bar comes and goes without one of its own."""
        text = self._seen.decode().replace('\r\n', '\n')
        return [HEAD.sub('\n[', line).rpartition('\n')[2] for line in text.splitlines()
                if HEAD.search(line) or 'in two' in line]

    def banner(self):
        """What is served, once it is told."""
        first = self.process.stdout.readline().decode()
        assert first.startswith('Serving ')
        return first

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=60)
        self._reader.join(10)


@pytest.fixture
def terminal(tmp_path):
    started = []

    def start(*words):
        started.append(Terminal(tmp_path, *words))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.mark.parametrize('count', [1, 20])
def test_a_start_shows_ten_lines_at_most_and_the_file_has_the_rest(count, terminal, tmp_path):
    archive = write_archive(tmp_path, 'm', source=TALKER)
    server = terminal('--models', *(f'm{number}={archive}' for number in range(count)))
    server.banner()
    until(lambda: any('/ping' in line for line in server.lines))
    shown = server.lines
    assert 5 <= len(shown) <= 10
    for end in ('Service started successfully.', '/api-description', '/ping'):
        assert sum(line.endswith(end) for line in shown) == 1
    assert any('mms_app.log; --verbose shows it here too.' in line for line in shown)
    assert any(line.endswith(' warned') for line in shown)
    assert not any('printed' in line or 'logged' in line.split(' ')[-1] for line in shown)
    text = (tmp_path / 'mms_app.log').read_text()
    assert text.count(' is loaded after ') == count
    assert 'printed' in text
    assert 'in two lines' in text


def test_verbose_shows_everything(terminal, tmp_path):
    server = terminal('--verbose', '--models', f"m={write_archive(tmp_path, 'm', source=TALKER)}")
    server.banner()
    until(lambda: any('/ping' in line for line in server.lines))
    text = '\n'.join(server.lines)
    for word in ('printed', 'logged', 'in two lines', 'is loaded after'):
        assert word in text
    assert '--verbose' not in text
