import ast
import base64
import io
import json
import random
import struct
import zlib

import pytest
from PIL import Image

from mms.errors import BadRequest
from mms.worker.codecs.form import FROM_FIELD, FROM_PART, RawInput
from mms.worker.codecs.inputs import read_inputs

pytestmark = pytest.mark.core

PICTURES = {'input_type': 'image/jpeg', 'inputs': [{'data_name': 'data'}]}
TENSORS = {'input_type': 'application/json', 'inputs': [{'data_name': 'data'}]}
LIMIT = 10_000


def picture(kind='JPEG', size=(8, 6), mode='RGB', **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


NOISE = io.BytesIO()
Image.effect_noise((90, 90), 100).save(NOISE, 'JPEG')
NOISE = NOISE.getvalue()


def read_picture(data, origin=FROM_PART):
    return read_inputs([RawInput('data', origin, data)], PICTURES, LIMIT)[0]


def read_text(text):
    return read_inputs([RawInput('data', FROM_FIELD, text.encode())], TENSORS, LIMIT)[0]


@pytest.mark.parametrize('data', [
    picture(), picture('PNG'), picture('BMP'), picture(mode='L'), picture(mode='CMYK'),
    picture(progressive=True), NOISE[:len(NOISE) // 2],
], ids=['jpeg', 'png', 'bmp', 'grey', 'cmyk', 'progressive', 'truncated'])
def test_a_picture_reaches_the_service_byte_for_byte(data):
    assert read_picture(data) == data


@pytest.mark.parametrize(('data', 'reason'), [
    (b'', 'empty'),
    (b'hello', 'no picture'),
    (b'\xff\xd8\xff', 'the JPEG ends before its pixels'),
    (b'\x89PNG\r\n\x1a\n' + b'\x00' * 40, 'picture'),
    (picture(size=(101, 100)), '101 x 100 pixels is over the limit of 10000'),
])
def test_what_is_no_picture_is_refused_with_the_reason(data, reason):
    with pytest.raises(BadRequest, match=reason) as refusal:
        read_picture(data)
    assert 'Input data for request argument: data is not correct.' in str(refusal.value)


@pytest.mark.parametrize('kind', ['', 'application/octet-stream', 'image/png', 'IMAGE/JPEG'])
def test_bytes_of_any_type_may_be_a_picture_but_have_to_be_one(kind):
    def read(data, origin=FROM_PART):
        return read_inputs([RawInput('data', origin, data, kind)], PICTURES, LIMIT)[0]

    for data in (picture(), picture('PNG'), picture('BMP'), picture(progressive=True)):
        assert read(data) == data
        assert read(base64.b64encode(data), FROM_FIELD) == data
    for data in (b'hello', picture('GIF'), picture('TIFF')):
        with pytest.raises(BadRequest, match=(
                'Input data for request argument: data is not correct. image/jpeg is expected but '
                f'{kind or "no type"} is given. Its bytes are no JPEG, PNG or BMP.')):
            read(data)
    with pytest.raises(BadRequest, match='the picture is empty'):
        read(b'')
    with pytest.raises(BadRequest, match='its picture cannot be read'):
        read(b'\xff\xd8\xff nothing more')


def png(*chunks):
    head = struct.pack('!II5B', 7, 5, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b'\0' * 5 * (1 + 7 * 3))
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('!I', len(body)) + kind + body
        + struct.pack('!I', zlib.crc32(kind + body) if fine else 0)
        for kind, body, fine in [(b'IHDR', head, True), *chunks, (b'IDAT', pixels, True),
                                 (b'IEND', b'', True)])


@pytest.mark.parametrize('chunk', [
    (b'zTXt', b'note\0\0' + zlib.compress(b'x' * 2_000_000), True), (b'tEXt', b'a\0b', False)])
def test_a_png_is_not_refused_for_the_texts_in_it(chunk):
    data = png(chunk)
    assert read_picture(data) == data


def test_an_empty_data_url_is_an_empty_picture():
    with pytest.raises(BadRequest, match='the picture is empty'):
        read_picture(b'data:image/jpeg;base64,', FROM_FIELD)


@pytest.mark.parametrize('text', [
    '[{"html": "' + '<a href=\\"x\\">' * 100_000, "['" + "\\'" * 500_000,
    "['" + "\\'" * 500_000 + '\\', '"' * 1_000_001,
])
def test_a_text_that_is_not_closed_is_refused_in_no_time(text):
    with pytest.raises(BadRequest, match='neither JSON nor a Python literal'):
        read_text(text)


def test_a_literal_may_have_a_comment():
    assert read_text("[1,  # a - (b)\n 'it\\'s # no comment']") == [1, "it's # no comment"]


def test_a_huge_picture_is_refused_from_its_header_alone():
    data = picture('PNG', size=(1, 1))
    # Width and height are two big-endian words behind the first chunk's name.
    place = data.index(b'IHDR') + 4
    head = b'IHDR' + (2**30).to_bytes(4, 'big') * 2 + data[place + 8:place + 13]
    huge = data[:place - 4] + head + zlib.crc32(head).to_bytes(4, 'big') + data[place + 17:]
    with pytest.raises(BadRequest, match='1073741824 x 1073741824 pixels is over the limit'):
        read_picture(huge)


@pytest.mark.parametrize('wrap', [
    base64.b64encode,
    base64.encodebytes,
    lambda data: b'data:image/jpeg;base64,' + base64.b64encode(data),
    lambda data: base64.b64encode(data).replace(b'+', b' '),
], ids=['plain', 'with line ends', 'data url', 'unescaped plus'])
def test_a_form_field_holds_a_picture_in_base64(wrap):
    data = picture(size=(40, 40))
    assert read_picture(wrap(data), FROM_FIELD) == data


def test_a_form_field_that_is_not_base64_is_refused():
    with pytest.raises(BadRequest, match='base64'):
        read_picture(b'*not base64*', FROM_FIELD)


@pytest.mark.parametrize(('text', 'value'), [
    ('[1, 2.5, -3e2]', [1, 2.5, -300.0]),
    ('[{"text": "it\'s"}]', [{'text': "it's"}]),
    ("[{'review_title': 'x'}]", [{'review_title': 'x'}]),
    ("[(1, 2), None, True, 'a' 'b']", [(1, 2), None, True, 'ab']),
    ('[null, true]', [None, True]),
    ("  ['café 世界', -1, +2]\n", ['café 世界', -1, 2]),
    ("['a-b', \"c.d(e)\", 'x[1]']", ['a-b', 'c.d(e)', 'x[1]']),
    ('[0x10, 1_000, .5]', [16, 1000, 0.5]),
    ("[b'bytes', u'text']", [b'bytes', 'text']),
])
def test_a_field_is_json_or_a_python_literal(text, value):
    assert read_text(text) == value


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('text', ['["café"]', "['café']"])
def test_a_list_may_have_the_mark_of_an_editor_before_it(text, encoding):
    item = RawInput('data', FROM_PART, text.encode(encoding))
    assert read_inputs([item], TENSORS, LIMIT) == [['café']]


def test_half_a_character_of_utf_16_is_no_server_error():
    with pytest.raises(BadRequest, match='neither JSON nor a Python literal'):
        read_inputs([RawInput('data', FROM_PART, b'\xff\xfe[\0\xd8')], TENSORS, LIMIT)


@pytest.mark.parametrize(('text', 'kind'), [
    ('{"a": 1}', 'dict'), ("{'a': 1}", 'dict'), ('1', 'int'), ('"[1]"', 'str'), ('(1, 2)', 'tuple'),
])
def test_a_field_that_holds_no_list_is_refused_with_its_type(text, kind):
    with pytest.raises(BadRequest, match=(
            'Input data for request argument: data is not correct. application/json is '
            f"expected but got <class '{kind}'> instead of list")):
        read_text(text)


@pytest.mark.parametrize('text', [
    '', 'hello', '[1, 2', "__import__('os').abort()", '[x for x in (1, 2)]', '[1]; [2]', '\x00',
    '[1, 2]\n[3]', "['a' + 'b']",
])
def test_a_field_that_cannot_be_parsed_is_refused(text):
    with pytest.raises(BadRequest, match='neither JSON nor a Python literal'):
        read_text(text)


@pytest.mark.parametrize('text', [
    '[' * 100_000 + ']' * 100_000,
    "['x'," + '[' * 100_000 + ']' * 100_000 + ']',
    '[' + '1,[' * 50_000,
    '-' * 200_000 + '1',
    '+'.join(['1'] * 200_000),
    'a' + '.b' * 200_000,
    'a' + '[1]' * 200_000,
    'f' + '()' * 200_000,
], ids=['json', 'literal', 'with commas', 'signs', 'sum', 'attributes', 'indexing', 'calls'])
def test_text_made_to_overflow_the_parser_is_refused(text):
    with pytest.raises(BadRequest):
        read_text(text)


NUMBERS = ['0', '-0', '-0.0', '1e400', '-1e400', '1E-400', '5e-324', '0.1', '1.5e+3',
           '2.2250738585072011e-308', '9007199254740993', '9007199254740993.0',
           '0.00012345678901234567', '12345678901234567890.5', '123456789012345678901234567e-5',
           *(f'{sign}{2**power + more}' for sign in ('', '-') for power in (53, 62, 63, 64, 65, 200)
             for more in (-1, 0, 1)),
           'NaN', 'Infinity', '-Infinity']


@pytest.mark.parametrize('text', [
    *(f'[{number}]' for number in NUMBERS),
    *(f'[0,{number},{{"a":{number}}}]' for number in NUMBERS),
    *(f'[\t{number}\n]' for number in NUMBERS),
    '["\\ud800"]', '["\\ud83d\\ude00\\u0000"]', '["\x7f é 世界"]', '["12345678901234567890123"]',
    '[{"a": 1, "b": 2, "a": 3}]', '[{"": [[], {}, null, true, false, "\\/\\b"]}]', ' \r\n\t[1] ',
    '[' * 100 + ']' * 100,
])
def test_a_json_field_has_the_value_that_pythons_own_parser_gives(text):
    value, expected = read_text(text), json.loads(text)
    # repr tells 1 from 1.0, -0.0 from 0.0, and compares NaN.
    assert repr(value) == repr(expected)


def test_a_tensor_has_the_values_that_pythons_own_parser_gives():
    numbers = random.Random(7)
    tensor = [[numbers.uniform(-1, 1) * 10 ** numbers.randint(-20, 20) for _ in range(100)]
              for _ in range(200)]
    assert read_text(json.dumps(tensor)) == tensor


@pytest.mark.parametrize('text', [
    '[1,]', '[01]', '[1.]', '["\t"]', '["\\x"]', '[1]\x0b', '[+1]', '[.5]', '[1]]',
])
def test_what_is_no_json_is_a_literal_or_refused(text):
    with pytest.raises(ValueError, match=r'.'):
        json.loads(text)
    try:
        expected = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError):
        with pytest.raises(BadRequest, match='neither JSON nor a Python literal'):
            read_text(text)
    else:
        assert read_text(text) == expected


def test_bytes_that_are_no_utf_8_are_read_as_before():
    for data in (b'["\xff"]', b'["\xed\xa0\x80"]'):
        item = RawInput('data', FROM_FIELD, data)
        assert read_inputs([item], TENSORS, LIMIT) == [json.loads(data.decode('utf-8', 'replace'))]


@pytest.mark.parametrize(('text', 'reason'), [
    ("[{'title': 'It's', 'review': 'good'}]", 'an apostrophe in it needs double quotes'),
    ("[{'title': 'It'}", ', column '), ("[{'title': good}]", '(it may hold texts, numbers'),
    ('[{"title": good}]', '(Expecting value: line 1 column 12'),
])
def test_what_is_wrong_with_a_text_is_told_in_its_own_notation(text, reason):
    with pytest.raises(BadRequest) as raised:
        read_inputs([RawInput('data', FROM_FIELD, text.encode())], TENSORS, LIMIT)
    assert reason in str(raised.value)
