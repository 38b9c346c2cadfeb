"""The server as a part of somebody else's program."""

import contextlib
import gc
import io
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import gevent
import psutil
import pytest
import requests
from extras import require
from harness import FIXTURES, REPO, free_port, until, write_archive

from mms.errors import ModelUnavailable
from mms.metrics import Metrics
from mms.serving.embedding import LoopThread, ThreadedMetrics

SLOW = 'import time\ntime.sleep(data[0][0])\nreturn data[0]'


def run(folder, code, *words):
    """Run a script in a folder and with temporary files of its own."""
    (folder / 'tmp').mkdir(exist_ok=True)
    environment = {**os.environ, 'TMPDIR': str(folder / 'tmp'), 'PYTHONPATH': str(REPO)}
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(code), *map(str, words)],
                          cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert os.listdir(folder / 'tmp') == []
    return done


@pytest.mark.measured
def test_an_app_answers_threads_side_by_side_and_ends_with_its_process(tmp_path):
    archive = write_archive(tmp_path, 'slow', SLOW)
    done = run(tmp_path, '''
        import sys, threading
        from mms.arg_parser import ArgParser
        from mms.mxnet_model_server import MMS

        app = MMS('mine', ArgParser.extract_args(['--models', *sys.argv[1:]])).create_app()
        answers = []

        def ask(model, seconds):
            answer = app.test_client().post(f'/{model}/predict', data={'data': f'[{seconds}]'})
            answers.append((answer.status_code, answer.get_json()['prediction'][0]))

        threads = [threading.Thread(target=ask, args=('ab'[i % 2], i / 100)) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [(200, i / 100) for i in range(20)], answers
        client = app.test_client()
        assert client.get('/ping').get_json() == {'health': 'healthy!'}
        told = client.get('/health/ready').get_json()
        assert {name: one['state'] for name, one in told['models'].items()} == {
            'a': 'ready', 'b': 'ready'}, told
        assert client.head('/health/startup').status_code == 200
        assert client.post('/a/predict', data={}).status_code == 400
        assert client.post('/a/predict', data={'data': '["x"]'}).status_code == 500
        assert client.get('/none').status_code == 404
        print('done')
    ''', f'a={archive}', f'b={archive}')
    assert (done.returncode, done.stdout) == (0, 'done\n'), done.stderr
    # Nothing went wrong at the end either, when the last metrics are written.
    assert 'register atexit' not in done.stderr
    assert 'PredictionTotal' in done.stderr


@pytest.mark.measured
def test_models_that_a_loader_opened_are_served(tmp_path):
    done = run(tmp_path, '''
        import sys
        from mms.arg_parser import ArgParser
        from mms.model_loader import ModelLoader
        from mms.mxnet_model_server import MMS

        models = ModelLoader.load({'b': sys.argv[1]})
        assert models[0][:2] == ('b', 'b2_json')
        args = ArgParser.extract_args(
            ['--models', f'b={sys.argv[1]}', '--management-port', '0'])
        app = MMS(args=args, models=models).create_app()
        answer = app.test_client().post('/b/predict', data={
            'left': '[[1, 2, 3]]', 'right': '[[[1, 2], [3, 4]]]'})
        print(answer.get_json()['prediction'][0][:8])
    ''', FIXTURES / 'b2_json.model')
    assert (done.returncode, done.stdout) == (0, '[[0.6065\n'), done.stderr
    assert '--management-port has no effect in an embedding program' in done.stderr


def test_an_app_whose_model_does_not_load_raises_one_error_and_leaves_nothing(tmp_path):
    archive = write_archive(tmp_path, 'bad', source='import nothing_like_this\n')
    done = run(tmp_path, '''
        import sys
        from mms.arg_parser import ArgParser
        from mms.errors import StartupError
        from mms.mxnet_model_server import MMS

        try:
            MMS(args=ArgParser.extract_args(['--models', f'm={sys.argv[1]}'])).create_app()
        except StartupError as error:
            print(error)
    ''', archive)
    assert done.returncode == 0, done.stderr
    assert 'nothing_like_this' in done.stdout


