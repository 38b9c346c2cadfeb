"""Gauges of the host: processor, memory, disk."""

from __future__ import annotations

from typing import Optional

import psutil

DISK = '/'
MEGABYTE = 1024**2
GIGABYTE = 1024**3


class HostGauges:
    """Samples the host; the processor's load is that since the previous sample.

    Not built on ``psutil.cpu_percent``: since psutil 5.9.6 that remembers its previous call by
    thread and answers 0.0 to the first one of each, and a thread pool has many threads.
    """

    def __init__(self) -> None:
        self._busy_s, self._total_s = _cpu_seconds()

    def sample(self) -> dict[str, float]:
        """Metric name -> value, in the metric's unit; may block on the disk."""
        memory = psutil.virtual_memory()
        disk = psutil.disk_usage(DISK)
        gauges = {
            'MemoryUtilization': memory.percent,
            'MemoryUsed': memory.used / MEGABYTE,
            'MemoryAvailable': memory.available / MEGABYTE,
            'DiskUtilization': disk.percent,
            'DiskUsed': disk.used / GIGABYTE,
            'DiskAvailable': disk.free / GIGABYTE,
        }
        cpu_percent = self._cpu_percent()
        return gauges if cpu_percent is None else {'CPUUtilization': cpu_percent, **gauges}

    def _cpu_percent(self) -> Optional[float]:
        """None where no tick of the kernel's clock (10 ms) has passed."""
        busy_s, total_s = _cpu_seconds()
        busy_delta, total_delta = busy_s - self._busy_s, total_s - self._total_s
        if total_delta <= 0:
            return None
        self._busy_s, self._total_s = busy_s, total_s
        return min(100.0, max(0.0, 100.0 * busy_delta / total_delta))


def _cpu_seconds() -> tuple[float, float]:
    """Seconds all processors together were busy, and in all, since boot."""
    times = psutil.cpu_times()._asdict()
    # Linux counts a guest's time in `user` and `nice` too.
    total = sum(times.values()) - times.get('guest', 0.0) - times.get('guest_nice', 0.0)
    return total - times['idle'] - times.get('iowait', 0.0), total
