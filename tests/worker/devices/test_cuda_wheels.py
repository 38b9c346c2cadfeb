"""Which cards a wheel has code for, and which wheel a card needs."""

import pytest

from mms.worker.devices.cuda_wheels import cuda_of, has_code, others_for, supported

NEWER = ['cu111', 'cu112', 'cu113', 'cu114', 'cu115', 'cu116', 'cu117']


@pytest.mark.parametrize('cuda', ['cu101', 'cu102', 'cu110', *NEWER])
@pytest.mark.parametrize('capability', [(9, 0), (10, 0), (12, 0)])
def test_no_wheel_has_code_for_hopper_or_blackwell(cuda, capability):
    assert has_code(cuda, capability) is False
    assert others_for(cuda, capability) == []


@pytest.mark.parametrize('cuda', NEWER)
@pytest.mark.parametrize('capability', [(5, 0), (5, 2), (6, 1), (7, 0), (7, 5), (8, 0), (8, 6),
                                        (8, 9)])
def test_code_runs_on_cards_of_its_major_version(cuda, capability):
    assert has_code(cuda, capability)
    assert others_for(cuda, capability) == []


def test_kepler_needs_an_older_wheel_and_ampere_a_newer_one():
    assert has_code('cu117', (3, 5)) is False
    assert others_for('cu117', (3, 5)) == ['mxnet-cu102', 'mxnet-cu101']
    assert has_code('cu102', (8, 0)) is False
    assert others_for('cu102', (8, 6))[0] == 'mxnet-cu117'
    assert has_code('cu110', (8, 6))


def test_of_a_wheel_that_is_not_known_nothing_is_said():
    assert has_code('', (9, 0)) is None
    assert has_code('cu120', (9, 0)) is None


def test_what_a_wheel_has_code_for_is_told_by_major_versions():
    assert supported('cu117') == '5.x, 6.x, 7.x and 8.x'
    assert supported('cu102') == '3.x, 5.x, 6.x and 7.x'


@pytest.mark.parametrize(('names', 'cuda'), [
    (['numpy', 'mxnet-cu117'], 'cu117'), (['mxnet_cu102'], 'cu102'), (['mxnet'], ''),
    (['mxnet-cu112', 'mxnet-cu117'], ''), (['mxnet-cu112', 'mxnet-cu112'], 'cu112'),
    (['my-mxnet-cu112'], ''), ([], '')])
def test_the_wheel_is_known_by_its_package(names, cuda):
    assert cuda_of(names) == cuda
