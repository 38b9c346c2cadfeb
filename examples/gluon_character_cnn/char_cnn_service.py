"""Tells the language that a review is written in by its characters.

The file needs nothing beside itself, so an archive can carry it alone.
"""

from __future__ import annotations

import os
import unicodedata

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn

from mms.errors import BadRequest
from mms.model_service.mxnet_model_service import GluonImperativeBaseService
from mms.utils.mxnet.ndarray import top_probability

ALPHABET = 'abcdefghijklmnopqrstuvwxyzàâäåáãæąçćéèêëęğíìîïıłñńóòôöøœśşßúùûüÿźż \'",.;:!?¿¡()-'
PADDING, OTHER = 0, 1  # behind the text; a character that ALPHABET does not have
NUMBERS = {character: number for number, character in enumerate(ALPHABET, OTHER + 1)}
LENGTH = 256  # characters of a text that are looked at
FIELDS = ('review_title', 'review')


class CharacterCNN(gluon.HybridBlock):
    """Scores (N, classes) of texts (N, length), a number of NUMBERS for each character."""

    def __init__(self, classes, width=16, filters=64, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.embedding = nn.Embedding(len(ALPHABET) + 2, width)
            self.short = nn.Conv1D(filters, 3, activation='relu', in_channels=width)
            self.long = nn.Conv1D(filters, 5, activation='relu', in_channels=width)
            self.dropout = nn.Dropout(0.3)
            self.scores = nn.Dense(classes, in_units=2 * filters)

    def hybrid_forward(self, F, x):
        characters = self.embedding(x).transpose((0, 2, 1))
        found = [convolution(characters).max(axis=2) for convolution in (self.short, self.long)]
        return self.scores(self.dropout(F.concat(*found, dim=1)))


def tidy(text):
    """`text` in small letters, its accents joined to their letters, its blanks single."""
    return ' '.join(unicodedata.normalize('NFC', text.lower()).split())


def encode(text, length=LENGTH):
    """The first `length` characters of a tidy text as numbers."""
    numbers = np.full(length, PADDING, dtype=np.float32)
    numbers[:len(text)] = [NUMBERS.get(character, OTHER) for character in text[:length]]
    return numbers


def text_of(review, place):
    """Title and text of a review as one tidy text."""
    if not isinstance(review, dict):
        raise BadRequest(f'{place} is {type(review).__name__}, not an object with '
                         f'{" and ".join(FIELDS)}.')
    for field in FIELDS:
        if field not in review:
            raise BadRequest(f'{place} has no {field}.')
        if not isinstance(review[field], str):
            raise BadRequest(f'{place}: {field} is {type(review[field]).__name__}, not text.')
    text = tidy(' '.join(review[field] for field in FIELDS))
    if not any(character.isalpha() and character in NUMBERS for character in text[:LENGTH]):
        raise BadRequest(f'{place} has no Latin letter in its first {LENGTH} characters.')
    return text


class CharacterCNNService(GluonImperativeBaseService):
    """The five likeliest languages of each review."""

    def __init__(self, model_name, model_dir, manifest, net=None, gpu=None):
        super().__init__(model_name, model_dir, manifest, net, gpu)
        self.net = CharacterCNN(len(self.labels))
        self.net.load_parameters(os.path.join(model_dir, self.param_filename), ctx=self.ctx)
        self.net.hybridize()

    def _preprocess(self, data):
        [reviews] = data
        if not reviews:
            raise BadRequest('data holds no review.')
        texts = [text_of(review, f'data[{index}]') for index, review in enumerate(reviews)]
        return [mx.nd.array(np.stack([encode(text) for text in texts]))]

    def _inference(self, data):
        super()._inference(data)
        return self.net(data[0]).softmax()

    def _postprocess(self, data):
        return [top_probability(row, self.labels) for row in data]
