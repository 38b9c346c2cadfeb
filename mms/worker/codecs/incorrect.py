"""The answer to an input that is not what its type says."""

from __future__ import annotations

from mms.errors import BadRequest


def incorrect(name: str, reason: str) -> BadRequest:
    """Error that names the input as clients of 0.4 know it.

    Parameters
    ----------
    name
        The `data_name` of the signature.
    reason
        What is wrong, as a sentence.
    """
    return BadRequest(f'Input data for request argument: {name} is not correct. {reason}')
