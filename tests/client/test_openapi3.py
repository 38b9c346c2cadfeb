import pytest
from extras import openapi_spec_validator

from mms.client.openapi3 import openapi3_of
from mms.frontend.api.swagger import describe

OpenAPIV2SpecValidator = openapi_spec_validator.OpenAPIV2SpecValidator
OpenAPIV30SpecValidator = openapi_spec_validator.OpenAPIV30SpecValidator
SIGNATURES = {
    'flowers': {'input_type': 'image/jpeg',
                'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 24, 24]}]},
    'scale-2': {'input_type': 'application/json',
                'inputs': [{'data_name': 'values', 'data_shape': [0, 3]},
                           {'data_name': 'factor', 'data_shape': [0, 1]}]},
}
SWAGGER = describe(SIGNATURES, '127.0.0.1', 8080)


@pytest.fixture
def document():
    return openapi3_of(SWAGGER)


def form(document, path):
    return document['paths'][path]['post']['requestBody']['content']['multipart/form-data']


def test_both_documents_pass_their_validators(document):
    OpenAPIV2SpecValidator(SWAGGER).validate()
    OpenAPIV30SpecValidator(document).validate()


def test_it_has_the_same_operations_at_the_same_address(document):
    assert document['servers'] == [{'url': 'http://127.0.0.1:8080'}]
    assert {(path, method, operation['operationId'])
            for path, methods in document['paths'].items()
            for method, operation in methods.items()} == {
        ('/flowers/predict', 'post', 'flowers_predict'),
        ('/scale-2/predict', 'post', 'scale-2_predict'),
        ('/ping', 'get', 'ping'), ('/', 'get', 'root'),
        ('/api-description', 'get', 'api-description')}


def test_a_picture_is_a_binary_part_of_the_type_that_the_server_takes(document):
    content = form(document, '/flowers/predict')
    assert content['schema']['properties']['data']['format'] == 'binary'
    assert content['encoding'] == {'data': {'contentType': 'image/jpeg'}}


def test_tensors_are_required_texts(document):
    content = form(document, '/scale-2/predict')
    assert content['schema']['required'] == ['values', 'factor']
    assert {field['type'] for field in content['schema']['properties'].values()} == {'string'}
    assert 'encoding' not in content


def test_a_prediction_may_be_anything_and_an_error_has_a_message(document):
    answers = document['paths']['/flowers/predict']['post']['responses']
    schema = answers['200']['content']['application/json']['schema']
    assert schema['properties'] == {'prediction': {}}
    for status in ('4XX', '5XX'):
        assert answers[status]['content']['application/json']['schema'] == {
            '$ref': '#/components/schemas/ErrorAnswer'}
    assert 'message' in document['components']['schemas']['ErrorAnswer']['properties']


def test_the_swagger_document_is_left_as_it_is():
    before = repr(SWAGGER)
    openapi3_of(SWAGGER)
    assert repr(SWAGGER) == before
