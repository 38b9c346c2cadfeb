import pytest

from mms.errors import BadRequest
from mms.utils.mxnet.nlp import encode_sentences, pad_sentence

pytestmark = pytest.mark.core

SENTENCES = [['the', 'cat'], ['the', 'dog', 'the']]


def test_a_vocabulary_is_made_on_the_way():
    coded, vocab = encode_sentences(SENTENCES)
    assert coded == [[0, 1], [0, 2, 0]]
    assert vocab == {'\n': -1, 'the': 0, 'cat': 1, 'dog': 2}


def test_no_token_gets_the_invalid_label():
    coded, vocab = encode_sentences(SENTENCES, invalid_label=1, invalid_key='<eos>')
    assert coded == [[0, 2], [0, 3, 0]]
    assert vocab == {'<eos>': 1, 'the': 0, 'cat': 2, 'dog': 3}


def test_numbers_start_where_told():
    assert encode_sentences(SENTENCES, start_label=5)[0] == [[5, 6], [5, 7, 5]]


def test_a_given_vocabulary_is_kept_and_unknown_tokens_are_invalid():
    vocab = {'the': 3}
    coded, same = encode_sentences(SENTENCES, vocab, invalid_label=9)
    assert coded == [[3, 9], [3, 9, 3]]
    assert same is vocab
    assert vocab == {'the': 3}


def test_a_sentence_goes_into_the_smallest_bucket_that_holds_it():
    batch = pad_sentence([4, 5, 6], [2, 5, 10], invalid_label=0, data_name='words')
    assert batch.data[0].asnumpy().tolist() == [[4, 5, 6, 0, 0]]
    assert (batch.bucket_key, batch.pad) == (5, 0)
    described = batch.provide_data[0]
    assert (described.name, described.shape, described.layout) == ('words', (1, 5), 'NT')


def test_a_sentence_may_fill_its_bucket_and_be_described_time_first():
    batch = pad_sentence([4, 5], [2, 5], layout='TN')
    assert batch.data[0].asnumpy().tolist() == [[4, 5]]
    assert batch.provide_data[0].shape == (2, 1)


@pytest.mark.parametrize('buckets', [[2], []])
def test_a_sentence_longer_than_every_bucket_is_a_bad_request(buckets):
    with pytest.raises(BadRequest, match='has 3 tokens'):
        pad_sentence([1, 2, 3], buckets)
