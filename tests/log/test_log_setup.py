"""Every test drives a real interpreter: the root logger of this one belongs to pytest."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = sys.executable
ROOT = str(Path(__file__).resolve().parents[2])
HEAD = re.compile(
    r'^\[(?P<level>[A-Z]+) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} PID:(?P<pid>\d+) '
    r'(?P<path>\S+):(?P<function>[^:\s]+):(?P<line>\d+) (?P<message>.*)$')
FRONT = """
import logging, os, sys
from mms.log import relay as log_relay
from mms.log import setup as log
from mms.log.rotation import LogRotation
front = log.FrontLog('app.log', LogRotation(1, 'H'), logging.INFO)
front.begin()
front.started()
"""


@pytest.fixture
def run(tmp_path):
    def run_script(script, **env):
        return subprocess.run(
            [PYTHON, '-c', script], cwd=tmp_path, capture_output=True, text=True, timeout=60,
            env={**os.environ, 'PYTHONPATH': ROOT, **env})
    return run_script


def lines_of(path):
    return path.read_text(encoding='utf-8').splitlines()


def worker_line(**changes):
    fields = {'level': 20, 'created': 1527159586.301, 'process': 7072, 'pathname': '/svc/a.py',
              'funcName': '_inference', 'lineno': 12, 'name': 'a', 'message': 'hello', **changes}
    return json.dumps(fields).encode()


def test_a_line_in_the_file_has_level_time_pid_path_function_and_line(run, tmp_path):
    done = run(FRONT + "def hello():\n    logging.getLogger('mms.x').info('hi %s', 1)\n"
               "hello(); print(os.getpid())")
    (line,) = lines_of(tmp_path / 'app.log')
    found = HEAD.match(line)
    assert found, line
    assert found['level'] == 'INFO'
    assert found['pid'] == done.stdout.strip()
    assert (found['path'], found['function'], found['line']) == ('<string>', 'hello', '10')
    assert found['message'] == 'hi 1'


def test_stderr_that_is_no_terminal_gets_the_line_of_the_file(run, tmp_path):
    done = run(FRONT + "logging.warning('careful')")
    assert done.stderr == (tmp_path / 'app.log').read_text()


def on_a_terminal(script, cwd, **env):
    leader, follower = pty.openpty()
    with subprocess.Popen([PYTHON, '-c', script], cwd=cwd, stderr=follower,
                          env={**os.environ, 'PYTHONPATH': ROOT, **env}) as process:
        os.close(follower)
        seen = b''
        try:
            while chunk := os.read(leader, 4096):
                seen += chunk
        except OSError:
            pass
        finally:
            os.close(leader)
        assert process.wait(timeout=60) == 0
    return seen.decode()


@pytest.mark.parametrize(('level', 'colour'), [
    ('CRITICAL', 31), ('ERROR', 31), ('WARNING', 31), ('INFO', 32), ('DEBUG', 34)])
def test_on_a_terminal_the_head_is_coloured_and_its_bracket_closed(level, colour, tmp_path):
    script = FRONT + f"logging.getLogger().setLevel(1); logging.{level.lower()}('word')"
    seen = on_a_terminal(script, tmp_path, NO_COLOR='')
    assert re.fullmatch(rf'\x1b\[{colour}m\[{level} [^\x1b]*\]\x1b\[0m word\r\n', seen), seen
    assert '\x1b' not in (tmp_path / 'app.log').read_text()


def test_no_color_keeps_a_terminal_plain(tmp_path):
    seen = on_a_terminal(FRONT + "logging.info('word')", tmp_path, NO_COLOR='1')
    assert HEAD.match(seen.rstrip()), seen


def test_configuring_twice_does_not_double_a_line(run, tmp_path):
    done = run(FRONT + "log.FrontLog('app.log', LogRotation(1, 'H'), logging.INFO).begin()\n"
               "logging.info('once')")
    assert len(lines_of(tmp_path / 'app.log')) == 1
    assert done.stderr.count('once') == 1


def test_a_level_below_the_asked_one_is_not_written(run, tmp_path):
    run(FRONT + "logging.debug('no'); logging.info('yes')")
    (line,) = lines_of(tmp_path / 'app.log')
    assert line.endswith('yes')


@pytest.mark.parametrize('path', ['missing/app.log', '.', 'a\\0b'])
def test_a_log_file_that_cannot_be_opened_is_a_usage_error_naming_the_flag(run, path):
    done = run(f"""
