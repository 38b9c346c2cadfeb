"""output_format: what a service makes of its network's outputs."""

import io
import json
import math

import mxnet as mx
import numpy as np
import pytest
from mxnet import sym
from PIL import Image

from mms.errors import ServiceError, SignatureError
from mms.model_service.gluon_vision_service import GluonVisionService
from mms.model_service.mxnet_model_service import GluonImperativeBaseService, MXNetBaseService
from mms.model_service.mxnet_vision_service import MXNetVisionService
from mms.worker.codecs.json_answer import to_json
from mms.worker.loading.live_signature import signature_of

DATA = sym.var('data')
SYMBOL = sym.Group([sym.log(DATA), sym.cast(sym.argmax(DATA, axis=1), dtype='int32'),
                    sym.sum(DATA)])


def signature(shape=(0, 2), input_type='application/json', **more):
    return {'inputs': [{'data_name': 'data', 'data_shape': list(shape)}], 'outputs': [],
            'input_type': input_type, 'output_type': 'application/json', **more}


class Lists(MXNetBaseService):
    output_format = 'lists'


def picture():
    file = io.BytesIO()
    Image.new('RGB', (4, 4), (255, 0, 0)).save(file, 'PNG')
    return file.getvalue()


@pytest.mark.parametrize('service_class', [MXNetBaseService, Lists])
def test_lists_are_what_the_signature_or_the_class_asks_for(model_folder, service_class):
    said = {} if service_class is Lists else {'output_format': 'lists'}
    service = service_class(*model_folder(SYMBOL, {}, signature(**said)))
    logs, best, total = service.inference([[[1, 0], [-1, 1]]])
    assert logs[0] == [0.0, -math.inf]
    assert math.isnan(logs[1][0])
    assert (best, total) == ([0, 1], [1.0])
    # The front tells by it what the endpoint answers.
    assert signature_of(service)['output_format'] == 'lists'


def test_nan_reaches_the_client_as_a_number_of_the_list(model_folder):
    service = Lists(*model_folder(sym.log(DATA), {}, signature()))
    assert to_json(service.inference([[[-1, 0]]])) == b'[[[NaN,-Infinity]]]'


@pytest.mark.parametrize(('service_class', 'said'), [
    (MXNetBaseService, {}), (MXNetBaseService, {'output_format': 'text'}),
    (Lists, {'output_format': 'text'})], ids=['by default', 'as said', 'said against the class'])
def test_text_is_as_mms_04_wrote_it(model_folder, service_class, said):
    service = service_class(*model_folder(SYMBOL, {}, signature(**said)))
    assert service.inference([[[1, 0], [-1, 1]]]) == ['[[0.0, -inf], [nan, 0.0]]', '[0, 1]',
                                                      '[1.0]']
    assert service.signature.get('output_format') == said.get('output_format')


@pytest.mark.parametrize('bad', ['list', ['lists'], None, 1])
def test_anything_else_in_the_signature_is_refused(model_folder, bad):
    with pytest.raises(SignatureError, match='output_format must be one of text, lists, not '):
        MXNetBaseService(*model_folder(SYMBOL, {}, signature(output_format=bad)))


def test_anything_else_in_the_class_is_refused(model_folder):
    class Wrong(MXNetBaseService):
        output_format = 'json'

    with pytest.raises(ServiceError, match="^Wrong: output_format must be .*, not 'json'$"):
        Wrong(*model_folder(SYMBOL, {}, signature()))


@pytest.mark.parametrize('said', ['lists', 'text', None])
def test_the_vision_service_answers_with_outputs_where_it_is_told_to(model_folder, said):
    means = sym.mean(DATA, axis=(2, 3))
    more = {'output_format': said} if said else {}
    service = MXNetVisionService(*model_folder(
        means, {}, signature((0, 3, 4, 4), 'image/jpeg', **more), labels=b'red\ngreen\nblue'))
    [answer] = service.inference([picture()])
    assert answer == {'lists': [[255.0, 0.0, 0.0]], 'text': '[[255.0, 0.0, 0.0]]'}.get(said, answer)
    assert said or answer[0] == {'class': 'red', 'probability': 255.0}


def test_so_does_the_one_for_gluon(model_folder):
    name, folder, manifest = model_folder(
        signature=signature((0, 3, 4, 4), 'image/jpeg', output_format='lists'))
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.GlobalAvgPool2D(), mx.gluon.nn.Flatten())
    [answer] = GluonVisionService(name, folder, manifest, net).inference([picture()])
    assert np.shape(answer) == (1, 3)
    assert sum(answer[0]) == pytest.approx(1)
    assert json.loads(to_json(answer)) == answer


def test_so_does_the_base_of_imperative_networks(model_folder):
    class Negative(GluonImperativeBaseService):
        output_format = 'text'

        def _inference(self, data):
            return -mx.nd.array(data[0])

    service = Negative(*model_folder(signature=signature()))
    assert service.inference([[[1, 2]]]) == ['[[-1.0, -2.0]]']
