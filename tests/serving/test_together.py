"""Requests that run together: which do, when, and what becomes of one that fails."""

import json
import re

import gevent
import pytest
from fleet import numpy_service, until
from harness import predicted

from mms.batching import policy
from mms.errors import BadRequest, InferenceError, WorkerDied

GATE = ('while data.ravel()[0] == -1 and not os.path.exists({gate!r}): time.sleep(0.005)\n'
        '{body}')
KILLER = 'if (data == 666).any(): os.abort()'

# Three layers, so that what comes out depends on all that goes in.
GLUON = '''
import time
import mxnet as mx
from mxnet.gluon import nn
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [1, 6]}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.ctx = mx.cpu()
        self.net = nn.HybridSequential()
        self.net.add(nn.Dense(16, activation='relu'), nn.Dense(8, activation='tanh'), nn.Dense(3))
        mx.random.seed(5)
        self.net.initialize(mx.init.Xavier(), ctx=self.ctx)

    def _preprocess(self, data):
        KEEP
        return [mx.nd.array(data[0])]

    def _inference(self, data):
        time.sleep(0.005)  # so that to run together pays, however busy the machine is
        return self.net(data[0])

    def _postprocess(self, data):
        return data.asnumpy().tolist()
'''


def refusals(caplog):
    return [line for line in caplog.messages if 'one request at a time' in line]


class Waves:
    """Requests that come while the only worker is at work on another one."""

    def __init__(self, asked, gate, notes):
        self._asked = asked
        self.workers = asked.workers
        self._gate = gate
        self._notes = notes

    def __call__(self, *texts):
        """What each of them is answered, or its error; and the rows of each inference."""
        self._gate.unlink(missing_ok=True)
        first = self._asked.ask('[-1]')
        gevent.sleep(0.1)
        answers = [self._asked.ask(text) for text in texts]
        gevent.sleep(0)
        self._notes.write_text('')
        self._gate.touch()
        gevent.joinall([first, *answers], timeout=30)
        got = [json.loads(predicted(answer.value)) if answer.successful()
               else type(answer.exception) for answer in answers]
        return got, [int(rows) for rows in self._notes.read_text().split()]


@pytest.fixture
def waves(model, tmp_path, caplog):
    caplog.set_level('INFO')
    gate, notes = tmp_path / 'gate', tmp_path / 'notes'

    def waves(body='pass', batchable=None, **options):
        source = numpy_service(notes, GATE.format(gate=str(gate), body=body), batchable)
        return Waves(model(source=source, **options), gate, notes)

    return waves


def numbers(count):
    return [f'[{number}]' for number in range(count)], [[2.0 * number] for number in range(count)]


def test_what_waits_runs_together_where_the_service_says_that_it_may(waves):
    texts, expected = numbers(8)
    assert waves(batchable=True)(*texts) == (expected, [8])


def test_what_waits_runs_one_by_one_where_the_service_says_that_it_may_not(waves, caplog):
    texts, expected = numbers(8)
    assert waves(batchable=False)(*texts) == (expected, [1] * 8)


@pytest.mark.engine
def test_a_service_is_tried_before_its_requests_run_together(waves, caplog):
    wave, (texts, expected) = waves(), numbers(4)
    for _ in range(4):
        got, rows = wave(*texts)
        assert got == expected
    assert wave(*texts) == (expected, [4])
    assert refusals(caplog) == []


SLOW_OR_HUNG = ('if data.max() > 900: time.sleep(0.6)\n'
                'if len(data) > 1 and (data > 900).sum() > 1: time.sleep(600)')


def test_a_trial_of_slow_requests_is_waited_for_and_one_that_hangs_costs_its_worker(
        waves, monkeypatch, caplog):
    monkeypatch.setattr('mms.batching.policy._SHORTEST_TRIAL_S', 0.4)
    wave = waves(SLOW_OR_HUNG)
    before = wave.workers.pids
    # Alone each takes longer than all of them may together.
    assert wave('[901]', '[902]')[0] == [[1802.0], [1804.0]]
    until(lambda: wave.workers.pids and wave.workers.pids != before)
    assert refusals(caplog) == []
    assert wave('[1]', '[2]')[0] == [[2.0], [4.0]]


