"""Whether this process is in a container, whose log is what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

# Docker and Podman leave these files.
_FILES = ('.dockerenv', 'run/.containerenv')
# Kubernetes sets the first one, Podman and systemd-nspawn the second.
_VARIABLES = ('KUBERNETES_SERVICE_HOST', 'container')
# In the cgroup of the first process, where the kernel tells it.
_GROUPS = ('docker', 'kubepods', 'containerd', 'lxc')


def in_container(environment: Mapping[str, str], root: Path = Path('/')) -> bool:
    """Whether anything says so.

    Parameters
    ----------
    environment
        Variables of the process.
    root
        Its root folder.
    """
    if any(environment.get(name) for name in _VARIABLES):
        return True
    if any((root / name).exists() for name in _FILES):
        return True
    with suppress(OSError):
        groups = (root / 'proc/1/cgroup').read_text(encoding='utf-8', errors='replace')
        return any(name in groups for name in _GROUPS)
    return False
