"""A real Prometheus scrapes a loaded server: what it counts is what the clients saw.

The files of deploy/prometheus are those that it reads.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from certificates import Authority
from debian_programs import environment, needs, path_of
from extras import yaml
from harness import REPO, Server, free_port, until, write_archive

FOLDER = REPO / 'deploy' / 'prometheus'
ALERTS = [rule for group in yaml.safe_load((FOLDER / 'alerts.yml').read_text())['groups']
          for rule in group['rules']]
DASHBOARD = json.loads((FOLDER / 'dashboard.json').read_text())
QUERIES = {f"{panel['title']} {target['refId']}": target['expr']
           for panel in DASHBOARD['panels'] for target in panel.get('targets', [])}
VARIABLES = {each['name']: each['query']['query'] for each in DASHBOARD['templating']['list']
             if each['type'] == 'query'}
METRIC = re.compile(r'\b(?:(?:mms|process)_\w+|up)\b')
SLEEPS = 'import time\ntime.sleep(data[0][0][0])\nreturn data'
# Longer than Prometheus needs to look twice.
LOAD_S = 3.0


def promtool(*words):
    return subprocess.run([path_of('promtool'), *map(str, words)], cwd=FOLDER, env=environment(),
                          capture_output=True, text=True, check=False, timeout=60)


@needs('promtool')
@pytest.mark.parametrize('words', [('check', 'config', 'prometheus.yml'),
                                   ('check', 'rules', 'alerts.yml'),
                                   ('test', 'rules', 'alerts_test.yml')], ids=' '.join)
def test_promtool_accepts_what_is_there(words):
    done = promtool(*words)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize('rule', ALERTS, ids=lambda rule: rule['alert'])
def test_an_alert_is_tested_where_it_fires_and_where_it_does_not(rule):
    tests = yaml.safe_load((FOLDER / 'alerts_test.yml').read_text())['tests']
    outcomes = [bool(one['exp_alerts']) for test in tests for one in test['alert_rule_test']
                if one['alertname'] == rule['alert']]
    assert set(outcomes) == {True, False}


@pytest.mark.parametrize('rule', ALERTS, ids=lambda rule: rule['alert'])
def test_an_alert_says_what_it_is_and_what_to_do(rule):
    assert set(rule['annotations']) == {'summary', 'description', 'action'}
    assert rule['labels']['severity'] in ('critical', 'warning')


def test_the_dashboard_has_its_own_place_for_each_panel():
    ids = [panel['id'] for panel in DASHBOARD['panels']]
    assert len(set(ids)) == len(ids)
    covered = Counter((x, y) for panel in DASHBOARD['panels'] for place in [panel['gridPos']]
                      for x in range(place['x'], place['x'] + place['w'])
                      for y in range(place['y'], place['y'] + place['h']))
    assert max(covered.values()) == 1
    assert max(x for x, _ in covered) == 23


class Prometheus:
    """A Prometheus that scrapes each second, over TLS, with the alerts of the folder."""

    def __init__(self, folder, target, authority):
        config = yaml.safe_load((FOLDER / 'prometheus.yml').read_text())
        config['global'] = {'scrape_interval': '1s', 'evaluation_interval': '1s'}
        config['scrape_configs'][0].update(
            scheme='https', tls_config={'ca_file': authority},
            static_configs=[{'targets': [target]}])
        (folder / 'prometheus.yml').write_text(yaml.safe_dump(config))
        shutil.copy(FOLDER / 'alerts.yml', folder)
        port = free_port()
        self.url = f'http://127.0.0.1:{port}'
        self.log = folder / 'prometheus.log'
        with open(self.log, 'w') as log:
            self.process = subprocess.Popen(
                [path_of('prometheus'), f'--config.file={folder}/prometheus.yml',
                 f'--storage.tsdb.path={folder}/data', f'--web.listen-address=127.0.0.1:{port}'],
                cwd=folder, env=environment(), stdout=log, stderr=subprocess.STDOUT)
        until(self._is_ready, 60)

    def _is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f'{self.url}/-/ready', timeout=10).ok
        return False

    def get(self, path, **parameters):
        answer = requests.get(f'{self.url}/api/v1/{path}', params=parameters, timeout=60).json()
        assert answer['status'] == 'success', answer
        return answer['data']

    def ask(self, query):
        """Label values, in the order of the labels' names -> value."""
        return {tuple(value for name, value in sorted(series['metric'].items())
                      if name not in ('__name__', 'instance', 'job')): float(series['value'][1])
                for series in self.get('query', query=query)['result']}

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Clients:
    """Who asks, and what they saw: (model, status) -> how often, model -> seconds of each."""

    def __init__(self, server):
        self._server = server
        self._lock = threading.Lock()
        self.saw = Counter()
        self.took_s = {'fast': [], 'slow': []}

    def ask(self, model, text):
        began = time.monotonic()
        status = self._server.post_text(model, text).status_code
        with self._lock:
            self.saw[model, str(status)] += 1
            self.took_s[model].append(time.monotonic() - began)

    def load(self, model, texts):
        """Ask for a while, one request after the other."""
        end = time.monotonic() + LOAD_S
        while time.monotonic() < end:
            for text in texts:
                self.ask(model, text)
                # Of a machine that others use, too.
                time.sleep(0.01)


