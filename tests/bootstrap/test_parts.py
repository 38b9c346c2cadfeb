"""What a server and an embedded application are made of, while several threads ask for it."""

import os
import time
from contextlib import ExitStack

import gevent
import pytest

from mms.bootstrap.buffers import shared_budget
from mms.bootstrap.parts import Parts, signatures
from mms.config.settings import Settings
from mms.errors import ModelNotFound
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.shared_budget import SharedBudget


class Models:
    names = ('here', 'gone')

    def signature(self, name):
        if name == 'gone':
            raise ModelNotFound('gone')
        return {'inputs': []}


def test_a_model_that_goes_meanwhile_is_in_no_description():
    assert signatures(Models()) == {'here': {'inputs': []}}


def test_only_what_serves_on_a_port_of_its_own_shares_its_budget():
    settings = Settings(front_processes=4)
    parts = Parts('app', settings, None)
    assert type(parts.budget) is ByteBudget
    with ExitStack() as undo:
        shared = shared_budget(settings, parts.budget, undo)
        assert (type(shared), shared.limit_bytes) == (SharedBudget, parts.budget.limit_bytes)
        assert os.fstat(shared.cells.fd)
    with pytest.raises(OSError, match='Bad file descriptor'):
        os.fstat(shared.cells.fd)


def test_what_was_read_earlier_takes_the_place_of_nothing_newer():
    parts, reading, at_once = Parts('app', Settings(), None), [], []

    def read():
        reading.append(1)
        at_once.append(len(reading))
        time.sleep(0.05)
        reading.pop()

    with ExitStack() as undo:
        parts.read_again([], read, undo)
        [reload] = parts.on_reload
        gevent.joinall([gevent.spawn(reload) for _ in range(3)], raise_error=True)
    assert at_once == [1, 1, 1]
