"""A plugin of pytest: the modules that come with an extra cannot be imported."""

import sys

from extras import EXTRAS

sys.modules.update(dict.fromkeys(EXTRAS))
