"""An error of one request becomes its answer."""

import pytest
from front import application
from werkzeug.exceptions import ClientDisconnected
from werkzeug.test import Client

from mms.errors import BadRequest, ClientLeft, DeadlineExceeded, ModelUnavailable, QueueFull
from mms.frontend.flask_app import create_app


class Failing(dict):
    """One model that answers with an error."""

    revision = 0

    def __init__(self, error):
        super().__init__(m=error)

    def submit(self, name, request, caller):
        raise self[name]


@pytest.fixture(params=['application', 'Flask application'])
def ask(request):
    """The answer to a request that fails with an error, either way."""
    def answer(error, headers=None):
        app = application(Failing(error))
        if request.param == 'Flask application':
            app = create_app('test', app)
        return Client(app).post('/m/predict', data={'data': '1'}, headers=headers)

    return answer


def test_a_full_queue_says_when_to_come_again(ask):
    answer = ask(QueueFull('1000 requests wait.', 7), {'Origin': 'http://page.example'})
    assert (answer.status_code, answer.headers['Retry-After']) == (503, '7')
    assert 'Retry-After' in answer.headers['Access-Control-Expose-Headers']
    assert answer.get_json() == {'code': 503, 'type': 'ServiceUnavailableException',
                                 'message': '1000 requests wait.'}


@pytest.mark.parametrize(('error', 'status', 'kind'), [
    (ModelUnavailable, 503, 'ServiceUnavailableException'),
    (DeadlineExceeded, 504, 'GatewayTimeoutException'),
    (ClientLeft, 499, 'ClientClosedRequestException'),
])
def test_any_other_error_does_not(ask, error, status, kind):
    answer = ask(error('Not now.'))
    assert (answer.status_code, answer.get_json()['type']) == (status, kind)
    assert 'Retry-After' not in answer.headers


@pytest.mark.parametrize(('headers', 'address'), [
    ({'Host': 'models.example:8443'}, ' (http://models.example:8443/api-description)'),
    ({'Host': '[::1]:8080'}, ' (http://[::1]:8080/api-description)'),
    ({'Host': 'no host'}, ''),
])
def test_the_real_address_follows_the_placeholder(ask, headers, address):
    answer = ask(BadRequest('It is here:http://<host>:<port>/api-description'), headers)
    assert answer.get_json()['message'] == (
        f'It is here:http://<host>:<port>/api-description{address}')


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error_of_the_model(ask, caplog):
    with caplog.at_level('INFO'):
        assert ask(ClientDisconnected()).get_json()['message'] == (
            'The client has left before its request was whole.')
    assert [(record.levelname, record.getMessage()) for record in caplog.records
            if record.name == 'mms.frontend.errors'] == [
        ('INFO', 'The client has left before its request was whole.')]
