"""The hooks of an archive's service, called in this process: what a request costs without HTTP.

Reads lines from standard input; for each, calls the service that many times and
writes one JSON list of milliseconds.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from pathlib import Path

from mms import mxnet_compat
from mms.model_loader import ModelLoader
from mms.worker.loading.service_loader import build_service, load_service_class


def main() -> None:
    """Serve the archive named first with the pictures named behind it, by turns."""
    mxnet_compat.prepare()
    [(_, name, folder, manifest)] = ModelLoader.load({'model': sys.argv[1]})
    file = os.path.join(folder, manifest['Model']['Service'])
    service = build_service(load_service_class(file, manifest['Model']['Model-Format']),
                            name, folder, manifest, None)
    pictures = itertools.cycle([Path(name).read_bytes() for name in sys.argv[2:]])
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            picture = next(pictures)
            start = time.perf_counter()
            json.dumps(service.inference([picture]))
            times.append((time.perf_counter() - start) * 1000)
        print(json.dumps(times), flush=True)


if __name__ == '__main__':
    main()
