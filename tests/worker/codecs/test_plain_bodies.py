"""Bodies that are no forms: a picture as it is, or JSON."""

import base64
import io
import json
import math
from types import SimpleNamespace

import pytest
from PIL import Image

from mms.errors import BadRequest
from mms.ipc.request import CLASSIC, Request
from mms.worker.codecs.classic import Classic
from mms.worker.codecs.codec import Endpoint

LIMIT = 10_000


def signature(**inputs):
    return {'input_type': 'application/json', 'inputs': [
        {'data_name': name, 'input_type': kind} for name, kind in inputs.items()]}


PICTURE = signature(data='image/jpeg')
NAMED_PICTURE = signature(face='image/jpeg')
LIST = signature(data='application/json')
NAMED_LIST = signature(row='application/json')
BOTH = signature(face='image/jpeg', row='application/json')


def drawn(kind, size=8):
    file = io.BytesIO()
    Image.new('RGB', (size, size), (200, 100, 50)).save(file, kind)
    return file.getvalue()


JPEG, PNG = drawn('JPEG'), drawn('PNG')


def read(described, kind, body):
    """What `_preprocess` would take."""
    codec = Classic(Endpoint('m', SimpleNamespace(signature=described), LIMIT))
    return codec.decode(Request(CLASSIC, kind, bytearray(body))).inputs


def in_json(**values):
    return json.dumps({name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
                       for name, value in values.items()}).encode()


def refusal(described, kind, body):
    with pytest.raises(BadRequest) as refused:
        read(described, kind, body)
    return str(refused.value)


@pytest.mark.parametrize('kind', ['image/jpeg', 'IMAGE/PNG', 'image/png; q=1', 'image/*',
                                  'application/octet-stream', 'application/x-image', ''])
@pytest.mark.parametrize('body', [JPEG, PNG, drawn('BMP')])
@pytest.mark.parametrize('described', [PICTURE, NAMED_PICTURE])
def test_a_picture_is_the_body_whatever_the_input_is_called(described, kind, body):
    [given] = read(described, kind, body)
    assert (type(given), given) == (bytes, body)


def test_another_kind_of_picture_is_one_where_the_client_says_jpeg():
    gif = drawn('GIF')
    assert read(PICTURE, 'image/jpeg', gif) == [gif]
    assert refusal(PICTURE, 'image/gif', gif).endswith(
        'image/jpeg is expected but image/gif is given. Its bytes are no JPEG, PNG or BMP.')


@pytest.mark.parametrize(('described', 'names'), [(LIST, 'data'), (BOTH, 'face, row')])
def test_a_picture_is_refused_by_a_model_that_takes_something_else(described, names):
    assert refusal(described, 'image/png', PNG).startswith(
        f'The body is image/png, which is for models of one picture; this one takes {names}: send ')
    assert refusal(described, '', PNG).startswith('The body is a picture, which is for models of ')


@pytest.mark.parametrize(('kind', 'body', 'reason'), [
    ('image/jpeg', JPEG[:100], 'its picture cannot be read'),
    ('image/jpeg', b'hello', 'its bytes are no picture (JPEG, PNG or BMP).'),
    ('application/octet-stream', b'hello',
     'image/jpeg is expected but application/octet-stream is given. Its bytes are no JPEG, PNG '),
    ('image/png', drawn('PNG', 101), 'a picture of 101 x 101 pixels is over the limit of 10000 '),
])
def test_a_body_that_is_no_good_picture_is_told_why(kind, body, reason):
    assert refusal(PICTURE, kind, body).startswith(
        f'Input data for request argument: data is not correct. {reason}')


@pytest.mark.parametrize('kind', ['application/json', 'Application/JSON; charset=utf-8'])
@pytest.mark.parametrize(('described', 'body', 'inputs'), [
    (LIST, b' {"data": [[1, 2.5]]}\n', [[[1, 2.5]]]),
    (LIST, '\ufeff{"data": ["é", -Infinity]}'.encode(), [['é', -math.inf]]),
    (LIST, '{"data": ["é", 1e999]}'.encode('utf-16'), [['é', math.inf]]),
    (NAMED_LIST, b'{"row": [1], "data": [2]}', [[1]]), (NAMED_LIST, b'{"data": [2]}', [[2]]),
    (PICTURE, in_json(data=JPEG), [JPEG]), (NAMED_PICTURE, in_json(data=PNG), [PNG]),
    (PICTURE, in_json(data=[base64.b64encode(JPEG).decode()]), [JPEG]),
    (PICTURE, b'{"data": "data:image/png;base64,' + base64.b64encode(PNG) + b'"}', [PNG]),
    (PICTURE, in_json(data=JPEG).replace(b'/', b'\\/'), [JPEG]),
    (BOTH, in_json(row=[3], face=JPEG, other=None), [JPEG, [3]]),
])
def test_an_object_has_the_inputs(described, body, inputs, kind):
    assert read(described, kind, body) == inputs


