#!/usr/bin/env python3
"""Train a small network to take noise out of pictures; write it, and noisy pictures."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

import numpy as np
import photographs
from PIL import Image

from mms.errors import MMSError
from mms.mxnet_compat import mxnet as mx

from denoiser_service import Denoiser

HERE = Path(__file__).resolve().parent
SIDE = 32  # of a patch, in pixels
PATCHES = 1200
BATCH = 16
EPOCHS = 4
RATE = 2e-3  # of learning, in the first step; down to 0 in the last
SEED = 8


def train(clean: np.ndarray) -> Denoiser:
    """A network trained on patches (N, 3, side, side), the same one at every run."""
    mx.random.seed(SEED)
    random = np.random.default_rng(SEED)
    net = Denoiser()
    net.initialize(mx.init.Xavier())
    net.hybridize()
    steps = len(clean) // BATCH
    trainer = mx.gluon.Trainer(net.collect_params(), 'adam', {
        'learning_rate': RATE,
        'lr_scheduler': mx.lr_scheduler.CosineScheduler(EPOCHS * steps, base_lr=RATE)})
    for epoch in range(EPOCHS):
        noisy = photographs.noisy(clean, SEED + epoch)
        order = random.permutation(steps * BATCH).reshape(steps, BATCH)
        total = sum(step(net, trainer, noisy[batch], clean[batch]) for batch in order)
        print(f'epoch {epoch + 1} of {EPOCHS}: error {(total / steps) ** 0.5:.1f} of 255',
              flush=True)
    return net


def step(net: Denoiser, trainer: mx.gluon.Trainer, noisy: np.ndarray, clean: np.ndarray) -> float:
    """Learn from one batch; returns the mean squared error before."""
    with mx.autograd.record():
        errors = (net(mx.nd.array(noisy)) - mx.nd.array(clean)) / 255
        loss = (errors ** 2).mean(axis=(1, 2, 3))
    loss.backward()
    trainer.step(len(clean))
    return float(loss.mean().asscalar()) * 255 ** 2


def save(net: Denoiser, folder: Path) -> None:
    """Write what ``mxnet-model-export`` packs."""
    net.save_parameters(str(folder / 'denoiser.params'))
    shutil.copy(HERE / 'signature.json', folder)


def write_pictures(photograph: np.ndarray, folder: Path) -> None:
    """Write the pieces of a photograph: ``clean`` as they are, ``noisy`` to send."""
    for name in ('clean', 'noisy'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, piece in enumerate(photographs.pieces(photograph)):
        Image.fromarray(piece).save(folder / 'clean' / f'{number:02}.png')
        Image.fromarray(photographs.noisy(piece, SEED + number)).save(
            folder / 'noisy' / f'{number:02}.png')


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
    """Train, and write everything.

    Raises
    ------
    MMSError
    """
    clean = photographs.patches(photographs.load(photographs.TRAINING), SIDE, PATCHES, SEED)
    for name in ('model', 'held_out'):
        make_folder(output / name)
    save(train(clean), output / 'model')
    write_pictures(photographs.load(photographs.HELD_OUT), output / 'held_out')
    print(f'{output} has the model, and pictures to check it on')


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', required=True, metavar='DIR', type=Path,
                        help='gets the folders model and held_out')
    options = parser.parse_args(arguments)
    try:
        run(options.output)
    except (MMSError, OSError) as error:
        print(f'train.py: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
