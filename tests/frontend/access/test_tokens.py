"""Which token a request has, and whether it is one of those that are taken."""

import pytest

from mms.frontend.access.scopes import METRICS, PREDICT
from mms.frontend.access.tokens import AnyOf, Token, Tokens, digest_of, made_up, sent_token


def tokens(*texts, scopes=PREDICT):
    return Tokens(Token(digest_of(text), scopes, f'name of {text}') for text in texts)


def sent(authorization=None, key=None):
    return sent_token({name: value for name, value in (
        ('HTTP_AUTHORIZATION', authorization), ('HTTP_X_API_KEY', key)) if value is not None})


def test_a_token_is_sent_as_rfc_6750_has_it_or_in_a_header_of_its_own():
    for headers in ('Bearer one',), ('bearer  one ',), (None, 'one'), (None, ' one '), (
            'Bearer one', 'one'):
        assert sent(*headers) == 'one'


def test_what_has_no_token_has_none():
    assert sent() is None
    assert sent('Basic one') is None


@pytest.mark.parametrize('wrong', ['Bearer', 'Bearer ', 'Bearer one two', 'Bearer a,Bearer a'])
def test_what_cannot_be_a_token_is_no_token_that_is_taken(wrong):
    assert tokens('one', 'a').find(sent(wrong) or '') is None
    assert sent(wrong) is not None


def test_two_tokens_that_differ_are_none_and_what_a_proxy_asks_for_is_not_one_of_two():
    assert sent('Bearer one', 'two') == ''
    assert sent('Basic dXNlcg==', 'two') == 'two'


def test_a_token_is_found_to_the_letter():
    known = tokens('one', 'two')
    assert [known.find(text).name for text in ('one', 'two')] == ['name of one', 'name of two']
    for text in ('', 'on', 'onee', 'ONE', 'one two', '\xe9', '\udcff'):
        assert known.find(text) is None, text
    assert Tokens([]).find('one') is None


def test_of_several_sources_the_first_that_knows_it_tells_what_it_is_good_for():
    both = AnyOf([tokens('one'), tokens('one', 'two', scopes=METRICS)])
    assert both.find('one').scopes == PREDICT
    assert both.find('two').scopes == METRICS
    assert both.find('three') is None


def test_a_token_that_is_made_is_long_and_another_each_time():
    assert len({made_up() for _ in range(3)}) == 3
    assert len(made_up()) >= 43
