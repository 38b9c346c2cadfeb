"""A log file on a disk that is slow, hangs or is full: who logs goes on."""

import os
import subprocess
import sys
import time

import pytest
from disk_faults import Disk
from harness import REPO, until

from mms.log import background
from mms.log.background import WriterThread

# Logs each line of its standard input, and answers with how many milliseconds that took.
LOGS = """
import logging, sys, time
from mms.log import setup as log
from mms.log.rotation import LogRotation
front = log.FrontLog('disk/app.log', LogRotation(1, 'H'), logging.INFO, in_background=True)
front.begin()
print('up', flush=True)
for line in sys.stdin:
    began = time.monotonic()
    for number in range(int(line)):
        logging.getLogger('mms').info('line %d', number)
    print(round(1000 * (time.monotonic() - began)), flush=True)
front.end()
print('over', flush=True)
"""


class Logger:
    def __init__(self, folder):
        (folder / 'disk').mkdir()
        self.disk = Disk(folder / 'disk', folder / 'state')
        self.file = folder / 'disk' / 'app.log'
        self._process = subprocess.Popen(
            [sys.executable, '-c', LOGS], cwd=folder, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=(folder / 'disk' / 'stderr').open('w'),
            env={**os.environ, 'PYTHONPATH': str(REPO), **self.disk.environment})
        assert self._process.stdout.readline() == 'up\n'

    def log(self, lines):
        """How many milliseconds it took."""
        self._process.stdin.write(f'{lines}\n')
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def lines(self):
        return self.file.read_text().splitlines()

    def end(self):
        return self._process.communicate(timeout=60)


@pytest.fixture
def logger(tmp_path):
    made = Logger(tmp_path)
    yield made
    made.end()


def test_who_logs_little_goes_on_when_the_line_is_written(monkeypatch):
    monkeypatch.setattr(background, '_PATIENCE_S', 60)
    writer, written = WriterThread(), []
    for number in range(10):
        assert writer.put(written.extend, str(number))
        assert written[-1] == str(number)


def test_a_disk_that_takes_seconds_holds_up_nobody_and_gets_all_lines_in_turn(logger):
    logger.disk.be_slow(1500)
    took_ms = logger.log(200)
    # The first of them waits for a moment, and none after it.
    assert took_ms < 1000
    logger.disk.be_well()
    logger.log(1)
    until(lambda: len(logger.lines()) == 201)
    assert [line.split()[-1] for line in logger.lines()] == [*map(str, range(200)), '0']


def test_who_logs_waits_ever_less_for_a_disk_that_stays_slow():
    writer, waited = WriterThread(), []
    for _ in range(20):
        began = time.monotonic()
        writer.put(lambda _: time.sleep(0.06), 'text')
        waited.append(time.monotonic() - began)
        time.sleep(0.1)
    # One that was asked after each pause would have been waited for twenty times.
    assert sum(seconds > 0.02 for seconds in waited) < 10


def test_what_a_disk_does_not_take_is_left_out_and_counted(logger):
    logger.disk.be_slow(3000)
    logger.log(20_000)
    logger.disk.be_well()
    until(lambda: 'left out' in logger.file.read_text(), 30)
    logger.end()
    text = logger.file.read_text()
    left_out = sum(int(line.split()[0][1:]) for line in text.splitlines() if 'left out' in line)
    assert left_out > 0
    assert text.count(' line ') >= 20_000 - left_out


def test_what_waits_when_the_log_ends_is_written(logger):
    logger.disk.be_slow(100)
    logger.log(50)
    out, _ = logger.end()
    assert out == 'over\n'
    assert len(logger.lines()) == 50


def test_a_full_disk_costs_the_lines_of_that_time_alone(logger):
    logger.log(1)
    logger.disk.be_full()
    logger.log(3)
    logger.disk.be_well()
    logger.log(1)
    until(lambda: len(logger.lines()) == 2)


def test_a_job_that_fails_is_not_the_last():
    writer = WriterThread()
    written = []
    writer.run(lambda: 1 / 0)
    assert writer.put(written.extend, 'text')
    until(lambda: written == ['text'])


def test_who_logs_much_waits_for_none():
    writer = WriterThread()
    slow = []

    def write(lines):
        time.sleep(0.001)
        slow.extend(lines)

    for number in range(1000):
        writer.put(write, str(number))
    assert len(slow) < 1000
    writer.run(lambda: None)
    assert slow == [str(number) for number in range(1000)]
