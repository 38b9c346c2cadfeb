"""ONNX models, converted, and compared with onnxruntime: a table in Markdown.

::

    python benchmarks/onnx_table.py

tries the models inside the onnx package, and PyTorch's exports of small networks in
tests/fixtures/onnx. With ``--folder`` it tries what ``onnx_torchvision.py`` wrote, too.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from onnx_compare import DIFFERENT, FAILED, Verdict, compare
from onnx_sources import Source, fixtures, folder, light_models

HEAD = ('model', 'made by', 'opset', 'verdict', 'largest difference')
# Of a reason, in letters; onnxruntime's go on with signatures of C++.
LONGEST = 160


class Row(NamedTuple):
    """A model with the opsets at which the same came of it."""

    model: str
    made_by: str
    opsets: tuple[int, ...]
    verdict: Verdict


def rows(sources: Iterable[Source]) -> Iterator[Row]:
    """Try each source; opsets of one model that come to the same are one row."""
    tried = ((source, verdict_on(source)) for source in sources)
    for _, group in itertools.groupby(tried, key=lambda pair: (
            pair[0].model, pair[0].made_by, pair[1].word, without_place(pair[1].reason))):
        sources_here, verdicts = zip(*group)
        worst = max(verdicts, key=lambda verdict: verdict.difference or 0)
        yield Row(sources_here[0].model, sources_here[0].made_by,
                  tuple(source.opset for source in sources_here), worst)


def verdict_on(source: Source) -> Verdict:
    """Compare, or tell why there is nothing to compare."""
    verdict = Verdict('not exported', reason=source.reason) if source.reason \
        else compare(source.path)
    print(f'{source.model}, opset {source.opset}: {verdict.word}', file=sys.stderr)
    return verdict


def without_place(reason: str) -> str:
    """The reason without the file, the node and the opset, which differ from export to export."""
    return re.sub(r"^\S*\.onnx: |'[^']*'|\d+", '', reason)


def line(row: Row) -> str:
    """One line of the table."""
    difference = '' if row.verdict.difference is None else f'{row.verdict.difference:.1e}'
    word = row.verdict.word if not row.verdict.reason else f'{row.verdict.word}: {quoted(row)}'
    return f'| {row.model} | {row.made_by} | {span(row.opsets)} | {word} | {difference} |'


def quoted(row: Row) -> str:
    """The reason, on one line, without the file's name."""
    words = re.sub(r'^\S*\.onnx: ', '', row.verdict.reason).split()
    return textwrap.shorten(' '.join(words), LONGEST, placeholder=' ...').replace('|', '\\|')


def span(opsets: tuple[int, ...]) -> str:
    """``9`` or ``9 to 17`` or ``9, 11, 13``."""
    first, last = opsets[0], opsets[-1]
    if len(opsets) > 2 and opsets == tuple(range(first, last + 1)):
        return f'{first} to {last}'
    return ', '.join(map(str, opsets))


def sources(options: argparse.Namespace) -> Iterator[Source]:
    """All that was asked for, one after the other."""
    if 'light' in options.sources:
        yield from light_models(options.only)
    if 'fixtures' in options.sources:
        yield from fixtures(options.only)
    if options.folder:
        yield from folder(options.folder, options.only)


def main() -> int:
    """Print the table; 1 if an answer differs, or something broke."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--sources', nargs='*', choices=('light', 'fixtures'),
                        default=('light', 'fixtures'), help='default: both')
    parser.add_argument('--folder', type=Path, help='files that onnx_torchvision.py wrote')
    parser.add_argument('--only', nargs='+', default=('',), metavar='WORD',
                        help='only models whose names hold one of these')
    options = parser.parse_args()
    print(f"| {' | '.join(HEAD)} |\n| --- | --- | --- | --- | ---: |", flush=True)
    good = True
    for row in rows(sources(options)):
        print(line(row), flush=True)
        good = good and row.verdict.word not in (DIFFERENT, FAILED)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
