"""What a running server answers to a scrape, and what the page says of it."""

import re

import pytest
from certificates import Authority
from doc_pages import code_spans, read, rows, section
from harness import REPO, Server, write_archive

TYPE = re.compile(r'^# TYPE (\S+) (\S+)$', re.M)
SAMPLE = re.compile(r'^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$', re.M)
LABEL = re.compile(r'(\w+)="([^"]*)"')


@pytest.fixture(scope='module')
def text(tmp_path_factory):
    """The answer, after a request."""
    folder = tmp_path_factory.mktemp('scraped')
    authority = Authority(folder)
    server = Server(folder / 'server', [
        '--models', f"m={write_archive(folder, 'm')}", '--workers', '1',
        *authority.sign().words()]).wait_until_up()
    server.verify = authority.path
    assert server.post_text('m', '[[1]]').status_code == 200
    answer = server.get('/metrics')
    server.stop()
    return answer.text


@pytest.fixture(scope='module')
def table():
    return rows(section(read('docs/metrics.md'), 'Prometheus'))


def test_every_metric_has_a_row_with_its_type_and_labels_and_no_other_has(text, table):
    labels = {}
    for name, found in SAMPLE.findall(text):
        labels.setdefault(name, set()).update(label for label, _ in LABEL.findall(found))
    exposed = {name: (kind, labels[name] - {'le'}) for name, kind in TYPE.findall(text)}
    documented = {code_spans(cells[0])[0]: (cells[1], set(code_spans(cells[2])))
                  for cells in table if re.match('`(mms|process)_', cells[0])}
    assert documented == exposed
    assert len(exposed) > 15


def test_every_label_and_each_of_its_values_is_on_the_page(text, table):
    known = {}
    for cells in table:
        if len(cells) == 2 and code_spans(cells[0]):
            known.setdefault(code_spans(cells[0])[0], set()).update(code_spans(cells[1]))
    seen = {}
    for _, found in SAMPLE.findall(text):
        for label, value in LABEL.findall(found):
            seen.setdefault(label, set()).add(value)
    assert set(seen) - {'le', 'version', 'python', 'mxnet'} <= set(known)
    for label in ('reason', 'phase', 'state', 'process', 'protocol'):
        assert seen[label] - {''} <= known[label]


def test_every_file_for_prometheus_has_a_row(table):
    there = {path.name for path in (REPO / 'deploy' / 'prometheus').iterdir()}
    assert there == {code_spans(cells[0])[0] for cells in table
                     if code_spans(cells[0]) and code_spans(cells[0])[0] in there}
