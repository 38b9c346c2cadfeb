"""The scripts of benchmarks/, as those who measure run them."""

import re
import runpy
import subprocess
import sys

import console_load
import pytest
from extras import require
from harness import REPO
from processes import BenchmarkError

SCRIPTS = sorted(path.name for path in (REPO / 'benchmarks').glob('*.py')
                 if 'ArgumentParser(' in path.read_text())


def run(script, *words, **options):
    return subprocess.run([sys.executable, REPO / 'benchmarks' / script, *map(str, words)],
                          capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.mark.parametrize('script', SCRIPTS)
def test_a_script_says_what_it_takes_and_the_docs_name_it(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', [script, '--help'])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(REPO / 'benchmarks' / script), run_name='__main__')
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f'usage: {script}')
    pages = [page.read_text() for page in (REPO / 'docs').glob('*.md')]
    assert any(f'benchmarks/{script}' in page for page in pages)


def test_without_the_load_generator_one_line_says_how_to_get_it(tmp_path):
    answer = run('compare.py', env={'PATH': str(tmp_path)})
    assert (answer.returncode, answer.stdout) == (1, '')
    [line] = answer.stderr.splitlines()
    assert 'apt-get install wrk' in line


@pytest.mark.parametrize(('script', 'why'), [
    ('#!/bin/sh\necho two >&2; echo lines >&2; exit 127\n', 'lines'),
    ('#!/bin/sh\nexit 1\n', 'exit status 1'), ('#!/none\n', 'No such file or directory')])
def test_a_browser_that_does_not_start_is_told_in_one_line(tmp_path, script, why):
    require('playwright')
    browser = tmp_path / 'chromium'
    browser.write_text(script)
    browser.chmod(0o755)
    with pytest.raises(BenchmarkError) as caught, console_load.opened(str(browser)):
        pass
    assert str(caught.value) == f'{browser} does not start: {why}'


def test_a_killed_worker_costs_no_request():
    answer = run('killed_worker.py', '--model', 'dense', '--kills', 1, '--seconds', 0.6,
                 '--connections', 4)
    assert answer.returncode == 0, answer.stderr
    good, errors = re.search(r'(\d+) good, (\d+) errors', answer.stdout).groups()
    assert int(good) > 0
    assert errors == '0'
    assert 'next 200 after never' not in answer.stdout


def test_replacements_cost_no_request():
    answer = run('replace_under_load.py', '--replacements', 2, '--seconds', 0.6,
                 '--connections', 2)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    replacements, requests, before, during = answer.stdout.splitlines()
    assert replacements.startswith('2 replacements, 0 failed')
    counts = re.search(r'^(\d+) requests, 0 failed; answered (\d+) by version1.model, '
                       r'(\d+) by version2.model$', requests)
    total, first, second = map(int, counts.groups())
    assert total == first + second
    assert min(first, second) > 0
    for line, when in ((before, 'before'), (during, 'during')):
        assert re.search(rf'^{when} p50 [\d.]+ ms .* p99 [\d.]+ ms .*\([1-9]\d* requests\)$', line)


def test_health_is_asked_beside_large_bodies():
    answer = run('large_body.py', '--megabytes', 1, '--seconds', 0.3)
    assert answer.returncode == 0, answer.stderr
    baseline, *forms = answer.stdout.splitlines()
    assert baseline.startswith('baseline')
    assert len(forms) == 2
    for line in forms:
        assert re.search(r' 0 errors\); posts answered: \d+ x 200$', line)


def test_restarts_and_reloads_cost_no_request():
    answer = run('restarts_under_load.py', '--restarts', 1, '--reloads', 10, '--connections', 2)
    assert answer.returncode == 0, answer.stderr
    restarts, reloads, ends = answer.stdout.splitlines()
    assert re.fullmatch(r'1 restarts: [1-9]\d* good, 0 failed', restarts)
    assert re.fullmatch(r'10 reloads: [1-9]\d* good, 0 failed', reloads)
    assert ends.startswith('from SIGTERM to the end: median ')


def test_the_first_figures_are_of_the_server_and_of_its_hooks_alone():
    answer = run('first_figures.py', '--rounds', 1, '--requests', 1, '--fixed')
    assert answer.returncode == 0, answer.stderr
    ready, front, tree, served, direct, difference, compared = answer.stdout.splitlines()
    assert re.search(r' [\d.]+ s$', ready)
    assert all(re.search(r' \d+ MB$', line) for line in (front, tree))
    assert all(re.search(r' -?[\d.]+ ms$', line) for line in (served, direct, difference))
    assert compared.endswith(' 1 and 1')
