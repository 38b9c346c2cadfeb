import json
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from mms.errors import BadRequest, ServiceError
from mms.model_service.gluon_vision_service import GluonVisionService
from mms.model_service.mxnet_model_service import GluonImperativeBaseService, MXNetBaseService
from mms.model_service.mxnet_vision_service import MXNetVisionService

pytestmark = pytest.mark.core

PICTURES = Path(__file__).parents[1] / 'fixtures' / 'mms04' / 'img'
IMAGE = {'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 6, 8]}],
         'outputs': [{'data_name': 'softmax', 'data_shape': [0, 4]}],
         'input_type': 'image/jpeg', 'output_type': 'application/json'}


def dense_net(units=3, in_units=4):
    return gluon.nn.Dense(units, in_units=in_units)


@pytest.fixture
def weights(tmp_path):
    net = dense_net()
    net.initialize(mx.init.Uniform(1))
    net.save_parameters(str(tmp_path / 'saved'))
    return mx.nd.load(str(tmp_path / 'saved'))


def picture_net():
    net = gluon.nn.Sequential()
    net.add(gluon.nn.Flatten(), gluon.nn.Dense(4))
    net.initialize(mx.init.Uniform(.1))
    return net


def test_the_weights_are_loaded_into_the_net_that_is_given(model_folder, weights):
    net = dense_net()
    service = GluonImperativeBaseService(*model_folder(weights=weights), net)
    assert service.net is net
    assert service.param_filename == 'dense-0000.params'
    assert (net.weight.data() == weights['weight']).min() == 1


def test_without_a_parameter_file_the_net_is_left_as_it_is(model_folder):
    net = dense_net()
    net.initialize()
    service = GluonImperativeBaseService(*model_folder(), net=net)
    assert service.param_filename is None
    assert service.net is net


def test_a_subclass_may_bring_its_net_later(model_folder, weights):
    assert GluonImperativeBaseService(*model_folder(weights=weights)).net is None


def test_its_inference_checks_the_shapes_and_runs_nothing(model_folder, dense):
    service = GluonImperativeBaseService(*model_folder())
    two = [mx.nd.ones((2, 4)), mx.nd.ones((2, 4))]
    assert service._inference(two) is None
    with pytest.raises(BadRequest):
        service._inference([mx.nd.ones((2, 4)), mx.nd.ones((2, 5))])
    with pytest.raises(AssertionError):
        service._inference(two[0])


def test_the_signature_of_a_gluon_service_is_the_files(model_folder, dense):
    assert GluonImperativeBaseService(*model_folder()).signature == dense.signature


@pytest.mark.parametrize('net', [dense_net(5), dense_net(3, 9), gluon.nn.BatchNorm(in_channels=3)],
                         ids=['more units', 'another input', 'another layer'])
def test_weights_that_do_not_fit_stop_the_start(model_folder, weights, net):
    with pytest.raises(ServiceError, match=r'dense-0000\.params do not load into') as raised:
        GluonImperativeBaseService(*model_folder(weights=weights), net)
    assert '\n' not in str(raised.value)
    assert raised.value.__cause__ is not None


def test_a_missing_or_broken_parameter_file_stops_the_start(model_folder, weights, tmp_path):
    arguments = model_folder(weights=weights)
    path = tmp_path / 'model' / 'dense-0000.params'
    path.write_bytes(b'rubbish')
    with pytest.raises(ServiceError, match='Invalid NDArray file format'):
        GluonImperativeBaseService(*arguments, dense_net())
    path.unlink()
    with pytest.raises(ServiceError, match='does not exist'):
        GluonImperativeBaseService(*arguments, dense_net())


def test_a_gluon_archive_on_the_symbolic_base_has_no_module_and_runs_the_net(model_folder):
    class Adder(MXNetBaseService):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.net = lambda left, right: left + right

    service = Adder(*model_folder())
    assert not hasattr(service, 'mx_model')
    assert service.inference([[[1, 2, 3, 4]], [[1, 1, 1, 1]]]) == ['[[2.0, 3.0, 4.0, 5.0]]']


