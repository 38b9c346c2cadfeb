"""A block that is Python and stays so: its class is made anew in the service file, from its source.

Nobody knows what a block was made with, so one that is made with nothing has to answer as it does.
"""

from __future__ import annotations

from typing import Any

from mms.exporter.networks.block_source import NoSource, source_of, takes_no_arguments
from mms.exporter.networks.gluon import Untraceable, answers, is_same, made_up, values_of
from mms.exporter.networks.network import Network, Shapes, mxnet_here
from mms.mxnet_engine.reasons import reason_of

_SERVICE = '''\
"""{name}, as it was exported from Python."""

import os

from mms.model_service.{module} import {base}
{source}


class ExportedService({base}):
    """Makes the network anew, with the parameters that it had."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)
        self.net = {name}()
        self.net.load_parameters(os.path.join(model_dir, self.param_filename), ctx=self.ctx)
'''
_SOFTMAX = '''
    def _inference(self, data):
        return [output.softmax(axis=1) for output in super()._inference(data)]
'''
_BASES = {True: ('mxnet_vision_service', 'MXNetVisionService'),
          False: ('mxnet_model_service', 'MXNetBaseService')}
# How far the sum of probabilities may be from 1.
_CLOSE = 1e-3


def network_of_python(block: Any, inputs: Shapes, untraceable: Untraceable) -> Network:
    """The network of a block that cannot be traced.

    Parameters
    ----------
    untraceable
        Why it cannot.

    Raises
    ------
    Untraceable
        It can neither be made anew.
    """
    cls = type(block)
    try:
        source = source_of(cls)
        if mxnet_here().util.is_np_array() or not takes_no_arguments(cls):
            raise NoSource(f'{cls.__name__}() does not make it')
        outputs = _outputs_of_another(block, inputs)
    except NoSource as reason:
        raise untraceable.also(str(reason)) from untraceable
    except Exception as error:
        raise untraceable.also(f'{cls.__name__}() fails: {reason_of(error)}') from error
    has_probabilities = all(output.ndim < 2 or bool(
        (abs(output.sum(axis=1) - 1) < _CLOSE).all() and (output >= 0).all())
        for output in outputs)
    shapes = [(f'output{number or ""}', [0, *output.shape[1:]])
              for number, output in enumerate(outputs)]
    return Network(None, values_of(block._collect_params_with_prefix()), inputs, shapes,
                   lambda names, softmax: _service(
                       cls.__name__, source, names,
                       (names and not has_probabilities) if softmax is None else softmax))


def _outputs_of_another(block: Any, inputs: Shapes) -> list[Any]:
    """What a new one with the same parameters answers, which is what this one does."""
    mx, cls = mxnet_here(), type(block)
    with mx.name.NameManager():
        other = cls()
    values = values_of(block._collect_params_with_prefix())
    parameters = other._collect_params_with_prefix()
    if set(values) != set(parameters):
        raise NoSource(f'{cls.__name__}() has other parameters than it')
    for name, parameter in parameters.items():
        if parameter.shape and any(length not in (0, real) for length, real
                                   in zip(parameter.shape, values[name].shape)):
            raise NoSource(f'{cls.__name__}() has another shape of the parameter {name}')
        parameter._load_init(values[name], mx.cpu())
    data = made_up(inputs)
    outputs = answers(block, data)
    if not is_same(outputs, answers(other, data)):
        raise NoSource(f'{cls.__name__}() answers something else')
    return outputs


def _service(name: str, source: str, names_classes: bool, softmax: bool) -> str:
    module, base = _BASES[names_classes]
    text = _SERVICE.format(name=name, source=source.strip(), module=module, base=base)
    return text + _SOFTMAX * softmax
