"""The OpenAPI document of the port on which models are asked, without a server."""

import json
from itertools import product
from urllib.parse import quote, unquote

import pytest
from extras import openapi_spec_validator
from front import Healthy, NoCounts
from openapi_schema_validator import OAS31Validator
from werkzeug.test import Client

from mms import errors
from mms.bootstrap.parts import Parts
from mms.config.settings import Settings
from mms.frontend.access.scopes import OPEN
from mms.frontend.exchange import Route
from mms.frontend.openapi.document import Subject, document
from mms.frontend.openapi.operation import (
    ForEachModel,
    Operation,
    PartOf,
    SameAs,
    Section,
    json_answer,
)
from mms.frontend.openapi.schemas import ANYTHING, ERRORS

Validator = openapi_spec_validator.OpenAPIV31SpecValidator
PICTURE = {'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 24, 24]}],
           'input_type': 'image/jpeg', 'outputs': [], 'output_type': 'application/json'}
TENSORS = {'inputs': [{'data_name': 'values', 'data_shape': [0, 3]},
                      {'data_name': 'factor', 'data_shape': [0, 1]}],
           'input_type': 'application/json', 'outputs': [], 'output_type': 'application/json',
           'output_format': 'lists'}
LARGE = {**TENSORS, 'inputs': [{'data_name': 'values', 'data_shape': [0, 224, 224]}]}


class Models:
    def __init__(self, **signatures):
        self.signatures = signatures
        self.revision = 0

    @property
    def names(self):
        return list(self.signatures)

    def __contains__(self, name):
        return name in self.signatures

    def signature(self, name):
        return self.signatures[name]

    def ill_health(self):
        return {}


@pytest.fixture
def models():
    return Models(flowers=PICTURE, **{'scale/2 {x}': TENSORS})


def application(models, **settings):
    return Parts('app', Settings(**settings), None).application(
        models, NoCounts(), 8080, monitor=Healthy())


def openapi_of(models, **settings):
    answer = Client(application(models, **settings)).get('/openapi.json')
    assert answer.status_code == 200
    return answer.json


def operations(described):
    return {(method, path): operation for path, methods in described['paths'].items()
            for method, operation in methods.items()}


def resolved(described, answer):
    if '$ref' in answer:
        return described['components']['responses'][answer['$ref'].rpartition('/')[2]]
    return answer


@pytest.mark.parametrize('names', [[], ['flowers'], ['flowers', 'scale/2 {x}']])
def test_it_is_valid(models, names):
    for name in set(models.signatures) - set(names):
        del models.signatures[name]
    Validator(openapi_of(models)).validate()


def test_every_route_is_in_it_with_each_of_its_methods(models):
    app = application(models)
    described = operations(openapi_of(models))
    for route in app.table.routes:
        assert route.told is not None, f'{route.path} has nothing to tell: Route.told'
        if isinstance(route.told, (PartOf, SameAs)):
            assert any(each.path == route.told.path and not isinstance(each.told, (PartOf, SameAs))
                       for each in app.table.routes)
            continue
        paths = [route.path.replace('<', '{').replace('>', '}')]
        if isinstance(route.told, ForEachModel):
            paths = [route.path.replace('<model>', quote(name, safe='')) for name in models.names]
        for method, path in product(route.methods, paths):
            assert (method.lower(), path) in described


def test_each_path_of_a_model_is_one_that_finds_it(models):
    table = application(models).table
    for method, path in operations(openapi_of(models)):
        path = unquote(path).replace('{model}', 'flowers')
        route, parameters, _ = table.find(path, method.upper())
        assert route is not None, path
        if path.endswith('/predict'):
            assert parameters['model'] in models.names


def test_a_new_endpoint_is_one_entry():
    section = Section('Tea', 'What a pot has.', ERRORS)
    told = Operation('brew', 'Make tea', section, {200: json_answer('Tea.', ANYTHING)},
                     in_path={'pot': 'Which.'})
    made = document([Route(('POST', 'PUT'), '/pots/<pot>', print, told=told),
                     Route(('POST',), '/pots/<pot>/', print, told=SameAs('/pots/<pot>'))],
                    {}, Subject('t', 't', '1'))
    Validator({**made, 'servers': []}).validate()
    assert list(made['paths']) == ['/pots/{pot}']
    assert {method: operation['operationId']
            for (method, _), operation in operations(made).items()} == {
        'post': 'brew_post', 'put': 'brew_put'}
    assert [tag['name'] for tag in made['tags']] == ['Tea']


def test_it_follows_the_models(models):
    client = Client(application(models))
    first = client.get('/openapi.json')
    del models.signatures['flowers']
    assert client.get('/openapi.json').data == first.data
    models.revision += 1
    assert '/flowers/predict' not in client.get('/openapi.json').json['paths']


