"""The log of a whole session in JSON, line by line, and the page that says what is in it."""

import json
import re
import signal

import requests
from harness import REPO, SERVICE, until, write_archive

TALKER = 'import logging, os\n' + SERVICE.format(body='''\
        logging.info('say "hi"\\nin two lines \\udcff \\u2028 \\x1b[31m %s', data)
        print('printed {"a": 1}')
        value = data[0][0]
        if value == 5:
            raise KeyError('a hook fails')
        if value == 7:
            os._exit(3)
        return data''')
PAGE = REPO / 'docs' / 'logs.md'
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z')
TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'


def session(server):
    """Ask for what leaves lines of all kinds, and stop."""
    headers = {'X-Request-Id': 'all-1', 'traceparent': TRACE, 'tracestate': 'a=b'}
    assert server.post_text('m', '[1]', headers=headers).status_code == 200
    for text, status in (('[5]', 500), ('[7]', 500), ('wrong', 400)):
        answer = server.post_text('m', text, headers={'X-Request-Id': f'of-{status}'})
        assert answer.status_code == status
    requests.get(f'{server.url}/nowhere\x1b"', timeout=30)
    assert server.stop(signal.SIGTERM) == 0


def documented():
    """The fields in the table of the page."""
    _, _, rest = PAGE.read_text().partition('## JSON lines\n')
    rows = re.findall(r'^\| (`[^|]*) \|', rest.partition('\n## ')[0], re.MULTILINE)
    return {name for row in rows for name in re.findall(r'`(\w+)`', row)}


def test_every_line_of_a_session_is_an_object_and_the_page_has_every_field(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=TALKER)}",
                   '--workers', 1, '--log-format', 'json', '--slow-request', '0.000001')
    session(server)
    lines = server.log.splitlines()
    records = [json.loads(line) for line in lines]
    assert server.log.isascii()
    # Standard error that is no terminal has the same lines.
    assert all(line in lines for line in server.stderr.splitlines())
    assert all(TIME.fullmatch(record['time']) for record in records)
    assert {record['level'] for record in records} == {'INFO', 'WARNING', 'ERROR'}
    about = [record for record in records if record.get('request_id') == 'all-1']
    assert {record['message'].split(' ')[0] for record in about} == {
        'say', 'printed', 'POST', 'Slow'}
    assert {record['process'] for record in about} > {server.pid}
    assert {record['model'] for record in about} == {'m'}
    assert {record['traceparent'] for record in about} == {TRACE}
    [access] = [record for record in about if record['message'].startswith('POST')]
    assert (access['method'], access['path'], access['status'], access['client'],
            access['tracestate']) == ('POST', '/m/predict', 200, '127.0.0.1', 'a=b')
    assert 0 < access['inference_ms'] < access['duration_ms']
    [failed] = [record for record in records if 'exception' in record]
    assert failed['message'] == "KeyError: 'a hook fails'"
    assert failed['exception'].startswith('Traceback (most recent call last):\n')
    assert failed['request_id'] == 'of-500'
    assert any('died' in record['message'] for record in records)
    # Of several requests at once: tests/log has lines about those.
    several = {'request_ids', 'more_requests'}
    assert {name for record in records for name in record} | several == documented()


def test_on_standard_output_there_is_nothing_but_lines_and_no_file(launch, tmp_path):
    server = launch('--models', f"m={write_archive(tmp_path, 'm', source=TALKER)}",
                    '--workers', 1, '--log-format', 'json', '--log-file', '-',
                    env={'KUBERNETES_SERVICE_HOST': '10.0.0.1'})
    server.wait_until_up()
    session(server)
    records = [json.loads(line) for line in server.stdout.splitlines()]
    assert server.stderr == ''
    assert not list(server.folder.glob('*.log*'))
    messages = [record['message'] for record in records]
    assert any(message.startswith('Serving 1 model at http://') for message in messages)
    assert 'Service stopped.' in messages
    assert 'This is a container' not in server.stdout


def test_a_start_that_fails_is_a_line_on_standard_output_and_one_on_standard_error(launch):
    server = launch('--models', 'm=missing.model', '--log-format', 'json', '--log-file', '-')
    assert server.wait() == 1
    assert json.loads(server.stdout.splitlines()[-1])['level'] == 'ERROR'
    assert server.stderr.startswith('mxnet-model-server: model m cannot be served: missing.model')


def test_a_container_is_told_of_standard_output_where_it_writes_a_file(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}", '--workers', 1,
                   env={'KUBERNETES_SERVICE_HOST': '10.0.0.1'})
    assert ('This is a container, and the log file mms_app.log goes with it: --log-file - writes '
            'the log to standard output.') in server.stderr


def test_the_second_server_of_a_folder_says_what_it_does_about_the_log(serve, tmp_path):
    words = ['--models', f"m={write_archive(tmp_path, 'm')}", '--workers', 1,
             '--log-file', tmp_path / 'both.log', '--log-rotation-time', '1 D']
    first, second = serve(*words), serve(*words)
    assert 'Another process writes the log file' not in first.stderr
    assert f'Another process writes the log file {tmp_path}/both.log too' in second.stderr
    first.stop()
    until(lambda: second.get('/ping') and 'has ended: this one does.' in second.stderr)
    assert ' GET /ping 200 ' in (tmp_path / 'both.log').read_text()
