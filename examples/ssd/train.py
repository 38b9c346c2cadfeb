#!/usr/bin/env python3
"""Train a small SSD on pictures with scikit-learn's digits; write it, and pictures held out."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
import scenes
from PIL import Image

from mms.errors import MMSError
from mms.mxnet_compat import mxnet as mx
from mms.utils.mxnet import image

from detector import NEGATIVES, Detector

HERE = Path(__file__).resolve().parent
SIDE = 64  # of the network's input, in pixels
TRAINING, HELD_OUT = 2400, 200  # pictures
BATCH = 16
EPOCHS = 5
RATE = 4e-3  # of learning, in the first epoch; down to 0 in the last
SEED = 8
OTHER_SEED = 80  # of the pictures held out
LEAST_SCORE = 0.01  # of a box, for the network to give it out
MOST_COMMON = 0.45  # intersection over union of two boxes: of more, the better one stays


def inputs_and_targets(made: Sequence[scenes.Scene]) -> tuple[Any, Any]:
    """What the network takes, and [class, left, top, right, bottom] of each object, 0 to 1."""
    inputs = np.empty((len(made), 3, SIDE, SIDE), 'float32')
    targets = np.full((len(made), scenes.MOST, 5), -1, 'float32')
    for row, (pixels, objects) in enumerate(made):
        inputs[row] = image.resize(mx.nd.array(pixels, dtype='uint8'), SIDE, SIDE).asnumpy() \
            .transpose(2, 0, 1)
        height, width = pixels.shape[:2]
        for number, (label, x, y, w, h) in enumerate(objects):
            targets[row, number] = (label, x / width, y / height, (x + w) / width,
                                    (y + h) / height)
    return mx.nd.array(inputs), mx.nd.array(targets)


def loss(outputs: tuple[Any, Any, Any], targets: Any) -> Any:
    """One number for each picture: of the classes, and of the boxes."""
    anchors, scores, offsets = outputs
    with mx.autograd.pause():
        wanted, counts, classes = mx.nd.contrib.MultiBoxTarget(
            anchors, targets, scores, overlap_threshold=0.5, negative_mining_ratio=NEGATIVES,
            negative_mining_thresh=0.5, ignore_label=-1)
        used, objects = classes >= 0, mx.nd.maximum((classes > 0).sum(axis=1), 1)
    surprise = -mx.nd.pick(mx.nd.log_softmax(scores, axis=1), mx.nd.maximum(classes, 0), axis=1)
    distance = mx.nd.smooth_l1(offsets * counts - wanted * counts, scalar=1)
    return ((surprise * used).sum(axis=1) + distance.sum(axis=1)) / objects


def train(made: Sequence[scenes.Scene]) -> Detector:
    """A detector trained on the pictures, the same one at every run."""
    mx.random.seed(SEED)
    np.random.seed(SEED)
    inputs, targets = inputs_and_targets(made)
    net = Detector(prefix='ssd_')
    net.initialize(mx.init.Xavier(magnitude=2))
    net.hybridize()
    batches = mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(inputs, targets), BATCH,
                                       shuffle=True, last_batch='discard')
    schedule = mx.lr_scheduler.CosineScheduler(EPOCHS * len(batches), base_lr=RATE)
    trainer = mx.gluon.Trainer(net.collect_params(), 'adam', {
        'learning_rate': RATE, 'lr_scheduler': schedule})
    for epoch in range(EPOCHS):
        total = 0.0
        for batch, wanted in batches:
            with mx.autograd.record():
                each = loss(net(batch), wanted)
            each.backward()
            trainer.step(BATCH)
            total += each.mean().asscalar()
        print(f'epoch {epoch + 1} of {EPOCHS}: loss {total / len(batches):.3f}', flush=True)
    return net


def save(net: Detector, folder: Path) -> None:
    """Write what ``mxnet-model-export`` packs: the network, behind it what makes boxes of it."""
    anchors, scores, offsets = net(mx.sym.var('data'))
    symbol = mx.sym.contrib.MultiBoxDetection(
        mx.sym.softmax(scores, axis=1), offsets, anchors, name='detection',
        threshold=LEAST_SCORE, nms_threshold=MOST_COMMON, force_suppress=True)
    values = {name: parameter.data() for name, parameter in net.collect_params().items()}
    states = {name: values.pop(name) for name in symbol.list_auxiliary_states()}
    mx.model.save_checkpoint(str(folder / 'ssd'), EPOCHS, symbol, values, states)
    for name in ('signature.json', 'synset.txt'):
        shutil.copy(HERE / name, folder)


def write_pictures(made: Sequence[scenes.Scene], folder: Path) -> None:
    """Write pictures, and ``objects.json``: what is in each, [class, x, y, width, height]."""
    names = (HERE / 'synset.txt').read_text('utf-8').split()
    objects = {}
    for number, scene in enumerate(made):
        Image.fromarray(scene.pixels).save(folder / f'{number:03}.jpg', quality=90)
        objects[f'{number:03}.jpg'] = [[names[label], *box] for label, *box in scene.objects]
    (folder / 'objects.json').write_text(json.dumps(objects), 'utf-8')


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
    training, held_out = scenes.load_digits()
    for name in ('model', 'held_out'):
        make_folder(output / name)
    save(train(scenes.compose(training, TRAINING, SEED)), output / 'model')
    write_pictures(scenes.compose(held_out, HELD_OUT, OTHER_SEED), output / 'held_out')
    print(f'{output} has the model, and {HELD_OUT} pictures to check it on')


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
