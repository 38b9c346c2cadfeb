import json

import pytest

from mms.archive.signature import input_types, read_signature, validate_signature
from mms.errors import SignatureError


def refusal(signature):
    with pytest.raises(SignatureError) as caught:
        validate_signature(signature, 'here/signature.json')
    message = str(caught.value)
    assert message.startswith('here/signature.json')
    assert '\n' not in message
    return message


def test_a_signature_is_read(tmp_path, signature):
    path = tmp_path / 'signature.json'
    path.write_text(json.dumps(signature))
    assert read_signature(str(path)) == signature


def test_a_byte_order_mark_is_tolerated(tmp_path, signature):
    path = tmp_path / 'signature.json'
    path.write_text(json.dumps(signature), encoding='utf-8-sig')
    assert read_signature(str(path)) == signature


def test_a_missing_file_is_named_with_its_folder(tmp_path):
    with pytest.raises(SignatureError) as caught:
        read_signature(str(tmp_path / 'signature.json'))
    assert str(caught.value) == f'signature.json is not found in {tmp_path}.'


def test_a_file_that_is_not_json_is_named(tmp_path):
    path = tmp_path / 'signature.json'
    path.write_text('{"inputs": [}')
    with pytest.raises(SignatureError, match=f'^{path} is not valid JSON'):
        read_signature(str(path))


@pytest.mark.parametrize('missing', ['input_type', 'output_type'])
def test_both_types_are_required(signature, missing):
    del signature[missing]
    assert 'input_type and output_type are required in signature.' in refusal(signature)


def test_a_type_must_be_a_string(signature):
    signature['input_type'] = ['image/jpeg']
    assert 'input_type and output_type must be strings' in refusal(signature)


def test_a_type_must_be_known(signature):
    signature['output_type'] = 'text/plain'
    message = refusal(signature)
    assert "Valid type should be picked from ['image/jpeg', 'application/json']." in message
    assert 'input_type is application/json, output_type is text/plain' in message


@pytest.mark.parametrize('missing', ['inputs', 'outputs'])
def test_inputs_and_outputs_are_required(signature, missing):
    del signature[missing]
    assert 'inputs and outputs must be there, as lists' in refusal(signature)


def test_inputs_must_be_a_list(signature):
    signature['inputs'] = {}
    assert 'inputs must be a list, not an object' in refusal(signature)


def test_a_signature_must_be_an_object():
    assert 'must be an object, not a list' in refusal([])


def test_an_entry_must_be_an_object(signature):
    signature['outputs'].append('softmax')
    assert 'outputs[1] must be an object, not a string' in refusal(signature)


@pytest.mark.parametrize('key', ['data_name', 'data_shape'])
def test_an_entry_needs_name_and_shape(signature, key):
    del signature['inputs'][0][key]
    assert f'inputs[0]: {key} is missing' in refusal(signature)


@pytest.mark.parametrize('name', ['', 7, None])
def test_a_name_must_be_a_string_with_something_in_it(signature, name):
    signature['inputs'][0]['data_name'] = name
    assert 'inputs[0]: data_name must be a string' in refusal(signature)


def test_a_name_that_is_no_text_is_refused(signature):
    signature['inputs'][0]['data_name'] = 'a\ud800'
    assert "inputs[0]: data_name 'a\\ud800' holds half a character" in refusal(signature)


@pytest.mark.parametrize('shape', [[-1, 3], [1.5], ['3'], [True], 3, '[1]', None])
def test_a_shape_must_be_whole_numbers(signature, shape):
    signature['inputs'][0]['data_shape'] = shape
    assert "data_shape must be a list of whole numbers, 0 or more, for 'data'" in refusal(signature)


def test_two_inputs_of_one_name_are_refused(signature):
    signature['inputs'] *= 2
    assert "two inputs have the data_name 'data'" in refusal(signature)


def test_what_0_4_served_is_served(signature):
    signature['outputs'] = []
    signature['inputs'][0]['data_shape'] = []
    signature['extra'] = 1
    assert validate_signature(signature, 'x') == signature


