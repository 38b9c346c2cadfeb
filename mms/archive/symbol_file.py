"""What the text of a symbol file tells of a network, without MXNet."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from mms.archive.limits import SYMBOL_BYTES, whole_number
from mms.errors import ExportError

_VARIABLE = 'null'
# As MXNet's layers call what they learn, and its losses what they compare with.
_LEARNED = re.compile(
    r'(weight|bias|gamma|beta|alpha|mean|var|parameters|label|init_[hc]|begin_state_\d+)$')
# As many inputs as a message names.
_NAMED = 5


def check_inputs(signature: Mapping[str, Any], symbol_path: str, where: str) -> None:
    """See that each input of the signature is a variable of the network.

    Parameters
    ----------
    signature
        That of the model.
    symbol_path
        Its ``...-symbol.json``.
    where
        What to call the signature in messages.

    Raises
    ------
    ExportError
    """
    variables = variables_of(symbol_path)
    for entry in signature['inputs'] if variables else ():
        if entry['data_name'] not in variables:
            free = [name for name in variables if not _LEARNED.search(name)] or variables
            names = ', '.join(free[:_NAMED])
            raise ExportError(f"{where}: input {entry['data_name']!r} is not an input of the "
                              f'network, which has: {names}')


def variables_of(symbol_path: str) -> list[str]:
    """Names of a network's inputs and parameters; none where the file is huge or no symbol."""
    try:
        if os.path.getsize(symbol_path) > SYMBOL_BYTES:
            return []
        with open(symbol_path, encoding='utf-8') as file:
            symbol = json.load(file, parse_int=whole_number)
    except (OSError, ValueError, RecursionError):
        return []
    nodes = symbol.get('nodes') if isinstance(symbol, dict) else None
    return [str(node.get('name')) for node in nodes or ()
            if isinstance(node, dict) and node.get('op') == _VARIABLE]