@pytest.fixture(scope='module')
def loaded(tmp_path_factory):
    """A Prometheus, and the clients of the server that it has scraped."""
    folder = tmp_path_factory.mktemp('prometheus')
    authority = Authority(folder)
    server = Server(folder / 'server', [
        *authority.sign().words(), '--models', f"fast={write_archive(folder, 'fast')}",
        f"slow={write_archive(folder, 'slow', SLEEPS)}",
        '--workers', '1', '--batch-size', '1', '--queue-size', '2', '--request-timeout', '10'])
    prometheus = None
    try:
        server.wait_until_up()
        server.verify = authority.path
        prometheus = Prometheus(folder, f'127.0.0.1:{server.port}', authority.path)
        until(lambda: prometheus.ask('mms_workers'), 60)
        clients = Clients(server)
        # More than the queue of the slow one takes.
        with ThreadPoolExecutor() as pool:
            asked = [pool.submit(clients.load, 'fast', ['[[1]]', '[[2]]', 'no JSON']),
                     *[pool.submit(clients.load, 'slow', ['[[0.3]]']) for _ in range(6)]]
            time.sleep(LOAD_S / 2)
            [worker] = server.workers('fast')
            os.kill(worker.pid, signal.SIGKILL)
            for one in asked:
                one.result()
        server.get('/nothing')
        total = sum(clients.saw.values())
        until(lambda: sum(prometheus.ask('mms_requests_total{model!=""}').values()) == total, 60)
        yield prometheus, clients
    finally:
        if prometheus is not None:
            prometheus.stop()
        server.stop()


