"""Options that may say one thing for all models and another for single ones."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Optional, TypeVar

from mms.config.values import Reader, whole_or_auto
from mms.errors import UsageError

T = TypeVar('T')

MOST_WORKERS = 1024


@dataclass(frozen=True)
class PerModel(Generic[T]):
    """What holds for each model.

    Attributes
    ----------
    common
        For the models that are not named.
    named
        Endpoint name -> what holds for it alone.
    """

    common: T
    named: Mapping[str, T] = field(default_factory=dict)

    def of(self, model: str) -> T:
        """What holds for a model."""
        return self.named.get(model, self.common)

    def check_names(self, models: Mapping[str, str], source: str, value: Any) -> None:
        """Raise UsageError where a model is named that is not served."""
        for word in words_of(value):
            name = word.rpartition('=')[0]
            if name in self.named and name not in models:
                raise UsageError(f'{source} {word!r}: there is no model {name!r} in --models')


@dataclass(frozen=True)
class EachModel(Reader[PerModel[T]]):
    """Reads words: a value for all models, or ``NAME=VALUE`` for the model NAME alone.

    Parameters
    ----------
    domain
        The values that are taken.
    one
        Reads the value in a word: from the word without its NAME, the source and the word.
    unsaid
        What holds for the models about which nothing is said.
    origin
        What a model has already, and from where, where it is given a value twice.
    takes_lists
        Whether the value for one model may be a list with commas, which TOML has as a list.
    """

    domain: str
    one: Callable[[str, str, str], T]
    unsaid: T
    origin: Callable[[T], str]
    takes_lists: bool = False

    def read(self, value: Any, source: str) -> PerModel[T]:
        """What holds for each model; see :class:`Reader`."""
        # The key '' stands for all models that are not named.
        given: dict[str, T] = {}
        for word in words_of(value):
            name, equals, text = word.rpartition('=')
            if equals and not name:
                raise UsageError(f"{source} {word!r}: there is no model '' in --models")
            if name in given:
                raise UsageError(f'{source} {word!r}: {whose(name)} has its '
                                 f'{self.origin(given[name])} already')
            given[name] = self.one(text, source, word)
        return PerModel(given.pop('', self.unsaid), given)

    def from_text(self, text: str) -> list[str]:
        """The words of a variable."""
        return split_words(text)

    def from_toml(self, value: Any) -> list[str]:
        """The words of a list, of one value, or of a table of models."""
        if isinstance(value, dict):
            return [f'{name}={self._one_word(one)}' for name, one in value.items()]
        words = list(words_of(value))
        common = [word for word in words if '=' not in word]
        if not self.takes_lists or len(common) < 2:
            return words
        return [','.join(common), *(word for word in words if '=' in word)]

    def _one_word(self, value: Any) -> str:
        is_list = self.takes_lists and isinstance(value, list)
        return ','.join(map(str, value)) if is_list else str(value)


def worker_counts() -> EachModel[Optional[int]]:
    """How many workers each model has; None for ``auto``."""
    count = whole_or_auto(MOST_WORKERS)

    def one(text: str, source: str, word: str) -> Optional[int]:
        try:
            return count.take(text)
        except ValueError:
            raise UsageError(f'{source} {word!r} is not {count.domain}') from None

    return EachModel(count.domain, one, None, lambda _: 'number from another word')


def whose(name: str) -> str:
    """The model, or all of them, for messages."""
    return f'model {name}' if name else 'every model'


def words_of(value: Any) -> Iterator[str]:
    """The words of an option that may have several: one, a list, or None."""
    if value is None:
        return iter(())
    is_list = isinstance(value, Iterable) and not isinstance(value, str)
    return map(str, value if is_list else (value,))


def split_words(text: str) -> list[str]:
    """The words of a text, as a shell has them.

    Raises
    ------
    ValueError
        A quotation has no end. The text may hold passwords, so it is not in the message.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ValueError(f'its words cannot be told apart: {error}') from None
