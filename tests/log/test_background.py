"""A log file on a disk that is slow, hangs or is full: who logs goes on."""

import os
import re
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
import logging, os, sys, time
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


class Sink:
    """Keeps what is written, and takes its time over each time."""

    def __init__(self, seconds=0):
        self.written = []
        self._seconds = seconds

    def write_texts(self, texts):
        time.sleep(self._seconds)
        self.written += texts

    def left_out(self, count):
        return f'{count} are missing'


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
    writer, sink = WriterThread(), Sink()
    for number in range(10):
        writer.put(sink, str(number))
        assert sink.written[-1] == str(number)


class Clock:
    """Stands still unless it is told."""

    now = 100.0

    def monotonic(self):
        return self.now


def test_who_goes_on_logging_much_waits_for_no_line(monkeypatch):
    monkeypatch.setattr(background, '_PATIENCE_S', 60)
    # What nobody waits for is there later.
    monkeypatch.setattr(background, '_COLLECT_S', 60)
    clock, writer, sink, waited = Clock(), WriterThread(), Sink(), []
    monkeypatch.setattr(background, 'time', clock)

    def waits_for(lines):
        for _ in range(lines):
            written = len(sink.written)
            writer.put(sink, 'text')
            waited.append(len(sink.written) > written)
        clock.now += 0.1
        count = sum(waited)
        waited.clear()
        return count

    assert [waits_for(30) for _ in range(6)] == [20, 20, 20, 0, 0, 0]
    assert [waits_for(5) for _ in range(2)] == [0, 5]
    assert waits_for(30) == 20
    clock.now += 0.1
    assert waits_for(30) == 20
    writer.run(lambda: None)
    assert len(sink.written) == 6 * 30 + 10 + 60


def test_nothing_is_done_or_waited_for_in_a_thread_that_has_ended():
    writer, done = WriterThread(), []
    writer.begin_use()
    assert writer.run(lambda: done.append(1))
    assert writer.end_use()
    assert not writer.run(lambda: done.append(2))
    assert done == [1]


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
    writer, sink, waited = WriterThread(), Sink(0.06), []
    for _ in range(20):
        began = time.monotonic()
        writer.put(sink, 'text')
        waited.append(time.monotonic() - began)
        time.sleep(0.1)
    # One that was asked after each pause would have been waited for twenty times.
    assert sum(seconds > 0.02 for seconds in waited) < 10


def test_what_a_disk_does_not_take_is_left_out_and_counted_where_it_is_missing(logger):
    logger.disk.be_slow(3000)
    logger.log(20_000)
    logger.disk.be_well()
    until(lambda: 'left out' in logger.file.read_text(), 30)
    logger.log(1)
    logger.end()
    lines = logger.file.read_text().splitlines()
    places = [place for place, line in enumerate(lines) if 'left out' in line]
    missing = sum(int(re.search(r' (\d+) lines are left out here: the disk did not take them\.$',
                                lines[place])[1]) for place in places)
    # The first that are missing are told after those that are there.
    assert [line.split()[-1] for line in lines[:places[0]]] == [*map(str, range(places[0]))]
    assert len(lines) - len(places) + missing == 20_001
    assert lines[-1].split()[-1] == '0'


def test_lines_that_are_left_out_are_told_at_their_place(monkeypatch):
    monkeypatch.setattr(background, '_MOST_WAITING_BYTES', 3)
    writer, sink = WriterThread(), Sink(0.2)
    for text in 'abcdefgh':
        writer.put(sink, text)
    writer.run(lambda: None)
    writer.put(sink, 'i')
    writer.run(lambda: None)
    *there, told, last = sink.written
    assert there == list('abcdefgh'[:len(there)])
    assert (told, last) == (f'{8 - len(there)} are missing', 'i')


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
    writer, sink = WriterThread(), Sink()
    writer.run(lambda: 1 / 0)
    writer.put(sink, 'text')
    until(lambda: sink.written == ['text'])


def test_who_logs_much_waits_for_none():
    writer, sink = WriterThread(), Sink(0.001)
    for number in range(1000):
        writer.put(sink, str(number))
    assert len(sink.written) < 1000
    writer.run(lambda: None)
    assert sink.written == [str(number) for number in range(1000)]


def test_the_thread_ends_with_the_last_who_writes_in_it():
    writer = WriterThread()
    writer.begin_use()
    writer.begin_use()
    assert writer.end_use()
    assert writer.is_running()
    assert writer.end_use()
    until(lambda: not writer.is_running())


# Ends as a server does, which leaves its log to the end of the process.
ENDS = LOGS.partition('print')[0] + """
for number in range(300):
    logging.getLogger('mms').info('line %d', number)
"""


def ended(script, folder):
    """What a process has printed, and how many seconds it took."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, '-c', script.replace('disk/', '')], cwd=folder,
                          capture_output=True, text=True, timeout=60, check=True,
                          env={**os.environ, 'PYTHONPATH': str(REPO)})
    return done.stdout, time.monotonic() - began


def last_words(path):
    return [line.split()[-1] for line in path.read_text().splitlines()]


def test_a_process_that_ends_waits_for_the_thread_and_not_the_thread_for_it(tmp_path):
    _, took_s = ended(ENDS, tmp_path)
    assert last_words(tmp_path / 'app.log') == [*map(str, range(300))]
    assert took_s < background._LAST_LINES_S


def test_a_process_ends_though_nobody_reads_its_log_any_more(tmp_path):
    os.mkfifo(tmp_path / 'app.log')
    reader = os.open(tmp_path / 'app.log', os.O_RDONLY | os.O_NONBLOCK)
    # More than a FIFO holds, and less than may wait.
    _, took_s = ended(ENDS.replace('range(300)', 'range(5000)'), tmp_path)
    os.close(reader)
    assert took_s >= background._LAST_LINES_S


def test_a_process_that_is_forked_writes_its_lines_itself(tmp_path):
    ended(ENDS + """
front.reopen()
pid = os.fork()
logging.getLogger('mms').info('line %s', 'child' if not pid else 'parent')
if not pid:
    logging.shutdown()
    os._exit(0)
os.waitpid(pid, 0)
""", tmp_path)
    assert sorted(last_words(tmp_path / 'app.log')[-2:]) == ['child', 'parent']
