"""``synset.txt``: the names of the classes, one a line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mms.archive.json_file import os_reason
from mms.archive.limits import LABELS_BYTES, check_size
from mms.archive.signature import OUTPUT_FORMAT
from mms.errors import ArchiveError

LABELS_FILE = 'synset.txt'


def label_advice(signature: Mapping[str, Any], model_dir: str) -> list[str]:
    """Outputs with more or fewer classes than there are labels, of a service that names classes.

    Parameters
    ----------
    signature
        That of the model. An output of unknown length says nothing.
    model_dir
        The folder with ``synset.txt``.

    Returns
    -------
    list of str

    Raises
    ------
    ArchiveError
        The labels are too large, or cannot be read.
    """
    path = os.path.join(model_dir, LABELS_FILE)
    if OUTPUT_FORMAT in signature or not os.path.isfile(path):
        return []
    check_size(path, LABELS_BYTES, path, ArchiveError)
    try:
        with open(path, 'rb') as file:
            count = len(file.read().splitlines())
    except OSError as exc:
        raise ArchiveError(f'{path} cannot be read: {os_reason(exc)}') from exc
    return [f"{LABELS_FILE}:{count}: there are {count} labels, and output "
            f"{entry['data_name']!r} of signature.json has {entry['data_shape'][1]} classes"
            for entry in signature['outputs']
            if len(entry['data_shape']) > 1 and entry['data_shape'][1] not in (0, count)]
