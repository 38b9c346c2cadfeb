"""How much the tests of this folder do: the short form, or the long one of ``make soak``."""

import os

# Set by `make soak`.
LONG = bool(os.environ.get('MMS_SOAK'))
_SHORT, _LONG = 0.5, 30


def examples(count):
    """How many examples of a property are tried, by a number that says what it is worth."""
    return int(count * (_LONG if LONG else _SHORT))
