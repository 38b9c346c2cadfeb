"""A card is described as its driver does, and left undescribed where it does not.

The driver's library is a stand-in, see ``cuda_stand_in``.
"""

import subprocess
import sys

import pytest
from cuda_stand_in import driver
from fleet import needs_compiler

from mms.worker.devices.card import Card, read_card

H200 = Card('NVIDIA H200', (9, 0), 141 * 2**30)


def read(library, number=0, **environment):
    """What a process of its own reads: the library keeps what it was told."""
    code = ('import sys; from mms.worker.devices.card import read_card; '
            'print(tuple(read_card(int(sys.argv[2]), sys.argv[1])))')
    done = subprocess.run([sys.executable, '-c', code, library, str(number)], env=environment,
                          capture_output=True, text=True, check=True)
    return Card(*eval(done.stdout))


@needs_compiler
def test_name_capability_and_memory_are_the_driver_s(tmp_path):
    assert read(driver(tmp_path)) == H200
    ada = read(driver(tmp_path), STAND_IN_MAJOR='8', STAND_IN_MINOR='9')
    assert ada.capability == (8, 9)


@needs_compiler
@pytest.mark.parametrize(('call', 'card'), [
    ('cuInit', Card()), ('cuDeviceGet', Card()), ('cuDeviceGetName', H200._replace(name='')),
    ('cuDeviceGetAttribute', H200._replace(capability=None)),
    ('cuDeviceTotalMem', H200._replace(memory_bytes=0))])
def test_a_call_that_fails_leaves_out_what_it_would_have_told(call, card, tmp_path):
    assert read(driver(tmp_path), STAND_IN_FAILS=call) == card


@needs_compiler
def test_a_card_that_is_not_there_is_not_described(tmp_path):
    assert read(driver(tmp_path), 1) == Card()
    assert read(driver(tmp_path), 1, STAND_IN_CARDS='2') == H200


def test_a_driver_that_is_not_there_or_is_none_describes_nothing(tmp_path):
    assert read_card(0, str(tmp_path / 'libcuda.so.1')) == Card()
    assert read_card(0, 'libc.so.6') == Card()
