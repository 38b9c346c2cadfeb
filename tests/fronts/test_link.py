"""Frames between the server and a front: many at once, in pieces, to the end."""

import gevent
import pytest
from gevent import socket

from mms.errors import BuffersFull, QueueFull, TooManyRequests
from mms.fronts.failures import raised, told
from mms.fronts.frames import FrameReader, Kind, packed
from mms.fronts.incoming import Incoming
from mms.fronts.link import Link, LinkClosed
from mms.fronts.watch import ALIVE, Silent, watch
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer


class Ends:
    """Two links that are connected; `here` asks, and `there` notes what comes."""

    def __init__(self, verbs=None):
        one, other = socket.socketpair()
        self.came = []
        note = {kind: self.came.append for kind in Kind}
        self.here = Link(one, {}, note)
        self.there = Link(other, verbs or {}, note)
        self._readers = [gevent.spawn(link.run) for link in (self.here, self.there)]
        self.reader, _ = self._readers

    def end(self):
        self.here.close()
        self.there.close()
        gevent.joinall(self._readers, timeout=5, raise_error=True)
        assert all(reader.ready() for reader in self._readers)


@pytest.fixture
def ends():
    made = []

    def connected(**verbs):
        made.append(Ends(verbs))
        return made[-1]

    yield connected
    for each in made:
        each.end()


def wait_for(condition):
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.001)


def test_frames_are_found_however_they_are_cut():
    data = b''.join([packed(Kind.PREDICT, 2**40, ['a', 1.5, None, {'b': (1,)}], b'body'),
                     packed(Kind.LEFT, 7), packed(Kind.PIECE, 8, None, b'x' * 1000)])
    for size in (1, 5, 17, 1000, len(data)):
        reader, found = FrameReader(), []
        for start in range(0, len(data), size):
            reader.feed(data[start:start + size])
            frame = reader.next()
            while frame is not None:
                found.append(tuple(frame))
                frame = reader.next()
        assert found == [(Kind.PREDICT, 2**40, ['a', 1.5, None, {'b': (1,)}], b'body'),
                         (Kind.LEFT, 7, None, b''), (Kind.PIECE, 8, None, b'x' * 1000)]


def test_a_call_has_the_answer_of_the_other_end_beside_other_frames(ends):
    both = ends(add=lambda one, other: one + other, slow=lambda: gevent.sleep(0.05) or 'late')
    slow = gevent.spawn(both.here.call, 'slow')
    assert both.here.call('add', 1, 2, seconds=5) == 3
    both.here.send(Kind.LEFT, 5)
    assert slow.get(timeout=5) == 'late'
    assert [frame.number for frame in both.came] == [5]


def test_a_call_does_not_wait_longer_than_it_is_to(ends):
    both = ends(hang=lambda: gevent.sleep(60))
    with pytest.raises(TimeoutError):
        both.here.call('hang', seconds=0.01)


def test_whoever_waits_learns_that_the_other_end_has_gone(ends):
    both = ends(hang=lambda: gevent.sleep(60))
    waiting = gevent.spawn(both.here.call, 'hang')
    gevent.sleep(0.01)
    both.there.close()
    with pytest.raises(LinkClosed):
        waiting.get(timeout=5)
    with pytest.raises(LinkClosed):
        both.here.call('hang')


def test_what_has_come_already_is_passed_over_once_an_end_is_closed():
    one, other = socket.socketpair()
    came = []

    def closes(frame):
        came.append(frame.number)
        link.close()

    link = Link(one, {}, {Kind.CLOSED: closes})
    other.sendall(packed(Kind.CLOSED, 1) + packed(Kind.CLOSED, 2))
    link.run()
    assert came == [1]
    other.close()


def test_an_end_that_answers_is_watched_until_it_has_gone(ends):
    answered = []
    both = ends(**{ALIVE: lambda: answered.append(True)})
    watching = gevent.spawn(watch, both.here, both.reader, every_s=0.001, within_s=10)
    wait_for(lambda: len(answered) > 3)
    both.there.close()
    watching.get(timeout=5)


def test_one_question_may_go_by_and_a_second_may_not(ends):
    pauses = iter([0.7, 0.0, 60.0, 60.0])
    asked = []

    def alive():
        asked.append(True)
        gevent.sleep(next(pauses))

    both = ends(**{ALIVE: alive})
    with gevent.Timeout(10), pytest.raises(Silent):
        watch(both.here, both.reader, every_s=0.001, within_s=0.5)
    assert len(asked) == 4


