"""Hostile bytes, wherever they come from, reach neither the terminal nor the log as they are."""

import fcntl
import os
import pty
import random
import re
import socket
import struct
import subprocess
import sys
import termios
import threading

import launcher
import pytest
from extras import extra
from harness import REPO, TENSORS, Server, until, write_archive
from hostile import COMMANDS, EVERYTHING, FORGED, WORD, assert_harmless

TALKER = '''
import logging, os, sys, threading, traceback, warnings
from mms.errors import BadRequest
from mms.log.setup import get_logger
from mms.model_service.model_service import SingleNodeService

HOSTILE = {hostile!r}
PLAIN = HOSTILE.replace('\\udcff', '')
logging.addLevelName(25, HOSTILE)


def log():
    get_logger().warning('%s', HOSTILE)
    get_logger(HOSTILE).info(HOSTILE)
    get_logger('mms.worker').info('%s', HOSTILE)
    get_logger('own', filename='own.log').info('own %s', HOSTILE)
    logging.info('two\\nlines %s', HOSTILE, stack_info=True)
    logging.log(25, HOSTILE)
    logging.info('%d', HOSTILE)
    exec(compile('import logging; logging.info(HOSTILE)', HOSTILE.replace('\\0', ''), 'exec'),
         {{'HOSTILE': HOSTILE}})


def say():
    print(PLAIN)
    print(PLAIN, file=sys.stderr)
    os.write(1, b'\\x9b2J\\xff\\x1b[31m\\n' + PLAIN.encode() + b'\\n')
    os.write(2, bytes(range(256)) + b'\\n[INFO 2018-05-24 10:59:46,301 PID:1 raw\\n')
    os.write(2, (b'{{"level": 20, "created": 1, "process": 1, "name": "n", "pathname": "p",'
                 b'"funcName": "f", "lineno": 1, "message": "\\\\u001b"}}\\n'))
    warnings.warn(PLAIN)
    thread = threading.Thread(target=int, args=[PLAIN], name=PLAIN)
    thread.start()
    thread.join()


class Service(SingleNodeService):
    ill = False

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.signature = {signature!r}
        log(), say()

    def ping(self):
        if self.ill:
            raise ValueError(HOSTILE)

    def _inference(self, data):
        word = data[0][0]
        if word == 'talk':
            log(), say()
        if word == 'raise':
            raise type(PLAIN.replace('\\0', ''), (ValueError,), {{}})(HOSTILE)
        if word == 'chain':
            try:
                int(HOSTILE)
            except ValueError as error:
                raise KeyError(HOSTILE) from error
        if word == 'refuse':
            raise BadRequest(HOSTILE)
        if word == 'unserved':
            return {{HOSTILE: object()}}
        if word == 'exit':
            sys.exit(HOSTILE)
        if word == 'die':
            os.write(2, PLAIN.encode())
            os._exit(1)
        if word == 'ill':
            self.ill = True
        return HOSTILE
'''
NAMED = {'Model-Name': WORD, 'Description': WORD, 'Model-Format': WORD}
TEXT = TALKER.format(hostile=EVERYTHING, signature=TENSORS)
RAW = [b'\x1b[31m', b'\x9b2J', b'\xff\xfe', '\u202e'.encode(), b'\x85', b'\x7f', b'\x07', b'\x0b']
ESCAPED = b'%1b%9b%c2%9b2J%0a%0d%00%7f%e2%80%ae%e2%80%a8' + FORGED.replace(' ', '%20').encode()


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('hostile')
    archive = write_archive(folder, 'talk', source=TEXT,
                            model=NAMED)
    server = Server(folder, ['--models', f'talk={archive}', '--workers', '1', '--log-level',
                             'DEBUG'],
                    env={'PYTHONWARNINGS': 'always'})
    yield server.wait_until_up()
    server.stop()


def written(server):
    """What the server has put into its log, which is UTF-8, and on its terminal."""
    return (server.folder / 'mms_app.log').read_bytes().decode(), server.stdout, server.stderr


def send(port, request):
    with socket.create_connection(('127.0.0.1', port), 20) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return client.makefile('rb').read()


def request(method=b'POST', target=b'/talk/predict', lines=b'', body=b'', host=b'x'):
    return (method + b' ' + target + b' HTTP/1.1\r\nHost: ' + host + b'\r\n' + lines
            + b'Content-Length: %d\r\n\r\n' % len(body) + body)


