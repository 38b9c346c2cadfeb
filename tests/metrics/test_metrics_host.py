import threading
import time

import psutil

from mms.metrics.host import HostGauges
from mms.metrics.names import METRICS


def keep_busy(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_every_gauge_of_the_table_is_sampled():
    gauges = HostGauges()
    keep_busy(0.2)
    gauge_units = {'Percent', 'Megabytes', 'Gigabytes'}
    assert set(gauges.sample()) == {m.name for m in METRICS if m.unit in gauge_units}


def test_the_values_are_in_the_tables_units():
    gauges = HostGauges()
    keep_busy(0.2)
    sample = gauges.sample()
    assert 0 < sample['CPUUtilization'] <= 100
    assert 0 < sample['MemoryUtilization'] < 100
    assert 0 < sample['DiskUtilization'] <= 100
    total_mb = psutil.virtual_memory().total / 2**20
    assert 0 < sample['MemoryUsed'] < total_mb
    assert 0 < sample['MemoryAvailable'] < total_mb
    disk = psutil.disk_usage('/')
    assert abs(sample['DiskUsed'] - disk.used / 2**30) < 5
    assert abs(sample['DiskAvailable'] - disk.free / 2**30) < 5


def test_a_sample_in_another_thread_still_sees_a_busy_processor():
    gauges = HostGauges()
    keep_busy(0.5)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(gauges.sample()['CPUUtilization']))
    thread.start()
    thread.join()
    # One busy core is this share of the host, less what the machine gave to others.
    assert seen[0] > 25 / psutil.cpu_count()


def test_two_looks_within_one_tick_of_the_clock_give_no_load_rather_than_a_wrong_one():
    gauges = HostGauges()
    samples = [gauges.sample() for _ in range(50)]
    assert all(0 <= sample.get('CPUUtilization', 0) <= 100 for sample in samples)
    assert all('MemoryUsed' in sample for sample in samples)
