"""What containers leave of the machine, from folders as their kernels make them."""

import os
import resource
import subprocess
import sys

import psutil
import pytest

from mms.runtime import resources
from mms.runtime.resources import free_bytes, usable, usable_cores

MB = 1024**2
HERE = len(os.sched_getaffinity(0))


class Machine:
    """A folder of cgroups, and what ``/proc/self/cgroup`` says."""

    def __init__(self, folder):
        self.root = folder / 'cgroup'
        self.own = folder / 'self'
        self.root.mkdir()

    def lines(self, *lines):
        self.own.write_text('\n'.join(lines) + '\n')

    def set(self, path, **files):
        folder = self.root / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name.replace('__', '.')).write_text(f'{text}\n')

    def cores(self):
        return usable_cores(self.root, self.own)

    def free(self):
        return free_bytes(self.root, self.own)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr(resources.os, 'sched_getaffinity', lambda pid: set(range(16)))
    return Machine(tmp_path)


def test_without_cgroups_there_are_the_cores_of_the_affinity_mask(machine):
    assert machine.cores() == 16
    assert machine.free() > 0


@pytest.mark.parametrize(('quota', 'cores'), [
    ('max 100000', 16), ('400000 100000', 4), ('150000 100000', 1), ('50000 100000', 1),
    ('6400000 100000', 16), ('', 16), ('nonsense', 16), ('100000 0', 16),
])
def test_a_quota_of_v2_bounds_the_cores(machine, quota, cores):
    machine.lines('0::/docker/abc')
    machine.set('docker/abc', cpu__max=quota)
    assert machine.cores() == cores


@pytest.mark.parametrize(('quota', 'cores'), [('-1', 16), ('300000', 3), ('20000', 1)])
def test_a_quota_of_v1_bounds_the_cores(machine, quota, cores):
    machine.lines('5:cpu,cpuacct:/docker/abc', '4:memory:/docker/abc')
    machine.set('cpu,cpuacct/docker/abc', cpu__cfs_quota_us=quota, cpu__cfs_period_us=100000)
    assert machine.cores() == cores


def test_a_quota_of_a_controller_that_is_mounted_alone_is_found(machine):
    machine.lines('5:cpu,cpuacct:/docker/abc')
    machine.set('cpu/docker/abc', cpu__cfs_quota_us=200000, cpu__cfs_period_us=100000)
    assert machine.cores() == 2


def test_the_tightest_of_the_folders_above_counts(machine):
    machine.lines('0::/kubepods/pod/container')
    machine.set('kubepods/pod/container', cpu__max='800000 100000')
    machine.set('kubepods/pod', cpu__max='300000 100000')
    machine.set('kubepods', cpu__max='1200000 100000')
    assert machine.cores() == 3


def test_in_a_container_the_root_is_the_container_s_own(machine):
    machine.lines('0::/docker/path/of/the/host')
    machine.set('.', cpu__max='200000 100000', memory__max=100 * MB, memory__current=60 * MB)
    assert machine.cores() == 2
    assert machine.free() == 40 * MB


def test_the_limit_of_v2_bounds_the_memory_and_the_page_cache_is_no_use_of_it(machine):
    machine.lines('0::/a')
    machine.set('a', memory__max=100 * MB, memory__current=90 * MB,
                memory__stat=f'anon 5\ninactive_file {50 * MB}\nactive_file 7')
    assert machine.free() == 60 * MB


def test_the_limit_of_v1_bounds_the_memory(machine):
    machine.lines('4:memory:/a')
    machine.set('memory/a', memory__limit_in_bytes=100 * MB, memory__usage_in_bytes=90 * MB,
                memory__stat=f'inactive_file 1\ntotal_inactive_file {20 * MB}')
    assert machine.free() == 30 * MB


def test_no_limit_of_memory_is_that_of_the_machine(machine):
    before = psutil.virtual_memory().total
    machine.lines('0::/a', '4:memory:/a')
    machine.set('a', memory__max='max', memory__current=90 * MB)
    machine.set('memory/a', memory__limit_in_bytes=2**63 - 4096, memory__usage_in_bytes=90 * MB)
    assert 100 * MB < machine.free() < before


def test_a_group_that_has_used_up_its_memory_has_none(machine):
    machine.lines('0::/a')
    machine.set('a', memory__max=10 * MB, memory__current=12 * MB)
    assert machine.free() == 0


@pytest.mark.parametrize(('text', 'threads'), [
    ('1', 1), ('1,2', 1), ('', HERE), ('many', HERE), ('0', HERE), ('4096', usable_cores())])
def test_omp_num_threads_bounds_the_threads_of_a_worker(monkeypatch, text, threads):
    monkeypatch.setenv('OMP_NUM_THREADS', text)
    assert usable().threads == min(threads, usable().cores)


def test_this_machine_has_a_core_and_memory():
    assert 1 <= usable().cores <= HERE
    assert usable().free_bytes > 0


def test_the_soft_limit_on_open_files_becomes_the_hard_one():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    code = ('import resource as r; from mms.runtime.resources import raise_file_limit; '
            f'r.setrlimit(r.RLIMIT_NOFILE, (64, {hard})); raise_file_limit(); '
            'print(*r.getrlimit(r.RLIMIT_NOFILE))')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout == f'{hard} {hard}\n', done.stderr
