"""Which inputs a model takes, as ``/api-description`` tells; servers of MMS 0.4 have it too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

_PREDICT = re.compile(r'/([^/]+)/predict')
_PICTURE = 'file'
_SHAPE = re.compile(r'\[[^\]]*\]\Z')


class Input(NamedTuple):
    """An input of a model.

    Attributes
    ----------
    name
        Of its field.
    is_picture
        Whether it is one, or a tensor as JSON.
    shape
        Of one item as the server writes it, as ``[3, 224, 224]``; empty where it does not.
    """

    name: str
    is_picture: bool
    shape: str = ''


Inputs = tuple[Input, ...]


def models_of(content: Any) -> dict[str, Inputs]:
    """Name of each model -> its inputs.

    Parameters
    ----------
    content
        Of the answer.

    Raises
    ------
    ValueError
        It is no such description.
    """
    try:
        paths: Mapping[str, Any] = content['description']['paths']
        return {unquote(found[1]): tuple(map(_input, methods['post']['parameters']))
                for path, methods in paths.items() for found in [_PREDICT.fullmatch(path)]
                if found and 'post' in methods}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError('no description of models') from error


def _input(parameter: Mapping[str, Any]) -> Input:
    shape = _SHAPE.search(str(parameter.get('description', '')))
    return Input(parameter['name'], parameter['type'] == _PICTURE, shape[0] if shape else '')
