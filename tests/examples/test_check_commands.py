"""What the examples' check.py says of a server with another model."""

import json
import runpy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from harness import REPO
from PIL import Image

CLASSES = [[{'class': 'two', 'probability': 0.9}] * 5]
WANTED = {'digits': 'no classes', 'ssd': 'no boxes', 'denoise': 'no picture'}


class Answering(BaseHTTPRequestHandler):
    """Answers every request with its path's words, as JSON."""

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        body = json.dumps({'prediction': ANSWERS[self.path]}).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


ANSWERS = {'/classes': CLASSES, '/words': ['[[0.1, 0.9]]'], '/text': 'no picture',
           '/none': None, '/numbers': [[1.5] * 6], '/objects': [{'fahrenheit': 68.0}]}
GOOD = {('digits', '/classes')}


@pytest.fixture(scope='module')
def url():
    server = ThreadingHTTPServer(('127.0.0.1', 0), Answering)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Pictures that every one of the commands takes."""
    folder = tmp_path_factory.mktemp('held_out')
    for path in ('000_two.png', 'noisy/00.png', 'clean/00.png'):
        (folder / path).parent.mkdir(exist_ok=True)
        Image.new('RGB', (8, 8)).save(folder / path)
    (folder / 'objects.json').write_text(json.dumps({'000_two.png': [['two', 0, 0, 8, 8]]}))
    return folder


@pytest.mark.parametrize('example', WANTED)
def test_another_model_is_told_in_one_line(example, url, folder, monkeypatch, capsys):
    script = REPO / 'examples' / example / 'check.py'
    monkeypatch.syspath_prepend(script.parent)
    main = runpy.run_path(str(script))['main']
    for path in ANSWERS:
        if (example, path) not in GOOD:
            assert main([str(folder), url + path]) == 1
            printed, errors = capsys.readouterr()
            assert printed == ''
            assert errors == (f'check.py: {url}{path} answers {WANTED[example]}: '
                              'is another model served there?\n')
