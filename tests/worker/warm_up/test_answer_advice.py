"""What the answer to a made-up request shows: labels, scores that are no probabilities, bytes."""

import json

import mxnet as mx
import pytest

from mms.archive.builtin_service import builtin_service
from mms.archive.sample import sample_inputs
from mms.worker.loading.service_loader import build_service, load_service_class
from mms.worker.warm_up.answer_advice import advice_on, advise

CLASSES = 3


def softmax(scores):
    return mx.sym.softmax(scores, name='out')


def as_they_are(scores):
    return mx.sym.identity(scores, name='out')


def negative(scores):
    return mx.sym.negative(mx.sym.softmax(scores), name='out')


@pytest.fixture
def vision(tmp_path):
    """A picture classifier of three classes under a service file; the built-in one by default."""
    def vision(head=softmax, labels=CLASSES, source=None, output_format=None):
        pooled = mx.sym.Pooling(mx.sym.var('data'), global_pool=True, kernel=(1, 1),
                                pool_type='avg')
        scores = mx.sym.FullyConnected(pooled, num_hidden=CLASSES, name='fc')
        head(scores).save(str(tmp_path / 'net-symbol.json'))
        mx.nd.save(str(tmp_path / 'net-0000.params'), {
            'arg:fc_weight': mx.nd.ones((CLASSES, 3)) / 100, 'arg:fc_bias': mx.nd.arange(CLASSES)})
        (tmp_path / 'synset.txt').write_text(''.join(f'class{n}\n' for n in range(labels)))
        (tmp_path / 'signature.json').write_text(json.dumps({
            'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 8, 8]}],
            'outputs': [{'data_name': 'out', 'data_shape': [0, CLASSES]}],
            'input_type': 'image/jpeg', 'output_type': 'application/json',
            **({'output_format': output_format} if output_format else {})}))
        name, text = builtin_service('image/jpeg')
        (tmp_path / name).write_bytes(source.encode() if source else text)
        manifest = {'Model': {'Signature': 'signature.json', 'Symbol': 'net-symbol.json',
                              'Parameters': 'net-0000.params', 'Service': name,
                              'Model-Format': 'MXNet-Symbolic'}}
        cls = load_service_class(str(tmp_path / name), 'MXNet-Symbolic')
        return build_service(cls, 'net', str(tmp_path), manifest, None)

    return vision


def advice_of(service):
    return advice_on(service, sample_inputs(service.signature))


def test_a_good_classifier_is_passed_over(vision):
    assert advice_of(vision()) == []


@pytest.mark.parametrize(('labels', 'rest'), [
    (2, 'classes without one are never answered'),
    (5, 'those beyond the last class are never answered')])
def test_labels_that_are_too_few_or_too_many_are_counted(vision, labels, rest):
    assert advice_of(vision(labels=labels)) == [
        f'mxnet_vision_service.py:6: there are {labels} labels (synset.txt, or self.labels), and '
        f"output 'out' has 3 classes: {rest}"]


def test_scores_that_do_not_sum_to_1_are_no_probabilities(vision):
    [line] = advice_of(vision(as_they_are))
    assert line.startswith("mxnet_vision_service.py:6: output 'out' is answered as "
                           'probabilities, but it sums to ')
    assert line.endswith(': end the network with a softmax, or define _postprocess')


def test_negative_scores_are_no_probabilities(vision):
    [line] = advice_of(vision(negative))
    assert "output 'out' is answered as probabilities, but it holds -0.6" in line


@pytest.mark.parametrize('options', [
    {'output_format': 'lists'},
    {'source': 'from mms.model_service.mxnet_vision_service import MXNetVisionService\n'
               'class Mine(MXNetVisionService):\n'
               '    def _postprocess(self, data):\n        return [data[0].asnumpy()]\n'}])
def test_scores_that_are_not_answered_as_probabilities_may_be_any(vision, options):
    assert advice_of(vision(as_they_are, labels=7, **options)) == []


def test_an_answer_that_cannot_be_sent_is_told_with_the_line_of_the_hook(vision):
    source = ('from mms.model_service.mxnet_vision_service import MXNetVisionService\n'
              'class Mine(MXNetVisionService):\n'
              '    def _postprocess(self, data):\n        return {"picture": object()}\n')
    service = vision(source=source)
    [line] = advice_of(service)
    assert line.startswith('mxnet_vision_service.py:3: its answer cannot be sent: ')
    assert advise(service, None, [1, 'two']) == []
