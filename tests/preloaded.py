"""Libraries that tests preload into processes, compiled when they are wanted."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

# Of the compiled libraries; each ends with this process.
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def compiled(source: Path) -> Path:
    """The library of a C source.

    Raises
    ------
    subprocess.CalledProcessError
        It cannot be compiled.
    FileNotFoundError
        There is no C compiler.
    """
    folder = tempfile.TemporaryDirectory(prefix=f'{source.stem}-')
    _FOLDERS.append(folder)
    library = Path(folder.name) / f'{source.stem}.so'
    subprocess.run([os.environ.get('CC', 'cc'), '-shared', '-fPIC', '-O1', '-o', str(library),
                    str(source), '-ldl'], check=True)
    return library
