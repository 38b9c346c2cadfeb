"""How many workers a model gets, and on how many threads they compute."""

import pytest

from mms.devices import CPU, GPU, Device
from mms.pool.crew import FORKED_WORKER_BYTES, choose_crew, crew_on, threads_for
from mms.resources import Resources

GB = 1024**3


def crew(asked=None, models=1, cores=4, free=64 * GB, threads=None, worker_bytes=GB, forked=True):
    return choose_crew(asked, models, Resources(cores, free, threads or cores), worker_bytes,
                       forked)


@pytest.mark.parametrize(('cores', 'models', 'workers'), [
    (1, 1, 1), (2, 1, 2), (4, 1, 4), (64, 1, 64), (4, 2, 4), (4, 3, 3), (4, 8, 1), (64, 100, 2),
])
def test_models_share_the_cores_and_each_has_a_worker(cores, models, workers):
    assert crew(cores=cores, models=models, free=10_000 * GB).workers == workers


@pytest.mark.parametrize(('free', 'workers'), [(64 * GB, 4), (6 * GB, 3), (2 * GB, 1), (0, 1)])
def test_half_of_the_free_memory_may_go_to_workers(free, workers):
    assert crew(free=free).workers == workers


def test_models_share_the_memory_as_well():
    assert crew(free=8 * GB, models=2).workers == 2


@pytest.mark.parametrize(('cores', 'asked', 'threads'), [
    (4, 1, 4), (4, 2, 2), (4, 3, 1), (4, 4, 1), (4, 9, 1), (1, 1, 1),
])
def test_workers_share_the_cores_they_compute_on(cores, asked, threads):
    made = crew(asked, cores=cores)
    assert (made.workers, made.threads) == (asked, threads)
    assert made.wide == (cores if threads < cores else 0)


def test_the_number_of_the_user_is_not_bounded_by_the_memory():
    assert crew(16, free=0).workers == 16


def test_omp_num_threads_is_heeded():
    assert crew(1, cores=8, threads=2)[:3] == (1, 2, 0)
    assert crew(8, cores=8, threads=2)[:3] == (8, 1, 2)
    assert crew(8, cores=8, threads=1)[:3] == (8, 1, 0)


def test_a_model_that_is_not_forked_has_no_worker_beside_its_crew():
    assert crew(forked=False).wide == 0


def test_it_says_what_it_weighed():
    assert crew().why == '4 cores, 1 model, 65536 MB free, about 1024 MB for each worker'
    assert crew(cores=1, models=2, worker_bytes=FORKED_WORKER_BYTES).why == (
        '1 core, 2 models, 65536 MB free, about 128 MB for each worker')
    assert crew(free=2 * GB).why.endswith('about 1024 MB for each worker, which is the limit')
    assert crew(3).why == 'as --workers says'


@pytest.mark.parametrize(('peak', 'threads'), [
    (0, 8), (1, 8), (2, 4), (3, 2), (4, 2), (5, 1), (8, 1), (100, 1),
])
def test_powers_of_two_of_busy_workers_share_the_cores(peak, threads):
    assert threads_for(peak, 8, Resources(8, GB, 8)) == threads


def test_no_more_workers_share_the_cores_than_there_are():
    assert threads_for(100, 2, Resources(8, GB, 8)) == 4
    assert threads_for(100, 3, Resources(8, GB, 8)) == 2
    assert threads_for(1, 8, Resources(8, GB, 2)) == 2
    assert threads_for(5, 64, Resources(2, GB, 2)) == 1


def test_a_crew_on_gpus_leaves_threads_to_mxnet():
    crew = crew_on([Device(GPU, 0), Device(GPU, 1)], 3, Resources(4, 0, 4))
    assert crew == (2, 0, 0, 'on gpu:0 and gpu:1')


@pytest.mark.parametrize(('workers', 'threads'), [(1, 4), (2, 2), (3, 1), (8, 1)])
def test_a_crew_on_cpu_contexts_shares_the_cores_and_has_nobody_beside(workers, threads):
    crew = crew_on([Device(CPU, 5)] * workers, 1, Resources(4, 0, 4))
    assert crew[:3] == (workers, threads, 0)
    assert crew.why == ('on cpu:5' if workers == 1 else f'{workers} on cpu:5')
