"""What requests of the management port ask for."""

import io
import json

import pytest

from mms.frontend.exchange import NO_MATCH, HTTPRequest
from mms.frontend.management.errors import WrongParameter
from mms.frontend.management.parameters import Parameters
from mms.runtime.byte_budget import ByteBudget
from mms.serving.model_options import ModelOptions


def parameters(query='', body=None, content_type='application/json'):
    raw = body if isinstance(body, bytes) else b'' if body is None else json.dumps(body).encode()
    environ = {'REQUEST_METHOD': 'POST', 'PATH_INFO': '/models', 'QUERY_STRING': query,
               'CONTENT_TYPE': content_type, 'CONTENT_LENGTH': str(len(raw)),
               'wsgi.input': io.BytesIO(raw)}
    return Parameters.of(HTTPRequest(environ, lambda path, method: NO_MATCH), ByteBudget())


def test_the_query_has_the_timeout_in_minutes_and_json_in_seconds():
    query = 'initial_workers=2&batch_size=8&max_batch_delay=50&response_timeout=2'
    assert parameters(query).options() == ModelOptions(2, None, 8, 0.05, 120.0)
    body = {'initial_workers': '2', 'batch_size': 8, 'max_batch_delay': 50, 'response_timeout': 2}
    assert parameters(body=body).options() == ModelOptions(2, None, 8, 0.05, 2.0)


def test_what_is_not_said_is_left_to_the_settings():
    assert parameters().options() == ModelOptions()
    assert parameters('batch_size=&response_timeout=-1').options() == ModelOptions()
    assert parameters('initial_workers=0').options() == ModelOptions()
    assert parameters('initial_workers=0').workers() == (0, None)


def test_min_and_max_are_numbers_of_workers_too():
    assert parameters('min_worker=2&max_worker=4').workers() == (2, 4)
    assert parameters(body={'initial_workers': 1, 'max_workers': 3}).workers() == (1, 3)


@pytest.mark.parametrize('query', ['min_worker=2&max_worker=1', 'max_worker=0'])
def test_the_most_is_not_less_than_the_least(query):
    with pytest.raises(WrongParameter) as refused:
        parameters(query).workers()
    assert str(refused.value) == 'max_worker cannot be less than min_worker.'


@pytest.mark.parametrize(('value', 'is_true'), [
    ('true', True), ('TRUE', True), ('false', False), ('yes', False), ('1', False), ('', False)])
def test_whatever_is_not_the_word_true_is_false(value, is_true):
    assert parameters(f'synchronous={value}').truth('synchronous', True) is is_true


def test_without_the_word_it_is_as_it_was_said_to_be():
    assert parameters().truth('synchronous', True) is True
    assert parameters(body={'synchronous': False}).truth('synchronous', True) is False
    assert parameters(body={'synchronous': True}).truth('synchronous', False) is True


@pytest.mark.parametrize(('query', 'message'), [
    ('batch_size=x', "Parameter batch_size is 'x', and not a number from 1 to 1024."),
    ('batch_size=0', "Parameter batch_size is '0', and not a number from 1 to 1024."),
    ('batch_size=1.5', "Parameter batch_size is '1.5', and not a whole number from 1 to 1024."),
    ('batch_size=nan', "Parameter batch_size is 'nan', and not a number from 1 to 1024."),
    ('max_batch_delay=-1', "Parameter max_batch_delay is '-1', and not a number from 0 to 60000."),
    ('min_worker=-1', "Parameter min_worker is '-1', and not a number from 0 to 1024."),
    ('initial_workers=1e9',
     "Parameter initial_workers is '1e9', and not a number from 0 to 1024."),
    ('response_timeout=0', "Parameter response_timeout is '0', and not a time in which a model "
                           'can answer.'),
])
def test_a_value_that_cannot_be_used_is_told(query, message):
    with pytest.raises(WrongParameter) as refused:
        parameters(query).options()
    assert str(refused.value) == message


@pytest.mark.parametrize('body', [b'{', b'[]', b'null', b'{"a": 1} x', b'[' * 100_000, b'\xff'])
def test_a_body_that_is_no_object_is_told(body):
    with pytest.raises(WrongParameter, match='no object of JSON'):
        parameters(body=body)


@pytest.mark.parametrize(('value', 'message'), [
    (['a'], 'Parameter url is not a single value.'),
    ({'a': 1}, 'Parameter url is not a single value.'),
    ('a' * 8193, 'Parameter url has more than 8192 characters.'),
], ids=['list', 'object', 'long'])
def test_a_value_that_is_too_much_is_told_and_not_shown(value, message):
    with pytest.raises(WrongParameter) as refused:
        parameters(body={'url': value}).text('url')
    assert str(refused.value) == message


def test_a_body_of_another_kind_says_nothing():
    asked = parameters('url=a', b'url=b', 'application/x-www-form-urlencoded')
    assert asked.text('url') == 'a'


def test_what_mms_1_would_do_otherwise_is_refused():
    parameters('runtime=PYTHON3').check_ignored()
    with pytest.raises(WrongParameter, match='^Invalid RuntimeType value: InvalidRuntime$'):
        parameters('runtime=InvalidRuntime').check_ignored()
    with pytest.raises(WrongParameter, match='^Parameter handler is not supported'):
        parameters('handler=service:handle').check_ignored()
