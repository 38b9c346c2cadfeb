"""An archive of MMS 0.4 itself: a picture classifier of a few kilobytes."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from mms import mxnet_compat

ARCHIVE = (Path(__file__).resolve().parent.parent / 'tests' / 'fixtures' / 'mms04'
           / 'a2_vision.model')
PREFIX, EPOCH = 'a2_vision', 7
# Before its softmax, which wants labels.
OUTPUT = 'fc_output'


def build_archive(folder: Path) -> str:
    """Copy the archive into `folder`; return its path."""
    return str(shutil.copy(ARCHIVE, folder / 'small.model'))


def export_network(graph: Path) -> None:
    """Write its network as Gluon exports one."""
    mxnet_compat.prepare_services()
    import mxnet

    with zipfile.ZipFile(ARCHIVE) as archive:
        files = [archive.extract(name, graph) for name in archive.namelist() if PREFIX in name]
    symbol, arguments, auxiliary = mxnet.model.load_checkpoint(str(graph / PREFIX), EPOCH)
    symbol.get_internals()[OUTPUT].save(str(graph / 'network-symbol.json'))
    mxnet.nd.save(str(graph / 'network-0000.params'), {
        **{f'arg:{name}': value for name, value in arguments.items()},
        **{f'aux:{name}': value for name, value in auxiliary.items()}})
    for file in files:
        Path(file).unlink()