def form_requests(hostile):
    """Requests that have some bytes in one place each."""
    yield request(b'G' + hostile)
    yield request(b'GET', b'/' + hostile)
    yield request(b'GET', b'/ping?' + hostile)
    yield request(b'GET', hostile)
    yield request(b'GET', b'http://' + hostile + b'/none')
    for name in (b'Origin', b'Content-Type', b'Cookie', b'User-Agent', b'X', b'Authorization',
                 b'Access-Control-Request-Headers', b'Transfer-Encoding', b'Expect'):
        yield request(lines=name + b': ' + hostile + b'\r\n', body=b'data=[1]')
    yield request(lines=hostile + b': x\r\n')
    yield request(host=hostile)
    yield hostile + b'\r\n\r\n'
    yield b'GET / HTTP/' + hostile + b'\r\n\r\n'
    urlencoded = b'Content-Type: application/x-www-form-urlencoded\r\n'
    for body in (hostile + b'=[1]', b'data=' + hostile, b'data={"%s": 1}' % hostile,
                 b'data=["' + hostile):
        yield request(lines=urlencoded, body=body)
    multipart = b'Content-Type: multipart/form-data; boundary=b\r\n'
    for part in (b'form-data; name="%s"' % hostile, b'form-data; name="data"; filename="%s"'
                 % hostile, hostile, b'form-data; name="data"\r\nContent-Type: %s' % hostile,
                 b'form-data; name="data"\r\n%s: x' % hostile):
        yield request(lines=multipart, body=b'--b\r\nContent-Disposition: ' + part
                      + b'\r\n\r\nx\r\n--b--\r\n')
    yield request(lines=b'Content-Type: multipart/form-data; boundary=' + hostile + b'\r\n',
                  body=b'--' + hostile + b'\r\n')


@pytest.mark.parametrize('hostile', [*RAW, ESCAPED], ids=ascii)
def test_what_clients_send_is_escaped(server, hostile):
    for sent in form_requests(hostile):
        head, _, body = send(server.port, sent).partition(b'\r\n\r\n')
        assert head.startswith(b'HTTP/1.1 ')
        # Who asks with curl has a terminal too.
        assert_harmless(body.partition(b'\r\n\r\n')[2].decode() if b'100' in head[:12]
                        else body.decode('ascii'))
    for text in written(server):
        assert_harmless(text)


def test_random_bytes_of_clients_are_escaped(server):
    draw = random.Random(13)
    seeds = list(form_requests(b'x' * 8))
    for _ in range(300):
        sent = bytearray(draw.choice(seeds))
        for _ in range(draw.randint(1, 6)):
            place = draw.randrange(len(sent))
            sent[place:place + draw.randint(0, 3)] = draw.choice(
                [*RAW, bytes([draw.randrange(256)]), b'\n[INFO ', b'\r\n', b'%0a'])
        send(server.port, bytes(sent))
    assert server.get('/ping').status_code == 200
    for text in written(server):
        assert_harmless(text)


@pytest.mark.parametrize(('word', 'status'), [
    ('talk', 200), ('raise', 500), ('chain', 500), ('refuse', 400), ('unserved', 500),
    ('exit', 500), ('die', 500),
])
def test_what_a_service_says_is_escaped(server, word, status):
    answer = server.post_text('talk', f'["{word}"]')
    assert answer.status_code == status
    assert_harmless(answer.text.replace('\x7f', ''))
    for text in written(server):
        assert_harmless(text)


def test_what_a_service_says_of_its_health_is_escaped(server):
    assert server.post_text('talk', '["ill"]').status_code == 200
    until(lambda: server.get('/ping').status_code == 503 or 'is ill' in server.log)
    until(lambda: 'unhealthy' in server.log or 'is ill' in server.log)
    for text in written(server):
        assert_harmless(text)


def test_the_hostile_text_is_there_to_be_read(server):
    server.post_text('talk', '["talk"]')
    until(lambda: 'two' in server.log)
    log = server.log
    assert r'\x1b[31m\x1b]0;title\x07\x9b2J' in log
    assert f'\n {FORGED}' in log
    assert r'\u202e\u2066\u200b\ufeff' in log
    assert r'\udcff' in log
    own = (server.folder / 'own.log').read_bytes().decode()
    assert r'own \x1b[31m' in own
    assert_harmless(own)


def test_a_traceback_keeps_its_lines(server):
    server.post_text('talk', '["chain"]')
    until(lambda: 'The above exception was the direct cause' in server.log)
    assert re.search('\nThe above exception was the direct cause of the following exception:\n\n'
                     'Traceback \\(most recent call last\\):\n  File "', server.log)


