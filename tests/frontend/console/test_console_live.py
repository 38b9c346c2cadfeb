"""What the console is told of the models."""

import pytest
from front import Healthy, application
from harness import PICTURES, TENSORS
from werkzeug.test import Client

from mms.errors import ModelNotFound
from mms.frontend.console.live import Live, Watched
from mms.frontend.console.pages import Pages
from mms.frontend.console.routes import console_routes
from mms.metrics.exposition import Exposition
from mms.metrics.gauges import ModelGauges
from mms.metrics.model_tally import Exchange
from mms.metrics.server_metrics import ServerMetrics
from mms.serving.model_state import ModelState
from mms.serving.readiness import ModelHealth, ServerHealth
from mms.serving.server_state import ServerState
from mms.version import __version__


class Models(dict):
    """Name -> signature; one that is None has gone meanwhile."""

    revision = 7

    @property
    def names(self):
        return list(self)

    def signature(self, name):
        if self[name] is None:
            raise ModelNotFound(name)
        return self[name]

    def ill_health(self):
        return {}


class Monitor(Healthy):
    def report(self):
        return ServerHealth(ServerState.SERVING, 5.0, '', [
            ModelHealth('a', ModelState.DEGRADED, 'it hangs', 6.0, {'idle': 2}, True)],
            ['wanted'], ['a remark'])


GAUGES = [ModelGauges('a', 'ready', 1, 0.5, 3, {'idle': 2}, {'worker': 10, 'template': 5}),
          ModelGauges('a', 'draining', 2, 0.25, 2, {}, {'worker': 1}),
          ModelGauges('parked', 'unloaded', 0, 0.0, 0, {}, {})]
ADDRESS = {'scheme': 'http', 'host': '', 'port': 8081}


@pytest.fixture
def metrics():
    return ServerMetrics()


@pytest.fixture
def exposition(metrics):
    exposition = Exposition(metrics, (), ())
    exposition.watch(lambda: GAUGES, lambda: None)
    return exposition


@pytest.fixture
def ask(metrics, exposition):
    models = Models({'a': {**PICTURES, 'output_format': 'lists'}, 'x/y': TENSORS, 'gone': None})
    live = Live(Watched(models, Monitor(), exposition, metrics), lambda: ADDRESS)
    client = Client(application(models, more_routes=console_routes(Pages(dict), live)))

    def get(path):
        answer = client.get(path)
        assert answer.headers['Cache-Control'] == 'no-store'
        return answer.json

    return get


def test_each_model_is_told_with_what_it_takes_and_where(ask):
    told = ask('/console/models')
    assert (told['revision'], told['version']) == (7, __version__)
    assert list(told['models']) == ['a', 'x/y']
    assert told['models']['a'] == {
        'path': 'a/predict', 'outputType': 'application/json', 'outputFormat': 'lists',
        'inputs': [{'name': 'data', 'shape': [0, 3, 8, 8], 'type': 'image/jpeg'}],
        'outputs': [{'name': 'out', 'shape': [0, 1]}]}
    assert told['models']['x/y']['path'] == 'x%2Fy/predict'


def test_the_server_is_told_with_the_page_of_the_management_port(ask):
    told = ask('/console/state')['server']
    assert told.pop('clock') > 0
    assert told == {'state': 'serving', 'since': 5.0, 'reason': '', 'remarks': ['a remark'],
                    'revision': 7, 'management': ADDRESS, 'version': __version__}


def test_a_model_is_told_with_all_that_have_its_name(ask):
    model = ask('/console/state')['models']['a']
    assert {name: model[name] for name in ('state', 'reason', 'workers', 'waiting', 'inFlight',
                                           'oldestSeconds', 'memoryBytes')} == {
        'state': 'degraded', 'reason': 'it hangs', 'workers': {'idle': 2}, 'waiting': 3,
        'inFlight': 5, 'oldestSeconds': 0.5, 'memoryBytes': {'worker': 11, 'template': 5}}


@pytest.mark.parametrize('path', ['/console/state', '/console/models'])
def test_others_have_their_turn_between_the_models(ask, exposition, path):
    turns = []
    exposition.watch(lambda: GAUGES, lambda: turns.append(path))
    models = ask(path)['models']
    assert len(turns) >= len(models) > 1


def test_models_that_are_not_served_are_told_too(ask):
    models = ask('/console/state')['models']
    assert {name: model['state'] for name, model in models.items()} == {
        'a': 'degraded', 'parked': 'unloaded', 'wanted': 'missing'}


def test_what_was_counted_is_told(ask, metrics):
    metrics.add_model('a')
    for protocol, code, took_s in (('classic', 200, 0.002), ('other', 200, 0.004),
                                   ('classic', 500, 0.2)):
        metrics.answered('a', Exchange(protocol, code, took_s, 0.001, {'inference': 2.0}))
    metrics.batch('a', 3)
    metrics.refused('a', 'queue_full')
    model = ask('/console/state')['models']['a']
    assert model['requests'] == {'200': 2, '500': 1}
    assert sum(model['seconds']['counts']) == 3
    assert model['seconds']['total'] == pytest.approx(0.206)
    assert model['batches']['total'] == 3
    assert model['refused'] == {'queue_full': 1}
    assert model['phases']['queue']['count'] == 3
