"""The documentation as data: pages, tables, code spans and fenced blocks."""

import re
from typing import NamedTuple

from harness import REPO

DOCS = [REPO / 'README.md', REPO / 'CHANGELOG.md', *sorted((REPO / 'docs').glob('*.md'))]
PAGES = [*DOCS, *sorted((REPO / 'examples').rglob('*.md'))]

_BLOCK = re.compile(
    r'^(?P<indent> *)(?:<!-- (?P<mark>[^\n]*?) -->\n(?P=indent))?'
    r'```(?P<language>\w+)\n(?P<body>.*?)^(?P=indent)```$', re.M | re.S)
_SPAN = re.compile(r'`([^`\n]+)`')


class Block(NamedTuple):
    """A fenced block and the comment above it, which says what a test does with it.

    ``run`` runs it, ``run: exits N`` runs it and expects that status, ``file: NAME`` writes it to
    a file, ``output`` is what the block before printed, ``output: part`` is a part of that.
    """

    mark: str
    language: str
    body: str


def name_of(page):
    return str(page.relative_to(REPO))


def read(name):
    return (REPO / name).read_text(encoding='utf-8')


def blocks(text):
    # In a list it is as far to the right as the text around it.
    return [Block(found['mark'] or '', found['language'],
                  re.sub(f"^{found['indent']}", '', found['body'], flags=re.M))
            for found in _BLOCK.finditer(text)]


def prose(text):
    """A page without its fenced blocks."""
    return _BLOCK.sub('', text)


def section(text, heading):
    """What stands under a heading of the second level."""
    _, _, rest = text.partition(f'\n## {heading}\n')
    return rest.partition('\n## ')[0]


def code_spans(text):
    return _SPAN.findall(text)


def rows(text):
    """Cells of every row of every table."""
    return [[cell.strip() for cell in line.strip().strip('|').split('|')]
            for line in prose(text).splitlines() if line.startswith('|')]


def row_of(text, name):
    """The row whose first code span begins with `name`."""
    for cells in rows(text):
        spans = code_spans(cells[0])
        if spans and spans[0].split()[0] == name:
            return cells
    raise AssertionError(f'no table has a row for {name}')


def commands(text):
    """Command lines of the bash blocks, continuation lines joined, comments left out."""
    for block in blocks(text):
        if block.language == 'bash':
            for line in block.body.replace('\\\n', ' ').splitlines():
                if line.strip() and not line.startswith('#'):
                    yield line.strip()
