"""Answers as content or as errors."""

import json
import pickle
from email.utils import formatdate

import pytest

import mms.client
from mms.client import (
    AccessDenied,
    ClientError,
    ErrorAnswer,
    ModelFailed,
    ModelNotFound,
    PayloadTooLarge,
    RequestRefused,
    ServerTimedOut,
    TimedOut,
    TooManyRequests,
    Unavailable,
    UnreadableAnswer,
    WrongUse,
)
from mms.client.predictions import errors
from mms.client.predictions.answers import Answer, content_of, retry_after_s

CLASSES = {400: RequestRefused, 401: AccessDenied, 403: AccessDenied, 404: ModelNotFound,
           405: RequestRefused, 408: RequestRefused, 413: PayloadTooLarge, 429: TooManyRequests,
           431: RequestRefused, 500: ModelFailed, 502: ModelFailed, 503: Unavailable,
           504: ServerTimedOut}


def raised(status, content=b'', **headers):
    answer = Answer(status, {key.replace('_', '-'): value for key, value in headers.items()},
                    content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(ClientError) as found:
        content_of(answer, 'sent', 'http://server')
    return found.value


@pytest.mark.parametrize('status', CLASSES)
def test_each_status_has_its_error_with_all_that_the_server_tells(status):
    error = raised(status, {'code': status, 'type': 'AnException', 'message': 'It is so.'},
                   Retry_After='3', X_Request_Id='known')
    assert type(error) is CLASSES[status]
    assert (error.status, error.type, error.message, error.retry_after_s, error.request_id) == (
        status, 'AnException', 'It is so.', 3, 'known')
    assert str(error) == 'It is so. (request known)'


def test_the_id_is_the_one_that_was_sent_where_a_proxy_answers():
    error = raised(502, b'<html>Bad\n  Gateway</html>')
    assert (error.request_id, error.message) == ('sent', '<html>Bad Gateway</html>')
    assert raised(503).message == 'the server answers 503'


@pytest.mark.parametrize(('status', 'content'), [
    (200, b'<html>'), (302, b'{}'), (204, b''), (404, b'<html>')])
def test_what_is_no_such_server_is_told(status, content):
    error = raised(status, content)
    assert type(error) is UnreadableAnswer
    assert f'http://server is no model server: it answers {status}' in error.message


def test_where_a_server_sends_its_clients_is_told_and_not_followed():
    assert 'https://elsewhere/' in raised(301, Location='https://elsewhere/').message


def test_nan_is_a_number_as_the_server_writes_it():
    content = content_of(Answer(200, {}, b'{"prediction": [NaN]}'), 'sent', 'http://server')
    assert content['prediction'][0] != content['prediction'][0]


@pytest.mark.parametrize(('text', 'seconds'), [
    (None, None), ('', None), ('soon', None), ('0', 0), (' 12 ', 12), ('-3', None),
    ('9' * 400, 1e9), (formatdate(1060, usegmt=True), 60), (formatdate(900, usegmt=True), 0),
    ('Mon, 99 Foo 2026 99:99:99 GMT', None),
])
def test_retry_after_is_a_number_or_a_date(text, seconds):
    assert retry_after_s(text, now=1000) == seconds


def every_subclass(cls):
    return {cls}.union(*map(every_subclass, cls.__subclasses__()))


ERRORS = sorted(every_subclass(ClientError), key=lambda cls: cls.__name__)


@pytest.mark.parametrize('cls', ERRORS, ids=lambda cls: cls.__name__)
def test_an_error_is_drawn_in_the_tree_and_named_by_the_package(cls):
    assert f'── {cls.__name__} ' in errors.__doc__ or cls is ClientError
    assert getattr(mms.client, cls.__name__) is cls


@pytest.mark.parametrize('cls', ERRORS, ids=lambda cls: cls.__name__)
def test_an_error_crosses_to_another_process(cls):
    made = cls('m', 'id', *((503, 'T', 2.5) if issubclass(cls, ErrorAnswer) else ()))
    copied = pickle.loads(pickle.dumps(made))
    assert (type(copied), vars(copied), str(copied)) == (cls, vars(made), 'm (request id)')


def test_errors_are_those_of_python_too_where_it_has_one():
    assert issubclass(WrongUse, ValueError)
    assert issubclass(TimedOut, TimeoutError)
    assert issubclass(mms.client.ConnectTimedOut, TimeoutError)


def test_the_package_has_no_other_names():
    assert sorted(mms.client.__all__) == mms.client.__all__
    assert all(getattr(mms.client, name) for name in mms.client.__all__)
    with pytest.raises(AttributeError, match='Clients'):
        _ = mms.client.Clients
