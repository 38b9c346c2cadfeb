"""UTF-8 for everything that is read and written, whatever encoding the environment has."""

from __future__ import annotations

import codecs
import contextlib
import io
import locale
import os
import sys
from typing import Optional

ESCAPES = 'backslashreplace'
_COMMANDS = ('mxnet-model-server', 'mxnet-model-export', 'mxnet-model-predict')


def start_in_utf8() -> None:
    """Start this command anew in Python's UTF-8 mode, where the environment has it use another
    encoding for arguments, names of files and text in them; nothing else can change these.

    Does nothing in a program that only calls this package.
    """
    if not _is_in_utf8() and _is_command():
        words = _words()
        if words:
            # What cannot be started goes on as it is.
            with contextlib.suppress(OSError):
                os.execv(sys.executable, [sys.executable, '-X', 'utf8', *words[1:]])


def print_utf8() -> None:
    """Have standard output and standard error take any text; what is no text is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding='utf-8', errors=ESCAPES)


def _is_in_utf8() -> bool:
    encodings = sys.getfilesystemencoding(), locale.getpreferredencoding(False)
    return sys.flags.utf8_mode == 1 or all(
        codecs.lookup(encoding).name == 'utf-8' for encoding in encodings)


def _is_command() -> bool:
    """Whether this process is one of the commands, not a program that calls one."""
    spec = getattr(sys.modules['__main__'], '__spec__', None)
    is_module = spec is not None and spec.name.partition('.')[0] == 'mms'
    return bool(sys.executable) and (is_module or os.path.basename(sys.argv[0]) in _COMMANDS)


def _words() -> Optional[list[str]]:
    """How this process was started; None where this is unknown (Python 3.9 off Linux)."""
    known: Optional[list[str]] = getattr(sys, 'orig_argv', None)
    if known is None:
        with contextlib.suppress(OSError), open('/proc/self/cmdline', 'rb') as file:
            return [os.fsdecode(word) for word in file.read().split(b'\0')[:-1]]
    return known
