"""Several processes hold no more bytes together than one may."""

import subprocess
import sys

import pytest

from mms.errors import BuffersFull
from mms.runtime.byte_budget import ChunkedBuffer
from mms.runtime.shared_budget import SharedBudget, SharedCells


@pytest.fixture
def cells():
    made = SharedCells.made(3)
    yield made
    made.close()


def test_what_one_holds_the_others_cannot(cells):
    first, second = (SharedBudget(100, cells, place) for place in range(2))
    first.reserve(60)
    with pytest.raises(BuffersFull, match='as many bytes .* as it may, 100'):
        second.reserve(41)
    second.reserve(40)
    first.release(60)
    second.reserve(60)
    assert (first.held_bytes, second.held_bytes, list(cells.values)) == (0, 100, [0, 100, 0])


def test_a_refusal_takes_nothing(cells):
    budget = SharedBudget(10, cells, 1)
    with pytest.raises(BuffersFull):
        budget.reserve(11)
    assert list(cells.values) == [0, 0, 0]


def test_what_a_process_held_that_has_ended_is_free(cells):
    budget = SharedBudget(100, cells, 0)
    code = ('import sys; from mms.runtime.shared_budget import SharedBudget, SharedCells; '
            f'SharedBudget(100, SharedCells({cells.fd}), 2).reserve(90)')
    subprocess.run([sys.executable, '-c', code], pass_fds=[cells.fd], check=True)
    with pytest.raises(BuffersFull):
        budget.reserve(11)
    budget.forget(2)
    budget.reserve(100)


def test_a_piece_that_is_handed_over_counts_no_more(cells):
    budget = SharedBudget(100, cells, 0)
    buffer = ChunkedBuffer(budget)
    buffer.append(b'abc')
    buffer.append(b'de')
    pieces = buffer.hand_over()
    assert (next(pieces), cells.values[0], len(buffer)) == (b'abc', 2, 2)
    assert (next(pieces), cells.values[0], len(buffer)) == (b'de', 0, 0)
    assert list(pieces) == []