def test_a_large_list_arrives_whole():
    numbers = [0.25 * number for number in range(100_000)]
    assert read(LIST, 'application/json', in_json(data=[numbers])) == [[numbers]]


@pytest.mark.parametrize(('described', 'body', 'message'), [
    (LIST, b'[[1, 2]]', 'The body is a list, and an object is expected: send {"data": [...]}.'),
    (PICTURE, b'null', 'The body is null, and an object is expected: send {"data": "BASE64"}.'),
    (BOTH, b'"x"', 'The body is a text, and an object is expected: send {"face": "BASE64", '),
    (BOTH, b'1.5', 'The body is a number, and an object'),
    (BOTH, b'false', 'The body is false, and an object'),
    (LIST, b'{"data": [1', 'The body cannot be read as application/json: it is no JSON ('),
    (LIST, b"{'data': [1]}", 'The body cannot be read as application/json: it is no JSON ('),
    (LIST, b'{"data": ' + b'[' * 200 + b']' * 200 + b'}',
     'The body cannot be read as application/json: it is nested too deeply: more than 100 levels'),
    (LIST, b'{"data": [' + b'[1],' * 2_000_000 + b'[1]]}',
     'The body cannot be read as application/json: its lists, dicts and short texts would take '),
    (NAMED_LIST, b'{"rows": [1]}', 'This end point is expecting a data_name of row: send {"row": '
                                   '[...]}. End point details can be found here:http://'),
    (BOTH, b'{"data": [1], "row": [1]}', 'This end point is expecting a data_name of face: send '),
    (LIST, b'{"data": {"a": 1}}', 'Input data for request argument: data is not correct. '
                                  "application/json is expected but got <class 'dict'> instead of"),
    (PICTURE, b'{"data": [1]}', 'Input data for request argument: data is not correct. a picture '
                                'in base64 is expected, and a number is given.'),
    (PICTURE, b'{"data": []}', 'Input data for request argument: data is not correct. one picture '
                               'is expected, and 0 are given: with the header X-MMS-'),
    (PICTURE, b'{"data": ""}', 'Input data for request argument: data is not correct. the picture '
                               'is empty.'),
    (PICTURE, b'{"data": "\xc3\xa9\\ud800"}', 'Input data for request argument: data is not '
                                              'correct. its text must be the picture in base64 ('),
    (PICTURE, b'{"data": "aGVsbG8="}', 'Input data for request argument: data is not correct. its '
                                       'bytes are no picture'),
], ids=range(17))
def test_an_object_that_is_not_right_is_told_what_is_wrong_and_how_to_mend_it(
        described, body, message):
    assert refusal(described, 'application/json', body).startswith(message)


FORM = b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n[1]\r\n--x--\r\n'


@pytest.mark.parametrize(('kind', 'body', 'message'), [
    ('application/json', b'', 'This end point is expecting a data_name of data. End point'),
    ('application/json', b' \n', 'This end point is expecting a data_name of data. End point'),
    ('image/jpeg', b'', 'This end point is expecting a data_name of data. End point'),
    ('image/jpeg', FORM, 'The body is a form, but its Content-Type says image/jpeg: let'),
    ('application/json', FORM, 'The body is a form, but its Content-Type says application/json'),
    ('', b'{"data": [1]}', 'The body is JSON and not a form: send data as a field'),
    ('application/x-www-form-urlencoded', JPEG, 'The body is a picture and not a form: send it'),
    ('text/csv', b'1,2', 'The body is no form: its Content-Type is text/csv, and multipart/form'),
])
def test_what_was_refused_for_another_reason_still_is(kind, body, message):
    for described in (LIST, PICTURE):
        assert refusal(described, kind, body).startswith(message)


def test_a_form_is_read_as_ever():
    assert read(LIST, 'multipart/form-data; boundary=x', FORM) == [[1]]
    assert read(LIST, 'application/x-www-form-urlencoded', b'data=[1]') == [[1]]