import logging
from mms.log import setup as log
from mms.log.rotation import LogRotation
from mms.errors import UsageError
before = list(logging.getLogger().handlers)
try:
    log.FrontLog('{path}', LogRotation(1, 'H'), logging.INFO).begin()
except UsageError as error:
    print(error)
assert logging.getLogger().handlers == before
""")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('--log-file ')
    assert len(done.stdout.splitlines()) == 1


START = """
import logging, os
from mms.log import setup as log
from mms.log.rotation import LogRotation
start = log.FrontLog('app.log', LogRotation(1, 'H'), logging.INFO)
logging.info('while it starts')
"""


def test_a_start_that_fails_makes_no_file(run, tmp_path):
    done = run(START + "start.fail('no such model'); logging.info('later')")
    assert 'while it starts' in done.stderr
    assert 'later' in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_fails_is_told_in_a_file_that_is_there(run, tmp_path):
    (tmp_path / 'app.log').write_text('of yesterday\n')
    run(START + "start.fail('no such model'); logging.info('later')")
    lines = lines_of(tmp_path / 'app.log')
    assert lines[0] == 'of yesterday'
    assert [HEAD.match(line)['message'] for line in lines[1:]] == [
        'while it starts', 'no such model']


def test_what_is_logged_while_it_starts_comes_first_in_the_file(run, tmp_path):
    run(START + "assert not os.path.exists('app.log'); start.begin(); logging.info('later')")
    assert [HEAD.match(line)['message'] for line in lines_of(tmp_path / 'app.log')] == [
        'while it starts', 'later']


def test_the_log_of_an_earlier_start_survives_one_that_fails_and_ends_with_one_that_does_not(
        run, tmp_path):
    done = run(START + """
start.begin()
second = log.FrontLog('second.log', LogRotation(1, 'H'), logging.INFO)
second.fail('no such model')
logging.info('to the first')
third = log.FrontLog('third.log', LogRotation(1, 'H'), logging.INFO)
third.begin()
logging.info('to the third')
""")
    assert [HEAD.match(line)['message'] for line in lines_of(tmp_path / 'app.log')] == [
        'while it starts', 'to the first']
    assert [HEAD.match(line)['message'] for line in lines_of(tmp_path / 'third.log')] == [
        'to the third']
    assert done.stderr.count('to the first') == 1
    assert not (tmp_path / 'second.log').exists()


@pytest.mark.parametrize(('end', 'messages'), [
    ('second.begin()', ['first up', 'second starts', 'second up']),
    ("second.fail('no such model')", ['first up', 'second starts', 'no such model', 'second up']),
])
def test_two_starts_with_one_file_write_each_line_once(end, messages, run, tmp_path):
    run(START.replace('while it starts', 'first up') + f"""
start.begin()
second = log.FrontLog('app.log', LogRotation(1, 'H'), logging.INFO)
logging.info('second starts')
{end}
logging.info('second up')
""")
    assert [HEAD.match(line)['message'] for line in lines_of(tmp_path / 'app.log')] == messages


def test_a_start_that_is_discarded_holds_nothing_and_writes_nothing(run, tmp_path):
    done = run(START + "start.discard(); logging.info('later')\n"
               'print(len(logging.getLogger().handlers))')
    assert done.stdout == '1\n'
    assert 'later' in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_takes_longer_than_a_rotation_leaves_no_empty_file(run, tmp_path):
    run(START.replace("(1, 'H')", "(1, 'S')") + 'import time; time.sleep(2.2); start.begin()')
    assert [path.name for path in tmp_path.iterdir()] == ['app.log']


def test_a_pipe_that_nobody_reads_is_refused_and_not_waited_for(run, tmp_path):
    os.mkfifo(tmp_path / 'app.log')
    done = run(START)
    assert 'UsageError' in done.stderr
    assert "--log-file 'app.log' cannot be opened: No such device or address" in done.stderr


def test_the_file_is_rotated_and_no_line_is_lost(run, tmp_path):
    done = run("""
import logging, os, time
from mms.log import relay as log_relay
from mms.log import setup as log
from mms.log.rotation import LogRotation
log.FrontLog('app.log', LogRotation(1, 'S'), logging.INFO).begin()
number = 0
while len(os.listdir('.')) < 3:
    number += 1
    logging.info('line %d.', number)
    time.sleep(0.05)
