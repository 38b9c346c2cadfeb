"""Cases whose coverage is not measured: another case takes the same branches."""

import pytest


def again(*values):
    """For ``parametrize``: values that take long when they are measured, and show no more then."""
    return [pytest.param(value, marks=pytest.mark.unmeasured) for value in values]
