#!/usr/bin/env python3
"""Train the character CNN on Django's messages; write the folder that is packed."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from mms.errors import MMSError
from mms.mxnet_compat import mxnet as mx

from char_cnn_service import LENGTH, CharacterCNN, encode
from django_texts import LANGUAGES, read_texts

HERE = Path(__file__).resolve().parent
CLASSES = sorted(LANGUAGES.values())
HELD_OUT = 1 / 6  # of the messages, in all languages
SHORTEST_TEST = 20  # characters: of a message that the accuracy is measured on
BATCH, BATCHES = 64, 75  # texts in a batch, batches in an epoch
PIECE = 12, 96  # characters of a text for training: short ones are quick
LEARNING_RATE = 1e-2


def split_texts(texts, rng):
    """Texts of each class to train on, and (text, class) pairs to measure on."""
    messages = sorted(texts)
    rng.shuffle(messages)
    held_out = messages[:int(len(messages) * HELD_OUT)]
    test = [(text, CLASSES.index(language)) for message in held_out
            for language, text in sorted(texts[message].items()) if len(text) >= SHORTEST_TEST]
    # Messages may agree in some language but not in English.
    seen = {text for text, _ in test}
    train = [[texts[message][language] for message in messages[len(held_out):]
              if texts[message].get(language, '') not in {'', *seen}] for language in CLASSES]
    return train, test


def draw_piece(texts, rng):
    """Some characters of one or two texts."""
    text = ' '.join(rng.choice(texts) for _ in range(rng.randint(1, 2)))
    size = rng.randint(*PIECE)
    start = rng.randint(0, max(0, len(text) - size))
    return text[start:start + size]


def draw_batch(train, rng):
    """Encoded pieces and their classes."""
    classes = [rng.randrange(len(CLASSES)) for _ in range(BATCH)]
    pieces = [encode(draw_piece(train[number], rng), PIECE[1]) for number in classes]
    return mx.nd.array(np.stack(pieces)), mx.nd.array(classes)


def accuracy(net, test):
    """Share of the texts whose likeliest class is theirs."""
    scores = net(mx.nd.array(np.stack([encode(text, LENGTH) for text, _ in test])))
    return float((scores.asnumpy().argmax(axis=1) == [number for _, number in test]).mean())


def fit(net, train, test, epochs, rng):
    """Train, and print how well it goes after each epoch."""
    trainer = mx.gluon.Trainer(net.collect_params(), 'adam')
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    for epoch in range(epochs):
        trainer.set_learning_rate(LEARNING_RATE * (1 - epoch / epochs) ** 0.5)
        for _ in range(BATCHES):
            texts, classes = draw_batch(train, rng)
            with mx.autograd.record():
                loss = loss_of(net(texts), classes)
            loss.backward()
            trainer.step(BATCH)
        print(f'epoch {epoch + 1} of {epochs}: accuracy {accuracy(net, test):.3f}', flush=True)


def write_folder(net, folder):
    """Everything that the archive holds but for the service file."""
    net.save_parameters(str(folder / 'char_cnn.params'))
    (folder / 'synset.txt').write_text(''.join(f'{name}\n' for name in CLASSES), 'utf-8')
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
    """Train and write; the accuracy that was measured is the last line."""
    rng = random.Random(1)
    mx.random.seed(1)
    train, test = split_texts(read_texts(), rng)
    make_folder(folder)
    net = CharacterCNN(len(CLASSES))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    fit(net, train, test, epochs, rng)
    write_folder(net, folder)
    print(f'{folder}: held-out accuracy {accuracy(net, test):.3f} on {len(test)} messages '
          f'in {len(CLASSES)} languages')


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
