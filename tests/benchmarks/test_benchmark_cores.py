"""benchmarks/cores.py: a quick run of its own, and what it gives servers and requests."""

import contextlib
import http.server
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest
from body import picture_body
from cores import NOT_FORKED, WORKERS, numbers_up_to
from cores_table import document
from harness import REPO
from place import held, seen
from processes import BenchmarkError
from short_loads import path_with_short_loads
from wrk import run_wrk

QUICK = ('--models', 'dense', '--seconds', '1', '--warm-up', '0')
ALLOWED = sorted(os.sched_getaffinity(0))
# At once, since they mostly wait.
RUNS = {'held': ('--cores', *map(str, range(1, min(2, len(ALLOWED)) + 1))),
        'seen': ('--seen', '--cores', '4', '--fixed', '--server-flags=--workers 1')}

needs_wrk = pytest.mark.skipif(shutil.which('wrk') is None, reason='no wrk')
needs_compiler = pytest.mark.skipif(shutil.which(os.environ.get('CC', 'cc')) is None,
                                    reason='no C compiler')


def start(*words):
    return subprocess.Popen([sys.executable, REPO / 'benchmarks' / 'cores.py', *map(str, words)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process):
    try:
        output, errors = process.communicate(timeout=120)
    finally:
        process.terminate()
    return process.returncode, output, errors


@pytest.fixture(scope='module', autouse=True)
def short_loads(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PATH', path_with_short_loads(tmp_path_factory.mktemp('wrk')))
        yield


@pytest.fixture(scope='module')
def answers(tmp_path_factory):
    folder = tmp_path_factory.mktemp('pages')
    started = {name: start(*QUICK, *words, '--out', folder / f'{name}.md')
               for name, words in RUNS.items()}
    return {name: (*end(process), folder / f'{name}.md') for name, process in started.items()}


def cells(table, head):
    """The rows of a table by the names in its head."""
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in table.splitlines() if line.startswith('|')]
    names = next(row for row in rows if row[0] == head)
    return [dict(zip(names, row)) for row in rows[rows.index(names) + 2:] if len(row) == len(names)]


@needs_wrk
def test_a_server_is_measured_on_each_number_of_cores(answers):
    status, output, errors, page = answers['held']
    assert status == 0, errors
    assert output.strip() in page.read_text()
    assert 'python benchmarks/cores.py --models dense' in page.read_text()
    rows = cells(output, 'cores')
    assert [row['cores'] for row in rows] == list(RUNS['held'][1:])
    for row in rows:
        assert row['forked']
        assert re.match(r'\d+ worker', row['workers'])
        assert row['errors'] == '0'
        assert row['connections'] == '8'
        assert float(row['ready, s']) > 0
        assert float(row['requests/s']) > 0
        assert float(row['hooks alone, /s']) > 0
        assert row['of the hooks alone'].endswith('%')
    assert rows[0]['ratio'] == '1.00'
    assert rows[0]['memory, MB'] == rows[0]['with one worker, MB']


@needs_wrk
@needs_compiler
def test_cores_that_are_only_seen_are_called_so(answers):
    status, output, errors, page = answers['seen']
    assert status == 0, errors
    assert f'only seen: this machine has {len(ALLOWED)}.' in output
    assert output.strip() in page.read_text()
    [row] = cells(output, 'cores seen')
    assert row['cores seen'] == '4'
    assert re.match(r'\d+ worker', row['workers'])
    assert float(row['ratio']) > 0
    assert not any('hooks' in name for name in row)


@needs_wrk
def test_more_cores_than_there_are_take_one_line():
    status, output, errors = end(start(*QUICK, '--cores', len(ALLOWED) + 1))
    assert (status, output) == (1, '')
    [line] = errors.splitlines()
    assert line.startswith(f'cores.py: {len(ALLOWED) + 1} cores are asked for')


def children_with_a_server(process):
    """What a run has started, once its server is among it."""
    for _ in range(600):
        children = psutil.Process(process.pid).children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.cmdline()[1:3] == ['-m', 'mms']:
                    return children
        time.sleep(0.05)
    raise AssertionError('no server was started')


@needs_wrk
def test_an_end_by_signal_leaves_no_process():
    numbers = signal.SIGINT, signal.SIGTERM
    processes = [start(*QUICK, '--cores', '1') for _ in numbers]
    children = [child for process in processes for child in children_with_a_server(process)]
    for process, number in zip(processes, numbers):
        process.send_signal(number)
    assert [end(process)[0] for process in processes] == [128 + number for number in numbers]
    assert not psutil.wait_procs(children, timeout=60)[1]


def test_a_command_is_held_to_the_first_cores():
    command = held(1).command([sys.executable, '-c', 'import os; print(os.sched_getaffinity(0))'])
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == f'{{{ALLOWED[0]}}}'
    with pytest.raises(BenchmarkError, match='--seen'):
        held(len(ALLOWED) + 1)


@needs_compiler
def test_a_command_sees_cores_that_are_not_there():
    command = seen(100).command([sys.executable, '-c', 'import os; print(os.cpu_count())'])
    answer = subprocess.run(command, env={**os.environ, **seen(100).variables},
                            capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == '100'


def test_without_a_compiler_one_line_says_that_it_is_needed(monkeypatch):
    import preloaded

    preloaded.compiled.cache_clear()
    monkeypatch.setenv('CC', 'no-such-compiler')
    with pytest.raises(BenchmarkError, match='C compiler'):
        seen(4)


@pytest.mark.parametrize(('most', 'numbers'), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]),
                                               (16, [1, 2, 4, 8, 16])])
