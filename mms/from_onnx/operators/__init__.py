"""The operators that convert, a family a module; importing this fills the table."""

from mms.from_onnx.operators import (  # noqa: F401
    activations,
    casting,
    comparing,
    convolution,
    einsum,
    elementwise,
    indexing,
    joining,
    linear,
    normalisation,
    padding,
    pooling,
    rearranging,
    recurrent,
    reductions,
    resizing,
    searching,
    shaping,
    slicing,
    softmax,
)
