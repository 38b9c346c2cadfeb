#!/usr/bin/env python3
"""Post pictures to a served detector; print how good the boxes are that it answers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Optional

import requests
from precision import LEAST_OVERLAP, quality

CLIENTS = 8  # at once
TIMEOUT_S = 60


def boxes(url: str, picture: Path) -> list[Any]:
    """What the server finds: [class, score, x, y, width, height] of each object.

    Raises
    ------
    requests.RequestException
        No answer, or an error.
    ValueError
        An answer of another kind.
    """
    part = (picture.name, picture.read_bytes(), 'image/jpeg')
    answer = requests.post(url, files={'data': part}, timeout=TIMEOUT_S)
    answer.raise_for_status()
    found = answer.json().get('prediction')
    if not isinstance(found, list) or not all(map(is_box, found)):
        raise ValueError(f'{url} answers no boxes: is another model served there?')
    return found


def is_box(entry: Any) -> bool:
    """Whether it looks like [class, score, x, y, width, height]."""
    return isinstance(entry, list) and len(entry) == 6 and isinstance(entry[0], str)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, help='pictures, and objects.json')
    parser.add_argument('url', help='http://HOST:PORT/NAME/predict')
    options = parser.parse_args(arguments)
    try:
        objects = json.loads((options.folder / 'objects.json').read_text('utf-8'))
        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(lambda name: boxes(options.url, options.folder / name),
                                    objects))
    except FileNotFoundError as error:
        print(f'check.py: {error.filename} is missing: run train.py first', file=sys.stderr)
        return 1
    except requests.ConnectionError:
        print(f'check.py: no server answers at {options.url}', file=sys.stderr)
        return 1
    except (requests.RequestException, ValueError) as error:
        print(f'check.py: {error}', file=sys.stderr)
        return 1
    measured = quality(answers, list(objects.values()))
    print(f'mean average precision {measured.mean_average_precision:.3f}, '
          f'precision {measured.precision:.3f}, recall {measured.recall:.3f} '
          f'at an overlap of {LEAST_OVERLAP}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
