"""What the environment of a process on a GPU says, where the user's says nothing."""

import pytest

from mms.pool.spawn import _environment

NAME = 'MXNET_CUDNN_LIB_CHECKING'


def test_a_newer_cudnn_is_not_warned_of_unless_the_user_wants_it():
    assert _environment(None, {})[NAME] == '0'
    assert _environment(None, {NAME: '1'})[NAME] == '1'


@pytest.mark.parametrize('threads', [1, 2])
def test_processes_on_the_processors_are_not_told(threads):
    assert NAME not in _environment(threads, {})
