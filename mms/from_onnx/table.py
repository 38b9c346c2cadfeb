"""The table of operators: what translates each of them, and where its limits are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple

if TYPE_CHECKING:
    from mms.from_onnx.node import Node

# Returns the symbol of the first output, or a list of one an output.
Translate = Callable[['Node'], Any]

FLOATS = 'float16 float32 float64'
NUMBERS = f'{FLOATS} int8 uint8 int32 int64'
ANY = f'{NUMBERS} bool'


class Operator(NamedTuple):
    """One row.

    Attributes
    ----------
    types
        Element types that its first input may have.
    limits
        What is refused, for people.
    """

    name: str
    translate: Translate
    types: frozenset[str]
    limits: str


OPERATORS: dict[str, Operator] = {}


def operator(
    *names: str, types: str = FLOATS, limits: str = ''
) -> Callable[[Translate], Translate]:
    """Put a translator into the table under the names of its operators."""

    def add(translate: Translate) -> Translate:
        for name in names:
            OPERATORS[name] = Operator(name, translate, frozenset(types.split()), limits)
        return translate

    return add
