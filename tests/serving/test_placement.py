import pytest

from mms.config.device_flags import ANYWHERE, Wanted
from mms.devices.device import CPU, GPU, Device, VisibleGPUs
from mms.errors import UsageError
from mms.serving.placement import Placement

TWO = VisibleGPUs(gpus=2)
BOTH = Wanted('--gpu 0,1', (Device(GPU, 0), Device(GPU, 1)))
EVERY = Wanted('--gpu all', every_gpu=True)


def numbers(wanted, visible_gpus=TWO, **workers):
    placement = Placement(visible_gpus)
    return {name: [device.number for device in placement.take(name, wish, workers.get(name))]
            for name, wish in wanted.items()}


def test_each_model_has_a_worker_on_each_device():
    assert numbers({'a': BOTH, 'b': BOTH}) == {'a': [0, 1], 'b': [0, 1]}
    assert numbers({'a': EVERY}, VisibleGPUs(gpus=3)) == {'a': [0, 1, 2]}


def test_more_workers_than_devices_take_turns():
    assert numbers({'a': BOTH}, a=5) == {'a': [0, 1, 0, 1, 0]}


def test_models_of_one_worker_are_on_different_devices():
    assert numbers({'a': BOTH, 'b': BOTH, 'c': BOTH}, a=1, b=1, c=1) == {
        'a': [0], 'b': [1], 'c': [0]}


def test_all_gpus_are_the_same_as_their_numbers():
    assert numbers({'a': BOTH, 'b': EVERY}, a=1, b=1) == {'a': [0], 'b': [1]}


def test_other_devices_begin_a_round_of_their_own():
    second = Wanted('--gpu b=1', (Device(GPU, 1),))
    assert numbers({'a': BOTH, 'b': second, 'c': BOTH}, a=1, b=2, c=1) == {
        'a': [0], 'b': [1, 1], 'c': [1]}


def test_a_model_without_devices_has_none_whatever_its_workers():
    assert Placement(VisibleGPUs(cuda=False)).take('a', ANYWHERE, 3) == ()


def test_cpus_are_there_whatever_mxnet_sees_of_gpus():
    wanted = Wanted('--device cpu:1', (Device(CPU, 1),))
    assert numbers({'a': wanted}, VisibleGPUs(cuda=False)) == {'a': [1]}


@pytest.mark.parametrize(('wanted', 'visible_gpus', 'part'), [
    (BOTH, VisibleGPUs(gpus=1), 'no GPU 1: MXNet sees 1 GPU: 0'),
    (BOTH, VisibleGPUs(cuda=False), 'built without CUDA'),
    (EVERY, VisibleGPUs(), 'CUDA finds none'),
])
def test_a_device_that_is_not_there_is_refused_with_the_flag(wanted, visible_gpus, part):
    with pytest.raises(UsageError, match=f'^{wanted.said}: .*{part}'):
        Placement(visible_gpus).take('a', wanted, None)


def test_devices_that_are_given_back_are_taken_first():
    placement = Placement(TWO)
    assert placement.take('a', BOTH, 1) == (Device(GPU, 0),)
    assert placement.take('b', BOTH, 1) == (Device(GPU, 1),)
    placement.give_back('a')
    assert placement.take('c', BOTH, 1) == (Device(GPU, 0),)
    assert placement.models == 2


def test_a_model_that_takes_anew_has_no_more_than_it_asks_for():
    placement = Placement(TWO)
    placement.take('a', BOTH, 4)
    assert placement.take('a', BOTH, 1) == (Device(GPU, 0),)
    assert placement.take('b', BOTH, 1) == (Device(GPU, 1),)


def test_what_a_model_had_is_its_again_whatever_others_have_taken():
    placement = Placement(TWO)
    placement.take('a', BOTH, 1)
    placement.take('b', BOTH, 1)
    placement.give_back('a')
    before = placement.of('b')
    placement.take('b', BOTH, 2)
    placement.put_back('b', before)
    assert placement.take('c', BOTH, 1) == (Device(GPU, 0),)
    placement.put_back('b', None)
    assert placement.models == 1


def test_a_model_that_asks_for_what_is_not_there_keeps_what_it_has():
    placement = Placement(TWO)
    placement.take('a', BOTH, 1)
    with pytest.raises(UsageError, match='no GPU 7'):
        placement.take('a', Wanted('--gpu 7', (Device(GPU, 7),)), None)
    assert placement.take('b', BOTH, 1) == (Device(GPU, 1),)
