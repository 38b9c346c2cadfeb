"""Processes are ended by number only where they are of the user who may have made the number up."""

import os
import signal
import subprocess

import pytest

from mms.runtime import killing
from mms.runtime.killing import is_of, is_process_id, kill, kill_group

OTHERS = os.getuid() + 1


@pytest.fixture
def sleeper():
    with subprocess.Popen(['sleep', '600'], start_new_session=True) as process:
        yield process
        process.kill()


@pytest.fixture(params=[True, False], ids=['held', 'by number'])
def held(request, monkeypatch):
    """A process is held, where the kernel can do so, or not."""
    if not request.param:
        def refuse(pid):
            raise OSError(38, 'Function not implemented')

        monkeypatch.setattr(killing.os, 'pidfd_open', refuse)


@pytest.mark.parametrize('end', [kill, kill_group])
def test_a_process_is_ended_where_it_is_of_that_user(sleeper, end, held):
    end(sleeper.pid, OTHERS)
    assert sleeper.poll() is None
    end(sleeper.pid, os.getuid())
    assert sleeper.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize('end', [kill, kill_group])
def test_a_process_is_ended_whosever_it_is_where_no_user_is_named(sleeper, end):
    end(sleeper.pid)
    assert sleeper.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize('uid', [None, os.getuid()])
@pytest.mark.parametrize('end', [kill, kill_group])
def test_what_has_ended_is_no_error(sleeper, end, uid):
    sleeper.kill()
    sleeper.wait(10)
    end(sleeper.pid, uid)


def test_the_user_of_a_process_is_seen(sleeper):
    assert is_of(sleeper.pid, os.getuid())
    assert not is_of(sleeper.pid, OTHERS)


@pytest.mark.parametrize(('value', 'may_be'), [
    (2, True), (4_000_000, True), (1, False), (0, False), (-1, False), ('7', False), (None, False),
    (7.0, False), (True, False), (2**31, False), (2**63, False)])
def test_a_number_that_would_end_more_than_a_process_is_none(value, may_be):
    assert is_process_id(value) is may_be
