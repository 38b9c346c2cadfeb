"""``--required-models``: without which models a server is not ready."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from mms.config.per_model import split_words, words_of
from mms.config.values import Reader
from mms.errors import UsageError

ALL, NONE = 'all', 'none'


@dataclass(frozen=True)
class Required:
    """Models without which a server is not ready.

    Attributes
    ----------
    every
        All that are served.
    if_served
        Those that are required while they are served: who removes one says that it is not needed.
    names
        Those that have to be there.
    """

    every: bool = False
    if_served: Collection[str] = ()
    names: Sequence[str] = ()

    def __contains__(self, name: object) -> bool:
        return self.every or name in self.if_served or name in self.names


class RequiredModels(Reader[Required]):
    """``all``, ``none``, or names of models."""

    domain = 'all, none, or names of models'

    def read(self, value: Any, source: str) -> Required:
        """Which models are required; see :class:`Reader`."""
        words = list(dict.fromkeys(words_of(value)))
        if len(words) > 1 and {ALL, NONE} & set(words):
            raise UsageError(f"{source} {' '.join(words)!r} is not {self.domain}: all and none "
                             'stand alone')
        if not all(word.strip() for word in words):
            raise UsageError(f'{source} {value!r} is not {self.domain}')
        if words == [ALL]:
            return Required(every=True)
        return Required(names=() if words == [NONE] else tuple(words))

    def from_text(self, text: str) -> list[str]:
        """The words of a variable."""
        return split_words(text)

    def from_toml(self, value: Any) -> list[str]:
        """The words of a list, or one."""
        return list(words_of(value))
