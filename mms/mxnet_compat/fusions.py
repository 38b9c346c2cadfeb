"""MXNet's fusions of operators that change what a network answers, switched off.

MXNet 1.9.1 rewrites each symbol that it binds for its backend ``MKLDNN``, as does
``optimize_for``. Two of its patterns are matched where they must not be
(``src/operator/subgraph/mkldnn/mkldnn_fc_property.h`` and ``mkldnn_conv_property.h``). The
variables are read at each rewriting. Without the second pattern ResNet-18 takes 31.9 to 32.0 ms,
and 31.2 to 31.5 with it (one picture, one thread).
"""

from __future__ import annotations

import os

_HARMFUL = {
    # FullyConnected and an activation behind it become one, also where others take the output of
    # the FullyConnected; in about one time of ten the activation is lost, as of
    # where(x > 20, x, softplus(x)).
    'MXNET_DISABLE_MKLDNN_FUSE_FC_ELTWISE': '1',
    # Convolution and an addition behind it become one, also where what is added is an activation of
    # the same convolution, which is lost always, as of x + tanh(x).
    'MXNET_DISABLE_MKLDNN_FUSE_CONV_SUM': '1',
}


def switch_off() -> None:
    """Switch them off in this process and its children; what the user has set is heeded."""
    for name, value in _HARMFUL.items():
        os.environ.setdefault(name, value)
