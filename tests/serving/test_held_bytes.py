"""What the front holds once everybody has an answer: nothing."""

import gc

import pytest
from fleet import until

from mms.errors import BuffersFull, DeadlineExceeded, InferenceError, RequestError, WorkerDied
from mms.ipc.request import CLASSIC, Request
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer

LARGE = 3_000_000
ENVELOPE = len('{"prediction":}\n')
BODY = ('text = "x" * int(data[0][0])\n'
        'if text == "x": raise ValueError\n'
        'return [text]')


def form(budget, number, size):
    content = ChunkedBuffer(budget)
    content.append(b'data=%%5B%d%%5D&more=' % number)
    content.append(bytes(size))
    return Request(CLASSIC, 'application/x-www-form-urlencoded', content)


@pytest.fixture(autouse=True)
def _no_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize('workers', [1, 2])
def test_neither_a_request_nor_its_answer_is_kept(model, workers):
    budget = ByteBudget()
    asked = model(BODY, workers=workers, batch_size=1, warm_up=False, pool={'budget': budget})
    for _ in range(2 * workers):
        reply = asked.scheduler.submit(form(budget, LARGE, LARGE))
        assert len(reply.content) == LARGE + ENVELOPE + 4
        assert budget.held_bytes >= LARGE
        del reply
        until(lambda: budget.held_bytes == 0)
    assert kind_of_error(asked, form(budget, 1, LARGE)) is InferenceError
    until(lambda: budget.held_bytes == 0)


@pytest.mark.parametrize(('body', 'error'), [
    ('import time; time.sleep(60)', DeadlineExceeded), ('import os; os.abort()', WorkerDied)])
def test_a_request_that_is_given_up_is_not_kept(model, body, error):
    budget = ByteBudget()
    asked = model(body, batch_size=1, warm_up=False, pool={'budget': budget},
                  request_timeout_s=1.0 if error is DeadlineExceeded else 60.0)
    for _ in range(2):
        assert kind_of_error(asked, form(budget, 1, LARGE)) is error
        until(lambda: budget.held_bytes == 0)


def kind_of_error(asked, request):
    try:
        asked.scheduler.submit(request)
    except RequestError as error:
        return type(error)


def test_an_answer_for_which_there_is_no_room_is_an_error_and_the_next_one_arrives(model):
    budget = ByteBudget(LARGE + 1000)
    asked = model(BODY, batch_size=1, warm_up=False, pool={'budget': budget})
    reply = asked.scheduler.submit(form(budget, LARGE - 100, 0))
    with pytest.raises(BuffersFull, match='--max-buffered-bytes'):
        asked.scheduler.submit(form(budget, 2000, 0))
    with pytest.raises(InferenceError, match=f'The answer has {2 * LARGE + ENVELOPE + 4} bytes'):
        asked.scheduler.submit(form(budget, 2 * LARGE, 0))
    del reply
    assert len(asked.scheduler.submit(form(budget, 2000, 0)).content) == 2004 + ENVELOPE
