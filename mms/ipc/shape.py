"""Whether a frame holds a message: a process that runs the code of a model may send anything."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Union

from mms.ipc.request import ANSWER_HEADERS, NO_HEADERS

Kinds = tuple[type, ...]

_STATUSES = range(100, 600)
# Larger ones are no float, nor a number of the system.
_NUMBERS = range(-2**63, 2**63)
_BY_HINT: dict[Any, Kinds] = {str: (str,), bool: (bool,), int: (int,), float: (int, float),
                              type(None): (type(None),)}


class BrokenFrame(ValueError):
    """What came is no message."""


def check_header(kind: type, header: Any) -> None:
    """See that the fields of a message are there, and of their types.

    Parameters
    ----------
    kind
        A class of :mod:`mms.ipc.messages`.
    header
        The JSON of the frame.

    Raises
    ------
    BrokenFrame
    """
    if type(header) is not dict:
        raise BrokenFrame(f'its header is a {type(header).__name__}')
    known, needed = _fields_of(kind)
    for name, value in header.items():
        # To the type: True is no number.
        if name not in known or type(value) not in known[name]:
            raise BrokenFrame(f'{kind.__name__} with {name!r} of the type {type(value).__name__}')
        if type(value) is int and value not in _NUMBERS:
            raise BrokenFrame(f'{kind.__name__} with {name!r} beyond any number')
    if not needed <= header.keys():
        raise BrokenFrame(f'{kind.__name__} without all of its fields')


def check_places(places: list[Any], answers: list[Any]) -> None:
    """See that each answer has a place.

    Raises
    ------
    BrokenFrame
    """
    if len(places) != len(answers) or not all(
            type(place) is int and place in _NUMBERS and place >= 0 for place in places):
        raise BrokenFrame('answers without their places')


def check_size(size: Any) -> None:
    """See that it is the size of a content, in bytes.

    Raises
    ------
    BrokenFrame
    """
    if type(size) is not int or size < 0:
        raise BrokenFrame('a content without its size')


def check_reply(stage_times_ms: Any, content_type: Any = '', status: Any = 200,
                headers: Any = NO_HEADERS) -> None:
    """See that what is known of an answer makes the head of one.

    Raises
    ------
    BrokenFrame
    """
    if type(stage_times_ms) is not dict or not all(
            type(value) is float or (type(value) is int and value in _NUMBERS)
            for value in stage_times_ms.values()):
        raise BrokenFrame('a reply without the times of its stages')
    if not _is_line(content_type):
        raise BrokenFrame('a reply of no content type')
    if type(status) is not int or status not in _STATUSES:
        raise BrokenFrame('a reply of no status')
    if headers is not NO_HEADERS:
        _check_headers(headers)


def _check_headers(headers: Any) -> None:
    if type(headers) is not dict or not all(
            name in ANSWER_HEADERS and _is_line(value) for name, value in headers.items()):
        raise BrokenFrame('a reply with headers that it may not have')


def _is_line(value: Any) -> bool:
    """Whether it may stand in a header: a line end would begin another one."""
    return type(value) is str and value.isascii() and value.isprintable()


def check_entries(heads: list[Any], name: Any) -> None:
    """See that what is known of entries makes requests.

    Raises
    ------
    BrokenFrame
    """
    if type(name) is not str or not all(
            type(head) is list and list(map(type, head[:3])) == [str, str, int] and head[2] >= 0
            and _are_headers(head[3:]) for head in heads):
        raise BrokenFrame('entries that are no requests')


def _are_headers(rest: list[Any]) -> bool:
    """Whether nothing follows, or what a protocol reads of a request's headers."""
    return not rest or (len(rest) == 1 and type(rest[0]) is dict and all(
        type(value) is str for value in rest[0].values()))


@cache
def _fields_of(kind: type) -> tuple[Mapping[str, Kinds], frozenset[str]]:
    """The types that JSON may have for each field, and the fields that have to be there."""
    hints = typing.get_type_hints(kind)
    each = fields(kind)
    return ({one.name: _kinds_of(hints[one.name]) for one in each},
            frozenset(one.name for one in each
                      if one.default is MISSING and one.default_factory is MISSING))


def _kinds_of(hint: Any) -> Kinds:
    if hint in _BY_HINT:
        return _BY_HINT[hint]
    if typing.get_origin(hint) is Union:
        return tuple(kind for one in typing.get_args(hint) for kind in _kinds_of(one))
    # What JSON has for a sequence, a device too.
    return (dict,) if typing.get_origin(hint) is dict else (list,)
