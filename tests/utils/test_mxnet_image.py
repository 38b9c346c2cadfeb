import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mms.errors import BadRequest
from mms.utils.mxnet import image

import mxnet as mx  # isort: skip

pytestmark = pytest.mark.core

PICTURES = Path(__file__).parents[1] / 'fixtures' / 'mms04' / 'img'


def encoded(pixels, kind='PNG'):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def pixels():
    return np.random.RandomState(7).randint(0, 255, (5, 8, 3)).astype('uint8')


def test_read_gives_the_pixels_as_height_width_channels(pixels):
    assert (image.read(encoded(pixels)).asnumpy() == pixels).all()
    assert (image.read(bytearray(encoded(pixels))).asnumpy() == pixels).all()
    assert (image.read(np.frombuffer(encoded(pixels), 'uint8')).asnumpy() == pixels).all()


def test_read_gives_bgr_or_grey_when_asked(pixels):
    assert (image.read(encoded(pixels), to_rgb=False).asnumpy() == pixels[:, :, ::-1]).all()
    assert image.read(encoded(pixels), 0).shape == (5, 8, 1)


def test_read_writes_into_out(pixels):
    out = mx.nd.zeros((5, 8, 3), dtype='uint8')
    image.read(encoded(pixels), 1, True, out)
    assert (out.asnumpy() == pixels).all()


@pytest.mark.parametrize('junk', [b'not a picture', b'\xff\xd8\xff', b'\0' * 100])
def test_bytes_that_are_no_picture_are_a_bad_request(junk):
    with pytest.raises(BadRequest, match=f'{len(junk)} bytes sent are no picture'):
        image.read(junk)


def test_a_head_without_pixels_is_a_bad_request(pixels):
    for _ in range(6):
        with pytest.raises(BadRequest, match='33 bytes sent are no picture'):
            image.read(encoded(pixels)[:33])


@pytest.mark.parametrize('nothing', [b'', bytearray(), np.zeros(0, 'uint8')])
def test_an_empty_picture_is_a_bad_request_and_never_reaches_opencv(nothing):
    with pytest.raises(BadRequest, match='empty'):
        image.read(nothing)


def test_resize_takes_width_then_height():
    pixels = image.read((PICTURES / 'wide.jpg').read_bytes())
    assert image.resize(pixels, 40, 24).shape == (24, 40, 3)
    assert (image.resize(pixels, 40, 24, 2) == mx.image.imresize(pixels, 40, 24, 2)).min() == 1


def test_transform_shape_makes_a_batch_of_one(pixels):
    array = mx.nd.array(pixels)
    assert (image.transform_shape(array).asnumpy()[0] == pixels.transpose(2, 0, 1)).all()
    assert (image.transform_shape(array, 'NHWC').asnumpy()[0] == pixels).all()
    with pytest.raises(AssertionError, match='NCHW'):
        image.transform_shape(array, 'CHW')


def test_fixed_crop_cuts_and_resizes(pixels):
    array = mx.nd.array(pixels)
    assert (image.fixed_crop(array, 2, 1, 3, 4).asnumpy() == pixels[1:5, 2:5]).all()
    assert image.fixed_crop(array, 2, 1, 3, 4, size=(6, 2)).shape == (2, 6, 3)


def test_color_normalize_works_on_bytes(pixels):
    mean, std = [10., 20., 30.], [2., 4., 8.]
    array = mx.nd.array(pixels, dtype='uint8')
    got = image.color_normalize(array, mx.nd.array(mean), mx.nd.array(std)).asnumpy()
    assert np.allclose(got, (pixels - np.array(mean)) / np.array(std), atol=1e-5)
    assert np.allclose(image.color_normalize(array, mx.nd.array(mean)).asnumpy(), pixels - mean)


def test_write_gives_base64_that_reads_back(pixels):
    text = image.write(mx.nd.array(pixels.transpose(2, 0, 1)), format='png')
    assert (image.read(base64.b64decode(text)).asnumpy() == pixels).all()
    text = image.write(mx.nd.array(pixels), format='png', dim_order='HWC')
    assert (image.read(base64.b64decode(text)).asnumpy() == pixels).all()


def test_write_makes_jpeg_by_default_and_grey_of_one_channel(pixels):
    text = image.write(mx.nd.array(pixels[None, :, :, 0]), flag=0)
    picture = Image.open(io.BytesIO(base64.b64decode(text)))
    assert (picture.format, picture.mode, picture.size) == ('JPEG', 'L', (8, 5))
    with pytest.raises(AssertionError, match='HWC'):
        image.write(mx.nd.array(pixels), dim_order='NCHW')
