"""Sentences as numbers."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from mms.errors import BadRequest
from mms.mxnet_compat import mxnet as mx


def encode_sentences(sentences: Sequence[Sequence[str]], vocab: Optional[dict[str, int]] = None,
                     invalid_label: int = -1, invalid_key: str = '\n', start_label: int = 0,
                     ) -> tuple[list[list[int]], dict[str, int]]:
    """Each token as its number in a vocabulary.

    Parameters
    ----------
    sentences
        Lists of tokens.
    vocab
        Token -> number. Without one it is made on the way: tokens get
        `start_label`, `start_label` + 1, ... as they appear, never `invalid_label`.
    invalid_label
        The number of a token that `vocab` does not have.
    invalid_key
        The token that a new vocabulary has at `invalid_label`.

    Returns
    -------
    tuple
        The numbers, shaped as `sentences`, and the vocabulary.
    """
    if vocab is None:
        vocab = _new_vocabulary(sentences, invalid_label, invalid_key, start_label)
    known = vocab
    return [[known.get(word, invalid_label) for word in words] for words in sentences], vocab


def _new_vocabulary(sentences: Sequence[Sequence[str]], invalid_label: int, invalid_key: str,
                    start_label: int) -> dict[str, int]:
    vocab, number = {invalid_key: invalid_label}, start_label
    for word in (word for words in sentences for word in words):
        if word not in vocab:
            number += number == invalid_label
            vocab[word] = number
            number += 1
    return vocab


def pad_sentence(sentence: Sequence[int], buckets: Sequence[int], invalid_label: int = -1,
                 data_name: str = 'data', layout: str = 'NT') -> Any:
    """An encoded sentence in the smallest bucket that holds it.

    Parameters
    ----------
    sentence
        Numbers of its tokens.
    buckets
        Lengths, ascending.
    invalid_label
        What fills the bucket after the sentence.
    layout
        ``'NT'``: the described shape is (1, length); ``'TN'``: (length, 1).

    Returns
    -------
    mxnet.io.DataBatch
        One float32 array of shape (1, length).

    Raises
    ------
    BadRequest
        The sentence is longer than the largest bucket.
    """
    place = bisect.bisect_left(buckets, len(sentence))
    if place == len(buckets):
        raise BadRequest(f'The sentence has {len(sentence)} tokens; this model takes '
                         f'at most {buckets[-1] if buckets else 0}.')
    length = buckets[place]
    padded = np.full((1, length), invalid_label, dtype='float32')
    padded[0, :len(sentence)] = sentence
    shape = (1, length) if layout == 'NT' else (length, 1)
    return mx.io.DataBatch(
        [mx.nd.array(padded, dtype='float32')], pad=0, bucket_key=length,
        provide_data=[mx.io.DataDesc(name=data_name, shape=shape, layout=layout)])
