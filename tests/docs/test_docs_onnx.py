"""The page on ONNX says which operators convert: neither more nor less than do."""

from doc_pages import code_spans, read, rows, section
from extras import onnx  # noqa: F401  of what the table is made

from mms.from_onnx import operators  # noqa: F401  fills the table
from mms.from_onnx.fold import FOLDED
from mms.from_onnx.table import OPERATORS

OPERATORS_SECTION = section(read('docs/onnx.md'), 'Operators')


def table(heading):
    """Rows under the heading whose second column is `heading`."""
    _, _, rest = OPERATORS_SECTION.partition(f' | {heading} |\n')
    return rows(rest.partition('\n\n')[0])[1:]


def test_the_page_names_every_operator_that_converts():
    families = {cells[0]: code_spans(cells[1]) for cells in table('operators')}
    expected: dict = {}
    for name, row in sorted(OPERATORS.items()):
        family = row.translate.__module__.rpartition('.')[2]
        expected.setdefault(family, []).append(name)
    assert families == expected


def test_the_page_names_every_limit():
    limits = {name: cells[1] for cells in table('limits') for name in code_spans(cells[0])}
    assert limits == {name: row.limits for name, row in OPERATORS.items() if row.limits}


def test_the_page_names_what_converts_only_if_it_is_constant():
    _, _, rest = OPERATORS_SECTION.partition('which convert only so:\n')
    listed = set(code_spans(rest.partition('\n\n')[0]))
    assert listed == FOLDED - set(OPERATORS) - {'Shape', 'Size'}
