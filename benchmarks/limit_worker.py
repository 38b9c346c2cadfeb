"""One process of the in-process limit: ``python limit_worker.py ARCHIVE RAW BATCH SECONDS``.

Says ``ready`` once warm, waits for a line on standard input, runs batches of the
hooks for so long, and prints the milliseconds of each as one JSON list. Then it
waits for its standard input to end, so that its memory can be looked at.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from hooks import load_service, read_raw, run_batch

WARM_S = 3


def main() -> None:
    """Warm, wait, run."""
    archive, raw, batch, seconds = sys.argv[1:5]
    service = load_service(archive)
    raws = [read_raw(service, Path(raw))] * int(batch)

    def run(for_s: float) -> list[float]:
        times: list[float] = []
        end = time.perf_counter() + for_s
        while time.perf_counter() < end:
            start = time.perf_counter()
            run_batch(service, raws)
            times.append((time.perf_counter() - start) * 1000)
        return times

    run(min(WARM_S, float(seconds)))
    print('ready', flush=True)
    sys.stdin.readline()
    print(json.dumps(run(float(seconds))), flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main()
