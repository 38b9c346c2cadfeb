"""A request of several entries, taken apart without a server."""

import base64
import json
from types import SimpleNamespace

import pytest

from mms.errors import BadRequest, PayloadTooLarge
from mms.ipc.request import CLASSIC, CLASSIC_BATCH, CLASSIC_ENTRY, CLASSIC_SINGLE, Entries, Request
from mms.worker.codecs.codec import Endpoint
from mms.worker.codecs.registry import Codecs

JPEG, PNG = b'\xff\xd8\xff\xe0jpeg', b'\x89PNG\r\n\x1a\n\0'
URLENCODED = 'application/x-www-form-urlencoded'
MULTIPART = 'multipart/form-data; boundary=x'


def signature(batch=False, **inputs):
    return {'input_type': 'application/json', 'inputs': [
        {'data_name': name, 'input_type': kind} for name, kind in inputs.items()],
        **({'batch_requests': batch} if batch else {})}


PICTURE = signature(face='image/jpeg')
ROW = signature(row='application/json')
BOTH = signature(face='image/jpeg', row='application/json')


def read(described, kind, body, protocol=CLASSIC_BATCH):
    codecs = Codecs(Endpoint('m', SimpleNamespace(signature=described), 10_000))
    return codecs.decode(Request(protocol, kind, bytearray(body)))


def in_base64(data):
    return base64.b64encode(data).decode()


def in_json(entries, name='data'):
    return json.dumps({name: entries}).encode()


def entry(kind, content):
    return Request(CLASSIC_ENTRY, kind, content)


def form(*parts):
    return b''.join(b'--x\r\n' + b'\r\n'.join([*heads, b'', data, b'']) for heads, data in parts
                    ) + b'--x--\r\n'


def part(*heads, name=b'face'):
    return [b'Content-Disposition: form-data; name="' + name + b'"' + heads[0], *heads[1:]]


@pytest.mark.parametrize('name', ['data', 'face'])
def test_each_text_of_a_list_is_a_picture(name):
    made = read(PICTURE, 'application/json', in_json([in_base64(JPEG), in_base64(PNG)], name))
    assert made == Entries(name, [entry('image/jpeg', JPEG), entry('image/jpeg', PNG)])


def test_each_value_of_a_list_is_an_input_and_an_object_has_all(name='data'):
    made = read(ROW, 'application/json', b'{"data": [[[1, NaN]], {"row": [2], "more": 0}, 3]}')
    assert made == Entries('data', [
        entry('application/json', b'{"row":[[1,NaN]]}'),
        entry('application/json', b'{"row":[2],"more":0}'),
        entry('application/json', b'{"row":3}')])
    objects = [{'face': 'a', 'row': [1]}, {'row': ['\ud800é' * 3, 2**70]}]
    made = read(BOTH, 'application/json', in_json(objects))
    assert [json.loads(each.content) for each in made.requests] == objects


@pytest.mark.parametrize('text', [
    '"' + 'é€😀' * 9 + '"', '"' + '\\ud83d' * 9 + '"', '"\\ud83d\\ude00"', '[' + '1,' * 99 + '2]',
    '"' + '\\u0007\\n/' * 9 + '"', '[-0.5,1e-07,1e+300,NaN,-Infinity,null,[],{}]'])
def test_an_entry_is_no_longer_than_it_came(text):
    row = f'{{"row":{text}}}'.encode()
    [made] = read(ROW, 'application/json', b'{"data":[%s]}' % row).requests
    assert len(made.content) <= len(row)
    assert str(json.loads(made.content)) == str(json.loads(row))


def test_an_entry_that_is_an_object_has_its_picture_by_name():
    made = read(PICTURE, 'application/json', in_json([{'face': in_base64(PNG)}]))
    assert [json.loads(each.content) for each in made.requests] == [{'face': in_base64(PNG)}]


def test_each_part_of_one_name_is_a_picture():
    body = form((part(b'; filename="a.png"', b'Content-Type: image/png'), PNG),
                (part(b'; filename="b"', name=b'other'), b'x'),
                (part(b'; filename=""'), b''), (part(b''), JPEG),
                (part(b''), in_base64(PNG).encode()),
                (part(b'; filename="c"', b'Content-Transfer-Encoding: base64'), b'anBlZw=='))
    assert read(PICTURE, MULTIPART, body) == Entries('face', [
        entry('image/png', PNG), entry('application/octet-stream', JPEG), entry('image/jpeg', PNG),
        entry('image/jpeg', b'jpeg')])


