"""How many workers a model gets, and on how many threads they compute."""

import pytest

from mms.devices.device import CPU, GPU, Device
from mms.pool.sizing import (
    FORKED_WORKER_BYTES,
    PoolSize,
    best_size,
    choose_size,
    size_on,
    thread_counts,
    threads_for,
)
from mms.runtime.resources import Resources

GB = 1024**3


def size(asked=None, models=1, cores=4, free=64 * GB, threads=None, worker_bytes=GB,
         levels=(1, 2, 4, 8, 16)):
    return choose_size(asked, models, Resources(cores, free, threads or cores), worker_bytes,
                       levels)


@pytest.mark.parametrize(('cores', 'models', 'workers'), [
    (1, 1, 1), (2, 1, 2), (4, 1, 4), (64, 1, 64), (4, 2, 4), (4, 3, 3), (4, 8, 1), (64, 100, 2),
])
def test_models_share_the_cores_and_each_has_a_worker(cores, models, workers):
    assert size(cores=cores, models=models, free=10_000 * GB).workers == workers


@pytest.mark.parametrize(('free', 'workers'), [(64 * GB, 4), (6 * GB, 3), (2 * GB, 1), (0, 1)])
def test_half_of_the_free_memory_may_go_to_workers(free, workers):
    assert size(free=free).workers == workers


def test_models_share_the_memory_as_well():
    assert size(free=8 * GB, models=2).workers == 2


@pytest.mark.parametrize(('cores', 'asked', 'threads'), [
    (4, 1, 4), (4, 2, 2), (4, 3, 1), (4, 4, 1), (4, 9, 1), (1, 1, 1),
])
def test_workers_share_the_cores_they_compute_on(cores, asked, threads):
    made = size(asked, cores=cores, levels=thread_counts(Resources(cores, GB, cores), asked))
    assert (made.workers, made.threads) == (asked, threads)
    assert made.wide == (cores if threads < cores else 0)
    alone = size(asked, cores=cores, levels=None)
    assert alone[:3] == (asked, threads, ())


@pytest.mark.parametrize(('asked', 'levels', 'threads', 'wider'), [
    (1, [1, 2, 4], 4, ()), (4, [1, 2, 4], 4, ()), (8, [1, 2, 4], 2, (4,)),
    (16, [1, 2, 4], 1, (2, 4)), (16, [1], 1, ()), (1, [1], 1, ()), (5, [1, 2, 3], 3, ()),
])
def test_a_worker_computes_on_no_more_threads_than_pay(asked, levels, threads, wider):
    made = size(asked, cores=16, levels=levels)
    assert made[:3] == (asked, threads, wider)
    assert made.wide == (wider[-1] if wider else 0)


@pytest.mark.parametrize(('cores', 'asked', 'counts'), [
    (1, None, [1]), (2, None, [1, 2]), (3, None, [1, 3]), (12, None, [1, 3, 6, 12]),
    (16, None, [1, 2, 4, 8, 16]), (16, 3, [1, 2, 4, 5, 8, 16]), (16, 32, [1, 2, 4, 8, 16])])
def test_the_numbers_of_threads_to_try_halve_from_the_most(cores, asked, counts):
    assert thread_counts(Resources(cores, GB, cores), asked) == counts


def test_no_more_threads_are_tried_than_omp_num_threads_says():
    assert thread_counts(Resources(16, GB, 6), None) == [1, 3, 6]


def test_a_load_in_between_gets_workers_on_a_number_of_threads_that_pays():
    made = size(cores=16, levels=[1, 2, 8])
    assert [made.fitting(threads) for threads in (1, 2, 3, 7, 8, 16)] == [1, 2, 2, 2, 8, 8]
    assert PoolSize(2, 4, (), '').fitting(1) == 4


def test_the_number_of_the_user_is_not_bounded_by_the_memory():
    assert size(16, free=0).workers == 16


