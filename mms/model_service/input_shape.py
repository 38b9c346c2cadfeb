"""Do the inputs have the shapes that the signature promises?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mms.errors import BadRequest
from mms.mxnet_engine.arrays import is_ndarray


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
        raise InputShapeError(f'The inputs are no list but {type(inputs).__name__}.')
    if len(inputs) != len(expected):
        raise InputShapeError(f'There are {len(inputs)} input(s); the signature asks for '
                              f'{len(expected)}.')
    for array, entry in zip(inputs, expected):
        _check_one(array, entry['data_name'], entry['data_shape'])


def _check_one(array: Any, name: str, expected: Sequence[int]) -> None:
    if not is_ndarray(array):
        raise InputShapeError(f'Input {name} is no NDArray but {type(array).__name__}.')
    got = tuple(array.shape)
    if len(got) != len(expected):
        raise InputShapeError(f'Input {name} has {len(got)} dimension(s), its shape is '
                              f'{list(got)}; the signature asks for {len(expected)}, as in '
                              f'{list(expected)}.')
    if any(want not in (0, have) for want, have in list(zip(expected, got))[1:]):
        raise InputShapeError(f'Input {name} has the shape {list(got)}; the signature asks for '
                              f'{list(expected)}.')