def test_a_gluon_archive_on_the_symbolic_base_without_a_net_says_so(model_folder):
    with pytest.raises(ServiceError, match=r'set self\.net in __init__'):
        MXNetBaseService(*model_folder()).inference([[[1, 2, 3, 4]], [[1, 1, 1, 1]]])


def test_the_vision_base_serves_a_gluon_net_too(model_folder):
    class Vision(MXNetVisionService):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.net = picture_net()

    picture = (PICTURES / 'wide.jpg').read_bytes()
    service = Vision(*model_folder(signature=IMAGE, labels=b'a\nb\nc\nd'))
    pixels = mx.image.imresize(mx.image.imdecode(picture), 8, 6, 2).transpose((2, 0, 1))
    scores = service.net(pixels.expand_dims(0).astype('float32')).asnumpy()[0]
    answer = service.inference([picture])
    assert [entry['class'] for entry in answer[0]] == ['abcd'[i] for i in np.argsort(-scores)]
    assert [entry['probability'] for entry in answer[0]] == pytest.approx(sorted(scores)[::-1],
                                                                          rel=1e-5)


def test_the_gluon_vision_service_normalizes_as_imagenet_does(model_folder):
    picture = (PICTURES / 'large.jpg').read_bytes()
    service = GluonVisionService(*model_folder(signature=IMAGE, labels=b'a\nb\nc\nd'),
                                 net=picture_net())
    pixels = mx.image.imresize(mx.image.imdecode(picture), 8, 6).asnumpy().astype('float32')
    pixels = (pixels / 255 - [.485, .456, .406]) / [.229, .224, .225]
    batch = mx.nd.array(pixels.transpose(2, 0, 1)[None])
    expected = service.net(batch).softmax().asnumpy()[0]
    answer = service.inference([picture])
    assert len(answer) == 1
    assert {entry['class']: entry['probability'] for entry in answer[0]} == pytest.approx(
        dict(zip('abcd', expected.astype(float))), abs=1e-5)
    assert [entry['probability'] for entry in answer[0]] == pytest.approx(
        sorted(expected.tolist(), reverse=True), abs=1e-5)


def test_a_subclass_of_the_gluon_vision_service_gets_one_array_to_postprocess(model_folder):
    class Tutorial(GluonVisionService):
        def _postprocess(self, data):
            return [int(i.asscalar()) for i in data.topk(k=2)[0]]

    service = Tutorial(*model_folder(signature=IMAGE), net=picture_net())
    assert len(service.inference([(PICTURES / 'tall.jpg').read_bytes()])) == 2


@pytest.mark.parametrize('base', [MXNetVisionService, GluonVisionService])
def test_vision_without_labels_says_how_to_give_some(model_folder, base):
    class Unlabelled(base):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.net = picture_net()

    with pytest.raises(ServiceError, match=r'Unlabelled has no labels: put synset\.txt'):
        Unlabelled(*model_folder(signature=IMAGE)).inference(
            [(PICTURES / 'tall.jpg').read_bytes()])


@pytest.mark.parametrize('base', [MXNetVisionService, GluonVisionService])
@pytest.mark.parametrize('junk', [b'', b'no picture'])
def test_what_is_no_picture_is_a_bad_request(model_folder, base, junk):
    with pytest.raises(BadRequest, match=r'empty|no picture'):
        base(*model_folder(signature=IMAGE, labels=b'a')).inference([junk])


def test_a_height_and_width_of_zero_keep_the_pictures_own(model_folder):
    signature = json.loads(json.dumps(IMAGE))
    signature['inputs'][0]['data_shape'] = [0, 3, 0, 0]
    service = MXNetVisionService(*model_folder(signature=signature))
    picture = (PICTURES / 'wide.jpg').read_bytes()
    height, width, _ = mx.image.imdecode(picture).shape
    assert service._preprocess([picture])[0].shape == (1, 3, height, width)
