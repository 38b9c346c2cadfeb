#!/usr/bin/env python3
"""Train an LSTM language model on Python's documentation; write the folder that is packed."""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

os.environ.setdefault('MXNET_SUBGRAPH_VERBOSE', '0')



import numpy as np

from mms.errors import MMSError
from mms.mxnet_compat import mxnet as mx
from mms.utils.mxnet.nlp import encode_sentences, pad_sentence

from lstm_ptb_service import BUCKETS, PADDING, UNKNOWN, VOCABULARY
from python_docs import read_sentences

HERE = Path(__file__).resolve().parent
HELD_OUT = 10  # every tenth sentence
RARE = 3  # a word that comes up less often is <unk>
WIDTH, STATES, DROPOUT = 96, 128, 0.3
BATCH = 32
LEARNING_RATE = 2e-2


def make_vocabulary(sentences):
    """Word -> number."""
    counts = Counter(word for words in sentences for word in words)
    words = sorted(word for word, count in counts.items() if count >= RARE)
    return encode_sentences([['<unk>', *words]], invalid_label=PADDING, invalid_key='<pad>',
                            start_label=UNKNOWN)[1]


def language_model(size):
    """Scores (sentences, places, words) of the word that follows each place."""
    data = mx.sym.Variable('data')
    words = mx.sym.Embedding(data, input_dim=size, output_dim=WIDTH, name='embedding')
    weights = mx.sym.Variable('lstm_parameters', init=mx.init.Uniform(0.1))
    # A length of 0 is whatever the request has.
    start = [mx.sym.zeros(shape=(1, 0, STATES)) for _ in range(2)]
    states = mx.sym.RNN(words.swapaxes(0, 1), weights, *start, state_size=STATES, num_layers=1,
                        mode='lstm', name='lstm').swapaxes(0, 1)
    return mx.sym.FullyConnected(mx.sym.Dropout(states, p=DROPOUT), num_hidden=size,
                                 flatten=False, name='scores')


def with_loss(scores, size):
    """The network to train: it is told the next words, and padding does not count."""
    return mx.sym.SoftmaxOutput(
        scores.reshape((-1, size)), mx.sym.Variable('softmax_label').reshape((-1,)),
        use_ignore=True, ignore_label=PADDING, normalization='valid', name='softmax')


def make_batches(encoded):
    """Batches of sentences of one bucket each; a batch that is not full has rows of padding."""
    by_bucket = {length: [] for length in BUCKETS}
    for sentence in encoded:
        row = pad_sentence(sentence, BUCKETS, invalid_label=PADDING)
        by_bucket[row.bucket_key].append(row.data[0].asnumpy()[0])
    return [_batch(rows[start:start + BATCH], length) for length, rows in by_bucket.items()
            for start in range(0, len(rows), BATCH)]


def _batch(rows, length):
    words = np.full((BATCH, length + 1), PADDING, dtype=np.float32)
    words[:len(rows), :length] = rows
    shape = (BATCH, length)
    return mx.io.DataBatch(
        [mx.nd.array(words[:, :-1])], [mx.nd.array(words[:, 1:])], bucket_key=length,
        provide_data=[mx.io.DataDesc('data', shape)],
        provide_label=[mx.io.DataDesc('softmax_label', shape)])


def make_module(network, updates):
    """The network for all buckets, its weights always the same, for so many updates."""
    mx.random.seed(3)
    module = mx.mod.BucketingModule(lambda length: (network, ('data',), ('softmax_label',)),
                                    default_bucket_key=BUCKETS[-1])
    shape = (BATCH, BUCKETS[-1])
    module.bind([('data', shape)], [('softmax_label', shape)])
    module.init_params(mx.init.Xavier())
    # The loss is the mean over the words of a batch already.
    module.init_optimizer(optimizer='adam', optimizer_params={
        'learning_rate': LEARNING_RATE, 'clip_gradient': 1.0, 'rescale_grad': 1.0,
        'lr_scheduler': mx.lr_scheduler.PolyScheduler(updates, LEARNING_RATE, pwr=1)})
    return module


def perplexity(module, batches):
    """``exp`` of the mean surprise over all words but the first of each sentence."""
    surprise = count = 0
    for batch in batches:
        module.forward(batch, is_train=False)
        words = batch.label[0].reshape((-1,))
        given = mx.nd.pick(module.get_outputs()[0], words).asnumpy()
        is_word = words.asnumpy() != PADDING
        surprise -= np.log(given[is_word]).sum()
        count += is_word.sum()
    return math.exp(surprise / count)


def frequency_perplexity(train, test):
    """The same of a model that knows only how often each word is there."""
    counts = Counter(number for words in train for number in words[1:])
    total = sum(counts.values())
    surprises = [-math.log(max(1, counts[number]) / total) for words in test
                 for number in words[1:]]
    return math.exp(sum(surprises) / len(surprises))


def fit(module, train, test, epochs):
    """Train, and print how well it goes after each epoch."""
    rng = np.random.RandomState(3)
    for epoch in range(epochs):
        for index in rng.permutation(len(train)):
            module.forward(train[index], is_train=True)
            module.backward()
            module.update()
        print(f'epoch {epoch + 1} of {epochs}: perplexity {perplexity(module, test):.1f}',
              flush=True)


def write_folder(module, scores, vocabulary, folder):
    """Everything that the archive holds but for the service file."""
    mx.model.save_checkpoint(str(folder / 'lstm_ptb'), 0, mx.sym.softmax(scores, name='softmax'),
                             *module.get_params())
    words = sorted(vocabulary, key=vocabulary.get)
    (folder / VOCABULARY).write_text(''.join(f'{word}\n' for word in words), 'utf-8')
    shutil.copy(HERE / 'signature.json', folder)


def make_folder(folder):
    """So that a folder that cannot be written stops the command before the training.

    Raises
    ------
    MMSError
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise MMSError(f'--output: {folder} cannot be written: {error.strerror}; name another '
                       'folder') from error


def run(folder, epochs):
    """Train and write; the perplexity that was measured is the last line."""
    sentences = read_sentences()
    make_folder(folder)
    kept = [words for index, words in enumerate(sentences) if index % HELD_OUT]
    vocabulary = make_vocabulary(kept)
    train, test = (encode_sentences(words, vocabulary, invalid_label=UNKNOWN)[0]
                   for words in (kept, sentences[::HELD_OUT]))
    print(f'{sum(map(len, train))} words to train on, {len(vocabulary)} different ones')
    scores = language_model(len(vocabulary))
    batches, test_batches = make_batches(train), make_batches(test)
    module = make_module(with_loss(scores, len(vocabulary)), epochs * len(batches))
    fit(module, batches, test_batches, epochs)
    write_folder(module, scores, vocabulary, folder)
    print(f'{folder}: held-out perplexity {perplexity(module, test_batches):.1f} on {len(test)} '
          f'sentences; by frequency alone {frequency_perplexity(train, test):.1f}')


def count(text):
    """A whole number of 1 or more, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text} is no whole number of 1 or more')
    return int(text)


def main():
    """Train as the command line asks; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', required=True, metavar='DIR', type=Path,
                        help='folder for the files of the archive; made where it is missing')
    parser.add_argument('--epochs', type=count, default=6, metavar='N', help='default: 6')
    options = parser.parse_args()
    try:
        run(options.output, options.epochs)
    except (MMSError, OSError) as error:
        print(f'train.py: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