def test_an_app_that_is_closed_finishes_its_requests_and_leaves_nothing(tmp_path):
    archive = write_archive(tmp_path, 'slow', SLOW)
    done = run(tmp_path, '''
        import logging, os, sys, threading, time
        import psutil
        from mms.mxnet_model_server import MMS

        me = psutil.Process()

        def ask(app, seconds):
            return app.test_client().post('/m/predict', data={'data': f'[{seconds}]'})

        def serve_once():
            with MMS(args=['--models', f'm={sys.argv[1]}']) as server:
                app = server.create_app()
                late = []
                asking = threading.Thread(target=lambda: late.append(ask(app, 0.5).get_json()))
                asking.start()
                time.sleep(0.2)
            asking.join()
            assert late == [{'prediction': [0.5]}], late
            answer = ask(app, 0)
            assert answer.status_code == 503, answer
            assert answer.get_json()['message'] == 'The application is closed.'
            assert app.test_client().get('/ping').status_code == 503
            assert app.test_client().get('/health/ready').status_code == 503
            assert app.test_client().get('/health/live').status_code == 200
            server.close()

        other = MMS(args=['--models', f'm={sys.argv[1]}'])
        still = other.create_app()
        mine = len(me.children(recursive=True))
        serve_once()
        assert len(me.children(recursive=True)) == mine
        assert ask(still, 0).get_json() == {'prediction': [0]}
        other.close()
        assert me.children(recursive=True) == []
        assert os.listdir(os.environ['TMPDIR']) == []
        assert (logging.getLogger().handlers, logging.getLogger().level) == ([], logging.WARNING)
        files = me.num_fds()
        serve_once()
        assert me.num_fds() == files
        print('done')
    ''', archive)
    assert (done.returncode, done.stdout) == (0, 'done\n'), done.stderr


@pytest.mark.measured
def test_a_forked_process_is_told_that_the_models_are_not_its_own(tmp_path):
    archive = write_archive(tmp_path, 'm')
    done = run(tmp_path, '''
        import os, sys
        from mms.mxnet_model_server import MMS

        server = MMS(args=['--models', f'm={sys.argv[1]}'])
        client = server.create_app().test_client()
        child = os.fork()
        answer = client.post('/m/predict', data={'data': '[1]'})
        if not child:
            assert client.get('/ping').status_code == 503
            print(answer.status_code, answer.get_json()['message'], flush=True)
            server.close()
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert client.post('/m/predict', data={'data': '[1]'}).get_json() == answer.get_json()
        print(answer.get_json()['prediction'])
    ''', archive)
    refused, answered = done.stdout.splitlines()
    assert refused.startswith('503 This process was forked')
    assert '--preload' in refused
    assert answered == '[[1]]'


def test_an_app_outlives_the_thread_that_made_it_and_asyncio_goes_on_beside_it(tmp_path):
    archive = write_archive(tmp_path, 'm')
    done = run(tmp_path, '''
        import asyncio, sys, threading
        from mms.mxnet_model_server import MMS

        def make():
            apps.append(MMS(args=['--models', f'm={sys.argv[1]}']).create_app())

        def ask(app):
            return app.test_client().post('/m/predict', data={'data': '[1]'}).get_json()

        async def main():
            make()  # As a notebook does, in the thread of its running loop.
            other = await asyncio.create_subprocess_exec('sh', '-c', 'exit 5')
            assert await other.wait() == 5
            return await asyncio.gather(*(asyncio.to_thread(ask, app) for app in apps))

        apps = []
        maker = threading.Thread(target=make)
        maker.start()
        maker.join()
        print(asyncio.run(main()))
    ''', archive)
    assert done.stdout == "[{'prediction': [[1]]}, {'prediction': [[1]]}]\n", done.stderr


@pytest.mark.measured
def test_ctrl_c_while_an_app_loads_leaves_nothing_in_a_program_that_goes_on(tmp_path):
    archive = write_archive(tmp_path, 'm', source='import time\nprint("loading", flush=True)\n'
                                                  'time.sleep(100)\n')
    done = run(tmp_path, '''
        import os, signal, sys, threading, time
        import psutil
        from mms.mxnet_model_server import MMS

        def interrupt():
            while 'loading' not in open('stderr').read():
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)

        sys.stderr = open('stderr', 'w', buffering=1)
        threading.Thread(target=interrupt).start()
        try:
            MMS(args=['--models', f'm={sys.argv[1]}']).create_app()
        except KeyboardInterrupt:
            print(psutil.Process().children(recursive=True), os.listdir(os.environ['TMPDIR']))
    ''', archive)
    assert done.stdout == '[] []\n', done.stderr


@pytest.mark.parametrize(('call', 'message'), [
    ('MMS()', "required: --models (or --management-port or --watch) "
              "(the words of this process's own command line"),
    ("MMS(args=['--models', 'x'])", "argument --models: 'x' is not NAME=LOCATION"),
    ("MMS(args=['--models', 'm=x', '--port', 'y'])", "--port 'y' is not a whole number"),
    ("in_thread(MMS('a', ['--models', 'm=x']).start_model_serving)", 'in the main thread'),
])
def test_a_program_is_told_by_an_exception_not_by_its_end(tmp_path, call, message):
    done = run(tmp_path, f'''
        from concurrent.futures import ThreadPoolExecutor
        from mms.errors import UsageError
        from mms.mxnet_model_server import MMS

        def in_thread(function):
            return ThreadPoolExecutor().submit(function).result()

        try:
            {call}
        except UsageError as error:
            print(error)
    ''', '--verbose')
    assert (done.returncode, done.stderr) == (0, ''), done.stderr
    assert message in done.stdout