def test_a_terminal_gets_no_colours_but_our_own(tmp_path):
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack('4H', 24, 200, 0, 0))
    signature = {**TENSORS, 'inputs': [{'data_name': WORD, 'data_shape': [0, 1]}]}
    archives = [write_archive(tmp_path, 'talk', source=TEXT),
                write_archive(tmp_path, 'named', signature=signature)]
    process = subprocess.Popen(
        [sys.executable, '-m', 'mms', '--port', '0', '--workers', '1', '--models',
         f'talk={archives[0]}', f'named={archives[1]}'],
        cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(REPO), 'TERM': 'xterm'},
        stdout=end, stderr=end)
    os.close(end)
    shown = bytearray()
    reading = threading.Thread(target=read_all, args=(terminal, shown), daemon=True)
    reading.start()
    until(lambda: b'Ctrl-C' in shown or process.poll() is not None, 120)
    port = re.search(rb'http://127.0.0.1:(\d+)', shown)
    if port:
        for sent in form_requests(ESCAPED):
            send(int(port[1]), sent)
    process.terminate()
    process.wait(60)
    reading.join(10)
    assert b'\x1b[32m[INFO' in shown
    assert r'\x1b[31m' in shown.decode()
    assert_harmless(shown.decode(), terminal=True)


def read_all(descriptor, into):
    try:
        while True:
            data = os.read(descriptor, 65536)
            if not data:
                return
            into.extend(data)
    except OSError:
        # Whoever wrote has ended.
        return
    finally:
        os.close(descriptor)


# ---- starts that fail


def refused(*words, cwd, module='mms', env=None):
    """What a command says of words that it refuses, and its log."""
    done = launcher.run(module, *words, cwd=cwd, env={**launcher.environment(), **(env or {})})
    assert done.returncode in (1, 2)
    for text in (done.stdout.decode(), done.stderr.decode()):
        assert_harmless(text)
    log = cwd / 'mms_app.log'
    if log.exists():
        assert_harmless(log.read_bytes().decode())
    return done.stderr.decode()


@pytest.mark.parametrize('words', [
    ['--models', WORD], ['--models', f'{WORD}=/x'], ['--models', f'm={WORD}'],
    ['--models', f'm=/tmp/{WORD}/x.model'], ['--models', f'm=http://127.0.0.1:1/{WORD}'],
    ['--models', f'm=file:///{WORD}'], ['--models', f'm=s3://{WORD}/{WORD}'],
    ['--models', f'm=http://{WORD}/'], ['--models', f'm=ftp://{WORD}'],
    ['--models', 'm=/x', '--service', WORD], ['--models', 'm=/x', '--gpu', WORD],
    ['--models', 'm=/x', '--port', WORD], ['--models', 'm=/x', '--host', WORD],
    ['--models', 'm=/x', '--log-file', f'/none/{WORD}'], ['--models', 'm=/x', f'--{WORD}'],
    ['--models', 'm=/x', '--log-level', WORD], ['--models', 'm=/x', '--metrics-write-to', WORD],
    ['--models', 'm=/x', '--log-rotation-time', WORD], ['--models', 'm=/x', '--workers', WORD],
    ['--models', 'm=/x', '--gen-api', WORD], ['--models', 'm=/x', '--port', '80', WORD],
    ['--models', 'm=/x', '--log-level', 'INFO', '--max-request-size', WORD],
    ['--models', 'm=/x', '--device', WORD], ['--models', 'm=/x', '--batch-size', WORD],
    [WORD], [f'--model{WORD}'],
], ids=ascii)
def test_a_refused_command_line_says_nothing_raw(words, tmp_path):
    assert refused(*words, cwd=tmp_path)


ARCHIVES = {
    'a member': {'files': {f'{WORD}.txt': 'x', f'a/{WORD}': 'y', f'b/{WORD}': 'z'}},
    'the service file': {'model': {'Service': f'{WORD}.py'}},
    'an input': {'signature': {**TENSORS, 'inputs': [{'data_name': WORD, 'data_shape': 'x'}]}},
    'a type': {'signature': {**TENSORS, 'input_type': WORD}},
    'a constructor': {'source': TEXT.replace('\n        log(), say()\n\n',
                                             '\n        raise ValueError(HOSTILE)\n\n')},
    'a syntax error': {'source': f'x = "{WORD}'},
    'a module': {'source': f'raise ImportError({WORD!r})'},
    'an exit': {'source': f'import sys; sys.exit({WORD!r})'},
    'a class': {'source': f'raise type({WORD!r}, (Exception,), {{}})({WORD!r})'},
    'the first answer': {'body': f'raise KeyError({EVERYTHING!r})'},
}


