"""Export torchvision's architectures with seeded random weights.

::

    python onnx_torchvision.py FOLDER [--only NAME ...] [--opsets 9 13 17]

writes ``NAME-traced-OPSET.onnx`` for each opset, and ``NAME-compiled-20.onnx``, as PyTorch exports
when nothing is said. In place of what it cannot write there is a ``.txt`` with the reason.
It needs torch and torchvision, and no MXNet.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from pathlib import Path


def main() -> int:
    """Export what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('folder', type=Path, help='where the files go')
    parser.add_argument('--only', nargs='+', metavar='NAME', help='default: all that are known')
    parser.add_argument('--opsets', type=int, nargs='+', default=[9, 11, 13, 15, 17], metavar='N')
    options = parser.parse_args()
    warnings.simplefilter('ignore')
    logging.disable(logging.CRITICAL)
    try:
        from torchvision_networks import NAMES, export
    except ImportError as error:
        print(f'onnx_torchvision.py: {error}: pip install torch torchvision onnx onnxscript',
              file=sys.stderr)
        return 1
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.only or NAMES:
        export(name, options.folder, options.opsets)
    return 0


if __name__ == '__main__':
    sys.exit(main())
