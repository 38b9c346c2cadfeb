"""The table of codecs, and the first one in it."""

import pytest

from mms.ipc.request import CLASSIC, Request
from mms.worker.codecs.classic import encode_prediction, prediction_in
from mms.worker.codecs.codec import Decoded, Endpoint, Payload
from mms.worker.codecs.registry import CODECS, Codecs

pytestmark = pytest.mark.core


class Service:
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0]}],
                 'input_type': 'application/json'}


def form(text):
    return Request(CLASSIC, 'application/x-www-form-urlencoded', f'data={text}'.encode())


def test_the_classic_codec_reads_a_form_and_answers_in_an_envelope():
    inputs, encode, _ = Codecs(Endpoint('m', Service(), 100)).decode(form('[1, 2]'))
    assert inputs == [[1, 2]]
    assert encode({'b': (1,), 'a': float('nan')}) == Payload(
        b'{"prediction":{"a":NaN,"b":[1]}}\n', 'application/json', 200)


def test_the_signature_is_looked_up_for_each_request():
    service = Service()
    codecs = Codecs(Endpoint('m', service, 100))
    assert codecs.decode(form('[1]')).inputs == [[1]]
    service.signature = {**Service.signature, 'inputs': [{'data_name': 'other'}]}
    with pytest.raises(Exception, match='a data_name of other'):
        codecs.decode(form('[1]'))


@pytest.mark.parametrize('prediction', [None, [], 'é}', {'prediction': [1]}])
def test_what_is_taken_out_of_an_answer_is_the_prediction_alone(prediction):
    content = encode_prediction(prediction).content
    assert content == b'{"prediction":' + prediction_in(content) + b'}\n'
    assert prediction_in(bytearray(content)) == prediction_in(content)


def test_a_codec_is_made_once_for_a_service_when_its_first_request_comes(monkeypatch):
    made = []

    class Counted:
        def __init__(self, endpoint):
            made.append(endpoint)

        def decode(self, request):
            return Decoded([request.body], Payload)

    monkeypatch.setitem(CODECS, 'counted', Counted)
    service = Service()
    codecs = Codecs(Endpoint('m', service, 100))
    assert made == []
    for _ in range(2):
        assert codecs.decode(Request('counted', '', b'x')).inputs == [b'x']
    assert made == [Endpoint('m', service, 100)]


def test_a_protocol_without_a_codec_names_the_table():
    with pytest.raises(LookupError, match=r"registry.CODECS has the name 'gopher'"):
        Codecs(Endpoint('m', Service(), 100)).decode(Request('gopher', '', b''))
