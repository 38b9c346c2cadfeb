"""The log file: moved by another program, rotated by one of several processes."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import until

ROOT = str(Path(__file__).resolve().parents[2])
# Logs each line of its standard input, and answers it.
WRITER = """
import logging, sys
from mms.log import setup as log
from mms.log.rotation import LogRotation
front = log.FrontLog('app.log', LogRotation(int(sys.argv[2]), sys.argv[3]), logging.INFO)
front.begin()
print('up', flush=True)
for line in sys.stdin:
    word = line.strip()
    front.reopen() if word == 'reopen' else logging.getLogger(sys.argv[1]).info('%s', word)
    print('done', flush=True)
"""


class Writer:
    """A process with a log."""

    def __init__(self, folder, name, rotation='1 D'):
        self.process = subprocess.Popen(
            [sys.executable, '-c', WRITER, name, *rotation.split()], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={'PYTHONPATH': ROOT})
        assert self.process.stdout.readline() == 'up\n'

    def log(self, word):
        self.process.stdin.write(f'{word}\n')
        self.process.stdin.flush()
        assert self.process.stdout.readline() == 'done\n'

    def end(self):
        self.process.communicate(timeout=30)


@pytest.fixture
def writer(tmp_path):
    made = []

    def start(name, rotation='1 D'):
        made.append(Writer(tmp_path, name, rotation))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def messages(path):
    return [re.sub(r'^\[\S+ \S+ \S+ \S+ \S+ ', '', line) for line in path.read_text().splitlines()]


def test_a_file_that_was_moved_is_made_anew_when_it_is_reopened(writer, tmp_path):
    one = writer('one')
    one.log('before')
    (tmp_path / 'app.log').rename(tmp_path / 'app.log.1')
    one.log('meanwhile')
    one.log('reopen')
    one.log('after')
    assert messages(tmp_path / 'app.log.1') == ['before', 'meanwhile']
    assert messages(tmp_path / 'app.log') == ['after']


def test_a_file_that_cannot_be_reopened_is_written_on(writer, tmp_path):
    one = writer('one')
    (tmp_path / 'app.log').rename(tmp_path / 'old')
    (tmp_path / 'app.log').mkdir()
    one.log('reopen')
    one.log('after')
    assert messages(tmp_path / 'old') == ['after']


def test_the_second_process_says_that_it_does_not_rotate_the_file(writer, tmp_path):
    one, two = writer('one'), writer('two')
    one.log('a')
    two.log('b')
    told, *rest = messages(tmp_path / 'app.log')
    assert told == (f'Another process writes the log file {tmp_path}/app.log too, and rotates it: '
                    'this one writes there, and does not rotate it while the other runs. '
                    '--log-file gives it a file of its own.')
    assert rest == ['a', 'b']


def test_two_processes_lose_no_line_while_one_of_them_rotates_and_the_other_takes_over(
        writer, tmp_path):
    one, two = writer('one', '1 S'), writer('two', '1 S')

    def written():
        return [line for path in tmp_path.iterdir() for line in messages(path)]

    def files():
        return sum(1 for _ in tmp_path.iterdir())

    count = 0
    while files() < 4:
        count += 1
        one.log(f'one-{count}')
        two.log(f'two-{count}')
        time.sleep(0.05)
    assert not any('has ended' in line for line in written())
    one.end()
    before = files()
    while files() < before + 2:
        count += 1
        two.log(f'two-{count}')
        time.sleep(0.05)
    lines = written()
    assert sum('has ended: this one does.' in line for line in lines) == 1
    assert [f'two-{number}' for number in range(1, count + 1) if f'two-{number}' not in lines] == []
    assert len([line for line in lines if line.startswith('two-')]) == count
    assert 'one-1' in lines


def test_a_file_that_is_never_rotated_grows(writer, tmp_path):
    one = writer('one', '1 never')
    one.log('a')
    time.sleep(1.1)
    one.log('b')
    assert messages(tmp_path / 'app.log') == ['a', 'b']
    assert len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_is_full_cuts_one_line_and_spoils_no_other(tmp_path):
    script = WRITER.replace('for line in', '''
import resource
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
for size in 30_000, limits[0]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    for number in range(3):
        logging.info('%d %s', size, 'x' * 20_000)
for line in''')
    done = subprocess.run([sys.executable, '-c', script, 'one', '1', 'D'], cwd=tmp_path, text=True,
                          input='a\n', capture_output=True, timeout=60, check=True,
                          env={'PYTHONPATH': ROOT})
    whole = 'x' * 20_000
    first, cut, *rest = messages(tmp_path / 'app.log')
    assert first == f'30000 {whole}'
    assert first.startswith(cut)
    assert [line.rpartition(' ')[2] for line in rest] == [whole] * 3 + ['a']
    assert done.stderr.count('cannot be written') == 1


def test_a_file_that_cannot_be_renamed_is_written_on(tmp_path):
    # Its name has no room for a time behind it.
    name = f'{"a" * 245}.log'
    script = WRITER.replace('app.log', name)
    done = subprocess.run([sys.executable, '-c', f'{script}\n    import time; time.sleep(0.6)',
                           'one', '1', 'S'], cwd=tmp_path, text=True, input='a\nb\nc\nd\n',
                          capture_output=True, timeout=60, check=True, env={'PYTHONPATH': ROOT})
    assert messages(tmp_path / name) == ['a', 'b', 'c', 'd']
    assert 'cannot be rotated (File name too long): it is written on.' in done.stderr


def test_what_was_rotated_is_never_overwritten(writer, tmp_path):
    one = writer('one', '1 S')

    def rotated():
        return [path for path in tmp_path.iterdir()
                if path.name != 'app.log' and 'x' in messages(path)]

    [old] = until(lambda: one.log('x') or rotated())
    # As another server of the same folder may have left them.
    for later in range(60):
        began = time.strftime('%Y-%m-%d_%H-%M-%S', time.localtime(time.time() + later))
        (tmp_path / f'app.log.{began}').touch()
    total = len(list(tmp_path.iterdir()))
    until(lambda: one.log('y') or len(list(tmp_path.iterdir())) > total)
    assert any(re.search(r'_\d\d-\d\d-\d\d\.1$', path.name) for path in tmp_path.iterdir())
    assert 'x' in messages(old)
