"""The services of MXNet models: symbolic (a bound Module) and Gluon (a net)."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

from mms.archive.limits import LABELS_BYTES, check_size
from mms.archive.manifest import SYMBOLIC, is_symbolic
from mms.archive.signature import (
    ANY_BATCH,
    IMAGE_TYPE,
    PREPROCESS,
    input_types,
    read_signature,
)
from mms.errors import ServiceError
from mms.model_service.hook_marks import gives_outputs, takes_arrays
from mms.model_service.input_shape import InputShapeError, check_input_shape
from mms.model_service.model_service import SingleNodeService
from mms.model_service.output_format import formatted, output_format_of
from mms.model_service.pictures import picture_array
from mms.mxnet_compat import mxnet as mx
from mms.mxnet_engine import symbolic
from mms.mxnet_engine.contexts import context_for
from mms.mxnet_engine.reasons import reason_of
from mms.mxnet_engine.shape_inference import ShapesRefused
from mms.mxnet_engine.tensors import tensor_of

__all__ = ['GluonImperativeBaseService', 'InputShapeError', 'MXNetBaseService',
           'check_input_shape']

logger = logging.getLogger(__name__)

LABELS_FILE = 'synset.txt'
_SYMBOL_SUFFIX = '-symbol.json'


class _MXNetService(SingleNodeService):
    """What both kinds share: context, signature, labels, parameter file.

    The archive's do not replace what a subclass has set before.
    """

    ctx: mx.Context
    net: mx.gluon.Block = None
    labels: list[str]
    param_filename: Optional[str] = None
    output_format: Optional[str] = None
    # Name of an input -> the type of its numbers; float32 where it is missing.
    _number_types: Mapping[str, Any] = {}

    def __init__(self, model_name: str, model_dir: str, manifest: dict[str, Any],
                 gpu: Optional[Union[int, str]] = None) -> None:
        super().__init__(model_name, model_dir, manifest)
        self.ctx = context_for(gpu)
        already = vars(self)
        if 'param_filename' not in already:
            self.param_filename = manifest['Model'].get('Parameters') or None
        if '_signature' not in already:
            self._signature = read_signature(
                os.path.join(model_dir, manifest['Model']['Signature']))
        self.output_format = output_format_of(type(self), self._signature)
        labels_path = os.path.join(model_dir, LABELS_FILE)
        if 'labels' not in already and os.path.isfile(labels_path):
            self.labels = _read_labels(labels_path)

    def ping(self) -> str:
        """MXNet's version."""
        return str(mx.__version__)

    def _forward_net(self, data: Sequence[Any]) -> list[Any]:
        if self.net is None:
            raise ServiceError(f'{type(self).__name__} has no network: set self.net in __init__, '
                               'or define _inference')
        outputs = self.net(*data)
        return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]

    def _tensor(self, value: Any, name: str) -> Any:
        return tensor_of(value, name, self._number_types.get(name))


class MXNetBaseService(_MXNetService):
    """Tensors in, tensors out; the base of services for symbolic and Gluon models.

    When the manifest's ``Model-Format`` is ``MXNet-Symbolic``, the symbol and
    parameter files are loaded and bound. Otherwise a subclass sets ``self.net``
    in its constructor.

    Parameters
    ----------
    model_name
        ``Model-Name`` of the manifest.
    model_dir
        The folder that holds the archive's files.
    manifest
        ``MANIFEST.json``, parsed.
    gpu
        Number of the GPU to run on; None for the CPU.

    Attributes
    ----------
    ctx : mxnet.Context
    signature : dict
        ``signature.json``; the first dimension of each input is 1, the batch
        that a bound Module starts with.
    param_filename : str or None
    labels : list of str
        The lines of ``synset.txt``, if the archive has one.
    mx_model : mxnet.mod.Module
        Symbolic models only.
    net : mxnet.gluon.Block
        Gluon models only; set by the subclass.
    output_format : str or None
        ``'lists'``: each output is nested lists. ``'text'``: it is the text of such
        lists. None: what the class does by itself, which is text for this one. A class
        attribute; ``signature.json`` goes first.

    Raises
    ------
    ServiceError
        The weights do not load or do not fit the network, or there is no such GPU.
    """

    mx_model: mx.mod.Module
    _network: Optional[symbolic.Network] = None

    def __init__(self, model_name: str, model_dir: str, manifest: dict[str, Any],
                 gpu: Optional[Union[int, str]] = None) -> None:
        super().__init__(model_name, model_dir, manifest, gpu)
        shapes = _binding_shapes(self._signature)
        if is_symbolic(manifest['Model'].get('Model-Format', SYMBOLIC)):
            network = _load_network(model_dir, manifest['Model'], [name for name, _ in shapes])
            self.mx_model = symbolic.bind(
                network, symbolic.fitting_shapes(network, shapes), self.ctx)
            # The Module has its own copy of the weights.
            self._network = network._replace(args={}, aux={})
            self._number_types = {entry.name: entry.dtype for entry in self.mx_model.data_shapes}

    @takes_arrays
    def _preprocess(self, data: list[Any]) -> list[mx.nd.NDArray]:
        """One NDArray an input of the signature.

        Parameters
        ----------
        data : list
            Bytes of a picture, or a list of numbers, one an input.

        Returns
        -------
        list of NDArray
            Of a picture uint8 of shape (1, 3, height, width), unless the signature has another
            ``preprocess``; of a tensor the type of number that the network wants, float32 where
            it does not say.

        Raises
        ------
        BadRequest
        """
        return [self._array(value, index) for index, value in enumerate(data)]

    def _array(self, value: Any, index: int) -> Any:
        """A picture, resized, or a tensor; what the signature does not name is a tensor."""
        inputs = self.signature['inputs']
        if index >= len(inputs):
            return self._tensor(value, str(index))
        if input_types(self.signature)[index] != IMAGE_TYPE:
            return self._tensor(value, inputs[index]['data_name'])
        return picture_array(value, inputs[index]['data_shape'], self.signature.get(PREPROCESS))

    def _inference(self, data: list[mx.nd.NDArray]) -> list[mx.nd.NDArray]:
        """Run the network.

        Parameters
        ----------
        data : list of NDArray
            One an input of the signature.

        Returns
        -------
        list of NDArray
            One an output.

        Raises
        ------
        InputShapeError
        """
        check_input_shape(data, self.signature)
        data = [array.as_in_context(self.ctx) for array in data]
        if self._network is None:
            return self._forward_net([_as_floats(array) for array in data])
        _check_batch(data, self.signature)
        try:
            self.mx_model.forward(mx.io.DataBatch(data))
        except ShapesRefused as error:
            raise InputShapeError('The network does not take inputs of the shapes '
                                  f'{_shapes(data, self.signature)}: {error}.') from error
        return list(self.mx_model.get_outputs())

    @gives_outputs
    def _postprocess(self, data: list[mx.nd.NDArray]) -> Any:
        """Each output as text, or as nested lists: see ``output_format``."""
        return formatted(data, self.output_format)


