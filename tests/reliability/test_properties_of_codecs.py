"""Values, forms and answers that a client or a service could have."""

import json
from urllib.parse import urlencode

import requests
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from target_codecs import (
    check_answer,
    check_form,
    check_json,
    check_literal,
    check_urlencoded,
    same,
)

from mms.worker.codecs.base64_text import bytes_of
from mms.worker.codecs.form_parser import parse_form
from mms.worker.codecs.list_text import value_of

NUMBERS = st.integers() | st.integers(-2**70, 2**70) | st.floats()
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=12)
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(
    TEXTS, inner, max_size=4), max_leaves=12)
LITERALS = st.recursive(
    PLAIN | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.tuples(inner, inner)
    | st.dictionaries(TEXTS | st.integers(), inner, max_size=3)
    | st.sets(st.integers() | TEXTS, max_size=3), max_leaves=10)
NAMES = st.text(st.characters(exclude_categories=['Cs']), min_size=1, max_size=10)
BYTES = st.binary(max_size=60)


def written(value, draw):
    """A value as JSON, in one of the ways in which clients write it."""
    return json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(
        st.sampled_from([None, 1, '\t'])))


@settings(max_examples=examples(150))
@given(VALUES, st.data())
def test_json_is_read_as_the_standard_library_reads_it(value, data):
    text = written(value, data.draw).encode('utf-8', 'replace')
    check_json(text)
    cut = data.draw(st.integers(0, len(text)))
    check_json(text[:cut])
    check_json(text[:cut] + data.draw(st.binary(max_size=2)) + text[cut:])


@settings(max_examples=examples(150))
@given(LITERALS, st.data())
def test_a_python_literal_is_read_as_python_reads_it(value, data):
    text = repr(value).encode('utf-8', 'backslashreplace')
    check_literal(text)
    cut = data.draw(st.integers(0, len(text)))
    check_literal(text[:cut] + data.draw(st.binary(max_size=2)) + text[cut:])


@settings(max_examples=examples(60))
@given(st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none()
                | st.booleans() | st.text(st.characters(exclude_categories=['Cs']), max_size=5)))
def test_a_list_has_one_value_as_json_and_as_a_literal(value):
    for text in (json.dumps(value), repr(value)):
        assert same(value_of(text.encode()), value)
        assert same(value_of(text.encode('utf-16')), value)


@settings(max_examples=examples(100))
@given(VALUES)
def test_an_answer_is_read_back_as_it_was(value):
    check_answer(value)


@settings(max_examples=examples(60))
@given(st.dictionaries(NAMES, BYTES, max_size=4), st.dictionaries(NAMES, BYTES, max_size=3))
def test_a_form_that_a_client_sends_arrives(fields, files):
    sent = requests.Request('POST', 'http://h/', data=fields, files={
        name: ('f', content) for name, content in files.items()} or None).prepare()
    body = sent.body if isinstance(sent.body, bytes) else (sent.body or '').encode()
    form = parse_form(sent.headers.get('Content-Type', ''), body)
    for name, content in files.items():
        if '"' not in name and '\\' not in name and name.isprintable():
            assert form.parts[name].data == content


@settings(max_examples=examples(60))
@given(st.dictionaries(NAMES, st.text(st.characters(exclude_categories=['Cs']), max_size=12)))
def test_an_urlencoded_form_arrives_as_it_was(fields):
    body = urlencode(fields).encode()
    found = parse_form('application/x-www-form-urlencoded', body).fields
    assert found == {name: text.encode() for name, text in fields.items()}
    check_urlencoded(body)


@settings(max_examples=examples(80))
@given(st.lists(st.tuples(NAMES, BYTES, st.sampled_from(['\r\n', '\n', '\r'])), max_size=4))
def test_a_multipart_form_is_taken_apart_as_werkzeug_takes_it(parts):
    body = b''.join(
        b'--aBc%s%s%s%s%s%s' % (end.encode(), f'Content-Disposition: form-data; name="{name}"'
                                .encode(), end.encode(), end.encode(), content, end.encode())
        for name, content, end in parts)
    check_form(body + b'--aBc--')


@settings(max_examples=examples(60))
@given(st.binary(), st.sampled_from(['', 'data:image/png;base64,']), st.sampled_from(['', '\n']))
def test_base64_is_undone(data, head, end):
    text = (head + requests.utils.to_native_string(__import__('base64').b64encode(data)) + end)
    assert bytes_of(text.encode()) == data