def test_a_picture_is_binary_and_a_tensor_text(models):
    bodies = {path: operation['requestBody']['content']
              for (_, path), operation in operations(openapi_of(models)).items()
              if 'requestBody' in operation}
    picture = bodies['/flowers/predict']['multipart/form-data']
    assert picture['schema']['properties']['data']['format'] == 'binary'
    assert picture['encoding'] == {'data': {'contentType': 'image/jpeg'}}
    tensors = bodies['/scale%2F2%20%7Bx%7D/predict']['multipart/form-data']
    assert tensors['schema']['required'] == ['values', 'factor']
    assert tensors['examples'] == {'one': {'value': {'values': '[[0, 0, 0]]', 'factor': '[[0]]'}}}


def test_a_model_whose_requests_have_entries_takes_a_list_of_them():
    described = openapi_of(Models(many={**TENSORS, 'batch_requests': True}))
    body = described['paths']['/predictions/many']['post']['requestBody']['content']
    schema = body['application/json']['schema']
    assert schema['properties']['data']['items']['required'] == ['values', 'factor']
    Validator(described).validate()


def test_what_nobody_would_type_is_no_example():
    models = Models(large=LARGE, sampled={**LARGE, 'inputs': [
        {'data_name': 'values', 'data_shape': [1], 'sample': [{'title': 'x'}]}]})
    described = openapi_of(models)['paths']
    form = described['/large/predict']['post']['requestBody']['content']['multipart/form-data']
    assert 'examples' not in form
    form = described['/sampled/predict']['post']['requestBody']['content']['multipart/form-data']
    assert form['examples']['one']['value'] == {'values': '[{"title": "x"}]'}


def every_subclass(cls):
    return {cls}.union(*map(every_subclass, cls.__subclasses__()))


@pytest.mark.parametrize('cls', sorted(
    {cls for cls in every_subclass(errors.RequestError) if cls.__module__ == 'mms.errors'}
    - {errors.RequestError, errors.ClientLeft}, key=lambda cls: cls.__name__),
    ids=lambda cls: cls.__name__)
def test_each_error_is_an_example_of_its_status(cls, models):
    described = openapi_of(models)
    told = described['paths']['/flowers/predict']['post']['responses'][str(cls.status)]
    [content] = resolved(described, told)['content'].values()
    examples = [example['value'] for example in content['examples'].values()]
    assert (cls.status, cls.type) in {(told['code'], told['type']) for told in examples}


def test_every_example_of_an_error_has_the_shape_of_errors(models):
    described = openapi_of(models)
    for name, answer in described['components']['responses'].items():
        shape = {'error'} if name.startswith('ErrorV2') else {'code', 'type', 'message'}
        for example in answer['content']['application/json']['examples'].values():
            assert set(example['value']) == shape


def examples_in(value):
    """Schema and value of every example."""
    if isinstance(value, dict):
        if 'schema' in value:
            yield from ((value['schema'], each['value'])
                        for each in value.get('examples', {}).values())
        for each in value.values():
            yield from examples_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from examples_in(each)


def test_every_example_is_of_its_schema(models):
    described = openapi_of(models)
    found = list(examples_in(described))
    assert len(found) > 30
    for schema, value in found:
        # References are to what is in the document.
        OAS31Validator({**schema, 'components': described['components']}).validate(value)


def test_tokens_are_asked_for_where_they_are(models, tmp_path):
    (tmp_path / 'tokens').write_text('a-token-for-the-tests predict,manage\n')
    parts = Parts('app', Settings(auth_token_file=str(tmp_path / 'tokens')), None)
    app = parts.application(models, NoCounts(), 8080, monitor=Healthy())
    described = Client(app).get('/openapi.json').json
    Validator(described).validate()
    scopes = {(route.methods[0].lower(), route.path): route.scopes for route in app.table.routes}
    for (method, path), operation in operations(described).items():
        is_open = scopes.get((method, path)) == OPEN
        assert ('401' in operation['responses']) is not is_open
        assert operation.get('security') == ([] if is_open else None)
    assert described['security'] == [{'bearer': []}, {'key': []}]
    assert 'security' not in openapi_of(models)


@pytest.mark.parametrize(('environ', 'url'), [
    ({'HTTP_HOST': 'models.example:81'}, 'http://models.example:81'),
    ({'HTTP_HOST': 'in', 'HTTP_X_FORWARDED_HOST': 'models.example', 'REMOTE_ADDR': '127.0.0.1',
      'HTTP_X_FORWARDED_PROTO': 'https'}, 'https://models.example'),
    ({'HTTP_HOST': 'in', 'HTTP_X_FORWARDED_HOST': 'evil.example', 'REMOTE_ADDR': '192.0.2.1'},
     'http://in')])
def test_its_address_is_the_one_that_the_client_knows(models, environ, url):
    answer = Client(application(models)).get('/openapi.json', environ_overrides=environ)
    assert json.loads(answer.data)['servers'] == [{'url': url}]
