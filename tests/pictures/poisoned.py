"""Decode pictures twice, in memory filled in two ways, and write what came of each as JSON.

Words: a folder of pictures, and ``guarded`` or ``bare``. Run with glibc's own cache of small pieces
off, since it fills none of them.
"""

import ctypes
import hashlib
import json
import pathlib
import sys

from mms.mxnet_compat import mxnet as mx
from mms.pictures.guard import guard

folder, how = sys.argv[1:]
if how == 'guarded':
    guard()

M_PERTURB = -6
mallopt = ctypes.CDLL(None).mallopt


def decoded(data, fill):
    mallopt(M_PERTURB, fill)
    try:
        pixels = mx.image.imdecode(data).asnumpy()
        return f'{pixels.shape} {hashlib.sha256(pixels.tobytes()).hexdigest()}'
    except mx.base.MXNetError:
        return 'refused'
    finally:
        mallopt(M_PERTURB, 0)


json.dump({path.name: [decoded(path.read_bytes(), fill) for fill in (0x55, 0xaa)]
           for path in sorted(pathlib.Path(folder).iterdir())}, sys.stdout)
