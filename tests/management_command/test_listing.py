import pytest

from mms.management_command.listing import listed
from mms.runtime.columns import width_of

FLOWERS = {
    'modelName': 'flowers', 'modelUrl': '/models/flowers.model', 'minWorkers': 2, 'maxWorkers': 2,
    'status': 'ready', 'reason': '', 'workers': [{'id': '1'}, {'id': '2'}],
    'queue': {'requests': 3}, 'requests': {'answered': 1200}, 'memoryBytes': 220200960,
    'latencySeconds': {'p50': 0.0031, 'p99': 0.0125},
}
SCALED = {**FLOWERS, 'modelName': 'scaled', 'maxWorkers': 5}
FAILED = {'modelName': 'broken', 'modelUrl': '/models/broken.model', 'minWorkers': 0,
          'maxWorkers': 0, 'status': 'failed', 'reason': 'service.py, line 3: no', 'workers': []}


def test_a_line_tells_how_a_model_does():
    assert listed([FLOWERS, SCALED], None) == [
        'MODEL    STATUS  WORKERS  QUEUE  REQUESTS     P50      P99  MEMORY  LOCATION',
        'flowers  ready         2      3      1200  3.1 ms  12.5 ms  210 MB  /models/flowers.model',
        'scaled   ready   2 (2-5)      3      1200  3.1 ms  12.5 ms  210 MB  /models/flowers.model',
    ]


def test_why_a_model_is_not_served_stands_below():
    lines = listed([FAILED], 60)
    assert lines[0].split() == ['MODEL', 'STATUS', 'WORKERS', 'QUEUE', 'P99', 'LOCATION']
    assert lines[1].split() == ['broken', 'failed', '0', '-', '-', '/models/broken.model']
    assert lines[2:] == ['', 'broken: service.py, line 3: no']


def test_why_a_model_was_not_replaced_stands_below():
    refused = {**FLOWERS, 'replacement': {'modelUrl': 'x', 'status': 'failed', 'reason': 'no: x'}}
    assert listed([refused], 100)[2:] == ['', 'flowers: no: x']


def test_before_the_first_answer_there_is_no_latency():
    new = {**FLOWERS, 'requests': {'answered': 0}, 'latencySeconds': {'p50': 0.0, 'p99': 0.0}}
    assert listed([new], None)[1].split()[4:7] == ['0', '-', '-']


def test_a_server_of_mms_tells_less_and_that_is_shown():
    lines = listed([{'modelName': 'noop', 'minWorkers': 1, 'maxWorkers': 1, 'workers': []}], None)
    assert lines[1].split() == ['noop', '-', '0', '-', '-', '-', '-', '-', '-']


@pytest.mark.parametrize('width', [30, 40, 60, 80, 100, 200])
def test_the_table_is_no_wider_than_the_terminal(width):
    assert max(map(width_of, listed([FLOWERS, SCALED, FAILED], width))) <= width


def test_without_models_there_is_a_sentence():
    assert listed([], 80) == ['no models are served']
