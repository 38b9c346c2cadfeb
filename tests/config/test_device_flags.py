import argparse

import pytest

from mms.config.settings import Settings
from mms.devices.device import CPU, GPU
from mms.errors import UsageError


def settings(**given):
    models = {'m': 'x.model', 'n': 'y.model', 'a=b': 'z.model'}
    return Settings.from_args(argparse.Namespace(models=models, **given))


def gpus(*numbers):
    return tuple((GPU, number) for number in numbers)


def cpus(*numbers):
    return tuple((CPU, number) for number in numbers)


@pytest.mark.parametrize(('given', 'devices'), [
    (None, ()), (0, gpus(0)), ('0', gpus(0)), (['0'], gpus(0)), (['0,2'], gpus(0, 2)),
    (['3,1'], gpus(3, 1)), (['0, 1'], gpus(0, 1)),
])
def test_gpus_are_numbers_of_which_zero_is_one(given, devices):
    assert settings(gpu=given).devices_of('m').devices == devices


def test_all_gpus_are_found_out_later():
    wanted = settings(gpu=['all']).devices_of('m')
    assert (wanted.every_gpu, wanted.devices) == (True, ())


@pytest.mark.parametrize(('given', 'devices'), [
    (['cpu'], ()), (['cpu:1'], cpus(1)), (['cpu:0,cpu:1'], cpus(0, 1)),
    (['gpu:1, gpu:0'], gpus(1, 0)),
])
def test_devices_are_named_by_kind_and_number(given, devices):
    assert settings(device=given).devices_of('m').devices == devices


def test_a_model_that_is_named_has_its_own_devices_and_the_others_the_common_ones():
    made = settings(gpu=['0,1', 'n=2', 'a=b=3'], device=['m=cpu'])
    assert [made.devices_of(name).devices for name in ('m', 'n', 'a=b')] == [
        (), gpus(2), gpus(3)]
    assert settings(gpu=['n=2']).devices_of('m').devices == ()
    assert settings(gpu=['0', 'n=all']).devices_of('n').every_gpu


def test_workers_may_be_more_than_the_devices():
    made = settings(gpu='0', workers=['2', 'm=3'])
    assert (made.workers_of('m'), made.workers_of('n')) == (3, 2)


@pytest.mark.parametrize(('given', 'part'), [
    ({'gpu': ''}, "--gpu '' is no list"), ({'gpu': 'first'}, "--gpu 'first' is no list"),
    ({'gpu': '-1'}, "'-1' is no list"), ({'gpu': '0,'}, "'0,' is no list"),
    ({'gpu': '0;1'}, 'no list'), ({'gpu': '1.5'}, 'no list'), ({'gpu': '1024'}, 'no list'),
    ({'gpu': '²'}, 'no list'), ({'gpu': 'all,0'}, 'no list'), ({'gpu': 'm='}, "'m=' is no list"),
    ({'gpu': '0,1,0'}, "'0,1,0' names gpu:0 twice"), ({'gpu': '1,01'}, 'names gpu:1 twice'),
    ({'gpu': ['0', '1']}, "'1': every model has its devices from --gpu 0 already"),
    ({'gpu': ['m=0', 'm=1']}, "'m=1': model m has its devices from --gpu m=0 already"),
    ({'gpu': 'm=0', 'device': 'm=cpu'}, 'model m has its devices from --gpu m=0 already'),
    ({'gpu': 'other=0'}, "there is no model 'other'"), ({'gpu': '=0'}, "there is no model ''"),
    ({'device': 'tpu:0'}, "--device 'tpu:0' is no list"), ({'device': 'cpu:'}, 'no list'),
    ({'device': 'gpu'}, 'no list'), ({'device': '1'}, 'no list'),
    ({'device': 'cpu:0,cpu'}, 'no list'), ({'device': 'cpu:0,gpu:0'}, 'both kinds'),
    ({'device': 'cpu:1,cpu:1'}, 'names cpu:1 twice'),
])
def test_what_names_no_devices_is_refused_with_its_flag(given, part):
    with pytest.raises(UsageError, match='^--(gpu|device) ') as raised:
        settings(**given)
    assert part in str(raised.value)
    assert '\n' not in str(raised.value)