@pytest.mark.engine
@pytest.mark.parametrize('batchable', [None, True])
def test_an_answer_that_is_there_is_sent_while_others_of_its_batch_are_not(
        model, tmp_path, batchable):
    gates = [tmp_path / 'first', tmp_path / 'second']
    wait = ('while data.ravel()[0] == {} and not os.path.exists({!r}): time.sleep(0.005)\n')
    body = wait.format(-1, str(gates[0])) + wait.format(-2, str(gates[1]))
    asked = model(source=numpy_service(tmp_path / 'notes', body, batchable))
    busy = asked.ask('[-1]')
    gevent.sleep(0.1)
    # Of two shapes, so that they are no one inference even where they may be.
    early, late = asked.ask('[1]'), asked.ask('[-2, 0]')
    gevent.sleep(0.1)
    gates[0].touch()
    assert json.loads(predicted(early.get(timeout=10))) == [2.0]
    assert not late.ready()
    gates[1].touch()
    assert json.loads(predicted(late.get(timeout=10))) == [-4.0, 0.0]
    busy.get(timeout=10)


def test_no_more_run_together_than_the_user_allows(waves):
    texts, expected = numbers(8)
    got, rows = waves(batchable=True, batch_size=3)(*texts)
    assert got == expected
    assert sum(rows) == 8
    assert max(rows) == 3


def test_a_batch_size_of_one_is_one_by_one(waves):
    texts, expected = numbers(4)
    assert waves(batchable=True, batch_size=1)(*texts) == (expected, [1] * 4)


@pytest.mark.parametrize(('body', 'reason'), [
    ('self.size = float(data.sum())', 'its _inference writes self.size'),
    ('data = data - data.mean()', r'its numbers differ by \S+ when run together'),
    ('data = data.sum(axis=0)', 'its output does not follow the batch axis: .*'),
])
def test_a_service_that_gives_other_answers_together_is_served_one_by_one_and_says_why_once(
        waves, caplog, body, reason):
    wave = waves(body)
    alone = [wave(f'[{number}]')[0][0] for number in range(4)]
    for _ in range(4):
        got, rows = wave(*[f'[{number}]' for number in range(4)])
        assert got == alone
    assert rows == [1] * 4
    [line] = refusals(caplog)
    assert re.fullmatch(f'Model m0 is served one request at a time: {reason}[.]', line)


def test_a_bad_request_among_others_fails_alone(waves):
    texts, expected = numbers(4)
    got, rows = waves(batchable=True)(*texts, '{}', 'nonsense')
    assert got == [*expected, BadRequest, BadRequest]
    assert rows == [4]


def test_a_request_that_makes_the_hook_raise_fails_alone(waves):
    texts, expected = numbers(4)
    got, _ = waves('if (data == 13).any(): raise ValueError', batchable=True)(*texts, '[13]')
    assert got == [*expected, InferenceError]


@pytest.mark.engine
def test_a_request_that_kills_the_worker_of_eight_dies_alone(waves):
    texts, expected = numbers(7)
    wave = waves(KILLER, batchable=True)
    texts.insert(3, '[666]')
    got, rows = wave(*texts)
    assert got == [*expected[:3], WorkerDied, *expected[3:]]
    # Together once, and then each alone.
    assert rows == [8, *[1] * 8]
    assert wave(*numbers(8)[0]) == (numbers(8)[1], [8])


@pytest.mark.engine
def test_a_request_that_kills_the_worker_in_a_trial_dies_alone(waves):
    wave = waves(KILLER)
    wave('[1]')
    got, _ = wave('[1]', '[2]', '[666]', '[3]')
    assert got == [[2.0], [4.0], WorkerDied, [6.0]]


def test_requests_of_different_shapes_are_answered_together_as_far_as_they_fit(waves):
    got, rows = waves(batchable=True)('[1]', '[1, 2]', '[3]', '[3, 4]', '[5, 6, 7]')
    assert got == [[2.0], [2.0, 4.0], [6.0], [6.0, 8.0], [10.0, 12.0, 14.0]]
    assert sorted(rows) == [1, 2, 2]


