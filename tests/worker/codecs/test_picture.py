"""What a client is told of its picture."""

import base64
import io
import time

import pytest
from hostile_pictures import costly, head, progressive
from PIL import Image

from mms.errors import BadRequest
from mms.worker.codecs.form import FROM_FIELD, FROM_PART, RawInput
from mms.worker.codecs.picture import read_picture

pytestmark = pytest.mark.core

COSTLY = costly()
LIMIT = 50_000_000
START = 'Input data for request argument: data is not correct. '


def refused(data, origin=FROM_PART, kind='image/jpeg', limit=LIMIT):
    with pytest.raises(BadRequest) as refusal:
        read_picture(RawInput('data', origin, data, kind), limit)
    text = str(refusal.value)
    assert text.startswith(START)
    return text.removeprefix(START)


@pytest.mark.parametrize(('data', 'reason'), [
    (head(), 'its picture cannot be read (the PNG ends before its pixels).'),
    (progressive(7000, 7000, 2500),
     'a picture of 7000 x 7000 pixels in 21 scans takes too long to decode; 20 scans are always '
     'taken.'),
    (progressive(7000, 7143, 2),
     'a picture of 7000 x 7143 pixels is over the limit of 50000000 pixels (--max-image-pixels).'),
    (b'GIF', 'its bytes are no picture (JPEG, PNG or BMP).'),
])
@pytest.mark.parametrize('origin', [FROM_PART, FROM_FIELD])
def test_a_part_and_a_field_in_base64_are_refused_with_the_same_reason(data, reason, origin):
    assert refused(base64.b64encode(data) if origin == FROM_FIELD else data, origin) == reason


@pytest.mark.parametrize('name', [name for name in COSTLY if '8' not in name])
def test_30_mb_of_anything_are_refused_in_no_time(name):
    began = time.thread_time()
    refused(COSTLY[name])
    assert time.thread_time() - began < 2


@pytest.mark.parametrize('kind', ['GIF', 'TIFF', 'WEBP', 'PPM', 'ICO'])
@pytest.mark.parametrize('side', [32, 256])
def test_a_picture_of_another_kind_is_left_to_the_service(kind, side):
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 90).convert('RGB').save(buffer, kind)
    data = buffer.getvalue()
    assert read_picture(RawInput('data', FROM_PART, data), LIMIT) == data
    assert f'{side} x {side} pixels is over the limit' in refused(data, limit=1000)
    assert 'Its bytes are no JPEG, PNG or BMP.' in refused(data, kind='image/png')
