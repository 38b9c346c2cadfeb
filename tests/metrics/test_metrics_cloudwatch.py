import logging
import os
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from extras import extra

from mms.metrics import Metrics, Point, Report, make_sink
from mms.metrics.cloudwatch_sink import CloudWatchSink
from mms.metrics.log_sink import LogSink

boto3 = extra('boto3')
Config = extra('botocore.config').Config
server = extra('moto.server')

ROOT = str(Path(__file__).resolve().parents[2])


@pytest.fixture
def no_aws(monkeypatch, tmp_path):
    """An environment in which boto3 finds nothing of this machine's owner."""
    for name in [name for name in os.environ if name.startswith('AWS_')]:
        monkeypatch.delenv(name)
    monkeypatch.setenv('AWS_CONFIG_FILE', str(tmp_path / 'no_config'))
    monkeypatch.setenv('AWS_SHARED_CREDENTIALS_FILE', str(tmp_path / 'no_credentials'))
    monkeypatch.setenv('AWS_EC2_METADATA_DISABLED', 'true')
    return monkeypatch


@pytest.fixture
def aws(no_aws):
    no_aws.setenv('AWS_ACCESS_KEY_ID', 'testing')
    no_aws.setenv('AWS_SECRET_ACCESS_KEY', 'testing')
    no_aws.setenv('AWS_DEFAULT_REGION', 'us-east-1')
    return no_aws


@pytest.fixture
def cloudwatch(aws):
    moto = server.ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    host = '127.0.0.1' if host == '0.0.0.0' else host
    aws.setenv('AWS_ENDPOINT_URL', f'http://{host}:{port}')
    requests.post(f'http://{host}:{port}/moto-api/reset', timeout=30).raise_for_status()
    client = boto3.client('cloudwatch')
    yield client
    moto.stop()


def point(name, value, model=None, unit='Count'):
    return Point(name, unit, model, value, 1, value, value, value)


def dimensions(metric):
    return {d['Name']: d['Value'] for d in metric['Dimensions']}


def listed(client):
    pages = client.get_paginator('list_metrics').paginate(Namespace='MXNetModelServer')
    return [metric for page in pages for metric in page['Metrics']]


def statistics(client, name, **dims):
    now = datetime.now(timezone.utc)
    return client.get_metric_statistics(
        Namespace='MXNetModelServer', MetricName=name, Period=60,
        Dimensions=[{'Name': k, 'Value': v} for k, v in dims.items()],
        StartTime=now - timedelta(hours=1), EndTime=now + timedelta(hours=1),
        Statistics=['Sum', 'SampleCount', 'Minimum', 'Maximum', 'Average'])['Datapoints']


def test_values_arrive_with_namespace_unit_and_dimensions(cloudwatch):
    make_sink('cloudwatch').write(Report(time.time(), 60, [
        point('PredictionTotal', 7.0, 'alexnet'),
        point('LatencyInference', 12.5, 'alexnet', 'Milliseconds'),
        point('DiskUsed', 3.5, None, 'Gigabytes')]))
    host = socket.gethostname()
    assert {m['MetricName']: dimensions(m) for m in listed(cloudwatch)} == {
        'PredictionTotal': {'host': host, 'model_name': 'alexnet'},
        'LatencyInference': {'host': host, 'model_name': 'alexnet'},
        'DiskUsed': {'host': host}}
    (found,) = statistics(cloudwatch, 'PredictionTotal', host=host, model_name='alexnet')
    assert (found['Sum'], found['Unit']) == (7.0, 'Count')
    (found,) = statistics(cloudwatch, 'LatencyInference', host=host, model_name='alexnet')
    assert (found['Average'], found['Unit']) == (12.5, 'Milliseconds')