@pytest.mark.engine
def test_free_workers_share_what_waits(model, tmp_path):
    notes = tmp_path / 'notes'
    asked = model(source=numpy_service(notes, 'time.sleep(0.2)', True), workers=2)
    answers = [asked.ask(f'[{number}]') for number in range(8)]
    assert [json.loads(predicted(answer.get())) for answer in answers] == numbers(8)[1]
    assert len(notes.read_text().split()) >= 2
    assert max(map(int, notes.read_text().split())) <= 7


def test_what_one_worker_answers_in_a_moment_is_not_shared(model, tmp_path, monkeypatch):
    monkeypatch.setattr(policy, '_MOMENT_S', 60.0)
    notes = tmp_path / 'notes'
    asked = model(source=numpy_service(notes, batchable=True), workers=2)
    asked.ask('[1]').get()
    notes.write_text('')
    answers = [asked.ask(f'[{number}]') for number in range(8)]
    assert [json.loads(predicted(answer.get())) for answer in answers] == numbers(8)[1]
    assert notes.read_text() == '8 '


def test_a_request_waits_for_company_only_as_long_as_it_is_told(model, tmp_path):
    notes = tmp_path / 'notes'
    asked = model(source=numpy_service(notes, batchable=True), max_batch_delay_s=1.0)
    notes.write_text('')
    first = asked.ask('[1]')
    gevent.sleep(0.3)
    assert not first.ready()
    second = asked.ask('[2]')
    assert [json.loads(predicted(answer.get())) for answer in (first, second)] == [[2.0], [4.0]]
    assert notes.read_text() == '2 '
    assert json.loads(predicted(asked.ask('[3]').get())) == [6.0]


def test_a_full_batch_waits_for_nobody(model, tmp_path):
    notes = tmp_path / 'notes'
    asked = model(source=numpy_service(notes, batchable=True), batch_size=3,
                  max_batch_delay_s=600.0)
    notes.write_text('')
    answers = [asked.ask(f'[{number}]') for number in range(3)]
    with gevent.Timeout(10):
        assert [json.loads(predicted(answer.get())) for answer in answers] == numbers(3)[1]
    assert notes.read_text() == '3 '


def test_a_delay_holds_up_no_service_that_runs_one_by_one(model, tmp_path):
    asked = model(source=numpy_service(tmp_path / 'notes', batchable=False),
                  max_batch_delay_s=600.0)
    with gevent.Timeout(10):
        assert json.loads(predicted(asked.ask('[1]').get())) == [2.0]


def rows_of(number):
    return [[(number * 7 + column) % 5 - 2.0 for column in range(6)]]


@pytest.mark.engine
def test_a_gluon_service_is_tried_and_then_answers_together_as_one_by_one(model, caplog):
    caplog.set_level('INFO')
    asked = model(source=GLUON.replace('KEEP', 'pass'), pool={'optimize': False})
    assert asked.workers.ready.batch_size > 1
    texts = [json.dumps(rows_of(number)) for number in range(16)]
    alone = [json.loads(predicted(asked.ask(text).get())) for text in texts]
    # Five different requests, each several times.
    assert len({json.dumps(answer) for answer in alone}) == 5
    for _ in range(6):
        answers = [asked.ask(text) for text in texts]
        for answer, expected in zip(answers, alone):
            got = json.loads(predicted(answer.get()))
            assert got[0] == pytest.approx(expected[0], abs=1e-5)
    # Those that ran together have the time of one inference.
    answers = [asked.ask(text) for text in texts]
    times = [answer.get().stage_times_ms['inference'] for answer in answers]
    assert len(set(times)) < 8
    assert refusals(caplog) == []


def test_a_gluon_service_that_keeps_a_picture_s_size_is_served_one_by_one(model, caplog):
    caplog.set_level('INFO')
    asked = model(source=GLUON.replace('KEEP', 'self.size = len(data[0])'))
    texts = [json.dumps(rows_of(number)) for number in range(8)]
    for _ in range(3):
        gevent.joinall([asked.ask(text) for text in texts])
    assert refusals(caplog) == [
        'Model m0 is served one request at a time: its _preprocess writes self.size.']
    times = [answer.get().stage_times_ms['inference'] for answer in map(asked.ask, texts)]
    assert len(set(times)) == 8
