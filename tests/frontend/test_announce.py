"""The curl line that a person can paste."""

import json
import shlex

import pytest

from mms.frontend.announce import curl_line

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