def test_omp_num_threads_is_heeded():
    assert size(1, cores=8, threads=2, levels=[1, 2])[:3] == (1, 2, ())
    assert size(8, cores=8, threads=2, levels=[1, 2])[:3] == (8, 1, (2,))
    assert size(8, cores=8, threads=1, levels=[1])[:3] == (8, 1, ())


def test_a_model_that_is_not_forked_has_no_worker_beside_its_pool():
    assert size(levels=None).wide == 0


def test_it_says_what_it_weighed():
    assert size().why == '4 cores, 1 model, 65536 MB free, about 1024 MB for each worker'
    assert size(cores=1, models=2, worker_bytes=FORKED_WORKER_BYTES).why == (
        '1 core, 2 models, 65536 MB free, about 128 MB for each worker')
    assert size(free=2 * GB).why.endswith('about 1024 MB for each worker, which is the limit')
    assert size(3).why == 'as was asked for'


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


def test_a_size_on_gpus_leaves_threads_to_mxnet():
    size = size_on([Device(GPU, 0), Device(GPU, 1)], 3, Resources(4, 0, 4))
    assert size == (2, 0, (), 'on gpu:0 and gpu:1')


@pytest.mark.parametrize(('workers', 'threads'), [(1, 4), (2, 2), (3, 1), (8, 1)])
def test_a_size_on_cpu_contexts_shares_the_cores_and_has_nobody_beside(workers, threads):
    size = size_on([Device(CPU, 5)] * workers, 1, Resources(4, 0, 4))
    assert size[:3] == (workers, threads, ())
    assert size.why == ('on cpu:5' if workers == 1 else f'{workers} on cpu:5')


def measured(cores, levels, figures, workers=None):
    """The best size where the workers of each do so much; and what was measured, in order."""
    first, asked = size(workers, cores=cores, levels=levels), []

    def requests_per_s(one):
        asked.append((one.workers, one.threads))
        return figures[one.workers]

    return best_size(first, Resources(cores, 64 * GB, cores), levels, requests_per_s), asked


def test_workers_that_do_not_disturb_each_other_are_as_many_as_the_cores():
    best, asked = measured(16, [1, 2, 4], {1: 50, 16: 700})
    assert best[:3] == (16, 1, (2, 4))
    assert asked == [(16, 1), (1, 1)]
    assert best.why.endswith('MB for each worker; measured 16 x 1 700/s')


def test_where_memory_binds_half_as_many_on_twice_the_threads_do_as_much():
    best, asked = measured(16, [1, 2, 4], {1: 50, 16: 300, 8: 320, 4: 200})
    assert best[:3] == (8, 2, (4,))
    assert asked == [(16, 1), (1, 1), (8, 2), (4, 4)]
    assert best.why.endswith('measured 16 x 1 300/s, 8 x 2 320/s, 4 x 4 200/s')


def test_two_workers_are_the_fewest_that_a_measurement_leaves():
    best, asked = measured(16, [1], {1: 50, 16: 50, 8: 50, 4: 50, 2: 50})
    assert best[:3] == (2, 1, ())
    assert asked[-1] == (2, 1)


def test_a_loss_of_more_than_two_in_a_hundred_counts():
    assert measured(4, [1], {1: 50, 4: 100, 2: 98.5})[0].workers == 2
    assert measured(4, [1], {1: 50, 4: 100, 2: 97})[0].workers == 4


def test_what_was_given_up_step_by_step_is_held_against_the_best_of_all():
    assert measured(16, [1], {1: 50, 16: 100, 8: 99, 4: 97.5, 2: 90})[0].workers == 8


@pytest.mark.parametrize(('figures', 'asked'), [
    ({16: 0}, [(16, 1)]), ({1: 50, 16: 100, 8: 0}, [(16, 1), (1, 1), (8, 2)])])
def test_what_cannot_be_measured_changes_nothing_and_is_not_tried_further(figures, asked):
    best, tried = measured(16, [1, 2], figures)
    assert best == size(cores=16, levels=[1, 2])
    assert tried == asked
