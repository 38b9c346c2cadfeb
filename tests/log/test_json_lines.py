"""JSON lines of single records."""

import json
import logging

import pytest

from mms.ipc.context import Context
from mms.log import request_ids
from mms.log.json_lines import FIELDS, JSONFormatter, field_value
from mms.log.lines import Formatter


def record(message='hello', *arguments, **extra):
    made = logging.getLogger('svc').makeRecord('svc', logging.INFO, '/a.py', 7, message, arguments,
                                               None, 'hook', extra or None)
    made.created, made.msecs, made.process = 1527152386.301, 301, 7072
    return made


def line(made):
    text = JSONFormatter().format(made)
    assert '\n' not in text
    return json.loads(text)


def named(*names):
    return [Context(request_id=name, trace_parent=f'parent-{name}') for name in names]


def test_a_line_has_time_level_place_and_message():
    assert line(record('%s of %d', 'one', 2)) == {
        'time': '2018-05-24T08:59:46.301Z', 'level': 'INFO', 'logger': 'svc',
        'message': 'one of 2', 'process': 7072, 'file': '/a.py', 'line': 7, 'function': 'hook'}


@pytest.mark.parametrize('text', ['"', '\\', '\n', '\x00\x1b', '\u2028', 'é', '猫', '😀'])
def test_any_text_is_a_line_of_ascii_and_comes_back(text):
    made = JSONFormatter().format(record(f'a{text}b'))
    assert made.isascii()
    assert json.loads(made)['message'] == f'a{text}b'


def test_a_lone_surrogate_is_written_out_since_it_is_no_text_to_many_readers():
    assert line(record('a\udcffb 😀'))['message'] == 'a\\udcffb 😀'


def test_a_traceback_is_a_field_of_its_own_however_it_was_logged():
    try:
        {}['key']
    except KeyError:
        import sys
        import traceback
        made = record('it failed')
        made.exc_info = sys.exc_info()
        text = record(traceback.format_exc())
    for found, message in ((line(made), 'it failed'), (line(text), "KeyError: 'key'")):
        assert found['message'] == message
        assert found['exception'].startswith('Traceback (most recent call last):\n')
        assert found['exception'].endswith("\nKeyError: 'key'")


def test_fields_of_the_caller_are_fields_of_the_line():
    assert line(record('x', **{FIELDS: {'status': 200, 'odd': object}}))['status'] == 200


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_a_number_that_json_has_not_is_none_of_a_line(value):
    assert field_value(value, 3) == 0.0


def test_what_is_logged_about_one_request_has_its_name_and_trace():
    found = line(record(**request_ids.about(named('a'))))
    assert (found['request_id'], found['traceparent']) == ('a', 'parent-a')
    assert 'request_ids' not in found


def test_what_is_logged_about_several_has_eight_names_and_a_count():
    found = line(record(**request_ids.about(named('a', 'b'))))
    assert found['request_ids'] == ['a', 'b']
    assert found.keys().isdisjoint({'request_id', 'more_requests', 'traceparent'})
    found = line(record(**request_ids.about(named(*'abcdefghij'))))
    assert (found['request_ids'], found['more_requests']) == (list('abcdefgh'), 2)


def test_text_has_the_names_at_the_end_of_the_first_line():
    made = record('one\ntwo', **request_ids.about(named(*'abcdefghij')))
    assert Formatter(coloured=False).format(made).splitlines()[0].endswith(
        ' one request_id=a,b,c,d,e,f,g,h+2')
    assert Formatter(coloured=False).format(made).endswith('\ntwo')


def test_a_record_keeps_what_it_was_about_when_it_was_first_written():
    made = record()
    request_ids.begin(Context(request_id='now'))
    try:
        assert line(made)['request_id'] == 'now'
    finally:
        request_ids.end()
    assert line(made)['request_id'] == 'now'
    assert 'request_id' not in line(record())


def test_a_line_is_made_once_for_all_handlers():
    class Counting(JSONFormatter):
        made = 0

        def line(self, record):
            self.made += 1
            return super().line(record)

    formatter, one = Counting(), record()
    assert formatter.format(one) == formatter.format(one)
    assert formatter.made == 1
    assert Formatter(coloured=False).format(one) != formatter.format(one)
