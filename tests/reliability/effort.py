"""How much the tests of this folder do: the short form, or the long one of ``make soak``."""

import os

# Set by `make soak`.
LONG = bool(os.environ.get('MMS_SOAK'))


def examples(count):
    """Examples of a property: so many in the short form."""
    return count * 30 if LONG else count
