"""Several signals in quick succession leave nothing behind, whatever they interrupt."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from harness import REPO, SERVICE, TENSORS, Server, running, until, write_archive

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP

# Its constructor starts a program and does not end; another fails while its program runs on.
SLOW = SERVICE.format(body='        return data').replace("self.model_name = model_name", '''
        import os
        import subprocess
        import time
        subprocess.Popen(['sleep', '600', '{marker}'])
        open('{started}', 'a').write('x')
        {then}''')


def archive_of(folder, name, then='time.sleep(600)'):
    """An archive whose service starts a program, and how often it has."""
    started = folder / f'{name}-started'
    marker = f'1{time.monotonic_ns()}'
    source = SLOW.replace('{marker}', marker).replace('{started}', str(started)) \
        .replace('{then}', then)
    return write_archive(folder, name, source=source, signature=TENSORS), started, marker


def assert_nothing_left(marker, family, temporary):
    try:
        assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        assert running(marker) == []
        assert os.listdir(temporary) == []
    finally:
        for process in [*running(marker), *family]:
            with contextlib.suppress(psutil.Error):
                process.kill()


def send(process, numbers, gap_s):
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        time.sleep(gap_s)


@pytest.mark.parametrize(('numbers', 'gap_s'), [
    ([INT, INT], 0), ([INT, INT], 0.001), ([TERM, TERM], 0.003), ([INT, TERM, HUP], 0.005),
    ([TERM, INT, TERM], 0.01), ([INT] * 10, 0.002), ([HUP, TERM], 0.05),
])
def test_signals_while_a_model_loads_leave_nothing(launch, tmp_path, numbers, gap_s):
    archive, started, marker = archive_of(tmp_path, 'm')
    server = launch('--models', f'm={archive}', f'n={archive}')
    until(lambda: started.exists() and started.read_text() == 'xx')
    family = psutil.Process(server.pid).children(recursive=True)
    assert len(running(marker)) == 2
    send(server.process, numbers, gap_s)
    assert server.wait() in {128 + number for number in numbers}
    assert 'Traceback' not in server.stderr
    assert 'stopped by a signal before it served' in server.stderr
    assert_nothing_left(marker, family, server.temporary)


@pytest.mark.parametrize('gap_s', [0, 0.005, 0.05])
def test_signals_while_a_failed_start_is_cleared_up_leave_nothing(launch, tmp_path, gap_s):
    archive, started, marker = archive_of(tmp_path, 'm')
    failing, failed, _ = archive_of(tmp_path, 'f', f'''while not os.path.exists({str(started)!r}):
            time.sleep(0.01)
        time.sleep(0.3)
        raise ValueError('no model')''')
    server = launch('--models', f'm={archive}', f'f={failing}')
    until(lambda: started.exists())
    family = psutil.Process(server.pid).children(recursive=True)
    until(failed.exists)
    while server.process.poll() is None:
        send(server.process, [INT, TERM], gap_s)
        time.sleep(0.02)
    assert server.wait() in {1, 128 + INT, 128 + TERM}
    assert 'Traceback' not in server.stderr
    assert_nothing_left(marker, family, server.temporary)


@pytest.mark.parametrize('gap_s', [0, 0.002, 0.02])
def test_signals_to_a_check_leave_nothing(tmp_path, gap_s):
    archive, started, marker = archive_of(tmp_path, 'm')
    temporary = tmp_path / 'tmp'
    temporary.mkdir()
    check = subprocess.Popen(
        [sys.executable, '-m', 'mms.export_model', '--check', archive], stdout=subprocess.PIPE,
        env={**os.environ, 'TMPDIR': str(temporary), 'PYTHONPATH': str(REPO)},
        stderr=subprocess.PIPE, start_new_session=True, text=True)
    until(started.exists)
    family = psutil.Process(check.pid).children(recursive=True)
    send(check, [INT, TERM, INT, HUP], gap_s)
    _, stderr = check.communicate(timeout=30)
    assert (check.returncode, stderr) == (130, 'mxnet-model-export: interrupted\n')
    assert_nothing_left(marker, family, temporary)


EMBEDDING = '''
import sys
from mms.mxnet_model_server import MMS

with MMS(args=sys.argv[1:]) as server:
    try:
        server.create_app()
    except KeyboardInterrupt:
        sys.exit(77)
'''


@pytest.mark.parametrize('gap_s', [0, 0.002, 0.02])
def test_interrupts_of_a_program_that_embeds_leave_nothing(tmp_path, gap_s):
    archive, started, marker = archive_of(tmp_path, 'm')
    program = Server(tmp_path / 'program', ['--models', f'm={archive}'],
                     command=(sys.executable, '-c', EMBEDDING))
    until(started.exists)
    family = psutil.Process(program.pid).children(recursive=True)
    send(program.process, [INT, INT, INT], gap_s)
    status = program.wait()
    assert_nothing_left(marker, family, program.temporary)
    # A late one may meet the program's own end.
    assert status in (77, 130, -INT, 1), program.stderr


CLOSING = '''
import sys
import threading
import time
from mms.mxnet_model_server import MMS

server = MMS(args=sys.argv[1:])
client = server.create_app().test_client()
threading.Thread(target=client.post, args=('/m/predict',), daemon=True,
                 kwargs={'data': {'data': '[1]'}}).start()
while not OS.path.exists(sys.argv[-1].partition('=')[2] + '-asked'):
    time.sleep(0.01)
print('asked', flush=True)
try:
    server.close()
except KeyboardInterrupt:
    sys.exit(77)
'''.replace('OS', '__import__("os")')


@pytest.mark.parametrize('gap_s', [0, 0.002, 0.02])
def test_interrupts_of_a_close_that_waits_for_a_request_leave_nothing(tmp_path, gap_s):
    marker = f'1{time.monotonic_ns()}'
    archive = write_archive(tmp_path, 'm', f'''
import subprocess
import time
if data[0] != [1]:
    return data  # made up
subprocess.Popen(['sleep', '600', '{marker}'])
open('{tmp_path}/m.model-asked', 'w').close()
time.sleep(600)''')
    program = Server(tmp_path / 'program', ['--models', f'm={archive}'],
                     command=(sys.executable, '-c', CLOSING))
    until(lambda: 'asked' in program.stdout, 60)
    family = psutil.Process(program.pid).children(recursive=True)
    time.sleep(0.3)
    send(program.process, [INT, INT, INT], gap_s)
    status = program.wait()
    assert_nothing_left(marker, family, program.temporary)
    assert status in (77, 130, -INT, 1), program.stderr


# What openapi-generator-cli does, as far as this package asks it; it takes its time.
TOOL = '''
import subprocess


def run(words):
    if words[0] == 'list':
        print('python')
        return subprocess.run(['true'])
    open('{started}', 'w').close()
    return subprocess.run(['sleep', '600', '{marker}'])
'''


@pytest.mark.parametrize('gap_s', [0, 0.002, 0.02])
def test_signals_while_a_client_is_generated_leave_nothing(launch, tmp_path, gap_s):
    started, marker = tmp_path / 'started', f'1{time.monotonic_ns()}'
    (tmp_path / 'openapi_generator_cli.py').write_text(
        TOOL.replace('{started}', str(started)).replace('{marker}', marker))
    (tmp_path / 'java').write_text('#!/bin/sh\n')
    (tmp_path / 'java').chmod(0o755)
    server = launch('--models', f"m={write_archive(tmp_path, 'm')}", '--gen-api', 'python', env={
        'PYTHONPATH': f'{tmp_path}:{REPO}', 'PATH': f"{tmp_path}:{os.environ['PATH']}"})
    until(lambda: started.exists() and running(marker), 60)
    family = psutil.Process(server.pid).children(recursive=True)
    send(server.process, [TERM, INT, TERM], gap_s)
    # Of two that come at the same moment, either may be told first.
    assert server.wait() in (128 + TERM, 128 + INT), server.stderr
    assert_nothing_left(marker, family, server.temporary)
