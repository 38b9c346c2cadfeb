"""What a service has to show before its requests run together."""

from mms.batching.trust import Trust


def passed(trust, times=1):
    for _ in range(times):
        assert trust.heard(compared=True, refusal='') is None


def test_a_service_is_trusted_after_three_trials():
    trust = Trust(8, proven=False)
    for _ in range(3):
        assert not trust.allows()
        passed(trust)
    assert trust.allows()


def test_a_trial_that_compared_nothing_counts_for_nothing():
    trust = Trust(8, proven=False)
    for _ in range(10):
        assert trust.heard(compared=False, refusal='') is None
    assert not trust.allows()


def test_one_refusal_ends_it_for_good_and_is_told_once():
    trust = Trust(8, proven=False)
    passed(trust, 5)
    assert trust.heard(compared=False, refusal='it keeps state') == 'it keeps state'
    assert trust.heard(compared=False, refusal='it keeps state') is None
    passed(trust, 5)
    assert trust.batch_size == 1
    assert not trust.allows()


def test_two_trials_that_end_their_worker_end_it_as_well():
    trust = Trust(8, proven=False)
    assert trust.lost() is None
    assert 'its worker ended, or hung' in trust.lost()
    assert trust.batch_size == 1


def test_a_service_that_says_so_itself_is_trusted_at_once_and_never_tried():
    trust = Trust(8, proven=True)
    assert trust.allows()
    assert not any(trust.wants_recheck() for _ in range(2500))


def test_there_is_nothing_to_trust_where_batches_do_not_pay():
    assert not Trust(1, proven=True).allows()


def test_the_proof_is_made_again_now_and_then():
    trust = Trust(8, proven=False)
    passed(trust, 3)
    assert [turn for turn in range(1, 2501) if trust.wants_recheck()] == [1000, 2000]


def test_what_is_known_anew_has_to_be_tried_anew():
    trust = Trust(1, proven=False, refusal='it is not measured yet')
    trust.learn(8, False, '')
    assert (trust.batch_size, trust.refusal, trust.allows()) == (8, '', False)
    passed(trust, 3)
    assert trust.allows()
    trust.learn(8, False, '')
    assert not trust.allows()
    trust.heard(compared=True, refusal='its answers differ')
    trust.learn(8, False, '')
    assert (trust.batch_size, trust.refusal) == (1, 'its answers differ')


def test_why_requests_run_one_by_one_is_kept():
    assert Trust(8, proven=False).refusal == ''
    assert Trust(1, proven=False, refusal='it says so').refusal == 'it says so'
    trust = Trust(8, proven=False)
    trust.heard(True, 'the first reason')
    trust.heard(True, 'the second one')
    assert trust.refusal == 'the first reason'
