"""Properties are tried on the same inputs each time, and leave nothing in the working directory."""

import tempfile
from pathlib import Path

from effort import LONG

try:
    from hypothesis import HealthCheck, configuration, settings
except ImportError:
    # make matrix goes without it.
    collect_ignore_glob = ['test_properties*', 'test_fuzz*', 'test_descriptions*']
else:
    # Tables that it makes of Unicode.
    configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / 'mms-hypothesis')
    settings.register_profile('mms', derandomize=not LONG, database=None, deadline=None,
                              print_blob=True, suppress_health_check=list(HealthCheck))
    settings.load_profile('mms')