@pytest.mark.parametrize('place', ARCHIVES)
def test_an_archive_that_is_refused_says_nothing_raw(place, tmp_path):
    path = write_archive(tmp_path, 'm', **ARCHIVES[place])
    assert refused('--models', f'm={path}', '--strict', cwd=tmp_path)


@pytest.mark.parametrize('flag', ['--inspect', '--check'])
@pytest.mark.parametrize('place', [*ARCHIVES, 'the model'])
def test_an_archive_that_is_looked_at_says_nothing_raw(place, flag, tmp_path):
    path = write_archive(tmp_path, 'm', **ARCHIVES.get(place, {'model': NAMED}))
    done = launcher.run('mms.export_model', flag, path, cwd=tmp_path)
    said = done.stdout.decode() + done.stderr.decode()
    assert said
    raw = {char for char in said if not char.isprintable()} - {'\n', '\t'}
    assert raw == set()


def test_an_export_says_nothing_raw(tmp_path):
    folder = tmp_path / f'a{COMMANDS[0]}\u202e\nb'
    folder.mkdir()
    said = refused('--model-name', f'm{COMMANDS[0]}', '--model-path', str(folder), cwd=tmp_path,
                   module='mms.export_model')
    assert 'signature.json is not found in' in said
    assert len(said.splitlines()) == 1
    assert refused('--model-name', 'm', '--model-type', WORD, '--model-path', '.', cwd=tmp_path,
                   module='mms.export_model')


# ---- what other servers say


REASON = b'\x1b[31m\x9b2J\xe2\x80\xae\x07\x0b' + FORGED.encode()
S3_ERROR = (b'<?xml version="1.0"?><Error><Code>\xc2\x9b\xe2\x80\xae&#10;' + FORGED.encode()
            + b'</Code><Message>\xc2\x9b\xe2\x80\xae</Message></Error>')
OTHERS = {
    'a reason': b'HTTP/1.1 418 ' + REASON + b'\r\nContent-Length: 0\r\n\r\n',
    'a reason that is tried again': b'HTTP/1.1 503 ' + REASON + b'\r\nContent-Length: 0\r\n\r\n',
    'a redirect': (b'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/' + REASON
                   + b'\r\nContent-Length: 0\r\n\r\n'),
    'another scheme': b'HTTP/1.1 302 Found\r\nLocation: ' + REASON + b'://x\r\n\r\n',
    'a header': (b'HTTP/1.1 200 OK\r\n' + REASON + b'\r\nContent-Length: ' + REASON
                 + b'\r\n\r\nPK'),
    'a type': (b'HTTP/1.1 200 OK\r\nContent-Encoding: ' + REASON + b'\r\nContent-Disposition: '
               + REASON + b'\r\nContent-Length: 2\r\n\r\nPK'),
    'a chunk': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + REASON + b'\r\n',
    'no HTTP': REASON + b'\r\n\r\n',
    'an error of S3': (b'HTTP/1.1 400 ' + REASON + b'\r\nContent-Length: %d\r\n\r\n'
                       % len(S3_ERROR) + S3_ERROR),
}


@pytest.fixture
def answering():
    """A server that gives each connection the same bytes; a function starts it, and has its
    port."""
    listening = socket.create_server(('127.0.0.1', 0))

    def answer(data):
        threading.Thread(target=serve_bytes, args=(listening, data), daemon=True).start()
        return listening.getsockname()[1]

    yield answer
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def serve_bytes(listening, data):
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        with client:
            client.recv(65536)
            client.sendall(data)


@pytest.mark.parametrize('module', ['mms', 'mms.export_model'])
@pytest.mark.parametrize('case', OTHERS)
def test_what_a_web_server_says_is_escaped(case, module, answering, tmp_path):
    url = f'http://127.0.0.1:{answering(OTHERS[case])}/a.model'
    words = ['--models', f'm={url}'] if module == 'mms' else ['--inspect', url]
    said = refused(*words, cwd=tmp_path, module=module)
    assert '/a.model' in said


@pytest.mark.parametrize('case', ['an error of S3', 'a reason', 'a header', 'no HTTP'])
def test_what_a_store_says_is_escaped(case, answering, tmp_path):
    extra('boto3')
    port = answering(OTHERS[case])
    said = refused('--models', 'm=s3://bucket/a.model', cwd=tmp_path, env={
        'AWS_ENDPOINT_URL': f'http://127.0.0.1:{port}', 'AWS_ACCESS_KEY_ID': 'x',
        'AWS_SECRET_ACCESS_KEY': 'y', 'AWS_DEFAULT_REGION': 'us-east-1'})
    assert 's3://bucket/a.model' in said
