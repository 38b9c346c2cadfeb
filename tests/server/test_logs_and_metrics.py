"""What a running server writes to its log, its terminal and its metrics."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
import requests
from extras import extra
from harness import REPO, SERVICE, until, write_archive

HEAD = re.compile(r'\[(\w+) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} PID:(\d+) (\S+):(\w+|<module>):'
                  r'(\d+) (.*)')
TALKER = 'import logging\nfrom mms.log.setup import get_logger\n' + SERVICE.format(body='''\
        get_logger().warning('by get_logger')
        get_logger('mine').info('by a name')
        logging.info('by logging %s', 'é')
        logging.debug('never at INFO')
        print('printed')
        return data''')


def records_of(server, *pids):
    heads = map(HEAD.match, server.log.splitlines())
    return [head for head in heads if head and int(head[2]) in pids]


def test_worker_and_front_share_one_log_file(serve, tmp_path):
    server = serve('--models', f"talk={write_archive(tmp_path, 'talk', source=TALKER)}",
                   '--workers', 1)
    assert server.post_text('talk', '[1]', headers={'X-Request-Id': 'r-1'}).status_code == 200
    [worker] = server.workers()
    # Made-up requests have talked before, in processes that are gone.
    levels = {'by get_logger': 'WARNING', 'by a name': 'INFO', 'by logging é': 'INFO',
              'printed': 'INFO'}
    levels = {f'{text} request_id=r-1': level for text, level in levels.items()}
    until(lambda: levels.keys() <= {record[6] for record in records_of(server, worker.pid)})
    until(lambda: 'POST' in server.log)
    records = records_of(server, worker.pid, server.pid)
    said = {record[6]: record for record in records}
    for text, level in levels.items():
        assert said[text][1] == level
        assert int(said[text][2]) == worker.pid
        assert said[text][3].endswith('output' if text.startswith('printed') else 'service.py')
        assert [record[6] for record in records].count(text) == 1
    assert 'never at INFO' not in server.log
    [access] = [record for text, record in said.items() if text.startswith('POST')]
    assert re.fullmatch(r'POST /talk/predict 200 \d+\.\d ms model=talk client=127\.0\.0\.1 '
                        'request_id=r-1', access[6])
    assert int(access[2]) == server.pid


def test_debug_adds_the_handling_time_and_the_level_reaches_the_worker(serve, tmp_path):
    server = serve('--models', f"talk={write_archive(tmp_path, 'talk', source=TALKER)}",
                   '--log-level', 'DEBUG', '--log-file', 'own.log', '--log-rotation-time', '1 D')
    assert server.post_text('talk', '[1]', headers={'X-Request-Id': 'find-me'}).status_code == 200
    log = (server.folder / 'own.log')
    until(lambda: 'never at INFO' in log.read_text())
    assert re.search(r'Prediction request handling time is: [\d.]+ ms \(request find-me\)',
                     log.read_text())
    until(lambda: 'Request find-me is in hand' in log.read_text())
    assert not (server.folder / 'mms_app.log').exists()


def test_a_log_file_that_cannot_be_written_is_told_once_and_costs_no_request(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}", '--log-file', '/dev/full')
    for _ in range(3):
        assert server.post_text('m', '[1]').status_code == 200
    until(lambda: server.stderr.count('POST /m/predict 200') == 3)
    assert server.stderr.count('/dev/full cannot be written') == 1
    assert 'Traceback' not in server.stderr


def test_error_level_leaves_requests_out_and_refusals_in(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}", '--log-level', 'ERROR')
    server.post_text('m', '[1]')
    server.post('m')
    until(lambda: 'This end point is expecting a data_name of data' in server.log)
    assert 'POST' not in server.log
    assert 'Metric' not in server.log


def test_a_terminal_has_colours_and_progress_and_a_pipe_has_none(tmp_path):
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack('4H', 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, '-m', 'mms', '--port', '0', '--models',
         f"m={write_archive(tmp_path, 'm')}"],
        cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(REPO), 'TERM': 'xterm'},
        stdout=subprocess.PIPE, stderr=end)
    os.close(end)
    text = b''
    while b'/ping' not in text:
        text += os.read(terminal, 4096)
    process.terminate()
    process.communicate(timeout=30)
    os.close(terminal)
    assert b'Loading models' in text
    assert re.search(rb'\x1b\[32m\[INFO [^]]*:\d+\]\x1b\[0m Service started successfully', text)
    assert b'\x1b' not in (tmp_path / 'mms_app.log').read_bytes()


@pytest.fixture
def asked(serve, tmp_path):
    """A server that was asked a few things, stopped, so that its metrics are written."""
    def ask(*words, **options):
        broken = 'return 1 / data[0][0]'
        server = serve('--models', f"m={write_archive(tmp_path, 'm', broken)}", *words, **options)
        assert [server.post_text('m', text).status_code for text in ('[1]', '[2]', '[0]', '{}')
                ] == [200, 200, 500, 400]
        for path in ('/ping', '/', '/api-description'):
            assert server.get(path).status_code == 200
        assert server.stop() == 0
        return server
    return ask


def test_metrics_go_to_the_log(asked):
    log = asked().log
    for name, value in [('PredictionTotal', 4), ('Prediction4XX', 1), ('Prediction5XX', 1),
                        ('PingTotal', 2), ('APIDescriptionTotal', 1)]:
        assert f'Metric {name} for last 60 seconds is {value:f}' in log
    for name in ('LatencyOverall', 'LatencyPreprocess', 'LatencyInference', 'LatencyPostprocess',
                 'CPUUtilization', 'MemoryUtilization', 'MemoryUsed', 'DiskUsed',
                 'MemoryAvailable', 'DiskAvailable', 'DiskUtilization'):
        assert re.search(rf'Metric {name} for last 60 seconds is \d+\.\d{{6}}', log)


def test_metrics_go_to_csv_files(asked):
    server = asked('--metrics-write-to', 'csv')
    rows = {path.name: path.read_text().splitlines()
            for path in (server.folder / 'metrics').iterdir()}
    row = r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ,'
    assert re.fullmatch(row + r'4\.0', rows['mms_PredictionTotal.csv'][0])
    assert re.fullmatch(row + r'2\.0', rows['mms_PingTotal.csv'][0])
    assert re.fullmatch(row + r'\d+\.\d+', rows['mms_DiskUsed.csv'][0])
    assert 'Metric ' not in server.log


def test_metrics_go_to_cloudwatch(asked):
    cloud = extra('moto.server').ThreadedMotoServer(port=0, verbose=False)
    cloud.start()
    try:
        host, port = cloud.get_host_and_port()
        # What it keeps is that of every such server of this process.
        requests.post(f'http://{host}:{port}/moto-api/reset', timeout=10).raise_for_status()
        environment = {
            'AWS_ENDPOINT_URL': f'http://{host}:{port}', 'AWS_DEFAULT_REGION': 'us-east-1',
            'AWS_ACCESS_KEY_ID': 'test', 'AWS_SECRET_ACCESS_KEY': 'test',
        }
        asked('--metrics-write-to', 'cloudwatch', env=environment)
        stored = requests.get(f'http://{host}:{port}/moto-api/data.json', timeout=10).json()
    finally:
        cloud.stop()
    text = str(stored)
    assert 'MXNetModelServer' in text
    assert 'PredictionTotal' in text


def test_cloudwatch_without_credentials_is_a_warning_and_the_log_has_the_metrics(asked):
    environment = {name: '' for name in os.environ if name.startswith('AWS_')}
    server = asked('--metrics-write-to', 'cloudwatch',
                   env={**environment, 'AWS_EC2_METADATA_DISABLED': 'true'})
    assert len(re.findall(r'\[WARNING .*CloudWatch', server.log)) == 1
    assert 'Metric PredictionTotal for last 60 seconds is 4.000000' in server.log
