"""A benchmark of a server that is managed while it runs: its folder, and how it fails."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from processes import BenchmarkError, end_on_sigterm

from mms.client.management_client import ManagementError


def in_scratch(run: Callable[[Path], int]) -> int:
    """Run it in a folder that is removed again; its status, or 1 after one line that says why."""
    end_on_sigterm()
    try:
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
            return run(Path(folder))
    except (BenchmarkError, ManagementError) as error:
        print(f'{Path(sys.argv[0]).name}: {error}', file=sys.stderr)
        return 1
