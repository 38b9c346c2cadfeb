"""What an exception over a made-up request says of real ones."""

import pytest
from real_services import written

from mms.archive.sample import sample_inputs
from mms.worker.warm_up.refusal import is_all_built_in, refusal_of

pytestmark = pytest.mark.core

SOURCE = '''
    import mxnet as mx
    from mms.errors import BadRequest
    from mms.model_service.{module} import {base}

    class Service({base}):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.net = mx.gluon.nn.{layer}
            self.net.initialize()
'''
PICTURES = {'input_type': 'image/jpeg',
            'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 8, 8]}]}
OPEN_PICTURES = {'input_type': 'image/jpeg',
                 'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 0, 0]}]}
ROWS = {'input_type': 'application/json',
        'inputs': [{'data_name': 'data', 'data_shape': [0, 4]}]}
VISION = 'mxnet_vision_service', 'MXNetVisionService'
TENSORS = 'mxnet_model_service', 'MXNetBaseService'


def refused(tmp_path, name, signature, base, body='', layer='Dense(3)'):
    text = SOURCE.format(module=base[0], base=base[1], layer=layer)
    if body:
        text += '\n'.join(f'        {line}' for line in body.splitlines()) + '\n'
    service = written(text, tmp_path, f'refusing_{name}')
    service._signature.update(signature)
    try:
        service.inference(sample_inputs(signature))
    except Exception as error:
        return refusal_of(error, service, signature), service
    raise AssertionError('it is answered')


def hook(name, line):
    return f'def {name}(self, data):\n    {line}'


@pytest.mark.parametrize(('name', 'signature', 'base', 'body', 'certain'), [
    # Built-in from the picture to the labels, which it has none of.
    ('labels', PICTURES, VISION, '', True),
    ('open_labels', OPEN_PICTURES, VISION, '', True),
    # A hook of the user's after a built-in _preprocess that has made what it makes of any picture.
    ('inference', PICTURES, VISION, hook('_inference', 'raise KeyError("weights")'), True),
    # It speaks of this picture.
    ('blamed', PICTURES, VISION,
     'def _inference(self, data):\n    from mms.errors import BadRequest\n'
     '    raise BadRequest("no face")', False),
    # There may be a size that it takes.
    ('open_inference', OPEN_PICTURES, VISION, hook('_inference', 'raise KeyError("w")'), False),
    # There may be numbers that it takes.
    ('row_inference', ROWS, TENSORS, hook('_inference', 'raise KeyError("weights")'), False),
    ('preprocess', PICTURES, VISION, hook('_preprocess', 'raise ValueError("no face")'), False),
    ('postprocess', ROWS, TENSORS, hook('_postprocess', 'raise IndexError("no boxes")'), False),
    # No memory is no memory, whoever asks for it.
    ('memory', ROWS, TENSORS, hook('_preprocess', 'raise MemoryError'), True),
    ('spoiled', ROWS, TENSORS, hook('_inference', 'raise mx.base.MXNetError("CUDA: no kernel image'
                                    ' is available for execution on the device")'), True),
])
def test_it_is_certain_where_every_real_request_would_fare_the_same(
        tmp_path, name, signature, base, body, certain):
    refusal, _ = refused(tmp_path, name, signature, base, body)
    assert refusal.certain == certain


def test_it_names_the_last_line_of_the_user_s_file(tmp_path):
    refusal, _ = refused(tmp_path, 'named', ROWS, TENSORS,
                         'def _preprocess(self, data):\n    return self._helped(data)\n'
                         'def _helped(self, data):\n    raise ValueError("no face")')
    assert refusal.reason.startswith(f'{tmp_path}/refusing_named.py:')
    assert refusal.reason.endswith(': ValueError: no face')
    number = int(refusal.reason.split(':')[1])
    assert 'no face' in (tmp_path / 'refusing_named.py').read_text().splitlines()[number - 1]


def test_it_names_the_built_in_line_where_there_is_no_other(tmp_path):
    refusal, _ = refused(tmp_path, 'built_in', PICTURES, VISION)
    assert '/mms/model_service/labelled.py:' in refusal.reason
    assert 'has no labels' in refusal.reason


def test_built_in_is_what_no_user_s_hook_takes_part_in(tmp_path):
    _, service = refused(tmp_path, 'whole', PICTURES, VISION)
    assert is_all_built_in(service, PICTURES)
    assert not is_all_built_in(service, OPEN_PICTURES)
    _, service = refused(tmp_path, 'part', PICTURES, VISION,
                         hook('_postprocess', 'raise IndexError'))
    assert not is_all_built_in(service, PICTURES)
