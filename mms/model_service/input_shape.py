"""Do the inputs have the shapes that the signature promises?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mms.errors import BadRequest
from mms.model_service.arrays import is_ndarray


class InputShapeError(BadRequest, AssertionError):
    """An input does not fit the signature; MMS 0.4 raised AssertionError."""


def check_input_shape(inputs: Any, signature: dict[str, Any]) -> None:
    """Compare the shapes of `inputs` with the signature's.

    The first dimension is the batch and may be anything, as may one that the
    signature gives as 0.

    Parameters
    ----------
    inputs
        List of NDArrays, one an input of the signature.
    signature
        ``signature.json``, parsed.

    Raises
    ------
    InputShapeError
        Names the input, the shape it should have and the one it has.
    """
    expected = signature['inputs']
    if not isinstance(inputs, (list, tuple)):
        raise InputShapeError('Input data must be a list.')
    if len(inputs) != len(expected):
        raise InputShapeError('Input number mismatches with signature. '
                              f'{len(expected)} expected but got {len(inputs)}.')
    for array, entry in zip(inputs, expected):
        _check_one(array, entry['data_name'], entry['data_shape'])


def _check_one(array: Any, name: str, expected: Sequence[int]) -> None:
    if not is_ndarray(array):
        raise InputShapeError(f'Each input must be NDArray; input {name} is '
                              f'{type(array).__name__}.')
    got = tuple(array.shape)
    if len(got) != len(expected):
        raise InputShapeError(f'Shape dimension of input {name} mismatches with signature. '
                              f'{len(expected)} expected but got {len(got)}: '
                              f'shape {list(expected)} expected but got {list(got)}.')
    if any(want not in (0, have) for want, have in list(zip(expected, got))[1:]):
        raise InputShapeError(f'Input {name} has different shape with signature. '
                              f'{list(expected)} expected but got {list(got)}.')
