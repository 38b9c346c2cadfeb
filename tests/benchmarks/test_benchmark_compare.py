"""The parts of benchmarks/compare.py, with contenders that only answer, and in a run of its own."""

import contextlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from answerer import PREDICTION, answering
from body import urlencoded_body
from contenders.contender import Contender, Endpoint, Setting
from contenders.this_server import THIS
from harness import REPO
from limit import Limit
from models import MODELS, SMALL, BuiltModel
from parts import closed, many, mix, open_loop, startup, tail
from parts.run import Lengths, Run
from processes import BenchmarkError
from sections import Figure, Section, put_into, summary
from short_loads import path_with_short_loads
from step_cost import NAMES
from wrk import Load

needs_wrk = pytest.mark.skipif(shutil.which('wrk') is None, reason='no wrk')
LENGTHS = Lengths(load_s=1, turns=2, between_s=0, warm_s=0, choosing_s=1, probed_s=1, tail_s=1,
                  rounds=1, models=3, idle_s=1)


class Answers(Contender):
    """A server that computes nothing, or does not start."""

    command = 'python answerer.py'

    def __init__(self, name, starts=True):
        self.name = name
        self.starts = starts
        self.served = []

    def settings(self, is_short=False):
        return [Setting(1, 1)]

    @contextlib.contextmanager
    def serve_all(self, models, setting):
        if not self.starts:
            raise BenchmarkError('it does not start')
        self.served.append(list(models))
        with answering() as (pid, port):
            yield {name: Endpoint(pid, port, f'/{name}', '/ping') for name in models}


