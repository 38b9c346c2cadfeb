"""``NAME=LOCATION``: which models are served, and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mms.archive.location import redacted, scheme_of
from mms.config.per_model import split_words
from mms.config.values import Reader

# Percent-encoded it has three times as many, and the server takes request lines of 8192.
_MOST_NAME_BYTES = 1000


class Models(Reader[Mapping[str, str]]):
    """Endpoint name -> location, in the order given."""

    domain = 'NAME=LOCATION'

    def read(self, value: Any, source: str) -> Mapping[str, str]:
        """The models, which are as they should be already."""
        return dict(value)

    def from_text(self, text: str) -> dict[str, str]:
        """The models of a variable, with blanks between them."""
        return add_pairs({}, split_words(text))

    def from_toml(self, value: Any) -> dict[str, str]:
        """The models of a table."""
        if not isinstance(value, dict):
            raise ValueError('is a table of names and locations: [models], and below it '
                             'resnet = "resnet.model"')
        models: dict[str, str] = {}
        for name, location in value.items():
            if not isinstance(location, str):
                raise ValueError(f'the location of {name!r} is not a text in quotes; a NAME with '
                                 'a dot is to be in quotes itself')
            add_model(models, name, location, f'{name}={redacted(location)}')
        return models


def add_pairs(models: Mapping[str, str], pairs: Iterable[str]) -> dict[str, str]:
    """`models`, and those of some ``NAME=LOCATION``.

    Raises
    ------
    ValueError
        A pair is none, or its NAME cannot be used; the message shows no password.
    """
    made = dict(models)
    for pair in pairs:
        name, equals, location = pair.partition('=')
        shown = redacted(pair) if scheme_of(pair) else f'{name}{equals}{redacted(location)}'
        if not equals:
            raise _no_pair(shown)
        add_model(made, name, location, shown)
    return made


def add_model(models: dict[str, str], name: str, location: str, shown: str) -> None:
    """Put one model among the others; `shown` stands for it in messages.

    Raises
    ------
    ValueError
    """
    if not location:
        raise _no_pair(shown)
    if not name.strip():
        raise ValueError(f'{shown!r} has no NAME before the =')
    fault = name_fault(name)
    if fault:
        raise ValueError(f'the NAME in {shown!r} {fault}, and the form is NAME=LOCATION')
    if models.setdefault(name, location) != location:
        raise ValueError(f'{name!r} is given twice with different locations')


def name_fault(name: str) -> str:
    """Why a text cannot be the name of an endpoint; an empty string where it can."""
    if not name.strip():
        return 'is empty'
    if '/' in name:
        return 'holds a /; it becomes one segment of the URL'
    if name in ('.', '..') or not name.isprintable():
        return 'cannot be a segment of a URL'
    if len(name.encode()) > _MOST_NAME_BYTES:
        return f'is longer than {_MOST_NAME_BYTES} bytes'
    return ''


def _no_pair(shown: str) -> ValueError:
    return ValueError(f'{shown!r} is not NAME=LOCATION, for example resnet=resnet.model')