class GluonImperativeBaseService(_MXNetService):
    """The base of services that run a Gluon network.

    Parameters
    ----------
    model_name
        ``Model-Name`` of the manifest.
    model_dir
        The folder that holds the archive's files.
    manifest
        ``MANIFEST.json``, parsed.
    net
        The network; its weights are loaded if the archive has a parameter file.
    gpu
        Number of the GPU to run on; None for the CPU.

    Raises
    ------
    ServiceError
        The weights do not load or do not fit the network, or there is no such GPU.
    """

    def __init__(self, model_name: str, model_dir: str, manifest: dict[str, Any],
                 net: Optional[mx.gluon.Block] = None,
                 gpu: Optional[Union[int, str]] = None) -> None:
        super().__init__(model_name, model_dir, manifest, gpu)
        if net is not None:
            self.net = net
        if self.net is None or self.param_filename is None:
            logger.info('%s: no parameters are loaded, %s', model_name,
                        'the service has no net yet' if self.net is None
                        else 'the archive has none')
        else:
            _load_weights(self.net, os.path.join(model_dir, self.param_filename), self.ctx)

    def _preprocess(self, data: list[Any]) -> Any:
        """`data` as it is: one an input of the signature, bytes or a list."""
        return data

    def _inference(self, data: Any) -> Any:
        """Check the shapes; a subclass goes on from here with ``self.net``.

        Raises
        ------
        InputShapeError
        """
        check_input_shape(data, self.signature)

    @gives_outputs
    def _postprocess(self, data: Any) -> Any:
        """`data` as it is, or in its ``output_format``."""
        return formatted(data, self.output_format) if self.output_format else data


def _check_batch(data: Sequence[Any], signature: Any) -> None:
    """A Module takes one batch size for all inputs, and nothing of length 0."""
    names = [entry['data_name'] for entry in signature['inputs']]
    for name, array in zip(names, data):
        if 0 in array.shape:
            raise InputShapeError(f'Input {name} is empty, its shape is {list(array.shape)}.')
        if array.shape[0] != data[0].shape[0]:
            raise InputShapeError(
                f'Input {name} has a batch of {array.shape[0]}, input {names[0]} one of '
                f'{data[0].shape[0]}: the first dimension has to be the same.')


def _shapes(data: Sequence[Any], signature: Any) -> str:
    return ', '.join(f"{entry['data_name']} {list(array.shape)}"
                     for entry, array in zip(signature['inputs'], data))


def _read_labels(path: str) -> list[str]:
    check_size(path, LABELS_BYTES, path, ServiceError)
    try:
        with open(path, encoding='utf-8-sig') as file:
            return [line.strip() for line in file]
    except UnicodeDecodeError as error:
        raise ServiceError(f'{path} is not UTF-8 text: {error.reason} at byte {error.start}') \
            from error


def _binding_shapes(signature: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Fix the batch to 1 in `signature`; name and shape of each input, 0 for any length."""
    shapes = []
    for entry in signature['inputs']:
        if not any(entry['data_shape'][:1]):
            entry[ANY_BATCH] = True
        rest = [max(0, int(size)) for size in entry['data_shape'][1:]]
        entry['data_shape'] = [1] * len(entry['data_shape'][:1]) + rest
        shapes.append((entry['data_name'], tuple(entry['data_shape'])))
    return shapes


def _load_network(model_dir: str, model: dict[str, Any], inputs: list[str]) -> symbolic.Network:
    symbol = model.get('Symbol')
    if not symbol:
        raise ServiceError('MANIFEST.json: Model-Format is MXNet-Symbolic, but no Symbol is named')
    # MMS 0.4 read epoch 0 when the manifest named no parameter file.
    params = model.get('Parameters') or symbol[:-len(_SYMBOL_SUFFIX)] + '-0000.params'
    return symbolic.load_network(os.path.join(model_dir, symbol),
                                 os.path.join(model_dir, params), inputs)


def _load_weights(net: Any, path: str, ctx: Any) -> None:
    if not os.path.isfile(path):
        raise ServiceError(f'The parameter file {path} does not exist')
    try:
        net.load_parameters(path, ctx=ctx)
    except Exception as error:
        raise ServiceError(f'The weights in {path} do not load into {type(net).__name__}: '
                           f'{reason_of(error)}') from error


def _as_floats(array: Any) -> Any:
    """Decoded pictures are uint8: a Module turns them into float32, Gluon's layers do not."""
    return array.astype('float32') if array.dtype == np.uint8 else array
