"""Runs a command for which everybody may enter the way to some paths, in mounts of its own.

``python open_to_others.py PATH ... -- COMMAND ...``. Where Python lies below ``/root``, say, no
process of another user could run it.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import PurePath

_NEW_MOUNTS = 0x00020000
_EVERYBODY_ENTERS = 0o001


def closed(paths):
    """The first folder on the way to the paths that not everybody may enter."""
    for path in paths:
        for folder in reversed(PurePath(path).parents):
            if not os.stat(folder).st_mode & _EVERYBODY_ENTERS:
                return folder
    return None


def open_way(paths):
    """Put a folder in the place of each closed one that has nothing but what leads to the paths."""
    while folder := closed(paths):
        below = {PurePath(path).relative_to(folder).parts[0] for path in paths
                 if folder in PurePath(path).parents}
        kept = {name: tempfile.mkdtemp(dir='/tmp') for name in below}
        for name, place in kept.items():
            mount('--bind', folder / name, place)
        mount('-t', 'tmpfs', '-o', 'mode=755', 'none', folder)
        for name, place in kept.items():
            os.mkdir(folder / name)
            mount('--bind', place, folder / name)
            subprocess.run(['umount', place], check=True)
            os.rmdir(place)


def mount(*words):
    subprocess.run(['mount', *words], check=True, stdout=subprocess.DEVNULL)


def main():
    end = sys.argv.index('--')
    if ctypes.CDLL(None).unshare(_NEW_MOUNTS):
        sys.exit('mounts of its own are refused to this process')
    mount('--make-rprivate', '/')
    open_way(sys.argv[1:end])
    os.execv(sys.argv[end + 1], sys.argv[end + 1:])


if __name__ == '__main__':
    main()
