"""A request of several entries, before real workers: each has its turn among all other requests."""

import gc
import json
import time
from dataclasses import replace

import gevent
import pytest
from fleet import until

from mms.errors import (
    BadRequest,
    ClientLeft,
    DeadlineExceeded,
    InferenceError,
    QueueFull,
    RequestError,
    TooManyRequests,
)
from mms.ipc.context import Context
from mms.ipc.request import CLASSIC_BATCH, CLASSIC_ENTRY, Entries, Reply, Request
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer
from mms.serving.caller import Caller
from mms.serving.entries import answer_entries

# Does what its input says, and notes the order in which it was asked.
DOES = '''
import os, time
open({notes!r}, "a").write(f"{{data[0][0]}} ")
if data[0][0] == "raise": raise ValueError
while data[0][0] == "gate" and not os.path.exists({gate!r}): time.sleep(0.005)
time.sleep(data[0][1] if len(data[0]) > 1 else 0)
return data[0]
'''


def batch(*entries, **known):
    content = json.dumps({'data': [entry if isinstance(entry, list) else [entry]
                                   for entry in entries]}).encode()
    return Request(CLASSIC_BATCH, 'application/json', content, Context(**known))


def prediction(answer):
    return json.loads(answer.body)['prediction']


@pytest.fixture
def noting(model, tmp_path):
    """A model, with what its service was asked, in order; `gate` is answered once it is open."""
    notes, gate = tmp_path / 'notes', tmp_path / 'gate'

    def noting(**options):
        asked = model(DOES.format(notes=str(notes), gate=str(gate)), **options)
        # Of what was made up before.
        notes.write_text('')
        asked.order = lambda: notes.read_text().split()
        asked.open = gate.touch
        return asked

    return noting


def test_the_answer_is_the_list_of_what_each_is_answered_in_order(noting):
    asked = noting(workers=2)
    answer = asked.ask_for(batch('a', ['b', 0.05], 'c', 'd')).get()
    assert prediction(answer) == [['a'], ['b', 0.05], ['c'], ['d']]
    assert set(answer.stage_times_ms) == {'preprocess', 'inference', 'postprocess'}
    assert prediction(asked.ask_for(batch('e')).get()) == [['e']]


def test_those_of_others_come_between(noting):
    asked = noting(workers=1)
    many = asked.ask_for(batch('gate', 'b', 'c', 'd'))
    until(lambda: asked.order() == ['gate'])
    other = asked.ask('["other"]')
    gevent.sleep(0)
    asked.open()
    assert prediction(other.get()) == ['other']
    assert prediction(many.get()) == [['gate'], ['b'], ['c'], ['d']]
    assert asked.order() == ['gate', 'other', 'b', 'c', 'd']
    assert asked.scheduler.gauges.unanswered == 0


@pytest.mark.parametrize(('entries', 'error', 'message'), [
    (['a', 1, 'raise', 'b'], InferenceError, 'data[2]: Error occurs while'),
    (['a', {'row': 1}, 'b'], BadRequest, 'data[1]: This end point is expecting a data_name of'),
])
def test_the_first_error_is_the_answer_and_says_which_entry_it_was(noting, entries, error, message):
    asked = noting(workers=1)
    request = Request(CLASSIC_BATCH, 'application/json', json.dumps({'data': [
        entry if isinstance(entry, dict) else [entry] for entry in entries]}).encode())
    with pytest.raises(error) as refused:
        asked.ask_for(request).get()
    assert str(refused.value).startswith(message)
    gevent.sleep(0.1)
    assert 'b' not in asked.order()
    assert asked.scheduler.gauges == (0, 0.0, 0)


def test_no_more_wait_than_the_queue_has_room_for(noting):
    asked = noting(workers=2, queue_size=1)
    blocking = []
    for number in (1, 2):
        blocking.append(asked.ask('["gate"]'))
        until(lambda number=number: asked.order() == ['gate'] * number)
    waiting = asked.ask('["waits"]')
    gevent.sleep(0)
    with pytest.raises(QueueFull):
        asked.ask_for(batch('a', 'b')).get()
    asked.open()
    gevent.joinall([*blocking, waiting], raise_error=True)
    assert prediction(asked.ask_for(batch('a', 'b')).get()) == [['a'], ['b']]


def test_where_the_load_decides_one_waits_and_the_worker_that_it_brings_is_used(noting):
    asked = noting(workers=2, pool={'fewest_workers': 1}, batch_size=1)
    asking = asked.ask_for(batch('gate', 'b', 'c', 'd', 'e'))
    until(lambda: asked.order() == ['gate'])
    until(lambda: asked.scheduler.gauges.waiting == 1)
    asked.workers.resize(2)
    until(lambda: asked.order() == ['gate', 'b', 'c', 'd', 'e'])
    asked.open()
    assert prediction(asking.get()) == [['gate'], ['b'], ['c'], ['d'], ['e']]


def test_all_together_have_the_time_of_one_request(noting):
    asked = noting(workers=1, request_timeout_s=1.0)
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r'within 1 s \(--request-timeout\)'):
        asked.ask_for(batch(*[['slow', 0.3]] * 9, arrived_s=begun)).get()
    assert len(asked.order()) < 9


def test_what_nobody_waits_for_any_more_is_not_run(noting):
    asked = noting(workers=1)
    left = []
    asking = asked.ask_for(batch('gate', 'b', 'c'), caller=Caller(lambda: bool(left)))
    until(lambda: asked.order() == ['gate'])
    left.append(True)
    asked.open()
    with pytest.raises(ClientLeft):
        asking.get()
    assert asked.order() == ['gate']


