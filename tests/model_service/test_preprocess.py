"""``preprocess``: what the built-in services make of a picture's values."""

import io

import mxnet as mx
import numpy as np
import pytest
from mxnet import sym
from PIL import Image

from mms.archive.picture_shapes import check_picture_shapes
from mms.errors import SignatureError
from mms.model_service.gluon_vision_service import GluonVisionService
from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.model_service.mxnet_vision_service import MXNetVisionService

RED = (255, 51, 0)
MEAN, DEVIATION = np.array([.485, .456, .406]), np.array([.229, .224, .225])
SCALED = np.array(RED) / 255
VALUES = {'none': RED, '0-1': SCALED, 'imagenet': (SCALED - MEAN) / DEVIATION}


def signature(preprocess=None, channels=3):
    return {'inputs': [{'data_name': 'data', 'data_shape': [0, channels, 2, 2]}], 'outputs': [],
            'input_type': 'image/jpeg', 'output_type': 'application/json',
            **({'preprocess': preprocess} if preprocess else {})}


def picture(colour=RED, mode='RGB'):
    file = io.BytesIO()
    Image.new(mode, (4, 4), colour).save(file, 'PNG')
    return file.getvalue()


@pytest.mark.parametrize(('service_class', 'way', 'means'), [
    *((cls, way, way) for cls in (MXNetBaseService, MXNetVisionService, GluonVisionService)
      for way in VALUES),
    (MXNetVisionService, None, 'none'), (GluonVisionService, None, 'imagenet')])
def test_the_network_gets_what_the_signature_says(model_folder, service_class, way, means):
    is_gluon = service_class is GluonVisionService
    service = service_class(*model_folder(
        None if is_gluon else sym.identity(sym.var('data'), name='same'),
        None if is_gluon else {}, signature(way)))
    array, = service._preprocess([picture()])
    assert array.shape == (1, 3, 2, 2)
    assert array.asnumpy()[0, :, 0, 1] == pytest.approx(np.array(VALUES[means]), abs=1e-5)


def test_a_grey_picture_has_one_channel(model_folder):
    shape = signature('0-1', channels=1)
    service = MXNetVisionService(*model_folder(sym.Flatten(sym.var('data')), {}, shape,
                                               labels=b'a\nb\nc\nd\n'))
    array, = service._preprocess([picture(102, 'L')])
    assert array.shape == (1, 1, 2, 2)
    assert array.asnumpy() == pytest.approx(0.4)
    best, = service.inference([picture((102, 102, 102))])
    assert [entry['probability'] for entry in best] == pytest.approx([0.4] * 4)
    check_picture_shapes(shape, 'it')
    with pytest.raises(SignatureError, match=r'arrives as \[batch, 3, height, width\]'):
        check_picture_shapes(signature(channels=1), 'it')


def test_of_a_size_that_is_open_the_pictures_own_is_kept(model_folder):
    said = signature('0-1')
    said['inputs'][0]['data_shape'] = [0, 3, 0, 0]
    service = GluonVisionService(*model_folder(signature=said))
    array, = service._preprocess([picture()])
    assert array.shape == (1, 3, 4, 4)
    assert array.dtype == np.float32
    assert isinstance(array, mx.nd.NDArray)
