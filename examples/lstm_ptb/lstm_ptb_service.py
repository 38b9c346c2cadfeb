"""A word language model: what comes next, and how likely a sentence was.

The network is the archive's symbol. It is bound once for each length of sentence, its bucket,
by an ``mx.mod.BucketingModule``; all buckets share the weights.
"""

from __future__ import annotations

import math
import os
import re

import mxnet as mx

from mms.errors import BadRequest
from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.utils.mxnet.ndarray import top_probability
from mms.utils.mxnet.nlp import encode_sentences, pad_sentence

BUCKETS = [10, 20, 30, 40, 60]  # words
PADDING, UNKNOWN = 0, 1  # numbers of the first two lines of VOCABULARY
VOCABULARY = 'vocabulary.txt'
FIELD = 'input_sentence'
TOP = 5

_WORD = re.compile(r"<unk>|[^\W\d]+(?:[.'-][^\W\d]+)*|[.,;:]")


def words_of(text):
    """The words of a text in small letters; a stop, comma or colon is a word as well."""
    return _WORD.findall(text.lower().replace('’', "'"))


def sentence_of(entry, place):
    """The words of one entry of a request."""
    if not isinstance(entry, dict):
        raise BadRequest(f'{place} is {type(entry).__name__}, not an object with {FIELD}.')
    if FIELD not in entry:
        raise BadRequest(f'{place} has no {FIELD}.')
    if not isinstance(entry[FIELD], str):
        raise BadRequest(f'{place}: {FIELD} is {type(entry[FIELD]).__name__}, not text.')
    words = words_of(entry[FIELD])
    if not words:
        raise BadRequest(f'{place}: {FIELD} has no words.')
    if len(words) > BUCKETS[-1]:
        raise BadRequest(f'{place}: {FIELD} has {len(words)} words, stops and commas; '
                         f'this model takes at most {BUCKETS[-1]}.')
    return words


class LanguageModelService(MXNetBaseService):
    """The five likeliest next words, and the perplexity of the words so far."""

    # Sentences of one bucket run together, and no row of a network depends on another.
    batchable = True

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)
        with open(os.path.join(model_dir, VOCABULARY), encoding='utf-8') as file:
            self.words = file.read().splitlines()
        self.vocabulary = {word: number for number, word in enumerate(self.words)}
        self.mx_model = self._bucketed(self.mx_model)

    def _bucketed(self, module):
        """The network and the weights of a bound Module, for sentences of all buckets."""
        model = mx.mod.BucketingModule(lambda length: (module.symbol, ('data',), ()),
                                       default_bucket_key=BUCKETS[-1], context=self.ctx)
        for length in reversed(BUCKETS):
            shapes = [mx.io.DataDesc('data', (1, length))]
            if not model.binded:
                model.bind(shapes, for_training=False)
                model.set_params(*module.get_params())
            model.switch_bucket(length, shapes)
        return model

    def _preprocess(self, data):
        [entries] = data
        if not entries:
            raise BadRequest('data holds no sentence.')
        sentences = [sentence_of(entry, f'data[{index}]') for index, entry in enumerate(entries)]
        numbers, _ = encode_sentences(sentences, self.vocabulary, invalid_label=UNKNOWN)
        # All sentences of a request go into the bucket that the longest one needs.
        bucket = pad_sentence(max(numbers, key=len), BUCKETS).bucket_key
        rows = [pad_sentence(sentence, [bucket], invalid_label=PADDING).data[0]
                for sentence in numbers]
        return [mx.nd.concat(*rows, dim=0), mx.nd.array([[len(words)] for words in numbers])]

    def _inference(self, data):
        numbers, lengths = data[0], data[1].reshape(-1)
        self.mx_model.forward(mx.io.DataBatch(
            [numbers], bucket_key=numbers.shape[1],
            provide_data=[mx.io.DataDesc('data', numbers.shape)]), is_train=False)
        [probabilities] = self.mx_model.get_outputs()  # (sentences, places, words)
        following = mx.nd.SequenceLast(probabilities, lengths, use_sequence_length=True, axis=1)
        given = mx.nd.pick(probabilities.slice_axis(1, 0, -1), numbers.slice_axis(1, 1, None))
        surprise = mx.nd.SequenceMask(-given.log(), lengths - 1, use_sequence_length=True, axis=1)
        return [following, surprise.sum(axis=1), lengths, (numbers == UNKNOWN).sum(axis=1)]

    def _postprocess(self, data):
        following, *columns = data
        return [self._answer(row, *numbers) for row, *numbers in zip(
            following, *(column.asnumpy().tolist() for column in columns))]

    def _answer(self, row, surprise, length, unknown):
        best = top_probability(row[UNKNOWN + 1:], self.words[UNKNOWN + 1:], TOP)
        return {
            'next_words': [{'word': entry['class'], 'probability': entry['probability']}
                           for entry in best],
            # The first word has nothing before it that it could follow from.
            'perplexity': math.exp(surprise / (length - 1)) if length > 1 else None,
            'unknown_words': int(unknown),
        }
