#!/usr/bin/env python3
"""Post noisy pictures to a served model; print how much nearer to the clean ones it brings them."""

from __future__ import annotations

import argparse
import base64
import io
import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
import requests
from PIL import Image

CLIENTS = 4  # at once
TIMEOUT_S = 60


class Gain(NamedTuple):
    """Peak signal-to-noise ratio, in dB, of the picture that was sent and of the answer."""

    sent: float
    answered: float


def psnr(pixels: np.ndarray, clean: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB: higher is nearer to `clean`."""
    error = float(np.mean((pixels.astype('float64') - clean) ** 2))
    return 10 * math.log10(255 ** 2 / error) if error else math.inf


def answer(url: str, picture: Path) -> np.ndarray:
    """The picture that the server makes of one.

    Raises
    ------
    requests.RequestException
        No answer, or an error.
    ValueError
        An answer of another kind.
    """
    # The part's type is image/jpeg for a PNG too.
    part = (picture.name, picture.read_bytes(), 'image/jpeg')
    reply = requests.post(url, files={'data': part}, timeout=TIMEOUT_S)
    reply.raise_for_status()
    try:
        data = base64.b64decode(reply.json()['prediction'])
        return np.asarray(Image.open(io.BytesIO(data)))
    except (LookupError, TypeError, ValueError, OSError):
        raise ValueError(f'{url} answers no picture: is another model served there?') from None


def gain(url: str, noisy: Path, clean: Path) -> Gain:
    """What the server gains on one picture.

    Raises
    ------
    requests.RequestException
        No answer, or an error.
    ValueError
        An answer of another kind.
    """
    wanted = np.asarray(Image.open(clean))
    answered = answer(url, noisy)
    if answered.shape != wanted.shape:
        raise ValueError(f'{url} answers a picture of another size: is another model served there?')
    return Gain(psnr(np.asarray(Image.open(noisy)), wanted), psnr(answered, wanted))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, help='has the folders noisy and clean')
    parser.add_argument('url', help='http://HOST:PORT/NAME/predict')
    options = parser.parse_args(arguments)
    pictures = sorted((options.folder / 'noisy').glob('*.png'))
    if not pictures:
        print(f'check.py: {options.folder} has no pictures: run train.py first', file=sys.stderr)
        return 1
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            gains = list(pool.map(
                lambda path: gain(options.url, path, options.folder / 'clean' / path.name),
                pictures))
    except requests.ConnectionError:
        print(f'check.py: no server answers at {options.url}', file=sys.stderr)
        return 1
    except (requests.RequestException, ValueError) as error:
        print(f'check.py: {error}', file=sys.stderr)
        return 1
    for picture, (sent, answered) in zip(pictures, gains):
        print(f'{picture.name}  {sent:.1f} dB -> {answered:.1f} dB  ({answered - sent:+.1f})')
    print('mean    {:.1f} dB -> {:.1f} dB  ({:+.1f})'.format(
        *np.mean(gains, axis=0), np.mean([each.answered - each.sent for each in gains])))
    return 0


if __name__ == '__main__':
    sys.exit(main())
