"""The archive of EfficientNet-Lite0 with its real weights, as the example builds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BUILD = (Path(__file__).resolve().parent.parent / 'examples' / 'efficientnet_lite0'
         / 'build_archive.py')


def build_archive(folder: Path) -> str:
    """Build the archive into `folder`; return its path."""
    subprocess.run([sys.executable, str(BUILD), '--output', str(folder)], check=True,
                   stdout=subprocess.DEVNULL)
    return str(folder / 'efficientnet_lite0.model')
