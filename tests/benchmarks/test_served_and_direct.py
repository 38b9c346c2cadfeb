"""The comparison of served answers with direct ones."""

import math
import subprocess
import sys

import pytest
from example_archives import Asked, documented_requests, example_names, fixtures, script_of
from harness import KITTEN, REPO
from served_and_direct import difference, report

README = '''
```bash
curl -X POST http://127.0.0.1:8080/m/predict -F "data=@examples/kitten.jpg;type=image/jpeg" \\
    -F "size=[1, 2]"
```
curl -X POST http://127.0.0.1:8080/m/predict -F "data=[{'review_title': 'x'}]"
curl -X POST http://127.0.0.1:8080/m/predict -F "data=@not/there.jpg"
'''


@pytest.mark.parametrize(('one', 'other', 'largest'), [
    ([1, [2.5, {'p': 3}]], [1, [2.0, {'p': 3.25}]], 0.5), ('[[nan, 2.0]]', '[[nan, 2.5]]', 0.5),
    ([math.inf, math.nan], [math.inf, math.nan], 0), ('name', 'name', 0), ([], [], 0),
    ([math.inf], [1], math.inf),
])
def test_the_largest_difference_counts(one, other, largest):
    assert difference(one, other) == largest


@pytest.mark.parametrize(('one', 'other'), [
    ('one', 'two'), ([1], [1, 2]), ({'a': 1}, {'b': 1}), (1, '1x'), ([math.nan], [1.0])])
def test_what_is_no_number_has_to_be_the_same(one, other):
    with pytest.raises(ValueError, match='is the direct answer'):
        difference(one, other)


def test_an_example_is_asked_what_its_page_asks(tmp_path):
    page = tmp_path / 'README.md'
    page.write_text(README)
    assert list(documented_requests(page)) == [
        {'data': KITTEN, 'size': '[1, 2]'}, {'data': "[{'review_title': 'x'}]"}]


def test_every_example_with_a_script_takes_part():
    scripted = {path.name for path in (REPO / 'examples').iterdir() if script_of(path)}
    assert 'efficientnet_lite0' in scripted
    assert scripted <= set(example_names())


def test_an_archive_is_served_and_asked_and_run_without_a_server(capsys):
    [asked] = [asked for asked in fixtures() if asked.archive.name == 'b2_json.model']
    wrong = {'left': '[[1]]', 'right': '[[[1, 2], [3, 4]]]'}
    asked = Asked(asked.archive, [wrong, *asked.requests])
    assert report(asked, 32) < 1e-5
    assert capsys.readouterr().out.startswith('b2_json.model')


def test_the_script_wants_examples_that_there_are():
    done = subprocess.run([sys.executable, REPO / 'benchmarks' / 'served_and_direct.py',
                           '--examples', 'nothing'], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'efficientnet_lite0' in done.stderr
