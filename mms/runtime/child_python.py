"""How this package starts another Python."""

from __future__ import annotations

import os
import sys

# `-c` and `-m` put the working directory first, and a json.py that lies there before the
# standard library's.
_SAME_PATH = 'import os, sys; sys.path[:] = sys.argv.pop(1).split(os.pathsep); '
# PYTHONIOENCODING outdoes the UTF-8 mode; a Python that the code starts is to have both.
_PRINT_UTF8 = (
    "os.environ.update(PYTHONUTF8='1', PYTHONIOENCODING='utf-8:backslashreplace'); "
    'from mms.runtime.utf8 import print_utf8; print_utf8(); ')
_CONFINED = 'from mms.runtime.privileges import give_up; give_up(); '


def _is_text(entry: object) -> bool:
    """Python itself passes over any other kind of entry."""
    return isinstance(entry, str)


def _this_python() -> str:
    """``sys.executable``, or Python's own program where that is one that embeds it (uWSGI)."""
    own = os.path.join(sys.exec_prefix, 'bin', 'python3')
    is_python = 'python' in os.path.basename(sys.executable or '')
    return sys.executable if is_python or not os.path.exists(own) else own


def child_python(code: str, is_confined: bool = False) -> list[str]:
    """Words that run `code`, which finds its own words in ``sys.argv[1:]``.

    The child imports from where this process does. It reads and writes UTF-8, whatever the
    environment says, and so do the Pythons that it starts.

    Parameters
    ----------
    is_confined
        It is of another user: it gives up what rights it has beyond those of its user, and what
        lies in that user's home does not become a part of it.
    """
    return [_this_python(), *(['-s'] if is_confined else []), '-X', 'utf8', '-c',
            _SAME_PATH + (_CONFINED if is_confined else '') + _PRINT_UTF8 + code,
            os.pathsep.join(filter(_is_text, sys.path))]