@pytest.fixture
def wsgi(tmp_path):
    """Start a WSGI server on a free port; returns it and its address. It is stopped at the end."""
    archive = write_archive(tmp_path, 'm', SLOW)
    (tmp_path / 'application.py').write_text(
        'from mms.mxnet_model_server import MMS\n'
        f"app = MMS(args=['--models', 'm={archive}', '--workers', '2']).create_app()\n")
    (tmp_path / 'tmp').mkdir()
    address = f'127.0.0.1:{free_port()}'
    started = []

    def start(module, *words):
        require(module)
        process = subprocess.Popen(
            [sys.executable, '-m', module, *(word.format(address=address) for word in words),
             'application:app'], cwd=tmp_path, stderr=subprocess.DEVNULL,
            env={**os.environ, 'TMPDIR': str(tmp_path / 'tmp'), 'PYTHONPATH': str(REPO)})
        started.append(process)
        until(lambda: can_connect(address), 60)
        return process, f'http://{address}'

    yield start
    for process in started:
        process.kill()


def can_connect(address):
    host, port = address.split(':')
    with socket.socket() as sock:
        return sock.connect_ex((host, int(port))) == 0


def leave_early(url, text):
    """Ask for a prediction, and go."""
    host, port = url[len('http://'):].split(':')
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(b'POST /m/predict HTTP/1.1\r\nHost: m\r\n'
                     b'Content-Type: application/x-www-form-urlencoded\r\n'
                     b'Content-Length: %d\r\n\r\n%s' % (len(text), text))


@pytest.mark.parametrize(('number', 'words'), [
    (signal.SIGTERM, ['gunicorn', '--bind', '{address}', '--threads', '8']),
    (signal.SIGTERM, ['gunicorn', '--bind', '{address}', '--worker-class', 'gevent']),
    (signal.SIGINT, ['waitress', '--listen', '{address}', '--threads', '8']),
], ids=['threads', 'gevent', 'waitress'])
def test_an_app_works_under_the_usual_servers_and_ends_with_them(wsgi, tmp_path, number, words):
    process, url = wsgi(*words)

    def ask(text, path='/m/predict'):
        return requests.post(url + path, data={'data': text}, timeout=60)

    assert requests.get(f'{url}/ping', timeout=60).json() == {'health': 'healthy!'}
    leave_early(url, b'data=[0.2]')
    leave_early(url, b'data=[0.2')
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, [f'[{i / 100}]' for i in range(16)]))
    assert [answer.json() for answer in answers] == [{'prediction': [i / 100]} for i in range(16)]
    assert ask('7').status_code == 400
    assert ask('7', '/none').json()['code'] == 404
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    assert process.wait(30) == 0
    assert psutil.wait_procs(below, 10)[1] == []
    assert os.listdir(tmp_path / 'tmp') == []


def test_gunicorn_with_preload_answers_what_is_wrong(wsgi):
    process, url = wsgi('gunicorn', '--bind', '{address}', '--preload')
    answer = requests.post(f'{url}/m/predict', data={'data': '[0]'}, timeout=60)
    assert answer.status_code == 503
    assert 'gunicorn: without --preload' in answer.json()['message']
    process.terminate()
    assert process.wait(30) == 0


@pytest.mark.measured
def test_an_app_runs_under_a_threaded_wsgi_server(tmp_path):
    archive = write_archive(tmp_path, 'slow', SLOW)
    done = run(tmp_path, '''
        import sys, threading
        import requests
        from werkzeug.serving import make_server
        from mms.arg_parser import ArgParser
        from mms.mxnet_model_server import MMS

        app = MMS(args=ArgParser.extract_args(['--models', f'm={sys.argv[1]}'])).create_app()
        server = make_server('127.0.0.1', 0, app, threaded=True)
        threading.Thread(target=server.serve_forever).start()
        url = f'http://127.0.0.1:{server.port}/m/predict'
        print(requests.post(url, data={'data': '[0.1]'}).text)
        server.shutdown()
    ''', archive)
    assert done.stdout == '{"prediction":[0.1]}\n\n', done.stderr