print(number)
""")
    files = list(tmp_path.iterdir())
    assert {f.name.split('.log')[0] for f in files} == {'app'}
    written = sorted(int(re.search(r'line (\d+)\.', line)[1])
                     for f in files for line in lines_of(f))
    assert written == list(range(1, int(done.stdout) + 1))


AWKWARD = {
    'arguments that do not fit': ("logging.info('%d %d', 'x')", '%d %d [arguments not logged'),
    'an argument that raises': (
        "class Bad:\n    def __str__(self): raise ValueError\nlogging.info('%s', Bad())",
        '%s [arguments not logged: ValueError]'),
    'a message that raises': (
        "class Bad:\n    def __str__(self): raise ValueError\nlogging.info(Bad())",
        '<unprintable Bad>'),
    'an endless argument': (
        "class Bad:\n    def __str__(self): return str(self)\nlogging.info('%s', Bad())",
        'arguments not logged: RecursionError'),
    'a lone surrogate': (r"logging.info('name \udcff')", r'name \udcff'),
    'bytes': (r"logging.info(b'\xff\xfe')", r"b'\xff\xfe'"),
    'a percent sign': ("logging.info('100% sure')", '100% sure'),
    'other scripts': ("logging.info('\u732b')", '\u732b'),
    'five million characters': ("logging.info('x' * 5_000_000 + 'end')", 'xxend'),
}


@pytest.mark.parametrize('case', AWKWARD)
def test_an_awkward_message_is_written_and_raises_nothing(case, run, tmp_path):
    statement, expected = AWKWARD[case]
    done = run(FRONT + statement + "\nlogging.info('still here')")
    assert done.returncode == 0, done.stderr
    assert 'Logging error' not in done.stderr
    text = (tmp_path / 'app.log').read_text(encoding='utf-8')
    assert expected in text
    assert text.endswith('still here\n')


def test_a_closed_stderr_does_not_reach_the_caller(run, tmp_path):
    done = run(FRONT + "sys.stderr.close()\nlogging.info('on'); print('alive')")
    assert done.stdout == 'alive\n'
    assert lines_of(tmp_path / 'app.log')[0].endswith('on')


def test_a_traceback_follows_its_line(run, tmp_path):
    run(FRONT + "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('failed')")
    lines = lines_of(tmp_path / 'app.log')
    assert lines[0].endswith(' failed')
    assert lines[1] == 'Traceback (most recent call last):'
    assert lines[-1] == 'ZeroDivisionError: division by zero'


@pytest.mark.parametrize(('level', 'heard'), [('INFO', False), ('DEBUG', True), ('NOTSET', True)])
def test_libraries_are_heard_only_at_debug(level, heard, run, tmp_path):
    run(FRONT + f"log.FrontLog('app.log', LogRotation(1, 'H'), logging.{level}).begin()\n"
        "for name in ('urllib3', 'boto3', 'botocore', 'gevent'):\n"
        "    logging.getLogger(name + '.part').info('chatter')\n"
        "    logging.getLogger(name).warning('real trouble')\n"
        "logging.getLogger('urllib3.connection').warning('headers without sense')")
    text = (tmp_path / 'app.log').read_text()
    assert text.count('real trouble') == 4
    assert text.count('chatter') == (4 if heard else 0)
    assert ('headers without sense' in text) is heard


# ---- worker to front


def test_a_workers_record_keeps_its_place_in_the_fronts_file(run, tmp_path):
    done = run(FRONT + """
import subprocess
reading, writing = os.pipe()
child = subprocess.Popen([sys.executable, '-c', '''
import logging, sys
from mms.log import setup as log
log.configure_worker(int(sys.argv[1]), logging.INFO)
def hook():
    try:
        {}['key']
    except KeyError:
        logging.getLogger('service').exception('two\\\\nlines %s', 'here')
hook()
logging.getLogger('service').debug('too low')
''', str(writing)], pass_fds=[writing])
os.close(writing)
for line in os.fdopen(reading, 'rb'):
    log_relay.relay(line)
