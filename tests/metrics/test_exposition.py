"""The text that is scraped, without a server behind it."""

import subprocess

import pytest
from debian_programs import environment, needs, path_of
from prometheus_client import openmetrics, parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as of_openmetrics

from mms.metrics.exposition import Exposition
from mms.metrics.families import FAMILIES
from mms.metrics.gauges import ModelGauges
from mms.metrics.model_tally import Exchange
from mms.metrics.observer import Restart
from mms.metrics.server_metrics import ServerMetrics

OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
NAME = 'a "b" \\ é\n'


@pytest.fixture
def metrics():
    made = ServerMetrics()
    made.add_model(NAME)
    made.answered(NAME, Exchange('classic', 200, 0.02, 0.001, {'inference': 15.0}))
    made.answered(NAME, Exchange('classic', 503, 70.0))
    made.refused(NAME, 'queue_full')
    made.batch(NAME, 3)
    made.restarted(NAME, Restart.DIED)
    return made


@pytest.fixture
def exposition(metrics):
    made = Exposition(metrics, ['ready', 'draining'], ['idle', 'busy'])
    made.watch(lambda: [
        ModelGauges(NAME, 'ready', 2, 0.5, 5, {'idle': 1, 'busy': 2},
                    {'worker': 30, 'template': 9}),
        ModelGauges(NAME, 'draining', 1, 4.0, 2, {'busy': 1}, {'worker': 12}),
    ], lambda: None)
    made.watch_certificates(lambda: {'a.crt': 1.8e9})
    return made


def samples(exposition, accept=''):
    """(name, label values in the order of their names) -> value."""
    text, content_type = exposition.text(accept)
    parse = of_openmetrics if 'openmetrics' in content_type else \
        parser.text_string_to_metric_families
    return {(sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
            for family in parse(text.decode()) for sample in family.samples}


def test_what_was_counted_is_there(exposition):
    found = samples(exposition)
    assert found['mms_requests_total', '200', NAME, 'classic'] == 1
    assert found['mms_requests_total', '503', NAME, 'classic'] == 1
    assert found['mms_requests_refused_total', NAME, 'queue_full'] == 1
    assert found['mms_requests_refused_total', NAME, 'deadline'] == 0
    assert found['mms_request_duration_seconds_count', NAME] == 2
    assert found['mms_request_duration_seconds_bucket', '0.025', NAME] == 1
    assert found['mms_request_duration_seconds_bucket', '60.0', NAME] == 1
    assert found['mms_request_duration_seconds_bucket', '+Inf', NAME] == 2
    assert found['mms_request_phase_duration_seconds_sum', NAME, 'inference'] == 0.015
    assert found['mms_request_phase_duration_seconds_count', NAME, 'queue'] == 1
    assert found['mms_batch_size_sum', NAME] == 3
    assert found['mms_worker_restarts_total', NAME, 'died'] == 1


def test_models_of_one_name_are_one(exposition):
    found = samples(exposition)
    assert found['mms_queue_requests', NAME] == 3
    assert found['mms_queue_oldest_age_seconds', NAME] == 4.0
    assert found['mms_requests_in_flight', NAME] == 7
    assert found['mms_workers', NAME, 'busy'] == 3
    assert found['mms_workers', NAME, 'idle'] == 1
    assert found['mms_worker_memory_bytes', NAME, 'worker'] == 42
    assert found['mms_worker_memory_bytes', NAME, 'template'] == 9
    assert found['mms_models', 'ready'] == found['mms_models', 'draining'] == 1


def test_memory_that_nobody_knows_is_not_made_up(metrics):
    exposition = Exposition(metrics, [], [])
    exposition.watch(lambda: [ModelGauges('m', 'loading', 0, 0.0, 0, {}, {})], lambda: None)
    assert not [key for key in samples(exposition) if key[0] == 'mms_worker_memory_bytes']


def test_before_there_are_models_it_answers(metrics):
    found = samples(Exposition(metrics, ['ready'], ['idle']))
    assert found['mms_models', 'ready'] == 0
    assert not [key for key in found if key[0] == 'mms_workers']


def test_the_front_process_and_the_versions_are_there(exposition):
    found = samples(exposition)
    assert found['process_resident_memory_bytes',] > 10**6
    assert found['process_open_fds',] > 0
    [build] = [key for key in found if key[0] == 'mms_build_info']
    assert build[1] == '1.9.1'


@pytest.mark.parametrize(('accept', 'kind'), [
    ('', 'text/plain; version=0.0.4'), ('*/*', 'text/plain; version=0.0.4'),
    ('text/html', 'text/plain; version=0.0.4'),
    (OPENMETRICS, 'application/openmetrics-text; version=1.0.0'),
    (f'{OPENMETRICS};q=0.5,text/plain;version=0.0.4;q=0.3',
     'application/openmetrics-text; version=1.0.0'),
])
def test_whoever_asks_gets_openmetrics_where_it_takes_that(exposition, accept, kind):
    text, content_type = exposition.text(accept)
    assert content_type.startswith(kind)
    assert text.endswith(b'# EOF\n') is ('openmetrics' in kind)


def test_both_formats_say_the_same(exposition):
    changing = ('process_', 'mms_build')
    plain, open_ = ({key: value for key, value in samples(exposition, accept).items()
                     if not key[0].startswith(changing)} for accept in ('', OPENMETRICS))
    assert plain == open_
    assert openmetrics.exposition.CONTENT_TYPE_LATEST.startswith('application/openmetrics-text')


def test_every_family_of_the_table_is_exposed_with_its_labels(exposition):
    text = exposition.text('')[0].decode()
    found = {family.name + '_total' * (family.type == 'counter'): family
             for family in parser.text_string_to_metric_families(text)}
    for family in FAMILIES:
        assert found[family.name].type == family.empty().type
        labels = {name for sample in found[family.name].samples for name in sample.labels}
        assert labels - {'le'} == set(family.labels)
    assert {name for name in found if name.startswith('mms_')} == {one.name for one in FAMILIES}


@pytest.mark.parametrize('accept', ['', OPENMETRICS])
def test_others_have_their_turn_while_much_is_written(metrics, accept):
    for number in range(50):
        metrics.add_model(f'm{number}')
    turns = []
    exposition = Exposition(metrics, [], [])
    exposition.watch(tuple, lambda: turns.append(1))
    text, _ = exposition.text(accept)
    assert len(turns) > text.count(b'\n') / 100 > 50


def test_a_model_whose_state_cannot_be_told_fails_the_scrape(metrics):
    def look():
        raise ValueError('no')

    exposition = Exposition(metrics, [], [])
    exposition.watch(look, lambda: None)
    with pytest.raises(ValueError, match='no'):
        exposition.text('')


@needs('promtool')
def test_promtool_has_nothing_to_say_of_it(exposition):
    checked = subprocess.run([path_of('promtool'), 'check', 'metrics'],
                             input=exposition.text('')[0], capture_output=True, check=False,
                             env=environment(), timeout=60)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b'', b'')