def test_an_input_may_have_a_type_of_its_own(signature):
    signature['inputs'].append({'data_name': 'photo', 'data_shape': [0, 3, 8, 8],
                                'input_type': 'image/jpeg'})
    assert input_types(validate_signature(signature, 'here')) == ['application/json', 'image/jpeg']


def test_a_type_of_an_input_that_there_is_not_is_refused(signature):
    signature['inputs'][0]['input_type'] = 'text/plain'
    assert 'inputs[0]: Valid type should be picked from' in refusal(signature)
    assert refusal(signature).endswith("input_type is 'text/plain'")


@pytest.mark.parametrize('chosen', ['text', 'lists'])
def test_the_form_of_outputs_may_be_chosen(signature, chosen):
    signature['output_format'] = chosen
    assert validate_signature(signature, 'here/signature.json') == signature


@pytest.mark.parametrize('chosen', ['list', '', None, ['lists'], {'lists': 1}, 1])
def test_any_other_form_of_outputs_is_refused(signature, chosen):
    signature['output_format'] = chosen
    assert refusal(signature) == ('here/signature.json: output_format must be one of text, lists, '
                                  f'not {chosen!r}')
def test_an_input_may_have_a_sample(signature):
    signature['inputs'][0]['sample'] = [{'review': 'good'}]
    assert validate_signature(signature, 'here')['inputs'][0]['sample'] == [{'review': 'good'}]


def test_a_sample_is_a_list_as_a_request_sends_it(signature):
    signature['inputs'][0]['sample'] = {'review': 'good'}
    name = signature['inputs'][0]['data_name']
    assert f'the sample of {name!r} must be a list, as a request sends it, not ' \
        in refusal(signature)


def test_a_picture_has_no_sample(signature):
    signature['inputs'][0]['sample'] = [[1]]
    signature['input_type'] = 'image/jpeg'
    assert 'has a sample, which is for inputs of application/json only' in refusal(signature)


def test_a_media_type_cannot_forge_a_line_of_the_log(signature):
    signature['input_type'] = 'x\n[ERROR] \ud800'
    with pytest.raises(SignatureError) as caught:
        validate_signature(signature, 'it')
    assert r'input_type is x\n[ERROR] \ud800, output_type' in str(caught.value)


def pictures(signature, *shape):
    return {**signature, 'input_type': 'image/jpeg',
            'inputs': [{'data_name': 'picture', 'data_shape': list(shape)}]}


@pytest.mark.parametrize('way', ['none', '0-1', 'imagenet'])
def test_it_may_say_what_becomes_of_a_pictures_values(signature, way):
    said = {**pictures(signature, 0, 3, 8, 8), 'preprocess': way}
    assert validate_signature(said, 'it') == said


@pytest.mark.parametrize('way', ['0..1', None, ['none']])
def test_a_way_that_there_is_not_is_refused(signature, way):
    assert refusal({**pictures(signature, 0, 3, 8, 8), 'preprocess': way}) == (
        f'here/signature.json: preprocess must be one of none, 0-1, imagenet, not {way!r}')


def test_a_way_without_a_picture_is_refused(signature):
    assert refusal({**signature, 'preprocess': '0-1'}) == (
        'here/signature.json: preprocess is for inputs of image/jpeg, and there is none')


def test_imagenets_three_means_are_for_no_grey_picture(signature):
    assert refusal({**pictures(signature, 0, 1, 8, 8), 'preprocess': 'imagenet'}) == (
        "here/signature.json: the data_shape of 'picture' is [0, 1, 8, 8]; preprocess imagenet is "
        'for three channels')


def test_requests_may_have_several_entries(signature):
    signature['batch_requests'] = True
    assert validate_signature(signature, 'here') == signature
    for said in (1, 'true', None):
        signature['batch_requests'] = said
        assert refusal(signature) == ('here/signature.json: batch_requests must be true or false, '
                                      f'not {said!r}')
