"""Runs a script of the examples as Python does: its path is the first word, its own words follow.

A launcher forks it with what such scripts import (``launcher.py``).
"""

import os
import runpy
import sys

from mms import mxnet_compat

mxnet_compat.prepare_services()

# The variable with the name of a package that is not there for it.
WITHOUT = 'EXAMPLE_WITHOUT'


def main():
    del sys.argv[0]
    sys.path[0] = os.path.dirname(sys.argv[0])
    if WITHOUT in os.environ:
        _leave_out(os.environ[WITHOUT])
    runpy.run_path(sys.argv[0], run_name='__main__')


def _leave_out(package):
    within = [name for name in sys.modules if name.startswith(f'{package}.')]
    sys.modules.update(dict.fromkeys([package, *within]))
