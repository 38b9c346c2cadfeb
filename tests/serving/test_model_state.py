import pytest

from mms.serving.model_state import Lifecycle, ModelState


def test_a_model_begins_by_loading():
    assert Lifecycle().state is ModelState.LOADING


def test_every_change_is_told_once():
    seen = []
    life = Lifecycle(lambda: seen.append((life.state, life.reason)))
    life.turn_to(ModelState.READY)
    for _ in range(2):
        life.turn_to(ModelState.DEGRADED, 'its ping failed')
    life.turn_to(ModelState.DEGRADED, 'no worker for 12 s')
    life.turn_to(ModelState.READY)
    assert seen == [(ModelState.READY, ''), (ModelState.DEGRADED, 'its ping failed'),
                    (ModelState.DEGRADED, 'no worker for 12 s'), (ModelState.READY, '')]


def test_one_that_failed_serves_again_when_the_cause_is_gone():
    life = Lifecycle()
    life.turn_to(ModelState.READY)
    life.turn_to(ModelState.FAILED, 'no worker starts')
    life.turn_to(ModelState.READY)
    assert (life.state, life.reason) == (ModelState.READY, '')


@pytest.mark.parametrize(('way', 'to'), [
    ([], ModelState.DEGRADED), ([], ModelState.DRAINING),
    ([ModelState.READY], ModelState.LOADING), ([ModelState.FAILED], ModelState.LOADING),
    ([ModelState.READY, ModelState.DRAINING], ModelState.READY),
    ([ModelState.READY, ModelState.GONE], ModelState.READY),
])
def test_no_way_leads_back_nor_past_a_state(way, to):
    life = Lifecycle()
    for state in way:
        life.turn_to(state)
    before = life.state
    with pytest.raises(ValueError, match=f'{before.value} cannot be {to.value}'):
        life.turn_to(to)
    assert life.state is before
