import time

import pytest

from mms.serving.server_state import ServerLifecycle, ServerState


def test_a_server_loads_serves_and_drains():
    began = time.time()
    life = ServerLifecycle()
    assert life.state is ServerState.LOADING
    for state in (ServerState.SERVING, ServerState.SERVING, ServerState.DRAINING):
        life.turn_to(state)
        assert life.state is state
        assert began <= life.since_s <= time.time()


def test_since_when_is_that_of_the_first_turn():
    life = ServerLifecycle()
    life.turn_to(ServerState.SERVING)
    since_s = life.since_s
    time.sleep(0.01)
    life.turn_to(ServerState.SERVING)
    assert life.since_s == since_s


@pytest.mark.parametrize('to', [ServerState.LOADING, ServerState.SERVING])
def test_a_server_that_drains_serves_no_more(to):
    life = ServerLifecycle()
    life.turn_to(ServerState.DRAINING)
    with pytest.raises(ValueError, match=f'draining cannot be {to.value}'):
        life.turn_to(to)
    assert life.state is ServerState.DRAINING
