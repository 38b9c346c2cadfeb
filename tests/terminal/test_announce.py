"""The curl line that a person can paste, or fill in."""

import json
import shlex

import pytest

from mms.terminal.announce import announcement, curl_line

URL = 'http://127.0.0.1:8080'


def field(sample):
    spec = {'data_name': 'text', 'data_shape': [0, 9], 'sample': sample}
    line = curl_line(URL, 'lm', {'input_type': 'application/json', 'inputs': [spec]})
    return shlex.split(line)[-1]


def test_a_sample_is_what_the_line_sends():
    sample = [{'review': "it's good", 'stars': 5}]
    name, _, text = field(sample).partition('=')
    assert (name, json.loads(text)) == ('text', sample)


@pytest.mark.parametrize('sample', [['a' * 300], ['good; cheap']])
def test_a_sample_that_is_long_or_that_curl_would_misread_is_a_file_s_name(sample):
    assert field(sample) == 'text=<text.json'


def announced(*inputs, untried=(), kind='application/json'):
    signature = {'input_type': kind, 'output_type': 'application/json', 'inputs': list(inputs)}
    return announcement({'lm': signature}, '127.0.0.1', 8080, untried)[6:]


def test_zeros_need_no_explanation():
    assert announced({'data_name': 'data', 'data_shape': [0, 2]}) == [
        f"    curl -X POST {URL}/lm/predict -F 'data=[[0, 0]]'"]


def test_what_stands_for_something_else_is_explained():
    assert announced({'data_name': 'data', 'data_shape': [0, 3, 8, 8]}, kind='image/jpeg') == [
        f'    curl -X POST {URL}/lm/predict -F data=@kitten.jpg',
        '    kitten.jpg stands for any picture']
    assert announced({'data_name': 'data', 'data_shape': [0, 500]}) == [
        f"    curl -X POST {URL}/lm/predict -F 'data=<data.json'",
        '    data.json stands for a file with a list of the shape [0, 500]']


def test_a_model_that_has_not_answered_has_a_line_to_be_filled_in():
    assert announced({'data_name': 'data', 'data_shape': [0, 2]}, untried=['lm']) == [
        f'    curl -X POST {URL}/lm/predict -F data=...',
        '    the model has not answered what could be made up: fill in what it takes']


def test_of_many_models_most_have_their_names_alone():
    signature = {'input_type': 'application/json', 'output_type': 'application/json',
                 'inputs': [{'data_name': 'data', 'data_shape': [0, 2]}]}
    lines = announcement({f'm{number}': signature for number in range(40)}, '127.0.0.1', 8080)
    assert sum('curl' in line for line in lines) == 5
    assert sum('data: tensor' in line for line in lines) == 20
    *_, first, second = lines
    assert first.startswith('  and 20 more, as GET /api-description tells: m20, m21, m22, m23, ')
    assert second.endswith(' m38, m39')


def test_a_table_tells_what_each_model_takes_and_gives_and_how_many_workers_it_has():
    tensors = {'input_type': 'application/json', 'output_type': 'application/json', 'inputs': [
        {'data_name': 'a', 'data_shape': [0, 2]}, {'data_name': 'b', 'data_shape': []}]}
    pictures = {'input_type': 'image/jpeg', 'output_type': 'image/jpeg',
                'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 8, 8]}]}
    models = {'pair': tensors, 'denoise': pictures}
    lines = announcement(models, '127.0.0.1', 8080, workers={'pair': 2, 'denoise': 12})
    assert lines[2:5] == [
        '  model    takes                     gives             workers',
        '  pair     a: tensor 0x2, b: tensor  application/json        2',
        '  denoise  data: picture 0x3x8x8     image/jpeg             12']
    narrow = announcement(models, '127.0.0.1', 8080, workers={'pair': 2, 'denoise': 12}, width=40)
    assert max(map(len, narrow[2:5])) <= 40


def test_where_no_model_is_served_there_is_no_table():
    assert announcement({}, '127.0.0.1', 8080) == [
        'Serving 0 models at http://127.0.0.1:8080  (Ctrl-C stops)']


def test_where_tokens_are_asked_for_the_line_has_a_place_for_one():
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0, 1]}],
                 'input_type': 'application/json', 'output_type': 'application/json'}
    line = announcement({'m': signature}, '127.0.0.1', 8080, asks_for_token=True)[6]
    assert line.strip() == ('curl -H "Authorization: Bearer $TOKEN" -X POST '
                            "http://127.0.0.1:8080/m/predict -F 'data=[[0]]'")


@pytest.mark.parametrize(('host', 'scheme', 'console'), [
    ('0.0.0.0', 'http', 'http://127.0.0.1:8080/console'),
    ('models.example.com', 'https', 'https://models.example.com:8080/console')])
def test_the_page_for_people_is_named_where_there_is_one(host, scheme, console):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0, 1]}],
                 'input_type': 'application/json', 'output_type': 'application/json'}
    models = {f'm{number}': signature for number in range(30)}
    lines = announcement(models, host, 8080, scheme=scheme, console=True)
    assert lines[-2:] == ['', f'Console: {console}']
    assert 'onsole' not in '\n'.join(announcement(models, host, 8080, scheme=scheme))


def test_no_browser_gets_to_the_page_of_a_unix_socket():
    assert 'onsole' not in '\n'.join(announcement({}, 'unix:/run/mms.sock', 0, console=True))
