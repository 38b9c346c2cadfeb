"""Errors in the form of the protocol that a client speaks, whoever refuses the request."""

import pytest
from front import NoCounts, application
from werkzeug.test import Client

from mms.config.rate_limit import RateLimit
from mms.errors import QueueFull
from mms.frontend.flask_app import create_app
from mms.frontend.middleware import Middleware
from mms.frontend.rate_limiting import RateLimiting
from mms.metrics.refusals import Refusals


class Crowded:
    """Models that take no request, one of them with the name of a path."""

    names, revision, unloaded = ('m', 'v2/m'), 0, ()

    def __contains__(self, name):
        return name in self.names

    def submit(self, name, request, caller):
        if request.body == b'fault':
            raise ZeroDivisionError
        raise QueueFull('too many', 7)


@pytest.fixture(params=['alone', 'flask'])
def ask(request):
    """Asks an application; with middleware of its own."""
    def asked(path, *middleware, method='POST', **options):
        made = application(Crowded(), NoCounts(), *middleware)
        app = create_app('test', made) if request.param == 'flask' else made
        return Client(app).open(path, method=method, **options)

    return asked


def test_a_queue_that_is_full_is_told_in_either_form(ask):
    answer = ask('/v2/models/m/infer')
    assert (answer.status_code, answer.headers['Retry-After']) == (503, '7')
    assert answer.get_json() == {'error': 'too many'}
    assert ask('/m/predict').get_json() == {
        'code': 503, 'type': 'ServiceUnavailableException', 'message': 'too many'}


def test_the_route_says_it_and_not_the_name_of_a_model(ask):
    assert ask('/v2/m/predict').get_json()['code'] == 503
    assert ask('/v2/models/v2/m/infer').get_json() == {'error': 'too many'}


def test_a_client_that_asks_too_often_is_told_in_either_form(ask):
    limiting = RateLimiting(RateLimit(1, 60), Refusals())
    assert ask('/v2', limiting, method='GET').status_code == 200
    answer = ask('/v2', limiting, method='GET')
    assert (answer.status_code, answer.get_json().keys()) == (429, {'error'})
    assert int(answer.headers['Retry-After']) > 0
    assert ask('/ping', limiting, method='GET').status_code != 429
    assert ask('/v2/health/ready', limiting, method='GET').status_code != 429
    assert ask('/m/predict', limiting).get_json()['code'] == 429


def test_a_fault_of_the_server_is_told_in_either_form(ask):
    class Broken(Middleware):
        def before(self, request):
            raise ZeroDivisionError

    for options in ({'data': b'fault'}, {'method': 'GET'}):
        path = '/v2/models/m/infer' if 'data' in options else '/v2'
        answer = ask(path, *([] if 'data' in options else [Broken()]), **options)
        assert (answer.status_code, answer.get_json()) == (
            500, {'error': 'The server failed over this request; its log says how.'})


@pytest.mark.parametrize('path', ['/v2/none', '/v2/models/none', '/v2/'])
def test_what_is_not_there_is_told_with_what_there_is(ask, path):
    answer = ask(path, method='GET')
    assert answer.status_code == 404
    assert answer.get_json() == {'error': f'There is nothing at {path}: GET /v2/models lists the '
                                          'models, whose names are matched to the letter.'}


@pytest.mark.parametrize('path', ['/v2x', '/V2', '/none'])
def test_other_paths_are_nobody_elses(ask, path):
    assert ask(path, method='GET').get_json()['code'] == 404
