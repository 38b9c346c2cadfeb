"""A protocol of its own, from its endpoint through a real worker and back: two entries."""

import logging

import gevent
import pytest
from front import NoCounts, application
from gevent import socket
from werkzeug.test import Client

from mms.frontend.api.classic import Predictions
from mms.frontend.exchange import Route
from mms.frontend.http.binding import bind
from mms.frontend.http.server import HTTPServer
from mms.frontend.predictor import Predictor
from mms.runtime.byte_budget import ByteBudget

# Numbers in lines, answered in lines; one entry makes it known to the worker that imports it.
SERVICE = '''
from mms.errors import BadRequest
from mms.model_service.model_service import SingleNodeService
from mms.worker.codecs.codec import Decoded, Payload
from mms.worker.codecs.registry import CODECS


class Lines:
    def __init__(self, endpoint):
        self._model = endpoint.name
        self._name = endpoint.service.signature['inputs'][0]['data_name']

    def decode(self, request):
        try:
            values = [float(line) for line in request.body.decode().split()]
        except ValueError as error:
            raise BadRequest(f'{self._model} {self._name}: {error}') from None
        mark = request.context.request_id

        def encode(prediction):
            text = ''.join(f'{value:g} {mark}\\n' for value in prediction)
            return Payload(text.encode(), 'text/plain; charset=utf-8', 203)

        return Decoded([values], encode)


CODECS['lines'] = Lines


class Service(SingleNodeService):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0]}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        pass

    def _inference(self, data):
        return [2 * value for value in data[0]]
'''


class OneModel(dict):
    """The queue of a model as the front sees it."""

    revision = 0

    def submit(self, name, request, caller):
        return self[name].scheduler.submit(request, caller)


@pytest.fixture
def app(model):
    models = OneModel(m=model(source=SERVICE, workers=1))
    predictor = Predictor(models, NoCounts(), 1_000_000, ByteBudget())
    return application(models, more_routes=[
        Route(('PUT',), '/lines/<model>', Predictions(predictor, 'lines').predict, 'Lines'),
        Route(('PUT',), '/nobody/<model>', Predictions(predictor, 'nobody').predict, 'Nobody')])


def test_one_worker_speaks_all_protocols(app):
    client = Client(app)
    for _ in range(2):
        answer = client.put('/lines/m', data='1\n2.5\n', headers={'X-Request-Id': 'q7'})
        assert (answer.status_code, answer.text) == (203, '2 q7\n5 q7\n')
        assert answer.headers['Content-Type'] == 'text/plain; charset=utf-8'
        classic = client.post('/m/predict', data={'data': '[1, 2.5]'})
        assert (classic.status_code, classic.data) == (200, b'{"prediction":[2,5.0]}\n')


def test_what_a_codec_refuses_is_answered_as_any_error(app):
    answer = Client(app).put('/lines/m', data='one')
    assert answer.status_code == 400
    assert answer.get_json()['message'] == "m0 data: could not convert string to float: 'one'"


def test_a_protocol_without_a_codec_is_an_error_of_the_server_and_the_worker_lives(app):
    client = Client(app)
    assert client.put('/nobody/m', data='1').status_code == 500
    assert client.put('/lines/m', data='1').status_code == 203


def test_a_large_answer_of_another_protocol_comes_whole_over_a_connection(app):
    server = HTTPServer(bind('127.0.0.1', 0), app)
    server.listen()
    body = b'4\n' * 100_000
    with gevent.Timeout(60), socket.create_connection(server.socket.getsockname()) as client:
        client.sendall(b'PUT /lines/m HTTP/1.1\r\nHost: x\r\nX-Request-Id: z\r\n'
                       b'Connection: close\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
        head, _, content = client.makefile('rb').read().partition(b'\r\n\r\n')
    server.end()
    assert head.startswith(b'HTTP/1.1 203 ')
    assert content == b'8 z\n' * 100_000


def test_the_log_names_a_request_that_failed(app, caplog):
    with caplog.at_level(logging.DEBUG):
        Client(app).put('/lines/m', data='x', headers={'X-Request-Id': 'find-me'})
    assert 'Request find-me failed: BadRequest' in caplog.text