@needs('prometheus')
class TestOfLoadedServer:
    def test_each_answer_that_clients_saw_was_counted_and_no_other(self, loaded):
        prometheus, clients = loaded
        counted = prometheus.ask('sum by (model, code) (mms_requests_total{model!=""})')
        assert counted == {(code, model): count for (model, code), count in clients.saw.items()}
        assert clients.saw['fast', '200'] > clients.saw['fast', '400'] > 0

    def test_refusals_are_those_that_clients_saw(self, loaded):
        prometheus, clients = loaded
        assert clients.saw['slow', '503'] > 0
        assert prometheus.ask('sum by (model, reason) (mms_requests_refused_total) > 0') == {
            ('slow', 'queue_full'): clients.saw['slow', '503']}

    def test_the_worker_that_was_killed_is_the_one_that_was_replaced(self, loaded):
        prometheus, _ = loaded
        assert prometheus.ask('mms_worker_restarts_total > 0') == {('fast', 'died'): 1}

    @pytest.mark.parametrize('model', ['fast', 'slow'])
    def test_times_are_those_of_the_clients_less_the_way_there(self, loaded, model):
        prometheus, clients = loaded
        took_s = clients.took_s[model]
        counted = prometheus.ask(f'mms_request_duration_seconds_count{{model="{model}"}}')
        assert counted == {(model,): len(took_s)}
        [in_all] = prometheus.ask(f'mms_request_duration_seconds_sum{{model="{model}"}}').values()
        assert 0 < in_all < sum(took_s)
        [median] = prometheus.ask('histogram_quantile(0.5, mms_request_duration_seconds_bucket'
                                  f'{{model="{model}"}})').values()
        # The median lies in its bucket; the next bound is 2.5 times as large.
        assert median <= 2.5 * sorted(took_s)[len(took_s) // 2]

    def test_the_phases_of_the_slow_model_are_its_queue_and_its_hook(self, loaded):
        prometheus, clients = loaded
        done = clients.saw['slow', '200']
        phases = {phase: value for (_, phase), value in prometheus.ask(
            'mms_request_phase_duration_seconds_sum{model="slow"}').items()}
        assert 0.3 * done <= phases['inference'] < sum(clients.took_s['slow'])
        # Two wait while one is computed.
        assert phases['queue'] > 0.3 * done / 2
        assert phases['queue'] + phases['inference'] < sum(clients.took_s['slow'])
        counts = prometheus.ask('mms_request_phase_duration_seconds_count{model="slow"}')
        assert set(counts.values()) == {done}

    def test_batches_are_the_requests_that_were_computed(self, loaded):
        prometheus, clients = loaded
        assert prometheus.ask('mms_batch_size_sum') == {
            ('fast',): clients.saw['fast', '200'] + clients.saw['fast', '400'],
            ('slow',): clients.saw['slow', '200']}

    def test_the_queue_and_the_workers_were_seen_as_they_stood(self, loaded):
        prometheus, _ = loaded
        [most] = prometheus.ask('max_over_time(mms_queue_requests{model="slow"}[5m])').values()
        assert 1 <= most <= 2
        assert prometheus.ask(
            'max_over_time(mms_workers{model="slow",state="busy"}[5m])') == {('slow', 'busy'): 1}
        [oldest] = prometheus.ask(
            'max_over_time(mms_queue_oldest_age_seconds{model="slow"}[5m])').values()
        assert 0 < oldest < 10
        assert prometheus.ask('mms_requests_in_flight') == {('fast',): 0, ('slow',): 0}

    @pytest.mark.parametrize('query', QUERIES)
    def test_a_query_of_the_dashboard_has_an_answer(self, loaded, query):
        prometheus, _ = loaded
        expression = (QUERIES[query].replace('$__rate_interval', '5m').replace('$job', 'mms')
                      .replace('$instance', '.*').replace('$model', '.*'))
        assert '$' not in expression
        assert prometheus.ask(expression)

    @pytest.mark.parametrize('variable', VARIABLES)
    def test_a_variable_of_the_dashboard_has_values(self, loaded, variable):
        prometheus, _ = loaded
        metric, label = re.fullmatch(r'label_values\((.*), (\w+)\)', VARIABLES[variable]).groups()
        metric = metric.replace('$job', 'mms').replace('$instance', '.*')
        assert prometheus.get(f'label/{label}/values', **{'match[]': metric})

    @pytest.mark.parametrize('expression', [
        *QUERIES.values(), *VARIABLES.values(), *(rule['expr'] for rule in ALERTS)])
    def test_a_query_names_metrics_and_labels_that_there_are(self, loaded, expression):
        prometheus, _ = loaded
        known = set(prometheus.get('label/__name__/values'))
        names = set(METRIC.findall(expression))
        assert names
        assert names <= known
        for selector, matchers in re.findall(r'(\w+)\{([^}]*)\}', expression):
            labels = {label for series in prometheus.get('series', **{'match[]': selector})
                      for label in series}
            assert set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', matchers)) <= labels

    def test_prometheus_can_evaluate_the_alerts(self, loaded):
        prometheus, _ = loaded

        def health():
            return {rule['name']: rule['health'] for group in prometheus.get('rules')['groups']
                    for rule in group['rules']}

        until(lambda: set(health().values()) == {'ok'})
        assert set(health()) == {rule['alert'] for rule in ALERTS}
