"""The server as a part of somebody else's program."""

import io
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from harness import FIXTURES, REPO, until, write_archive

SLOW = 'import time\ntime.sleep(data[0][0])\nreturn data[0]'


def run(folder, code, *words):
    """Run a script in a folder and with temporary files of its own."""
    (folder / 'tmp').mkdir(exist_ok=True)
    environment = {**os.environ, 'TMPDIR': str(folder / 'tmp'), 'PYTHONPATH': str(REPO)}
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(code), *map(str, words)],
                          cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert os.listdir(folder / 'tmp') == []
    return done


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
        assert client.post('/a/predict', data={}).status_code == 400
        assert client.post('/a/predict', data={'data': '["x"]'}).status_code == 500
        assert client.get('/none').status_code == 404
        print('done')
    ''', f'a={archive}', f'b={archive}')
    assert (done.returncode, done.stdout) == (0, 'done\n'), done.stderr
    # Nothing went wrong at the end either, when the last metrics are written.
    assert 'register atexit' not in done.stderr
    assert 'PredictionTotal' in done.stderr


def test_models_that_a_loader_opened_are_served(tmp_path):
    done = run(tmp_path, '''
        import sys
        from mms.arg_parser import ArgParser
        from mms.model_loader import ModelLoader
        from mms.mxnet_model_server import MMS

        models = ModelLoader.load({'b': sys.argv[1]})
        assert models[0][:2] == ('b', 'b2_json')
        args = ArgParser.extract_args(['--models', f'b={sys.argv[1]}'])
        app = MMS(args=args, models=models).create_app()
        answer = app.test_client().post('/b/predict', data={
            'left': '[[1, 2, 3]]', 'right': '[[[1, 2], [3, 4]]]'})
        print(answer.get_json()['prediction'][0][:8])
    ''', FIXTURES / 'b2_json.model')
    assert (done.returncode, done.stdout) == (0, '[[0.6065\n'), done.stderr


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


def test_start_serving_exits_with_one_line_when_it_cannot(tmp_path):
    done = run(tmp_path, '''
        from mms.mxnet_model_server import start_serving
        start_serving(args=['--models', 'm=nowhere.model'])
    ''')
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
