"""Which requests a worker has, as far as the front knows."""

from mms.ipc.context import Context
from mms.ipc.request import CLASSIC, Request
from mms.pool.in_hand import InHand


def requests(*names):
    return [Request(CLASSIC, '', b'', Context(request_id=name)) for name in names]


def names(in_hand):
    return [context.request_id for context in in_hand.contexts()]


def test_what_is_answered_is_in_hand_no_more():
    in_hand = InHand()
    in_hand.take(requests('a', 'b'), False)
    in_hand.answered([0])
    assert names(in_hand) == ['b']
    in_hand.take(requests('c'), True)
    assert names(in_hand) == ['b', 'c']
    in_hand.answered([2, 1])
    assert names(in_hand) == []


def test_another_batch_begins_anew():
    in_hand = InHand()
    in_hand.take(requests('a', 'b'), False)
    in_hand.take(requests('c'), False)
    assert names(in_hand) == ['c']
    in_hand.answered([0, 1, 7])
    assert names(in_hand) == []
