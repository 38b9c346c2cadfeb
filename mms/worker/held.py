"""What a service holds in its attributes, also in its lists and dicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def held_by(service: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Each object of a kind, once, with its place: ``net``, ``nets['small']``."""
    seen: set[int] = set()
    for name, value in list(getattr(service, '__dict__', {}).items()):
        for label, item in _items(name, value):
            if isinstance(item, kind) and id(item) not in seen:
                seen.add(id(item))
                yield label, item


def _items(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f'{name}[{key!r}]', item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((f'{name}[{index}]', item) for index, item in enumerate(value))
    else:
        yield name, value