def test_memory_in_megabytes_arrives_with_its_extremes(cloudwatch):
    make_sink('cloudwatch').write(Report(time.time(), 60, [
        Point('MemoryUsed', 'Megabytes', None, 200.0, 3, 600.0, 100.0, 300.0)]))
    (found,) = statistics(cloudwatch, 'MemoryUsed', host=socket.gethostname())
    assert {k: found[k] for k in ('Sum', 'SampleCount', 'Minimum', 'Maximum', 'Unit')} == {
        'Sum': 600.0, 'SampleCount': 3.0, 'Minimum': 100.0, 'Maximum': 300.0,
        'Unit': 'Megabytes'}


def test_more_values_than_a_call_takes_all_arrive_in_calls_within_the_limits(cloudwatch):
    calls, body_sizes = [], []
    sending = boto3.client('cloudwatch', config=Config(disable_request_compression=True))
    sending.meta.events.register('provide-client-params.cloudwatch.PutMetricData',
                                 lambda params, **_: calls.append(len(params['MetricData'])))
    sending.meta.events.register('before-send.cloudwatch.PutMetricData',
                                 lambda request, **_: body_sizes.append(len(request.body)))
    models = [f'model{number:04d}' + 'x' * 240 for number in range(1200)]
    CloudWatchSink(sending).write(
        Report(time.time(), 60, [point('PredictionTotal', 1.0, model) for model in models]))
    assert {dimensions(m)['model_name'] for m in listed(cloudwatch)} == set(models)
    assert sum(calls) == 1200
    assert max(calls) <= 1000
    assert max(body_sizes) <= 1_000_000


def test_a_real_run_brings_counts_and_gauges(cloudwatch, caplog):
    metrics = Metrics(['alexnet'], make_sink('cloudwatch'))
    metrics.start()
    metrics.count('PredictionTotal', model='alexnet')
    metrics.stop(timeout_s=30)
    assert {'PredictionTotal', 'MemoryUsed', 'DiskUsed'} <= {
        m['MetricName'] for m in listed(cloudwatch)}
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_a_put_that_fails_sends_that_intervals_values_to_the_log(aws, caplog):
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        aws.setenv('AWS_ENDPOINT_URL', f'http://127.0.0.1:{closed.getsockname()[1]}')
        sink = make_sink('cloudwatch')
        with caplog.at_level(logging.INFO, logger='mms'):
            sink.write(Report(time.time(), 60, [point('PingTotal', 2.0)]))
    ours = [(r.levelname, r.getMessage()) for r in caplog.records if r.name.startswith('mms')]
    assert ours[0][0] == 'WARNING'
    assert 'cannot be written to CloudWatch' in ours[0][1]
    assert ours[1:] == [('INFO', 'Metric PingTotal for last 60 seconds is 2.000000')]


@pytest.mark.parametrize(('missing', 'told'), [
    (['AWS_DEFAULT_REGION'], 'region'),
    (['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'], 'credentials'),
    (['AWS_SECRET_ACCESS_KEY'], 'credentials')])
def test_without_region_or_credentials_one_warning_is_given_and_the_log_is_used(
        missing, told, aws, caplog):
    for name in missing:
        aws.delenv(name)
    sink = make_sink('cloudwatch')
    assert isinstance(sink, LogSink)
    (warning,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert 'go to the log' in warning.getMessage()
    assert told in warning.getMessage().lower()


def test_a_profile_that_does_not_exist_is_a_warning_too(no_aws, caplog):
    no_aws.setenv('AWS_PROFILE', 'nobody')
    assert isinstance(make_sink('cloudwatch'), LogSink)
    assert 'nobody' in caplog.text


def test_without_boto3_the_error_names_the_extra(tmp_path):
    (tmp_path / 'boto3.py').write_text("raise ImportError('not here')")
    done = subprocess.run(
        [sys.executable, '-c', "from mms.metrics import make_sink\n"
         "from mms.errors import MissingExtraError\n"
         "try:\n    make_sink('cloudwatch')\nexcept MissingExtraError as e:\n    print(e)"],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(tmp_path), ROOT])})
    assert done.stdout == (
        "CloudWatch metrics (--metrics-write-to cloudwatch) need an optional dependency: "
        "pip install 'mxnet-model-server[cloudwatch]'\n"), done.stderr
