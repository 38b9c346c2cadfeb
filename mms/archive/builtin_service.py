"""The service files that an archive without one of its own gets."""

from __future__ import annotations

from mms.archive.signature import IMAGE_TYPE, JSON_TYPE

# The member names are those that MMS 0.4 gave its copies; the classes load under 0.4 too.
_VISION = '''\
"""Top-5 image classification, as the server ships it."""

from mms.model_service.mxnet_vision_service import MXNetVisionService


class VisionService(MXNetVisionService):
    """Pictures in, classes and probabilities out."""
'''
_BASE = '''\
"""Tensors in and out as JSON, as the server ships it."""

from mms.model_service.mxnet_model_service import MXNetBaseService


class ModelService(MXNetBaseService):
    """Tensors in, tensors out."""
'''
_BY_INPUT_TYPE = {
    IMAGE_TYPE: ('mxnet_vision_service.py', _VISION),
    JSON_TYPE: ('mxnet_model_service.py', _BASE),
}

# The files that hold them.
BUILTIN_FILES = frozenset(name for name, _ in _BY_INPUT_TYPE.values())


def builtin_service(input_type: str) -> tuple[str, bytes]:
    """Member name and contents of the service file for a signature's ``input_type``."""
    name, text = _BY_INPUT_TYPE[input_type]
    return name, text.encode('utf-8')