def test_a_large_body_waits_for_room_and_others_pass_it(ends):
    one, other = socket.socketpair()
    writer = Link(one, {}, {})
    sending = gevent.spawn(writer.send_content, Kind.REPLY, 1, ['head'], b'z' * 3_000_000)
    gevent.sleep(0.05)
    # Nobody reads: what waits is bounded, and the sender is waiting.
    assert not sending.ready()
    assert writer._waiting_bytes < 1_000_000
    budget = ByteBudget()
    incoming, whole, small = Incoming(budget), [], []

    def head(frame):
        incoming.begin(frame, 3_000_000, lambda content, error: whole.append((content, error)))

    reader = Link(other, {}, {Kind.REPLY: head, Kind.PIECE: incoming.add,
                              Kind.LEFT: small.append})
    running = gevent.spawn(reader.run)
    writer.send(Kind.LEFT, 2)
    wait_for(lambda: small)
    assert not whole
    wait_for(lambda: whole)
    [(content, error)] = whole
    assert (bytes(content) == b'z' * 3_000_000, error) == (True, None)
    assert budget.held_bytes == 3_000_000
    writer.close()
    running.join(5)


@pytest.mark.parametrize('size', [60_000, 200_000])
def test_bodies_that_wait_for_room_are_held_until_it_is_their_turn(size):
    one, other = socket.socketpair()
    budget, writer = ByteBudget(), Link(one, {}, {})
    contents = []
    for _ in range(50):
        contents.append(ChunkedBuffer(budget))
        for _ in range(size // 20_000):
            contents[-1].append(b'a' * 20_000)
    sending = [gevent.spawn(writer.send_content, Kind.REPLY, number, [], content)
               for number, content in enumerate(contents)]

    gevent.sleep(0.05)
    assert not all(each.ready() for each in sending)
    with gevent.Timeout(30):
        while not all(each.ready() for each in sending):
            # One more piece than there is room for.
            assert writer._waiting_bytes <= 512 * 1024 + 64 * 1024
            assert budget.held_bytes == sum(map(len, contents))
            other.recv(64 * 1024)
            gevent.sleep(0)
    assert budget.held_bytes == 0
    assert [each.exception for each in sending] == [None] * 50
    writer.close()


def test_a_body_for_which_there_is_no_room_is_passed_over_and_told():
    budget = ByteBudget(150)
    incoming, whole = Incoming(budget), []
    frames = FrameReader()
    frames.feed(packed(Kind.PREDICT, 1, None, b'a' * 100) + packed(Kind.PIECE, 1, None, b'b' * 100)
                + packed(Kind.PIECE, 1, None, b'c' * 100) + packed(Kind.PIECE, 9, None, b'd'))
    incoming.begin(frames.next(), 300, lambda content, error: whole.append(error))
    for _ in range(3):
        incoming.add(frames.next())
    assert [type(error) for error in whole] == [BuffersFull]
    assert budget.held_bytes == 0


@pytest.mark.parametrize(('pieces', 'frames'), [(1, 1), (2, 1), (4, 5)])
def test_a_body_counts_no_more_where_it_was_sent_from(ends, pieces, frames):
    both, budget = ends(), ByteBudget()
    content = ChunkedBuffer(budget)
    for _ in range(pieces):
        content.append(b'a' * 30_000)
    both.here.send_content(Kind.PREDICT, 1, [], content)
    assert budget.held_bytes == 0
    wait_for(lambda: len(both.came) == frames)
    assert b''.join(frame.body for frame in both.came) == b'a' * (30_000 * pieces)


@pytest.mark.parametrize('error', [QueueFull('full', 7), TooManyRequests('often', 3),
                                   BuffersFull('held')])
def test_an_error_crosses_with_all_that_its_answer_says(error):
    again = raised(*told(error))
    assert (type(again), str(again), again.status, again.type, again.retry_after_s) == (
        type(error), str(error), error.status, error.type, error.retry_after_s)


def test_of_an_error_that_nobody_foresaw_no_more_is_told_than_that():
    again = raised(*told(None))
    assert (again.status, str(again)) == (
        500, 'The server failed over this request; its log says how.')