@pytest.fixture
def short_loads(tmp_path_factory, monkeypatch):
    monkeypatch.setenv('PATH', path_with_short_loads(tmp_path_factory.mktemp('wrk')))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A short comparison of this server, another one, and one that fails, with a small body."""
    body = urlencoded_body('[[1, 2, 3, 4]]', tmp_path / 'body')
    contenders = [Answers(THIS), Answers('other'), Answers('broken', starts=False)]
    made = Run(contenders, LENGTHS, tmp_path)
    monkeypatch.setattr(Run, 'built', lambda self, model: BuiltModel(
        model, tmp_path, tmp_path, body, tmp_path, PREDICTION))
    monkeypatch.setattr('parts.run.SETTLE_S', 0)
    monkeypatch.setattr('parts.startup.SETTLE_S', 0)
    return made


def cells(section):
    head, _, *rows = [[cell.strip() for cell in line.strip('|').split('|')]
                      for line in section.table.splitlines()]
    return [dict(zip(head, row)) for row in rows]


@needs_wrk
def test_the_closed_load_chooses_and_the_open_one_goes_on_at_its_rates(run):
    dense = MODELS['dense']
    sections, rows = closed.measure(run, [dense], [2], has_limit=False)
    own, other, broken = cells(sections[0])
    assert float(own['of the best other']) > 0
    assert other['of the best other'] == ''
    assert float(own['CPU s per 1000']) > 0
    assert broken['requests/s'] == 'it does not start'
    assert [row.contender for row in rows] == [THIS, 'other', 'broken']
    rate = run.chosen['dense', 'other'][1]
    slow = replace(run, chosen={('dense', 'other'): (Setting(1, 1), min(rate, 400))})
    [section] = open_loop.measure(slow, [dense])
    found = cells(section)
    assert [(row['rate, /s'], row['contender']) for row in found] == [
        ('200.0', THIS), ('200.0', 'other'), ('320.0', THIS), ('320.0', 'other')]
    assert all(row['errors'] == '0' for row in found)
    assert {row[0] for row in figures_of(summary([*sections, section]))} > {
        'One dense layer, 2 connections, requests/s',
        'One dense layer, 320.0 requests a second, p99, ms'}


@needs_wrk
@pytest.mark.usefixtures('short_loads')
def test_the_limit_is_no_server_whose_rate_others_are_given(run, monkeypatch):
    monkeypatch.setattr('limit.measure_limit', lambda built, setting, seconds: Limit(
        setting, Load(1e6, 1.0, 1.0, 0, 0.0), 1.0))
    closed.measure(run, [MODELS['dense']], [2], has_limit=True)
    assert set(run.chosen) == {('dense', THIS), ('dense', 'other')}


def figures_of(section):
    return [tuple(row.values()) for row in cells(section)]


@needs_wrk
@pytest.mark.usefixtures('short_loads')
def test_two_models_are_loaded_alone_and_together(run):
    [section] = mix.measure(run)
    found = cells(section)
    assert [(row['contender'], row['model']) for row in found] == [
        (name, model) for name in (THIS, 'other') for model in ('AlexNet', 'One dense layer')]
    assert all(row['of alone'].endswith('%') for row in found)
    assert run.contenders[0].served == [['alexnet', 'dense']]


def test_starts_many_models_and_the_tail_have_a_row_for_each_that_starts(run):
    [start], [models], [long] = startup.measure(run), many.measure(run), tail.measure(run)
    assert [row['contender'] for row in cells(start)] == [THIS, 'other'] * 2
    assert [(row['models'], row['contender']) for row in cells(models)] == [
        ('3', THIS), ('3', 'other')]
    assert ['m0', 'm1', 'm2'] in run.contenders[0].served
    assert [float(row['p99 / p50']) >= 1 for row in cells(long)] == [True, True]


def test_this_server_is_set_against_the_best_of_the_others():
    figures = [Figure('rate', THIS, 120, is_rate=True), Figure('rate', 'a', 80, is_rate=True),
               Figure('rate', 'b', 100, is_rate=True), Figure('time', 'a', 5),
               Figure('time', THIS, 2.5), Figure('time', 'b', 10), Figure('lonely', THIS, 1)]
    text = summary([Section('x', 'X', '', figures=tuple(figures))]).table
    assert text.splitlines()[2:] == ['| rate | 120.0 | 100.0 | b | 1.20 |',
                                     '| time | 2.50 | 5.00 | a | 2.00 |']
    assert summary([]).table == ''


def test_tables_go_between_the_markers_of_a_page_and_nothing_else_changes(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('a\n\n<!-- compare: one -->\nold\n<!-- end of compare: one -->\nb\n')
    assert put_into(page, [Section('one', 'One', '| new |'), Section('two', 'Two', '')]) == ['one']
    assert page.read_text() == ('a\n\n<!-- compare: one -->\n\n| new |\n\n'
                                '<!-- end of compare: one -->\nb\n')
    page.write_text('<!-- compare: one -->\n')
    with pytest.raises(BenchmarkError, match='does not say where the table one ends'):
        put_into(page, [Section('one', 'One', '')])


def test_the_page_on_performance_has_markers_for_every_table():
    page = (REPO / 'docs' / 'performance.md').read_text(encoding='utf-8')
    names = ['summary', *(f'closed-{name}' for name in MODELS), 'open-loop', 'start', 'many',
             'mix', 'tail', 'machine', 'steps-alexnet', 'steps-dense']
    for name in names:
        assert page.count(f'<!-- compare: {name} -->\n') == 1
        assert page.count(f'<!-- end of compare: {name} -->\n') == 1
    assert page.count('<!-- compare: ') == len(names)


@needs_wrk
@pytest.mark.usefixtures('short_loads')
def test_a_short_run_prints_its_tables_and_says_whom_it_leaves_out(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('<!-- compare: closed-dense -->\n<!-- end of compare: closed-dense -->\n')
    answer = subprocess.run(
        [sys.executable, REPO / 'benchmarks' / 'compare.py', '--short', '--parts', 'closed',
         '--models', 'dense', '--connections', '2', '--seconds', '1', '--peers', 'mms',
         '--into', page], capture_output=True, text=True, timeout=200, check=False)
    assert answer.returncode == 0, answer.stderr
    assert '## One dense layer' in answer.stdout
    assert '| 2 | this server | default flags |' in page.read_text()


@needs_wrk
@pytest.mark.usefixtures('short_loads')
def test_the_steps_of_a_request_are_measured_in_two_states(tmp_path):
    answer = subprocess.run(
        [sys.executable, REPO / 'benchmarks' / 'step_cost.py', '--models', 'dense', '--seconds',
         '1', '--rounds', '1', '--before', REPO], capture_output=True, text=True, timeout=200,
        check=False)
    assert answer.returncode == 0, answer.stderr
    head, _, *rows = answer.stdout[answer.stdout.index('| step'):].strip().splitlines()
    assert head == '| step | before | now |'
    assert [row.split('|')[1].strip() for row in rows] == list(NAMES)
    for name, row in zip(NAMES, rows):
        for cell in row.strip(' |').split('|')[1:]:
            assert float(cell) > 0 or ('ms' in name and 'CPU' not in name)


@needs_wrk
@pytest.mark.parametrize('script', ['compare.py', 'step_cost.py'])
def test_a_page_that_is_not_there_is_told_before_anything_is_measured(script, tmp_path):
    answer = subprocess.run([sys.executable, REPO / 'benchmarks' / script, '--into',
                             tmp_path / 'none.md'], capture_output=True, text=True, timeout=60,
                            check=False)
    assert (answer.returncode, answer.stdout) == (1, '')
    [line] = answer.stderr.splitlines()
    assert line.startswith(f'{script}: there is no page {tmp_path}')


def test_small_models_are_those_of_an_archive_of_mms04():
    assert SMALL.is_of_mms04
    assert SMALL.field == 'picture'
    assert Path(REPO / 'tests/fixtures/mms04/a2_vision.model').exists()
