"""Disks that are slow or full at will: what a preloaded library makes of the files of a folder."""

from __future__ import annotations

import struct
from pathlib import Path

from preloaded import compiled

SOURCE = Path(__file__).with_name('disk_faults.c')


class Disk:
    """The files below a folder, as processes with :attr:`environment` find them.

    Parameters
    ----------
    folder
        Whose files are slow, or find no room.
    state
        A file of its own, elsewhere.

    Raises
    ------
    subprocess.CalledProcessError
        The library cannot be compiled.
    FileNotFoundError
        There is no C compiler.
    """

    def __init__(self, folder: Path, state: Path) -> None:
        self._state = state
        self._set(0, False)
        self.environment = {'LD_PRELOAD': str(compiled(SOURCE)), 'DISK_STATE': str(state),
                            'DISK_FOLDER': str(folder.resolve())}

    def be_slow(self, milliseconds: int) -> None:
        """Let each operation take so long, from now on."""
        self._set(milliseconds, False)

    def be_full(self) -> None:
        """Let nothing be written any more."""
        self._set(0, True)

    def be_well(self) -> None:
        """Work as a disk does."""
        self._set(0, False)

    def _set(self, milliseconds: int, is_full: bool) -> None:
        # In place: processes have it mapped.
        with open(self._state, 'r+b' if self._state.exists() else 'wb') as file:
            file.write(struct.pack('=ii', milliseconds, is_full))