def test_an_app_answers_greenlets_side_by_side_where_nothing_is_patched(tmp_path):
    archive = write_archive(tmp_path, 'slow', SLOW)
    done = run(tmp_path, '''
        import sys, time
        import gevent
        from mms.arg_parser import ArgParser
        from mms.mxnet_model_server import MMS

        app = MMS(args=ArgParser.extract_args(['--models', f'm={sys.argv[1]}'])).create_app()

        def ask(path, **form):
            return app.test_client().open(path, data=form, method='POST' if form else 'GET')

        slow = gevent.spawn(ask, '/m/predict', data='[2]')
        gevent.sleep(0.2)
        assert ask('/ping').get_json() == {'health': 'healthy!'}
        assert not slow.ready()
        print(slow.get().get_json())
    ''', archive)
    assert done.stdout == "{'prediction': [2]}\n", done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize('call', [
    "start_serving(args=['--port', '0', '--models', f'm={sys.argv[1]}'])",
    "MMS(args=ArgParser.extract_args(['--port', '0', '--models', f'm={sys.argv[1]}']))"
    '.start_model_serving()',
])
def test_a_program_serves_until_a_signal(tmp_path, call):
    code = ('import sys\nfrom mms.arg_parser import ArgParser\n'
            f'from mms.mxnet_model_server import MMS, start_serving\n{call}\nprint("went on")\n')
    archive = write_archive(tmp_path, 'm')
    process = subprocess.Popen([sys.executable, '-c', code, archive], cwd=tmp_path,
                               env={**os.environ, 'PYTHONPATH': str(REPO)},
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    stdout = io.TextIOWrapper(process.stdout)
    until(lambda: 'Serving' in stdout.readline())
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert stdout.read().endswith('went on\n')


@pytest.mark.measured
def test_start_serving_exits_with_one_line_when_it_cannot(tmp_path):
    done = run(tmp_path, '''
        from mms.mxnet_model_server import start_serving
        start_serving(args=['--models', 'm=nowhere.model'])
    ''')
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


class Large:
    """What a request holds."""


def test_what_a_request_that_fails_has_held_goes_at_once():
    def ask(loop):
        large = Large()
        seen.append(weakref.ref(large))

        def fail():
            raise ValueError(f'{large} is wrong')

        with contextlib.suppress(ValueError):
            loop.call(fail)

    seen = []
    loop = LoopThread()
    gc.collect()
    gc.disable()
    try:
        ask(loop)
        until(lambda: seen[0]() is None)
    finally:
        gc.enable()
        loop.stop()


def test_who_waits_for_a_loop_that_ends_is_told_so():
    loop, entered = LoopThread(), threading.Event()

    def work():
        entered.set()
        gevent.sleep(3600)

    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(loop.call, work)
        assert entered.wait(20)
        loop.stop()
        with pytest.raises(ModelUnavailable):
            waiting.result(20)
    with pytest.raises(ModelUnavailable):
        loop.call(work)
    # Nothing is kept of calls that are over.
    assert not loop._unanswered


def test_what_other_threads_record_is_recorded_in_the_thread_of_the_loop():
    values = {}

    class Sink:
        def write(self, report):
            values.update({point.name: point.value for point in report.points})

    loop = LoopThread()
    try:
        metrics = loop.call(lambda: Metrics(['a'], Sink()))
        threaded = ThreadedMetrics(metrics, loop)
        threaded.count('PredictionTotal', 'a')
        threaded.observe('LatencyPostprocess', 8.0, 'a')
        threaded.observe_stages({'inference': 2.0}, 'a')
        loop.call(metrics.flush)
    finally:
        loop.stop()
    assert values == {'PredictionTotal': 1.0, 'LatencyPostprocess': 8.0, 'LatencyInference': 2.0,
                      'LatencyOverall': 2.0}


@pytest.mark.measured
def test_an_app_serves_what_lies_in_a_folder_that_is_watched(tmp_path):
    (tmp_path / 'watched').mkdir()
    write_archive(tmp_path / 'watched', 'a', SLOW)
    later = write_archive(tmp_path, 'b', SLOW)
    done = run(tmp_path, '''
        import os, sys, time
        from mms.mxnet_model_server import MMS

        folder, later = sys.argv[1:]
        with MMS(args=['--watch', folder, '--workers', '1']) as server:
            app = server.create_app()

            def ask(model):
                return app.test_client().post(f'/{model}/predict', data={'data': '[0]'})

            assert ask('a').status_code == 200
            assert ask('b').status_code == 404
            os.replace(later, folder + '/b.model')
            end = time.monotonic() + 60
            while ask('b').status_code != 200 and time.monotonic() < end:
                time.sleep(0.1)
            assert ask('b').status_code == 200
        print('done')
    ''', tmp_path / 'watched', later)
    assert (done.returncode, done.stdout) == (0, 'done\n'), done.stderr