def test_what_is_given_up_before_its_turn_takes_no_place_in_the_queue(noting):
    asked = noting(workers=1, queue_size=1)
    blocking = asked.ask('["gate"]')
    until(lambda: asked.order() == ['gate'])
    waiting = asked.ask('["waits"]')
    until(lambda: asked.scheduler.gauges.waiting == 1)
    waiting.kill()
    assert asked.scheduler.gauges.waiting == 0
    asked.open()
    blocking.get()
    assert asked.order() == ['gate']


def test_who_limits_the_client_is_asked_for_the_further_entries(noting):
    asked = noting(workers=1)
    admitted = []

    def admit(count):
        admitted.append(count)
        if count > 2:
            raise TooManyRequests('too many', 7)

    caller = Caller(admit=admit)
    assert prediction(asked.ask_for(batch('a', 'b', 'c'), caller=caller).get()) == [
        ['a'], ['b'], ['c']]
    with pytest.raises(TooManyRequests, match='too many') as refused:
        asked.ask_for(batch('d', 'e', 'f', 'g'), caller=caller).get()
    assert refused.value.retry_after_s == 7
    assert admitted == [2, 3]
    assert asked.order() == ['a', 'b', 'c']


def test_a_queue_that_drains_waits_for_all_of_them(noting):
    asked = noting(workers=1)
    asking = asked.ask_for(batch(*[['slow', 0.05]] * 6))
    until(lambda: asked.order())
    assert asked.scheduler.drain(20)
    assert asking.ready()
    assert len(prediction(asking.get())) == 6


def test_those_that_are_left_are_told_when_the_model_goes(noting):
    asked = noting(workers=1)
    asking = asked.ask_for(batch(*[['slow', 0.2]] * 9))
    until(lambda: asked.order())
    asked.scheduler.give_up('The model is removed')
    with pytest.raises(RequestError, match='The model is removed'):
        asking.get(timeout=20)


def made(*contents):
    return Entries('data', [Request(CLASSIC_ENTRY, '', content) for content in contents])


def echo(request, caller):
    content = ChunkedBuffer(BUDGET)
    content.append(bytes(request.content))
    return Reply(content, {'inference': len(request.content)})


BUDGET = ByteBudget(10**7)


def whole(content=b'', **known):
    return Request(CLASSIC_BATCH, '', content, Context(**known))


def held(size):
    content = ChunkedBuffer(BUDGET)
    for _ in range(size // 50_000):
        content.append(bytes(50_000))
    return content


def test_answers_count_as_held_until_they_are_forgotten():
    answer = answer_entries(made(b'1', b'x' * 200_000, b'3'), whole(), Caller(), echo, lambda: 2)
    assert answer.body == b'{"prediction":[1,' + b'x' * 200_000 + b',3]}\n'
    assert answer.stage_times_ms == {'inference': pytest.approx(200_002 / 3)}
    assert BUDGET.held_bytes == len(answer.content)
    del answer
    assert BUDGET.held_bytes == 0


def test_each_has_what_is_known_of_the_request():
    known = Context('id', client='::1')
    asked = []

    def ask(request, caller):
        asked.append((request, request.context))
        return echo(request, caller)

    answer_entries(made(b'1', b'2'), whole(request_id='id', client='::1'), Caller(), ask, lambda: 1)
    assert asked == [(replace(request, context=known), known)
                     for request in made(b'1', b'2').requests]


def test_neither_the_body_counts_while_its_entries_run_nor_an_entry_that_is_answered():
    body, entries = whole(held(2_000_000)), made(*[held(500_000) for _ in range(4)])
    counted = []

    def ask(request, caller):
        counted.append(BUDGET.held_bytes)
        return Reply(b'1')

    answer_entries(entries, body, Caller(), ask, lambda: 1)
    assert counted == [2_000_000, 1_500_000, 1_000_000, 500_000]


def test_a_model_may_come_to_take_more_of_them_at_once_and_fewer():
    at_once, there, most, noted = [1], [0], [0], []

    def ask(request, caller):
        there[0] += 1
        most[0] = max(most[0], there[0])
        gevent.sleep(0)
        there[0] -= 1
        if request.content in (b'10', b'20'):
            noted.append(most[0])
            at_once[0] = 3 if request.content == b'10' else 2
            most[0] = 0
        return Reply(request.content)

    answer = answer_entries(made(*[b'%d' % number for number in range(40)]), whole(), Caller(),
                            ask, lambda: at_once[0])
    assert prediction(answer) == list(range(40))
    assert noted == [1, 3]
    assert most[0] == 2


@pytest.mark.parametrize('error', [BadRequest, QueueFull])
def test_nothing_is_held_when_one_of_them_has_failed(error):
    def ask(request, caller):
        raise error('no', 1) if error is QueueFull else error('no')

    def refused():
        try:
            answer_entries(made(*[held(500_000) for _ in range(4)]), whole(held(500_000)),
                           Caller(), ask, lambda: 2)
        except RequestError as raised:
            return type(raised)

    gc.collect()
    gc.disable()
    try:
        assert refused() is error
        assert BUDGET.held_bytes == 0
    finally:
        gc.enable()


@pytest.mark.parametrize('count', [0, 1001])
def test_a_process_that_makes_none_or_very_many_is_not_believed(count):
    with pytest.raises(RequestError, match=f'has made {count} entries'):
        answer_entries(made(*[b'1'] * count), whole(), Caller(), echo, lambda: 1)
