"""Pages of which origins may read the answers of the server."""

from __future__ import annotations

import re

EVERY, NONE = '*', 'none'
# RFC 6454: scheme, host and port. Pages of apps have schemes of their own.
_ORIGIN = re.compile(r'([a-z][a-z0-9+.-]*)://([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])'
                     r'(?::([0-9]{1,5}))?')
_DEFAULT_PORTS = {'http': '80', 'https': '443'}


class Origins:
    """Some origins, as a browser sends them in ``Origin``.

    Parameters
    ----------
    text
        Origins with commas between them; ``*`` for every one, ``none`` for none.

    Attributes
    ----------
    every
        Whether every origin is one of these.
    is_none
        Whether none is.

    Raises
    ------
    ValueError
        Something in it is no origin.
    """

    def __init__(self, text: str) -> None:
        words = [word.strip() for word in text.split(',') if word.strip()]
        self.every = words == [EVERY]
        self.is_none = words == [NONE]
        is_list = not self.every and not self.is_none
        self._origins = frozenset(map(_written, words)) if is_list else frozenset()
        if is_list and not words:
            raise ValueError
        self._text = ','.join(words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origins) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f'Origins({self._text!r})'

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin may read answers."""
        return self.every or origin in self._origins


def _written(word: str) -> str:
    """As browsers write it: in small letters, without the port that the scheme has anyway."""
    found = _ORIGIN.fullmatch(word.lower())
    if found is None or int(found[3] or 0) > 65535:
        raise ValueError
    scheme, host, port = found.groups()
    return f'{scheme}://{host}' + (
        f':{int(port)}' if port and port != _DEFAULT_PORTS.get(scheme) else '')


EVERY_ORIGIN, NO_ORIGIN = Origins(EVERY), Origins(NONE)
