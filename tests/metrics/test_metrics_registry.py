import logging
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import gevent
import gevent.event
import pytest

from mms.metrics import Metrics, make_sink

ROOT = str(Path(__file__).resolve().parents[2])


class Memory:
    """Keeps the reports, and wakes who waits for one."""

    def __init__(self):
        self.reports = []
        self.threads = set()
        self.failure = None

    def write(self, report):
        if self.failure:
            raise self.failure
        self.threads.add(threading.get_ident())
        self.reports.append(report)

    def values(self):
        return [{(p.name, p.model): p.value for p in r.points} for r in self.reports]


def wait_until(true):
    with gevent.Timeout(30):
        while not true():
            gevent.sleep(0.01)


def test_a_flush_reports_what_was_recorded_since_the_last_one():
    sink = Memory()
    metrics = Metrics(['a', 'b'], sink, clock=lambda: 42.0)
    metrics.count('PredictionTotal', model='a')
    metrics.count('PredictionTotal', model='a')
    metrics.count('PingTotal')
    metrics.observe('LatencyInference', 10, model='b')
    metrics.observe('LatencyInference', 20, model='b')
    metrics.flush()
    metrics.count('PingTotal')
    metrics.flush()
    assert sink.values() == [
        {('PredictionTotal', 'a'): 2, ('LatencyInference', 'b'): 15, ('PingTotal', None): 1},
        {('PingTotal', None): 1}]
    assert [(r.at, r.interval_s) for r in sink.reports] == [(42.0, 60.0)] * 2


def test_a_request_whose_model_has_gone_meanwhile_is_not_recorded_and_nobody_complains(caplog):
    sink = Memory()
    metrics = Metrics(['a'], sink)
    metrics.remove_model('a')
    metrics.flush()
    metrics.count('PredictionTotal', model='a')
    metrics.flush()
    assert sink.values() == []
    assert caplog.text == ''


def test_an_interval_without_data_is_not_reported():
    sink = Memory()
    Metrics(['a'], sink).flush()
    assert sink.reports == []


def test_the_overall_latency_is_the_sum_of_the_stages():
    sink = Memory()
    metrics = Metrics(['a'], sink)
    metrics.observe_stages({'preprocess': 1.5, 'inference': 10, 'postprocess': 0.5}, 'a')
    metrics.observe_stages({'preprocess': 2.5, 'inference': 20, 'postprocess': 1.5}, 'a')
    metrics.flush()
    assert sink.values() == [{
        ('LatencyPreprocess', 'a'): 2, ('LatencyInference', 'a'): 15,
        ('LatencyPostprocess', 'a'): 1, ('LatencyOverall', 'a'): 18}]


def test_a_service_without_stages_has_no_latency():
    sink = Memory()
    metrics = Metrics(['a'], sink)
    metrics.observe_stages({}, 'a')
    metrics.flush()
    assert sink.reports == []


@pytest.mark.parametrize('record', [
    lambda m: m.count('NoSuchMetric'),
    lambda m: m.count('PredictionTotal'),
    lambda m: m.count(['unhashable']),
    lambda m: m.observe('LatencyInference', float('nan'), model='a'),
    lambda m: m.observe('LatencyInference', None, model='a'),
    lambda m: m.observe_stages({'dessert': 1.0}, 'a'),
    lambda m: m.observe_stages({'inference': '1'}, 'a'),
    lambda m: m.observe_stages(None, 'a'),
])
def test_what_cannot_be_recorded_is_told_once_and_raises_nothing(record, caplog):
    sink = Memory()
    metrics = Metrics(['a'], sink)
    with caplog.at_level(logging.INFO):
        record(metrics)
        record(metrics)
    (line,) = caplog.records
    assert line.levelname == 'WARNING'
    assert 'could not be recorded' in line.getMessage()
    metrics.count('PingTotal')
    metrics.flush()
    assert sink.values() == [{('PingTotal', None): 1}]


def test_a_sink_that_raises_is_told_once_for_each_kind_and_gets_the_next_report(caplog):
    sink = Memory()
    metrics = Metrics([], sink)
    for failure in (OSError('disk'), OSError('disk'), RuntimeError('odd'), None):
        sink.failure = failure
        metrics.count('PingTotal')
        metrics.flush()
    assert [r.getMessage() for r in caplog.records] == [
        'A metric could not be written (OSError: disk)',
        'A metric could not be written (RuntimeError: odd)']
    assert sink.values() == [{('PingTotal', None): 1}]


def test_the_host_is_reported_at_start_and_then_each_interval():
    sink = Memory()
    metrics = Metrics(['a'], sink, interval_s=1.5, sample_interval_s=0.1)
    metrics.start()
    wait_until(lambda: len(sink.reports) >= 3)
    metrics.stop()
    first, second = sink.reports[:2]
    gauges = {'CPUUtilization', 'MemoryUtilization', 'MemoryUsed', 'MemoryAvailable',
              'DiskUtilization', 'DiskUsed', 'DiskAvailable'}
    assert {p.name for p in first.points} == gauges
    assert {p.name for p in second.points} == gauges


def test_what_was_counted_before_the_first_report_waits_for_the_second():
    sink = Memory()
    metrics = Metrics(['a'], sink, interval_s=0.5, sample_interval_s=10)
    metrics.start()
    metrics.count('PredictionTotal', model='a')
    wait_until(lambda: len(sink.reports) >= 2)
    metrics.stop()
    first, second = sink.reports[:2]
    assert 'PredictionTotal' not in {point.name for point in first.points}
    assert [(point.name, point.value) for point in second.points] == [('PredictionTotal', 1)]


