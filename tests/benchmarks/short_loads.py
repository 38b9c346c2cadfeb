"""Loads of less than a second, which is the least that wrk takes on its command line."""

import os
import shutil

LOAD_S = 0.8


def path_with_short_loads(folder):
    """A PATH on which wrk is interrupted after so long; it tells what it has seen until then."""
    script = folder / 'wrk'
    script.write_text('#!/bin/sh\n'
                      f'exec timeout --preserve-status --signal INT {LOAD_S} '
                      f'"{shutil.which("wrk")}" "$@"\n')
    script.chmod(0o755)
    return f'{folder}{os.pathsep}{os.environ["PATH"]}'
