"""What a service holds in its attributes, also in its lists and dicts, at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def instances_in(service: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Each object of a kind, once, with its place: ``net``, ``nets['small'][0]``."""
    seen: set[int] = set()
    for name, value in list(getattr(service, '__dict__', {}).items()):
        for label, item in _items(name, value, seen):
            if isinstance(item, kind):
                yield label, item


def _items(name: str, value: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield from _items(f'{name}[{key!r}]', item, seen)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _items(f'{name}[{index}]', item, seen)
    else:
        yield name, value