@pytest.mark.parametrize(('kind', 'body', 'content'), [
    ('image/png', PNG, PNG), ('', PNG, PNG), (URLENCODED, b'face=anBlZw==', b'jpeg')])
def test_one_picture_is_one_entry(kind, body, content):
    [request] = read(PICTURE, kind, body).requests
    assert request.content == content


def test_the_signature_asks_for_it_where_no_header_does_and_only_for_json():
    body = in_json([[1]])
    assert isinstance(read(signature(True, row='application/json'), 'application/json', body,
                           CLASSIC), Entries)
    for described, protocol in ((ROW, CLASSIC), (signature(True, row='application/json'),
                                                 CLASSIC_SINGLE)):
        assert read(described, 'application/json', body, protocol).inputs == [[[1]]]
    described = signature(True, row='application/json')
    assert read(described, URLENCODED, b'row=[1]', CLASSIC).inputs == [[1]]


def test_the_answer_to_an_entry_is_the_prediction_alone():
    decoded = read(signature(True, row='application/json'), 'application/json', b'{"row": [1]}',
                   CLASSIC_ENTRY)
    assert decoded.inputs == [[1]]
    assert decoded.encode([0.5]).content == b'[0.5]'


TEXT_PART = form((part(b'; filename="a"', b'Content-Type: text/plain'), PNG))


@pytest.mark.parametrize(('described', 'kind', 'body', 'message'), [
    (PICTURE, 'application/json', in_json('x'), 'A list of entries is expected: send {"data": '
     '[ENTRY, ENTRY]}, where an entry is a picture in base64. End point details can'),
    (ROW, 'application/json', b'{"row": 1}', 'A list of entries is expected: send {"row": '
     '[ENTRY, ENTRY]}, where an entry is a value of row. '),
    (BOTH, 'application/json', b'{"face": []}', 'A list of entries is expected: send {"data": '
     '[ENTRY, ENTRY]}, where an entry is an object with the keys face, row. '),
    (BOTH, 'application/json', b'[]', 'The body is a list, and an object is expected'),
    (ROW, 'application/json', in_json([]), 'data has no entry: an empty list is given.'),
    (BOTH, 'application/json', in_json([{'row': [1]}, [2]]),
     'data[1]: an object with the keys face, row is expected, and a list is given.'),
    (PICTURE, 'application/json', in_json(['anBlZw==', 'anBlZw==', None], 'face'),
     'face[2]: Input data for request argument: face is not correct. a picture in base64 is '),
    (PICTURE, 'application/json', in_json(['anBlZw==', '']),
     'data[1]: Input data for request argument: face is not correct. the picture is empty.'),
    (PICTURE, 'application/json', in_json(['!']),
     'data[0]: Input data for request argument: face is not correct. its text must be the '),
    (PICTURE, MULTIPART, TEXT_PART, 'Input data for request argument: face is not correct. '
     'image/jpeg is expected but text/plain is given.'),
    (PICTURE, MULTIPART, form((part(b'', name=b'x'), b'y')), 'This end point is expecting a data_'),
    (PICTURE, MULTIPART, b'--x\r\n', 'The form is cut off'),
    (ROW, URLENCODED, b'row=[1]', 'A form has several entries only for a model of one picture, '),
    (BOTH, 'image/png', PNG, 'The body is image/png, which is for models of one picture'),
], ids=range(14))
def test_what_has_no_good_entries_is_told_why(described, kind, body, message):
    with pytest.raises(BadRequest) as refused:
        read(described, kind, body)
    assert str(refused.value).startswith(message)


def test_a_thousand_entries_are_the_most():
    assert len(read(ROW, 'application/json', in_json([[1]] * 1000)).requests) == 1000
    with pytest.raises(PayloadTooLarge, match='has 1001 entries, and 1000 are the most'):
        read(ROW, 'application/json', in_json([[1]] * 1001))
    pictures = [(part(b'; filename="a"'), JPEG)] * 1001
    with pytest.raises(PayloadTooLarge, match='has 1001 entries, and 1000 are the most'):
        read(PICTURE, MULTIPART, form(*pictures))
