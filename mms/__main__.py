"""``python -m mms``: the same as ``mxnet-model-server``."""

import sys

from mms.mxnet_model_server import main

sys.exit(main())
