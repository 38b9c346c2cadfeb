"""The documents of the management port, without a server."""

import pytest
from extras import openapi_spec_validator
from front import Healthy
from werkzeug.test import Client

from mms.frontend.api.health import health_routes
from mms.frontend.chain import Middleware
from mms.frontend.management import errors
from mms.frontend.management.application import management_application
from mms.frontend.management.models_api import Server
from mms.frontend.openapi.operation import PartOf, SameAs


class Models:
    names, revision = ['flowers'], 0

    def __contains__(self, name):
        return name in self.names


@pytest.fixture
def application():
    return management_application(Server(Models(), *[None] * 6), None, Middleware(),
                                  health_routes(Healthy()))


@pytest.fixture
def document(application):
    return Client(application).get('/openapi.json').json


def resolved(document, answer):
    if '$ref' in answer:
        return document['components']['responses'][answer['$ref'].rpartition('/')[2]]
    return answer


def operations(document):
    return [(path, method, operation) for path, methods in document['paths'].items()
            for method, operation in methods.items()]


def test_both_documents_are_valid(application, document):
    openapi_spec_validator.OpenAPIV31SpecValidator(document).validate()
    of_mms_1 = Client(application).options('/').json
    openapi_spec_validator.OpenAPIV30SpecValidator(of_mms_1).validate()
    assert of_mms_1['openapi'] == '3.0.1'


def test_what_is_empty_is_as_good_as_none_but_where_it_has_to_be_there(document):
    empty = {(operation['operationId'], one['name']): one.get('allowEmptyValue', False)
             for _, _, operation in operations(document) for one in operation.get('parameters', ())
             if one['in'] == 'query'}
    assert empty.pop(('registerModel', 'url')) is False
    assert empty['listModels', 'limit'] is True
    assert set(empty.values()) == {True}


def test_every_route_is_in_the_document(application, document):
    told_of = {(path, method) for path, method, _ in operations(document)}
    paths = {route.path for route in application.table.routes}
    for route in application.table.routes:
        assert route.told is not None, f'{route.path} has nothing to tell: Route.told'
        if isinstance(route.told, (PartOf, SameAs)):
            assert route.told.path in paths
            continue
        for method in route.methods:
            path = route.path.replace('<', '{').replace('>', '}')
            assert (path, method.lower()) in told_of


def test_the_names_of_models_are_examples_of_the_path(document):
    [name] = document['paths']['/models/{model_name}']['get']['parameters']
    assert name['examples'] == {'flowers': {'value': 'flowers'}}


def every_error():
    return [cls for cls in vars(errors).values() if isinstance(cls, type)
            and issubclass(cls, errors.RequestError) and cls.__module__ == errors.__name__]


@pytest.mark.parametrize('cls', every_error(), ids=lambda cls: cls.__name__)
def test_each_error_is_an_example_of_its_status(cls, document):
    found = set()
    for _, _, operation in operations(document):
        for answer in operation['responses'].values():
            for content in resolved(document, answer).get('content', {}).values():
                found |= {(each['value']['code'], each['value']['type'])
                          for each in content.get('examples', {}).values()
                          if isinstance(each['value'], dict) and 'code' in each['value']}
    assert (cls.status, cls.type) in found


def test_where_no_token_is_asked_for_none_is_told_of():
    app = management_application(Server(Models(), *[None] * 6), None, Middleware(),
                                 asks_for_token=False)
    document = Client(app).get('/openapi.json').json
    assert 'security' not in document
    assert 'securitySchemes' not in document['components']

