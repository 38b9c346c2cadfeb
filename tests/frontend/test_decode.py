"""Raw inputs out of a form, without a server."""

import io

import flask
import pytest

from mms.errors import BadRequest, PayloadTooLarge
from mms.frontend.decode import FormRequest, read_form
from mms.wire import FROM_FIELD, FROM_PART, RawInput

TENSORS = {'input_type': 'application/json', 'inputs': [{'data_name': 'data'}]}
PICTURES = {**TENSORS, 'input_type': 'image/jpeg'}


@pytest.fixture
def read():
    """Read a form that is posted as Werkzeug's test client takes it; says what went aside."""
    app = flask.Flask('test')
    app.request_class = FormRequest
    aside = []

    def read(signature=TENSORS, **options):
        def run(work):
            aside.append(work)
            return work()

        with app.test_request_context(method='POST', **options):
            return read_form(flask.request._get_current_object(), signature, run)

    read.aside = aside
    return read


def test_a_field_and_a_part_are_told_apart(read):
    assert read(data={'data': '[1]'}) == [RawInput('data', FROM_FIELD, b'[1]')]
    part = (io.BytesIO(b'jpeg'), 'x.jpg', 'image/jpeg')
    assert read(PICTURES, data={'data': part}) == [RawInput('data', FROM_PART, b'jpeg')]
    assert read(PICTURES, data={'data': 'anBlZw=='}) == [
        RawInput('data', FROM_FIELD, b'anBlZw==')]


@pytest.mark.parametrize('kind', ['multipart/form-data', 'application/x-www-form-urlencoded'])
def test_a_large_form_is_parsed_aside_and_a_small_one_is_not(read, kind):
    read(data={'data': '[1]'}, content_type=kind)
    assert read.aside == []
    text = '1' * 300_000
    assert read(data={'data': text}, content_type=kind)[0].data == text.encode()
    assert len(read.aside) == 1


@pytest.mark.parametrize('signature', [TENSORS, PICTURES])
def test_a_missing_field_is_named(read, signature):
    with pytest.raises(BadRequest, match='expecting a data_name of data'):
        read(signature, data={'other': '[1]'})


def test_too_many_fields_are_refused_before_they_are_parsed(read):
    with pytest.raises(PayloadTooLarge, match='more than 10000 fields'):
        read(data='a&' * 10_000, content_type='application/x-www-form-urlencoded')
    assert read.aside == []
