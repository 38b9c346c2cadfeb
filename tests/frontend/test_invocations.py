"""Requests whose path names no model, as SageMaker and MMS 1.x make them."""

import pytest
from front import application
from werkzeug.test import Client

from mms.frontend.flask_app import create_app
from mms.ipc.request import CLASSIC, CLASSIC_BATCH, CLASSIC_SINGLE, Reply

TARGET = 'X-Amzn-SageMaker-Target-Model'


class Models:
    revision = 0

    def __init__(self, *names, unloaded=()):
        self.names = names
        self.unloaded = unloaded

    def __contains__(self, name):
        return name in self.names

    def submit(self, name, request, caller):
        self.protocol = request.protocol
        return Reply(f'{name} got {request.content_type}: '.encode() + request.body)

    def ill_health(self):
        return {}


class Counts:
    def __init__(self):
        self.counts = []

    def count(self, name, model=None):
        self.counts.append((name, model))

    def observe_stages(self, stage_times_ms, model):
        pass


@pytest.fixture(params=['own', 'flask'])
def asked(request):
    """Ask a server of some models; its answer, and what was counted."""
    def ask(models, path='/invocations', target=None, method='POST'):
        counts = Counts()
        app = application(Models(*models), counts)
        client = Client(app if request.param == 'own' else create_app('test', app))
        headers = {} if target is None else {TARGET: target}
        answer = client.open(path, method=method, data=b'body', headers=headers,
                             content_type='image/jpeg')
        return answer, counts.counts
    return ask


def test_the_only_model_is_meant_where_none_is_named(asked):
    answer, counted = asked(['m'])
    assert (answer.status_code, answer.data) == (200, b'm got image/jpeg: body')
    assert counted == [('PredictionTotal', 'm')]


@pytest.mark.parametrize(('target', 'name'), [
    ('b', 'b'), ('b.tar.gz', 'b'), ('b.model', 'b'), (' b ', 'b'), ('x/y.tar.gz', 'x/y'),
    ('c.model', 'c.model'), ('a é+'.encode().decode('latin-1'), 'a é+')])
def test_the_header_names_a_model_or_the_file_of_its_archive(asked, target, name):
    answer, counted = asked(['b', 'c', 'c.model', 'x/y', 'a é+'], target=target)
    assert (answer.status_code, answer.text) == (200, f'{name} got image/jpeg: body')
    assert counted == [('PredictionTotal', name)]


def test_the_query_names_a_model_as_in_mms_1_and_the_header_counts_before_it(asked):
    assert asked('ab', '/invocations?model_name=b')[0].text.startswith('b got')
    assert asked('ab', '/invocations?model_name=b', target='a')[0].text.startswith('a got')
    assert asked('a', '/invocations?model_name=')[0].text.startswith('a got')


def test_of_several_models_one_has_to_be_named(asked):
    answer, counted = asked('ab')
    assert answer.status_code == 400
    assert answer.get_json()['message'] == (
        f'2 models are served: name one of them in the header {TARGET}. GET /api-description '
        'lists them.')
    assert counted == []


def test_a_model_without_a_worker_is_one_of_several():
    client = Client(application(Models('a', unloaded=('b',))))
    assert client.post('/invocations').get_json()['message'].startswith('2 models are served')


@pytest.mark.parametrize('models', ['ab', 'a', ''])
def test_a_model_that_is_not_there_is_named_and_counted_for_none(asked, models):
    answer, counted = asked(models, target='c' * 200)
    assert answer.status_code == 404
    assert answer.get_json()['message'] == (
        f'No model {"c" * 100} is served ({TARGET}): GET /api-description lists those that are.')
    assert counted == []


def test_where_no_model_is_served_the_answer_says_so(asked):
    answer, _ = asked('')
    assert (answer.status_code, answer.get_json()['message']) == (404, 'No model is served.')


def test_predictions_name_a_model_behind_the_word(asked):
    answer, counted = asked(['m', 'x/y'], '/predictions/x/y')
    assert answer.text == 'x/y got image/jpeg: body'
    assert counted == [('PredictionTotal', 'x/y')]
    assert asked(['m'], '/predictions/none')[0].status_code == 404


def test_a_classic_path_stays_the_one_of_its_model(asked):
    assert asked(['predictions', 'predict'], '/predictions/predict')[0].text.startswith(
        'predictions got')


@pytest.mark.parametrize(('said', 'protocol'), [
    (None, CLASSIC), ('true', CLASSIC_BATCH), (' False', CLASSIC_SINGLE)])
def test_a_header_says_how_many_entries_there_are(said, protocol):
    models = Models('m')
    client = Client(application(models))
    for path in ('/m/predict', '/predictions/m', '/invocations'):
        client.post(path, headers={} if said is None else {'X-MMS-Batch': said})
        assert models.protocol == protocol
    refused = client.post('/m/predict', headers={'X-MMS-Batch': '2'})
    assert (refused.status_code, refused.get_json()['message']) == (
        400, 'The header X-MMS-Batch must be true or false.')


@pytest.mark.parametrize('path', ['/invocations', '/predictions/m'])
def test_other_methods_are_refused(asked, path):
    answer, _ = asked(['m'], path, method='GET')
    assert (answer.status_code, answer.headers['Allow']) == (405, 'OPTIONS, POST')
    assert asked(['m'], path, method='OPTIONS')[0].status_code == 200
