"""The table of Pythons and NumPys, and the pages and files that speak of them."""

import re
import sys

import pytest
import supported
from fresh import HIGHEST, LOWEST, Row
from harness import REPO
from supported import lowest_numpys, version_of, versions
from table import END, PAGE, START, printed, table, write

ROWS = printed(PAGE)


def minor(python):
    return python.rpartition('.')[0]


def number(version):
    return [int(part) for part in version.split('.')]


def test_the_table_names_every_supported_python_with_both_numpys_and_no_other():
    assert [(minor(cells[0]), cells[2]) for cells in ROWS] == [
        (version, end) for version in versions() for end in (LOWEST, HIGHEST)]


def test_the_table_s_lowest_numpys_are_those_of_pyproject_toml():
    lowest = {minor(cells[0]): cells[1] for cells in ROWS if cells[2] == LOWEST}
    assert lowest == lowest_numpys()


def test_the_table_s_highest_numpys_are_2():
    assert all(number(cells[1])[0] == 2 for cells in ROWS if cells[2] == HIGHEST)


def test_in_the_table_mxnet_is_the_one_of_pyproject_toml_and_nothing_failed():
    for cells in ROWS:
        assert f'mxnet=={cells[3]}' == supported.MXNET
        assert int(cells[4]) > 0
        assert int(cells[5]) == 0


def test_the_text_above_the_table_names_the_lowest_numpys():
    page = PAGE.read_text(encoding='utf-8')
    for version, numpy in lowest_numpys().items():
        assert f'| {version} | {numpy} |' in page


@pytest.mark.parametrize('name', ['Makefile', '.ci/run', 'CHANGELOG.md', 'README.md'])
def test_files_that_give_the_range_of_pythons_give_this_one(name):
    text = (REPO / name).read_text(encoding='utf-8')
    ranges = re.findall(r'3\.(\d+) to 3\.(\d+)', text)
    first, last = (version.partition('.')[2] for version in (versions()[0], versions()[-1]))
    assert ranges
    assert set(ranges) == {(first, last)}


def test_python_requires_begins_where_the_classifiers_do():
    assert f'requires-python = ">={versions()[0]}"' in supported.PROJECT


def test_a_table_is_written_between_the_marks_and_read_back(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text(f'Before.\n{START}old{END}\nAfter.\n')
    rows = [Row('3.9.1', LOWEST, '1.19.3', '1.9.1', 10, 0, 1),
            Row('3.9.1', HIGHEST, '2.0.2', '1.9.1', 9, 1, 1)]
    write(page, rows)
    assert page.read_text() == f'Before.\n{START}{table(rows)}{END}\nAfter.\n'
    assert printed(page) == [['3.9.1', '1.19.3', 'lowest', '1.9.1', '10', '0', '1'],
                             ['3.9.1', '2.0.2', 'highest', '1.9.1', '9', '1', '1']]
    assert [row.good for row in rows] == [True, False]


def test_nothing_that_ran_is_not_good():
    assert not Row('3.9.1', LOWEST, '1.19.3', '1.9.1', 0, 0, 0).good


def test_pythons_are_the_named_ones_or_those_of_the_path_and_pyenv(tmp_path, monkeypatch):
    here = '{}.{}'.format(*sys.version_info)
    monkeypatch.setenv('PYTHONS', sys.executable)
    assert supported.pythons() == {here: sys.executable}
    monkeypatch.setenv('PYTHONS', '')
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('PYENV_ROOT', str(tmp_path / 'pyenv'))
    assert supported.pythons() == {}
    folder = tmp_path / 'pyenv' / 'versions' / f'{here}.99' / 'bin'
    folder.mkdir(parents=True)
    (folder / 'python3').symlink_to(sys.executable)
    assert supported.pythons() == {here: str(folder / 'python3')}
    (tmp_path / f'python{here}').symlink_to(sys.executable)
    assert supported.pythons() == {here: f'python{here}'}


def test_what_is_no_python_has_no_version(tmp_path):
    assert version_of(str(tmp_path / 'python3.9')) is None
    assert version_of('false') is None
