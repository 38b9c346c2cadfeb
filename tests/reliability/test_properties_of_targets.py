"""What every target of the fuzzer claims, on texts made of the words of its language."""

import pytest
from effort import examples
from fuzz import TARGETS, check_of
from hypothesis import given, settings
from hypothesis import strategies as st

SHORT = {'heads': 60, 'archive': 20, 'request': 60, 'picture-input': 40}


# Python says it of a literal as '\\777', which it reads all the same.
@pytest.mark.filterwarnings('ignore:invalid octal escape sequence')
@pytest.mark.parametrize('target', TARGETS)
def test_what_a_target_claims_holds_for_words_in_any_order(target):
    words = [word.encode('latin-1') for word in TARGETS[target][3]]
    texts = st.lists(st.sampled_from(words) | st.binary(max_size=3), max_size=30).map(b''.join)

    @settings(max_examples=examples(SHORT.get(target, 80)))
    @given(texts)
    def holds(data):
        check_of(target)(data)

    holds()
