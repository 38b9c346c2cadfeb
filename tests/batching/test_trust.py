"""What a service has to show before its requests run together."""

from mms.batching.trust import Trust

SAME, DIFFERENT = False, True


def passed(trust, differed, times=1):
    for _ in range(times):
        assert trust.heard(differed, compared=True, refusal='') is None


def test_a_service_is_trusted_after_three_trials_of_different_requests():
    trust = Trust(8, proven=False)
    for _ in range(3):
        assert not trust.allows(DIFFERENT)
        assert not trust.allows(SAME)
        passed(trust, DIFFERENT)
    assert trust.allows(DIFFERENT)
    assert trust.allows(SAME)


def test_equal_requests_prove_nothing_for_different_ones():
    trust = Trust(8, proven=False)
    passed(trust, SAME, 10)
    assert trust.allows(SAME)
    assert not trust.allows(DIFFERENT)
    passed(trust, DIFFERENT, 3)
    assert trust.allows(DIFFERENT)


def test_a_trial_that_compared_nothing_counts_for_nothing():
    trust = Trust(8, proven=False)
    for _ in range(10):
        assert trust.heard(DIFFERENT, compared=False, refusal='') is None
    assert not trust.allows(SAME)


def test_one_refusal_ends_it_for_good_and_is_told_once():
    trust = Trust(8, proven=False)
    passed(trust, DIFFERENT, 5)
    assert trust.heard(SAME, compared=False, refusal='it keeps state') == 'it keeps state'
    assert trust.heard(SAME, compared=False, refusal='it keeps state') is None
    passed(trust, DIFFERENT, 5)
    assert trust.batch_size == 1
    assert not trust.allows(DIFFERENT)
    assert not trust.allows(SAME)


def test_a_service_that_says_so_itself_is_trusted_at_once_and_never_tried():
    trust = Trust(8, proven=True)
    assert trust.allows(DIFFERENT)
    assert not any(trust.wants_recheck() for _ in range(2500))


def test_there_is_nothing_to_trust_where_batches_do_not_pay():
    assert not Trust(1, proven=True).allows(SAME)


def test_the_proof_is_made_again_now_and_then():
    trust = Trust(8, proven=False)
    passed(trust, DIFFERENT, 3)
    assert [turn for turn in range(1, 2501) if trust.wants_recheck()] == [1000, 2000]