child.wait()
print(child.pid)
""")
    lines = lines_of(tmp_path / 'app.log')
    found = HEAD.match(lines[0])
    assert found['pid'] == done.stdout.strip()
    assert (found['level'], found['function'], found['line']) == ('ERROR', 'hook', '9')
    assert found['message'] == 'two'
    assert lines[1] == 'lines here'
    assert lines[-1] == "KeyError: 'key'"
    assert 'too low' not in lines


def test_a_relayed_record_keeps_the_workers_time(run, tmp_path):
    run(FRONT + f'log_relay.relay({worker_line()!r})', TZ='UTC')
    assert lines_of(tmp_path / 'app.log') == [
        '[INFO 2018-05-24 10:59:46,301 PID:7072 /svc/a.py:_inference:12 hello']


def test_a_percent_sign_from_a_worker_is_no_format(run, tmp_path):
    run(FRONT + f'log_relay.relay({worker_line(message="%s %(x)s 100%")!r})')
    assert lines_of(tmp_path / 'app.log')[0].endswith(' %s %(x)s 100%')


@pytest.mark.parametrize(('line', 'expected'), [
    (b'Segmentation fault\n', 'Segmentation fault'),
    (b'{"not": "a record"}\n', '{"not": "a record"}'),
    (b'[1, 2]\n', '[1, 2]'),
    (b'null', 'null'),
    (b'\xff\xfe cut', r'\xff\xfe cut'),
    (b'[' * 100_000, '[[['),
    (worker_line(created='noon'), '"created": "noon"'),
    (worker_line(created=1e300), '"created": 1e+300'),
    (worker_line(created=float('nan')), '"created": NaN'),
    (worker_line(level=None), '"level": null'),
    (worker_line()[:-20], '"process": 7072'),
])
def test_a_line_that_is_no_record_is_logged_as_it_is(line, expected, run, tmp_path):
    done = run(FRONT + f'log_relay.relay({line!r})' if len(line) < 1000 else
               FRONT + "log_relay.relay(b'[' * 100_000)")
    assert done.returncode == 0, done.stderr
    (written,) = lines_of(tmp_path / 'app.log')
    assert HEAD.match(written)['level'] == 'INFO'
    assert expected in written


def test_a_blank_line_is_dropped(run, tmp_path):
    run(FRONT + r"log_relay.relay(b'\n'); log_relay.relay(b'')")
    assert lines_of(tmp_path / 'app.log') == []


def test_a_worker_waits_for_a_slow_front_whatever_the_descriptors_number(run):
    done = run("""
import fcntl, logging, os, resource, threading, time
from mms.log import setup as log
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
reading, low = os.pipe()
writing = fcntl.fcntl(low, fcntl.F_DUPFD, 1100)
os.close(low)
os.set_blocking(writing, False)
log.configure_worker(writing, logging.INFO)
received = []
def read():
    time.sleep(0.3)
    received.extend(os.fdopen(reading, 'rb'))
reader = threading.Thread(target=read)
reader.start()
for _ in range(10):
    logging.info('x' * 100_000)
os.close(writing)
reader.join()
print(len(received), min(map(len, received)) > 100_000)
""")
    assert done.stdout == '10 True\n', done.stderr


def test_a_workers_huge_message_is_cut_and_passes_a_non_blocking_pipe(run):
    done = run("""
import json, logging, os, threading
from mms.log import setup as log
reading, writing = os.pipe()
os.set_blocking(writing, False)
log.configure_worker(writing, logging.INFO)
def hook():
    logging.info('x' * 3_000_000)
    logging.info('small \\udcff')
    os.close(writing)
thread = threading.Thread(target=hook)
thread.start()
huge, small = [json.loads(line)['message'] for line in os.fdopen(reading, 'rb')]
thread.join()
print(len(huge), huge[-25:], ascii(small))
""")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "131098 [2868928 more characters] 'small \\udcff'\n"


def test_a_workers_longest_message_and_traceback_are_one_line(run, tmp_path):
    done = run(FRONT + """
worker = logging.LogRecord('svc', logging.ERROR, '/a.py', 7, '😀' * 200_000, (), None)
worker.exc_text = '😀' * 200_000
line = log_relay._as_line(worker)
assert len(line) < log_relay.MAX_LINE_BYTES, len(line)
log_relay.relay(line)
""")
    assert done.returncode == 0, done.stderr
    assert [line[:7] for line in lines_of(tmp_path / 'app.log')] == ['[ERROR ', '😀' * 7]


def test_a_record_that_was_made_by_hand_reaches_the_front(run, tmp_path):
    done = run(FRONT + """