def test_gauges_are_sampled_many_times_in_an_interval():
    sink = Memory()
    metrics = Metrics([], sink, interval_s=60, sample_interval_s=0.02)
    metrics.start()
    wait_until(lambda: sink.reports)
    gevent.sleep(0.5)
    metrics.stop()
    samples = {p.name: p.samples for p in sink.reports[1].points}
    assert samples['MemoryUsed'] > 2


def test_reports_are_written_outside_the_thread_of_the_loop():
    sink = Memory()
    metrics = Metrics([], sink)
    metrics.count('PingTotal')
    metrics.flush()
    assert sink.threads
    assert threading.get_ident() not in sink.threads


def test_the_loop_turns_while_a_sink_blocks():
    release = threading.Event()

    class Slow:
        def write(self, report):
            assert release.wait(30)

    metrics = Metrics([], Slow())
    metrics.count('PingTotal')
    flushing = gevent.spawn(metrics.flush)
    gevent.sleep(0.1)
    assert not flushing.dead
    release.set()
    flushing.get(timeout=30)


def test_stop_writes_what_is_left():
    sink = Memory()
    metrics = Metrics(['a'], sink)
    metrics.start()
    wait_until(lambda: sink.reports)
    metrics.count('PredictionTotal', model='a')
    metrics.stop()
    assert sink.values()[-1][('PredictionTotal', 'a')] == 1
    written = len(sink.reports)
    metrics.stop()
    assert len(sink.reports) == written


def test_stop_waits_for_a_report_that_is_being_written():
    entered, release = threading.Event(), threading.Event()
    written = []

    class Slow:
        def write(self, report):
            entered.set()
            assert release.wait(30)
            written.append(report)

    metrics = Metrics([], Slow())
    metrics.start()
    wait_until(entered.is_set)
    metrics.count('PingTotal')
    stopping = gevent.spawn(metrics.stop, 30)
    gevent.sleep(0.1)
    assert not stopping.dead
    release.set()
    stopping.get(timeout=30)
    assert written[-1].points[0].name == 'PingTotal'


def test_the_wait_for_the_last_report_begins_when_stop_is_called():
    class Slow(Memory):
        def write(self, report):
            time.sleep(0.2)
            super().write(report)

    sink = Slow()
    metrics = Metrics([], sink)
    metrics.start()
    metrics.count('PingTotal')
    gevent.sleep(0.01)
    time.sleep(3)  # The loop stands still, and its clock with it.
    metrics.stop(timeout_s=2.8)
    assert ('PingTotal', None) in sink.values()[-1]


def test_stop_without_start_is_quiet():
    sink = Memory()
    Metrics([], sink).stop()
    assert sink.reports == []


def in_python(script, cwd, **env):
    return subprocess.run([sys.executable, '-c', script], cwd=cwd, capture_output=True, text=True,
                          timeout=60, env={**os.environ, 'PYTHONPATH': ROOT, **env})


def test_a_sink_that_hangs_keeps_no_process_from_ending(tmp_path):
    done = in_python("""
import gevent, logging, time
logging.basicConfig()
from mms.metrics import Metrics
class Hung:
    def write(self, report):
        time.sleep(3600)
metrics = Metrics([], Hung())
metrics.start()
gevent.sleep(0.5)
metrics.stop(timeout_s=0.2)
print('stopped')
""", tmp_path)
    assert done.stdout == 'stopped\n', done.stderr
    assert 'were not written within 0.2 seconds' in done.stderr
    assert 'Traceback' not in done.stderr


def test_importing_metrics_imports_neither_boto3_nor_mxnet(tmp_path):
    done = in_python("import sys, mms.metrics\n"
                     "print([n for n in sys.modules if n.split('.')[0] in "
                     "('boto3', 'botocore', 'mxnet', 'numpy')])", tmp_path)
    assert done.stdout == '[]\n', done.stderr


def test_the_log_of_a_server_has_the_lines_of_the_contract(tmp_path):
    done = in_python("""
import gevent, logging
from mms.log import setup as log
from mms.log.rotation import LogRotation
from mms.metrics import Metrics, make_sink
log.FrontLog('app.log', LogRotation(1, 'H'), logging.INFO).begin()
metrics = Metrics(['alexnet'], make_sink('log', 'metrics'))
metrics.start()
metrics.count('PredictionTotal', model='alexnet')
metrics.observe('LatencyInference', 12.3456789, model='alexnet')
gevent.sleep(0.3)
metrics.stop()
""", tmp_path)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / 'app.log').read_text().splitlines()
    assert all(re.match(r'\[INFO .*log_sink\.py:write:\d+ Metric \w+ for last 60 seconds is '
                        r'\d+\.\d{6}$', line) for line in lines), lines
    text = '\n'.join(lines)
    assert 'Metric PredictionTotal for last 60 seconds is 1.000000' in text
    assert 'Metric LatencyInference for last 60 seconds is 12.345679' in text
    assert 'Metric DiskUsed for last 60 seconds is' in text
    assert [p.name for p in tmp_path.iterdir()] == ['app.log']


def test_a_real_run_with_csv_leaves_files_with_rows(tmp_path):
    metrics = Metrics(['a'], make_sink('csv', str(tmp_path / 'metrics')),
                      interval_s=0.2, sample_interval_s=0.1)
    metrics.start()
    metrics.count('PredictionTotal', model='a')
    memory = tmp_path / 'metrics' / 'mms_MemoryUsed.csv'
    wait_until(lambda: memory.exists() and len(memory.read_text().splitlines()) >= 2)
    metrics.stop()
    (row,) = (tmp_path / 'metrics' / 'mms_PredictionTotal.csv').read_text().splitlines()
    assert re.fullmatch(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ,1\.0', row)
