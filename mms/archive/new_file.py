"""A file that appears whole or not at all, and never in the place of another."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Optional

from mms.errors import ExportError

_MODE = 0o666


class NewFile:
    """A file that is written and has no name yet.

    Where the file system can, it has none at all until it is published, so that nothing is left
    of it however the process ends; else it is a hidden ``.NAME.part``, which stays behind when the
    process is killed with SIGKILL.

    Parameters
    ----------
    path
        Its name to be.

    Attributes
    ----------
    stream
        To write to, and to read from.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._folder, self._name = os.path.split(os.path.abspath(path))
        self._part: Optional[str] = None
        self.stream: BinaryIO = os.fdopen(self._opened(), 'w+b')

    def publish(self, replace: bool = False) -> None:
        """Give it its name.

        Parameters
        ----------
        replace
            Whether it may take the place of another file.

        Raises
        ------
        ExportError
            There is such a file.
        OSError
        """
        self.stream.flush()
        if replace:
            self._named_part()
            os.replace(self._part or '', self._path)
            return
        try:
            self._link(self._path)
        except FileExistsError as exc:
            raise already_exists(self._path) from exc
        except OSError:  # FAT and some network file systems have no hard links
            self._reserve_and_rename()

    def close(self) -> None:
        """Remove what was not published."""
        self.stream.close()
        if self._part is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._part)

    def _opened(self) -> int:
        try:
            return os.open(self._folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, _MODE)
        except OSError:
            self._part = self._new_part()
            return self._open(self._part)

    def _open(self, part: str) -> int:
        try:
            return os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, _MODE)
        except OSError as exc:
            exc.filename = self._path
            raise

    def _new_part(self) -> str:
        return os.path.join(self._folder, f'.{self._name[:200]}.{secrets.token_hex(4)}.part')

    def _named_part(self) -> None:
        if self._part is not None:
            return
        part = self._new_part()
        try:
            self._link(part)
            self._part = part
        except OSError:
            self._part = part
            with os.fdopen(self._open(part), 'wb') as copy:
                self.stream.seek(0)
                shutil.copyfileobj(self.stream, copy)

    def _link(self, path: str) -> None:
        if self._part is not None:
            os.link(self._part, path)
            return
        # With a folder beside it, Python follows the link of /proc (AT_SYMLINK_FOLLOW).
        folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
        try:
            os.link(f'/proc/self/fd/{self.stream.fileno()}', os.path.basename(path),
                    src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)

    def _reserve_and_rename(self) -> None:
        # It takes a while: nothing has the name meanwhile.
        self._named_part()
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE))
        except FileExistsError as exc:
            raise already_exists(self._path) from exc
        try:
            os.replace(self._part or '', self._path)
        except BaseException:
            os.unlink(self._path)
            raise


@contextmanager
def new_file(path: str) -> Iterator[NewFile]:
    """A new file, which is removed again where it is not published in the block.

    Raises
    ------
    OSError
    """
    made = NewFile(path)
    try:
        yield made
    finally:
        made.close()


def already_exists(path: str) -> ExportError:
    """The error for an archive that is there already."""
    return ExportError(f'model file {path} already exists. Remove it, choose another name, or '
                       'replace it with --force, in Python with force=True.')
