"""The table of docs/install.md."""

import re

from supported import REPO

PAGE = REPO / 'docs' / 'install.md'
HEAD = ('Python', 'NumPy', 'allowed', 'MXNet', 'passed', 'failed', 'skipped')
START, END = '<!-- matrix: make matrix MATRIX_ARGS=--write -->\n', '\n<!-- /matrix -->'


def table(rows):
    """Markdown, a line for each environment."""
    lines = [HEAD, ['---'] * 4 + ['---:'] * 3]
    lines += [(row.python, row.numpy, row.end, row.mxnet, row.passed, row.failed, row.skipped)
              for row in rows]
    return '\n'.join(f'| {" | ".join(map(str, cells))} |' for cells in lines)


def write(page, rows):
    """Put it between the page's marks."""
    text = page.read_text(encoding='utf-8')
    start, end = text.index(START) + len(START), text.index(END)
    page.write_text(text[:start] + table(rows) + text[end:], encoding='utf-8')


def printed(page):
    """What stands between the marks: a list of cells for each environment."""
    text = page.read_text(encoding='utf-8')
    between = text[text.index(START) + len(START):text.index(END)]
    return [re.split(r' *\| *', line.strip('| ')) for line in between.splitlines()[2:]]
