"""When a server is ready: of its state, its models, and those that it needs."""

import pytest

from mms.config.required_models import Required
from mms.serving.model_state import ModelState
from mms.serving.readiness import ModelHealth, missing, why_not_ready
from mms.serving.server_state import ServerState


def model(name, state=ModelState.READY, reason='', required=False, served=True):
    return ModelHealth(name, state, reason, 0.0, {}, required, served)


def why(*models, state=ServerState.SERVING, required=None):
    return why_not_ready(state, models, required or Required())


def test_a_server_with_a_model_that_can_answer_is_ready():
    assert why(model('a')) == ''


@pytest.mark.parametrize(('state', 'reason'), [
    (ServerState.LOADING, 'the server loads its models'),
    (ServerState.DRAINING, 'the server stops')])
def test_a_server_that_loads_or_stops_is_not(state, reason):
    assert why(model('a'), state=state) == reason


@pytest.mark.parametrize('models', [[], [model('a', ModelState.LOADING, served=False)],
                                    [model('a', ModelState.DRAINING, served=False)]])
def test_a_server_without_a_model_that_is_served_is_not(models):
    assert why(*models) == 'no model is served'


def test_a_server_none_of_whose_models_can_answer_is_not():
    assert why(model('a', ModelState.DEGRADED, 'ill')) == 'no model can answer'


@pytest.mark.parametrize('state', [ModelState.DEGRADED, ModelState.FAILED])
def test_a_model_that_cannot_answer_counts_where_it_is_required(state):
    assert why(model('a'), model('b', state, 'its ping says 7', required=True)) == \
        f'model b is required, and is {state.value}: its ping says 7'
    assert why(model('a'), model('b', state, 'its ping says 7')) == ''


def test_a_required_model_that_is_not_served_counts():
    required = Required(names=('a', 'b'))
    assert why(model('a'), required=required) == 'model b is required, and is not served'
    assert why(model('a'), model('b', ModelState.LOADING, served=False), required=required) == \
        'model b is required, and is not served'
    assert missing([model('a')], required) == ['b']


def test_every_reason_is_told():
    reason = why(model('a', ModelState.FAILED, 'gone', required=True),
                 required=Required(names=('b', 'a')))
    assert reason == ('model b is required, and is not served; '
                      'model a is required, and is failed: gone')


def test_a_model_of_the_start_is_required_while_it_is_served():
    required = Required(if_served=('a',))
    assert 'a' in required
    assert 'b' not in required
    assert why(model('b'), required=required) == ''


def test_every_model_may_be_required():
    assert 'whatever' in Required(every=True)
    assert 'whatever' not in Required()
