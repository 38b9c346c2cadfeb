"""NumPy's types as annotations name them: of any number of dimensions, and of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    DType = np.dtype[Any]
else:
    # NumPy 1.19's take no arguments.
    Array = np.ndarray
    DType = np.dtype
