"""What a client sends, read by our codecs and by the readers that they stand for.

Each check takes any bytes, and raises AssertionError where the two disagree.
"""

import ast
import io
import json
import math
import warnings

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from mms.archive.limits import DIGITS
from mms.errors import BadRequest, PayloadTooLarge, RequestError
from mms.ipc.request import CLASSIC, Request
from mms.worker.codecs.form import read_form
from mms.worker.codecs.form_parser import MULTIPART, URLENCODED, parse_form
from mms.worker.codecs.inputs import read_inputs
from mms.worker.codecs.json_answer import to_json
from mms.worker.codecs.json_text import NestedTooDeeply, NotJson, TakesTooMuch, parse_json
from mms.worker.codecs.literal import parse_literal
from mms.worker.codecs.literal_builder import NoLiteral
from mms.worker.codecs.nesting import MAX_NESTING

BOUNDARY = 'aBc'
# One input of each kind.
SIGNATURE = {
    'input_type': 'application/json', 'output_type': 'application/json',
    'inputs': [{'data_name': 'data', 'data_shape': [0, 2]},
               {'data_name': 'picture', 'data_shape': [0, 3, 8, 8], 'input_type': 'image/jpeg'}],
    'outputs': [{'data_name': 'out', 'data_shape': [0, 1]}],
}


def same(one, other):
    """Whether two values are equal, in their types too; one NaN is as good as another."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (one == other and math.copysign(1, one) == math.copysign(1, other)) or (
            math.isnan(one) and math.isnan(other))
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return one == other


def check_json(data):
    """JSON text has the value that the standard library gives it, or neither reads it."""
    text = data.decode('utf-8', 'replace')
    try:
        expected = json.loads(text)
    except (ValueError, RecursionError) as error:
        expected = error
    try:
        found = parse_json(data)
    except (NestedTooDeeply, TakesTooMuch):
        return
    except NotJson as error:
        found = error
    if isinstance(expected, Exception) or isinstance(found, Exception):
        assert isinstance(found, NotJson), f'{found!r} of what is not JSON: {expected}'
        assert isinstance(expected, (ValueError, RecursionError)), f'{found} of {expected!r}'
        return
    assert same(found, expected), f'{found!r}, and not {expected!r}'


def check_literal(data):
    """A Python literal has the value that Python gives it; none is read that Python refuses."""
    try:
        found = parse_literal(data)
    except (NoLiteral, NestedTooDeeply, TakesTooMuch):
        return
    try:
        expected = _evaluated(data)
    except _NoReference:
        return
    assert same(found, expected), f'{found!r}, and not {expected!r}'


class _NoReference(Exception):
    """Python says nothing of a text that ours may read."""


def _evaluated(data):
    if b'\0' in data:
        # Older ones stop there, or refuse it.
        raise _NoReference
    # As it is read from a file: a mark or a coding line would count in bytes.
    text = data.decode('utf-8', 'replace').replace('\r\n', '\n').replace('\r', '\n')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            # In parentheses, since a literal of ours may begin or go on in another line.
            return ast.literal_eval(f'({text.strip()}\n)')
        except (ValueError, SyntaxError, TypeError) as error:
            if 'digits' in str(error) or len(text) > DIGITS:
                raise _NoReference from None
            raise AssertionError(f'Python does not read it: {error}') from None
        except (MemoryError, RecursionError):
            raise _NoReference from None


def check_form(data):
    """A multipart form has the fields and files that Werkzeug finds in it, or none at all."""
    _check_against_werkzeug(f'{MULTIPART}; boundary={BOUNDARY}', data)


def check_urlencoded(data):
    """An urlencoded form has the fields that Werkzeug finds in it."""
    _check_against_werkzeug(URLENCODED, data)


def _check_against_werkzeug(content_type, data):
    try:
        ours = parse_form(content_type, data)
    except (BadRequest, PayloadTooLarge):
        return
    fields, files = _by_werkzeug(content_type, data)
    if fields is None:
        assert (ours.fields, ours.parts) == ({}, {}), 'Werkzeug refuses it'
        return
    for name, value in fields.items():
        assert ours.fields.get(name) == value, f'{name!r}: {ours.fields.get(name)!r}: {value!r}'
    assert set(ours.fields) == set(fields), (set(ours.fields), set(fields))
    for name, (filename, kind, content) in files.items():
        if name in fields:
            # One that is no text is the part of its name.
            continue
        part = ours.parts[name]
        assert (part.data, part.content_type, part.has_filename) == (content, kind,
                                                                     bool(filename)), part
    # A field that is no text is a part too.
    assert set(files) <= set(ours.parts) <= set(files) | set(fields)


def _by_werkzeug(content_type, data):
    """Fields and files, the first of each name; None where it cannot be read."""
    kind, options = parse_options_header(content_type)
    parser = FormDataParser(max_form_memory_size=None, max_form_parts=None, silent=False)
    try:
        _, form, files = parser.parse(io.BytesIO(data), kind, len(data), options)
    except ValueError:
        return None, None
    return ({name: values[0].encode('utf-8', 'surrogatepass') for name, values in form.lists()
             if name is not None},
            {name: (found[0].filename, found[0].headers.get('content-type', ''), found[0].read())
             for name, found in files.lists() if name is not None})


def check_request(data):
    """Whatever a client sends becomes inputs of the right kinds, or one refusal of one line."""
    kind, _, body = data.partition(b'\n')
    content_type = {b'm': f'{MULTIPART}; boundary={BOUNDARY}', b'u': URLENCODED}.get(
        kind[:1], kind.decode('latin-1'))
    request = Request(CLASSIC, content_type, body)
    try:
        rows, picture = read_inputs(read_form(request, SIGNATURE), SIGNATURE, 10**6)
    except RequestError as error:
        assert 400 <= error.status < 500
        assert str(error)
        return
    assert isinstance(rows, list)
    assert isinstance(picture, bytes)
    assert depth(rows) <= MAX_NESTING


def depth(value):
    most, level = 0, [value]
    while level:
        most += 1
        level = [inner for each in level for inner in (
            [*each, *each.values()] if isinstance(each, dict)
            else each if isinstance(each, (list, tuple, set)) else ())]
    return most - 1


def check_answer(value):
    """The JSON of an answer is read back as the value that it was."""
    text = to_json(value)
    assert same_answer(json.loads(text), value)
    assert text.isascii()
    assert b'\n' not in text


def same_answer(read, value):
    """Whether what JSON says is `value`, but for tuples, the order of keys, and their types."""
    if isinstance(value, (list, tuple)):
        return isinstance(read, list) and len(read) == len(value) and all(
            map(same_answer, read, value))
    if isinstance(value, dict):
        return isinstance(read, dict) and len(read) == len(value) and all(
            same_answer(read[key], value[key]) for key in value)
    return same(read, value)
