#!/usr/bin/env python3
"""Post pictures to a served model; count how often the likeliest class is the right one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Optional

import requests

CLIENTS = 8  # at once
TIMEOUT_S = 60


def likeliest_class(url: str, picture: Path) -> str:
    """What the server says of a picture.

    Raises
    ------
    requests.RequestException
        No answer, or an error.
    ValueError
        An answer of another kind.
    """
    # The part's type is image/jpeg for a PNG too.
    part = (picture.name, picture.read_bytes(), 'image/jpeg')
    answer = requests.post(url, files={'data': part}, timeout=TIMEOUT_S)
    answer.raise_for_status()
    try:
        return answer.json()['prediction'][0][0]['class']
    except (LookupError, TypeError):
        raise ValueError(f'{url} answers no classes: is another model served there?') from None


def is_right(url: str, picture: Path) -> bool:
    """Whether the answer is the class in the picture's name, ``NUMBER_CLASS.jpg``."""
    return likeliest_class(url, picture) == picture.stem.partition('_')[2]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, help='pictures, named NUMBER_CLASS.jpg or .png')
    parser.add_argument('url', help='http://HOST:PORT/NAME/predict')
    options = parser.parse_args(arguments)
    pictures = sorted(options.folder.glob('*_*.*'))
    if not pictures:
        print(f'check.py: {options.folder} has no pictures: run train.py first', file=sys.stderr)
        return 1
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            right = sum(pool.map(partial(is_right, options.url), pictures))
    except requests.ConnectionError:
        print(f'check.py: no server answers at {options.url}', file=sys.stderr)
        return 1
    except (requests.RequestException, ValueError) as error:
        print(f'check.py: {error}', file=sys.stderr)
        return 1
    print(f'{right} of {len(pictures)} served digits are right: {right / len(pictures):.1%}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
