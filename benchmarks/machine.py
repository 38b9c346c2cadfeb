"""What the figures were measured on."""

from __future__ import annotations

import datetime
import platform
from importlib import metadata
from pathlib import Path

import psutil
from processes import cores

CPU_INFO = Path('/proc/cpuinfo')


def describe_machine() -> dict[str, str]:
    """Return name -> value, in the report's order."""
    return {
        'date': datetime.date.today().isoformat(),
        'CPU': cpu_model(),
        'cores': f'{cores()} for this run, of {psutil.cpu_count()}',
        'memory': f'{psutil.virtual_memory().total / 2**30:.0f} GiB',
        'system': f'{platform.system()} {platform.machine()}',
        'Python': platform.python_version(),
        'MXNet': _version('mxnet'),
        'NumPy': _version('numpy'),
        'mxnet-model-server': _version('mxnet-model-server'),
    }


def cpu_model() -> str:
    """Return the first ``model name`` of the kernel's list."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or 'unknown'


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return 'not installed'