log_relay.relay(log_relay._as_line(logging.makeLogRecord({'msg': 'hi', 'levelno': 40})))
""")
    assert done.returncode == 0, done.stderr
    [line] = lines_of(tmp_path / 'app.log')
    assert line.startswith('[ERROR ')
    assert line.endswith(' hi')


def test_a_worker_whose_front_is_gone_goes_on(run):
    done = run("""
import logging, os
from mms.log import setup as log
reading, writing = os.pipe()
os.close(reading)
log.configure_worker(writing, logging.INFO)
logging.info('nobody hears')
print('alive')
""")
    assert (done.stdout, done.stderr) == ('alive\n', '')


def test_a_worker_has_one_handler_whatever_was_there(run):
    done = run("""
import logging
from mms.log import setup as log
logging.basicConfig()
log.configure_worker(1, logging.INFO)
log.configure_worker(1, logging.INFO)
logging.warning('once')
""")
    assert done.stderr == ''
    (line,) = done.stdout.splitlines()
    assert json.loads(line)['message'] == 'once'


# ---- get_logger


def test_a_services_logger_reaches_the_file_once(run, tmp_path):
    done = run(FRONT + "logger = log.get_logger('svc'); log.get_logger('svc')\n"
               "log.get_logger('svc.part').info('part'); logger.info('whole')")
    assert [line.split()[-1] for line in lines_of(tmp_path / 'app.log')] == ['part', 'whole']
    assert done.stderr.count('whole') == 1
    assert done.stderr.count('part') == 1


def test_a_logger_made_before_the_server_is_configured_reaches_the_file_once(run, tmp_path):
    done = run("from mms.log import setup as log\nlogger = log.get_logger('svc')\n" + FRONT +
               "logger.info('word')")
    assert len(lines_of(tmp_path / 'app.log')) == 1
    assert done.stderr.count('word') == 1


def test_outside_a_server_a_logger_prints_formatted_lines_once(run):
    done = run("from mms.log.setup import get_logger\n"
               "get_logger('a.b', level='INFO'); get_logger('a')\n"
               "get_logger('a.b').info('word')")
    (line,) = done.stderr.splitlines()
    assert HEAD.match(line)['message'] == 'word'


def test_a_logger_with_a_filename_writes_there_and_to_the_server(run, tmp_path):
    run(FRONT + "for _ in range(2):\n    logger = log.get_logger('svc', filename='own.log')\n"
        "logger.info('word')")
    (own,) = lines_of(tmp_path / 'own.log')
    assert HEAD.match(own)['message'] == 'word'
    assert lines_of(tmp_path / 'app.log') == [own]


@pytest.mark.parametrize('level', ["'WARNING'", 'logging.WARNING'])
def test_a_logger_has_a_level_of_its_own(level, run, tmp_path):
    run(FRONT + f"logger = log.get_logger('svc', level={level})\n"
        "logger.info('low'); logger.warning('high')")
    (line,) = lines_of(tmp_path / 'app.log')
    assert line.endswith('high')


def test_without_a_name_the_root_logger_is_returned_untouched(run):
    done = run("import logging\nfrom mms.log.setup import get_logger\n"
               "assert get_logger() is logging.getLogger()\n"
               "assert logging.getLogger().handlers == []")
    assert done.returncode == 0, done.stderr


def test_the_old_spelling_works_and_warns(run):
    done = run("import warnings\nfrom mms.log.setup import getLogger, get_logger\n"
               "with warnings.catch_warnings(record=True) as seen:\n"
               "    warnings.simplefilter('always')\n"
               "    assert getLogger('svc', level='INFO') is get_logger('svc')\n"
               "print(seen[0].category.__name__)")
    assert done.stdout == 'DeprecationWarning\n', done.stderr


def test_the_level_names_of_the_command_line_are_there(run):
    done = run("from mms.log.setup import LOG_LEVEL_DICT; print(sorted(LOG_LEVEL_DICT.items()))")
    assert done.stdout == ("[('CRITICAL', 50), ('DEBUG', 10), ('ERROR', 40), ('INFO', 20), "
                           "('NOTSET', 0), ('WARNING', 30)]\n")
