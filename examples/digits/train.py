#!/usr/bin/env python3
"""Train a small network on scikit-learn's digits; write it, and the pictures held out."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import digit_pictures
import numpy as np

from mms.errors import MMSError
from mms.mxnet_compat import mxnet as mx

HERE = Path(__file__).resolve().parent
BATCH = 50
EPOCHS = 20
SEED = 8


def network() -> Any:
    """Ten probabilities of pictures (N, 3, 8, 8), values 0 to 255."""
    x = mx.sym.Variable('data') / 255
    for layer, channels in enumerate((32, 64)):
        x = mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=channels,
                               name=f'conv{layer}')
        x = mx.sym.Activation(x, act_type='relu')
    x = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type='max')
    x = mx.sym.Dropout(mx.sym.Flatten(x), p=0.5)
    scores = mx.sym.FullyConnected(x, num_hidden=10, name='scores')
    return mx.sym.SoftmaxOutput(scores, name='softmax')


def batches(digits: digit_pictures.Digits, shuffle: bool = False) -> Any:
    """An iterator over the pictures; grey ones have three channels that are the same."""
    colours = np.repeat(digits.pictures[:, np.newaxis], 3, axis=1).astype('float32')
    return mx.io.NDArrayIter(colours, digits.labels.astype('float32'), BATCH, shuffle=shuffle,
                             label_name='softmax_label')


def train(digits: digit_pictures.Digits) -> Any:
    """A Module trained on `digits`, the same one at every run."""
    mx.random.seed(SEED)
    np.random.seed(SEED)
    module = mx.mod.Module(network())
    module.fit(batches(digits, shuffle=True), num_epoch=EPOCHS, initializer=mx.init.Xavier(),
               optimizer='adam', optimizer_params={'learning_rate': 2e-3})
    return module


def right_answers(module: Any, digits: digit_pictures.Digits) -> int:
    """How many of `digits` the network names rightly."""
    scores = module.predict(batches(digits)).asnumpy()
    return int((scores.argmax(axis=1) == digits.labels).sum())


def save(module: Any, folder: Path) -> None:
    """Write what ``mxnet-model-export`` packs."""
    module.save_checkpoint(str(folder / 'digits'), EPOCHS)
    for name in ('signature.json', 'synset.txt'):
        shutil.copy(HERE / name, folder)


def make_folder(folder: Path) -> None:
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


def run(output: Path) -> None:
    """Train, measure and write everything.

    Raises
    ------
    MMSError
    """
    training, held_out = digit_pictures.load()
    for name in ('model', 'held_out'):
        make_folder(output / name)
    module = train(training)
    save(module, output / 'model')
    names = (HERE / 'synset.txt').read_text('utf-8').split()
    digit_pictures.write(held_out, output / 'held_out', names)
    right, total = right_answers(module, held_out), len(held_out.labels)
    print(f'{right} of {total} held-out digits are right: {right / total:.1%}')


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', required=True, metavar='DIR', type=Path,
                        help='gets the folders model and held_out')
    options = parser.parse_args(arguments)
    logging.disable(logging.INFO)  # Module tells of every epoch
    try:
        run(options.output)
    except (MMSError, OSError) as error:
        print(f'train.py: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
