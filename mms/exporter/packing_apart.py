"""Have a folder packed: here where that runs no code of anybody's, else in another process."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple, Optional

from mms.archive.writer import write_archive
from mms.errors import ExportError
from mms.exporter.packing import packed
from mms.runtime.child_python import child_python

_RUN = 'from mms.export_model import main; sys.exit(main(sys.argv[1:]))'
_WARNING, _SAYS = 'WARNING: ', 'mxnet-model-export: '


class Packing(NamedTuple):
    """An archive, and what the packing has warned of."""

    archive: str
    remarks: list[str]


def pack(name: str, model_dir: str, into: str, service_file: Optional[str] = None,
         model_type: Optional[str] = None) -> Packing:
    """Write the archive ``NAME.model`` into a folder.

    Parameters
    ----------
    name
        Of the model.
    model_dir
        The folder of its files.
    into
        The other folder.
    service_file
        To find its class, it is loaded, in another process.
    model_type
        Of a model with a service file.

    Raises
    ------
    StartupError
        What stops an export.
    """
    archive = os.path.join(into, f'{name}.model')
    if service_file is None:
        with packed(name, model_dir) as members:
            write_archive(members, archive)
        return Packing(archive, [])
    words = ['--model-name', name, '--model-path', model_dir, '--service-file-path', service_file,
             *(['--model-type', model_type] if model_type else [])]
    done = subprocess.run([*child_python(_RUN), *words], cwd=into, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, encoding='utf-8',
                          errors='replace')
    lines = [line.replace(os.path.join(model_dir, ''), '') for line in done.stderr.splitlines()]
    if done.returncode:
        told = [line.removeprefix(_SAYS) for line in lines if line.startswith(_SAYS)]
        raise ExportError((told or lines or [f'the packing ended with {done.returncode}'])[-1])
    return Packing(archive, [line.removeprefix(_WARNING) for line in lines
                             if line.startswith(_WARNING)])
