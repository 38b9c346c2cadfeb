"""English sentences that come with every Python: the language reference behind ``help()``."""

from __future__ import annotations

import re
from pydoc_data.topics import topics

from lstm_ptb_service import BUCKETS, words_of

SHORTEST = 5  # words
PROSE = 0.6  # at least this share of the words has nothing but letters: it is no code

_PARAGRAPH = re.compile(r'\n\s*\n')
_SENTENCE = re.compile(r'(?<=[.!?:])\s+(?=[A-Z(])')
_MARKUP = re.compile(r'\[[^\]]*\]|["*`()]+')
_CODE = ('::=', '>>>')


def read_sentences():
    """Lists of words, each sentence once, in the order of the topics' names."""
    found = {}
    for name in sorted(topics):
        for paragraph in _PARAGRAPH.split(topics[name]):
            if not any(mark in paragraph for mark in _CODE):
                found.update((tuple(words), None) for words in _sentences(paragraph))
    return [list(words) for words in found]


def _sentences(paragraph):
    for text in _SENTENCE.split(' '.join(paragraph.split())):
        words = words_of(_MARKUP.sub('', text))
        plain = sum(word.isalpha() for word in words)
        if text.endswith(('.', ':')) and SHORTEST <= len(words) <= BUCKETS[-1] \
                and plain > PROSE * len(words):
            yield words
