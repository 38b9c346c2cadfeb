from mms.management_command.description import described

MODEL = {
    'modelName': 'flowers', 'maxBatchDelay': 100, 'loadedAtStartup': True, 'reason': '',
    'latencySeconds': {'p50': 0.00314159, 'p99': 1.25}, 'memoryBytes': 220200960,
    'workers': [{'id': '1', 'status': 'READY', 'memoryUsage': 104857600, 'requests': 7},
                {'id': '2', 'status': 'UNLOADING', 'memoryUsage': 94371840, 'requests': 12}],
}


def test_each_field_has_a_line_and_lists_have_a_table():
    assert described(MODEL, None) == [
        'model name         flowers',
        'max batch delay    100 ms',
        'loaded at startup  yes',
        'reason             -',
        'latency            p50 3.14 ms, p99 1.25 s',
        'memory             210 MB',
        '',
        'workers:',
        'ID  STATUS     MEMORY USAGE  REQUESTS',
        '1   READY            100 MB         7',
        '2   UNLOADING         90 MB        12',
    ]


def test_a_long_text_goes_on_below_itself():
    reason = ' '.join(['because'] * 10)
    assert described({'reason': reason, 'status': 'failed'}, 40) == [
        'reason  because because because because',
        '        because because because because',
        '        because because',
        'status  failed',
    ]


def test_a_text_of_the_server_does_not_command_the_terminal():
    assert described({'reason': 'a\x1b[31m\nb'}, 80) == [r'reason  a\x1b[31m\nb']


def test_a_field_that_is_not_known_is_shown_as_well():
    assert described({'newThing': {'of': [1, {'more': True}]}}, 80) == ['new thing  of 1, more yes']


def test_rows_need_not_have_the_same_fields():
    assert described({'rows': [{'a': 1}, {'b': 'x'}]}, 80) == [
        '', 'rows:', 'A  B', '1  -', '-  x']
