#!/usr/bin/env python3
"""Print the answer of a vision service, read from standard input, for a person."""

from __future__ import annotations

import json
import sys

BAR_WIDTH = 30  # characters for a probability of 1


def words(label: str) -> str:
    """Return the first name in a synset line: ``n02123045 tabby, tabby cat`` -> ``tabby``."""
    return label.partition(' ')[2].partition(',')[0] or label


def bar(probability: float) -> str:
    """Return a bar of BAR_WIDTH, in characters that the terminal can show."""
    full, empty = '█', '░'
    try:
        (full + empty).encode(sys.stdout.encoding or 'ascii')
    except UnicodeEncodeError:
        full, empty = '#', '.'
    length = round(BAR_WIDTH * probability)
    return full * length + empty * (BAR_WIDTH - length)


def show(answer: dict) -> None:
    """Print one line per class."""
    classes = answer['prediction'][0]
    names = [words(entry['class']) for entry in classes]
    width = max(map(len, names))
    for name, entry in zip(names, classes):
        probability = entry['probability']
        print(f'  {name:<{width}}  {bar(probability)}  {probability:6.1%}')


def main() -> int:
    """Read, print; returns the exit status."""
    text = sys.stdin.read()
    try:
        show(json.loads(text))
    except (ValueError, KeyError, IndexError, TypeError):
        print(f'show.py: this is no prediction: {text.strip() or "an empty answer"}',
              file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
