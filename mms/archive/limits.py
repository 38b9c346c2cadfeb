"""How large the parts of an archive may be that are read whole.

JSON text takes up to 25 times its size in memory, Python source up to 1000 times.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from mms.errors import StartupError

MEGABYTE = 1024**2

MANIFEST_BYTES = MEGABYTE
# A sample of a picture as a list of numbers has its room.
SIGNATURE_BYTES = 8 * MEGABYTE
SERVICE_BYTES = MEGABYTE
LABELS_BYTES = 16 * MEGABYTE
# Of a symbol that is looked at before MXNet reads it; a larger one is not looked at.
SYMBOL_BYTES = 16 * MEGABYTE
# What a zip says of 10,000 members, with names of 200 characters and more.
DIRECTORY_BYTES = 4 * MEGABYTE

# NumPy 1 has arrays of so many dimensions, and MXNet fewer.
DIMENSIONS = 32
LENGTH = 2**63 - 1
TENSORS = 1000
# Of a parameter file. MXNet makes an object of each.
ARRAYS = 100_000
NAME_CHARACTERS = 1000
# Python 3.9 and 3.10 take quadratic time for the digits of a number, and later ones refuse these.
DIGITS = 4300


class DownloadLimits(NamedTuple):
    """What a download may cost.

    Attributes
    ----------
    most_bytes
        Of the file.
    seconds
        From its beginning to its end, whatever is tried again.
    said
        What the first is, for messages.
    """

    most_bytes: int = 16 * 1024**3
    seconds: float = 3600.0
    said: str = '--max-download-size'


def check_size(path: str, limit: int, where: str, error: type[StartupError]) -> None:
    """See that a file is small enough to be read whole; one that is not there passes.

    Raises
    ------
    StartupError
        An `error`, which calls the file `where`.
    """
    try:
        size = os.path.getsize(path)
    except OSError:
        return
    check_bytes(size, limit, where, error)


def check_bytes(size: int, limit: int, where: str, error: type[StartupError]) -> None:
    """The same of a size that is known.

    Raises
    ------
    StartupError
    """
    if size > limit:
        raise error(f'{where} has {size} bytes; {limit // MEGABYTE} MB are the most')


def whole_number(digits: str) -> int:
    """The number that some digits of JSON stand for.

    Raises
    ------
    ValueError
        There are too many.
    """
    if len(digits) > DIGITS:
        raise ValueError('too many digits')
    return int(digits)