def test_cores_go_by_powers_of_two_to_all(most, numbers):
    assert numbers_up_to(most) == numbers


def test_the_server_says_what_it_chose_and_why_it_does_not_fork():
    loaded = ('Model a is loaded after 2.0 s: Service, 2 workers of 3 threads, one of 6 for a lone '
              'request (6 cores, 1 model), up to 16 requests together.')
    assert WORKERS.search(loaded)[1].strip() == ('2 workers of 3 threads, one of 6 for a lone '
                                                 'request')
    own = 'Model a is not forked: threads of lib.so run. Each worker loads it by itself.'
    assert NOT_FORKED.search(own)[1] == 'threads of lib.so run'
    dead = 'Model a: workers cannot be forked (they die); each is started on its own.'
    assert NOT_FORKED.search(dead)[2] == 'they die'
    assert NOT_FORKED.search(loaded) is None


def test_a_page_without_rows_has_the_machine_and_the_command():
    text = document([], {'CPU': 'fast'}, 'python benchmarks/cores.py', (10, 3), None)
    assert '| CPU | fast |' in text
    assert '10 s of load a figure after 3 s to warm up' in text


@pytest.fixture
def recorder():
    """A server that keeps what was posted."""
    posts = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def do_POST(self):
            content = self.rfile.read(int(self.headers['Content-Length']))
            posts.append((self.headers['Content-Type'], content))
            self.send_response(200)
            self.send_header('Content-Length', '0')
            self.end_headers()

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/', posts
    server.shutdown()
    server.server_close()


@needs_wrk
def test_each_multipart_request_has_a_boundary_of_its_own_and_pictures_take_turns(
        recorder, tmp_path):
    url, posts = recorder
    body = picture_body(b'\xff\xd8 picture', tmp_path / 'body', [b'\xff\xd8 other', b'third'])
    run_wrk(url, body, 1, 1)
    own = [re.fullmatch('multipart/form-data; boundary=(.+)', kind)[1] for kind, _ in posts]
    assert len(set(own)) == len(own) > 3
    contents = [file.read_bytes() for file in body.sent]
    turns = [contents.index(content.replace(boundary.encode(), body.boundary.encode()))
             for boundary, (_, content) in zip(own, posts)]
    assert turns == [(turns[0] + number) % 3 for number in range(len(turns))]


@needs_wrk
def test_a_fixed_body_is_the_same_again_and_again(recorder, tmp_path):
    url, posts = recorder
    body = replace(picture_body(b'picture', tmp_path / 'body', [b'other']), is_fixed=True)
    run_wrk(url, body, 1, 1)
    assert set(posts) == {(body.content_type, body.file.read_bytes())}
