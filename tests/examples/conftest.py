"""Lets the tests import the scripts of examples/efficientnet_lite0."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / 'examples' / 'efficientnet_lite0'))
