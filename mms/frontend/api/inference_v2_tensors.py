"""The tensors of a model, as the Open Inference Protocol describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mms.archive.signature import ANY_BATCH, DATATYPE, IMAGE_TYPE, input_types

# Of an output of a model whose signature names none.
PREDICTION = 'prediction'
FLOATS, BYTES = 'FP32', 'BYTES'
ANY_LENGTH = -1


class TensorMetadata(NamedTuple):
    """One input or output.

    Attributes
    ----------
    shape
        Its dimensions; :data:`ANY_LENGTH` where each may be.
    """

    name: str
    datatype: str
    shape: list[int]

    def described(self) -> dict[str, Any]:
        """As metadata has it."""
        return self._asdict()


def inputs_of(signature: Mapping[str, Any]) -> list[TensorMetadata]:
    """The inputs of a model; a picture is an element of BYTES."""
    return [TensorMetadata(entry['data_name'], BYTES, [ANY_LENGTH]) if kind == IMAGE_TYPE
            else _tensor(entry) for entry, kind in zip(signature['inputs'], input_types(signature))]


def outputs_of(signature: Mapping[str, Any]) -> list[TensorMetadata]:
    """The outputs of a model; what the service makes of them is known when it answers."""
    entries = signature.get('outputs') or ()
    return [_tensor(entry) for entry in entries] or [
        TensorMetadata(PREDICTION, BYTES, [ANY_LENGTH])]


def _tensor(entry: Mapping[str, Any]) -> TensorMetadata:
    shape = [length or ANY_LENGTH for length in entry['data_shape']]
    if entry.get(ANY_BATCH):
        shape[:1] = [ANY_LENGTH]
    return TensorMetadata(entry['data_name'], entry.get(DATATYPE, FLOATS), shape)
