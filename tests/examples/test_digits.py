"""examples/digits: trained, exported, served and measured as its README says."""

import json
import re
import subprocess
import sys

import pytest
from harness import REPO
from odd_pictures import assert_answered, write_odd_pictures

RIGHT = re.compile(r'(\d+) of 397 \S+ digits are right: ([\d.]+)%')
# What other processors may make of the same training, in percent.
TOLERANCE = 1.5


@pytest.fixture(scope='module')
def page(played):
    return played('examples/digits/README.md')


def counted(texts):
    """Each count of right answers in the texts, and its percentage."""
    return [(int(right), float(percent)) for right, percent in RIGHT.findall('\n'.join(texts))]


def test_the_accuracy_on_held_out_digits_is_what_the_readme_states(page):
    [(_, measured), _] = counted(page.outputs)
    [(_, stated), _] = counted(page.shown('text'))
    assert measured >= 95
    assert measured == pytest.approx(stated, abs=TOLERANCE)


def test_the_served_answers_are_as_often_right_as_the_network(page):
    [(trained, _), (served, _)] = counted(page.outputs)
    assert served == pytest.approx(trained, abs=1)  # JPEG may blur one that is on the edge


def test_curl_is_answered_as_the_readme_shows(page):
    [shown] = page.shown('json')
    answers = [json.loads(output) for output in page.outputs if output.startswith('{"pred')]
    assert answers[0]['prediction'][0][0]['class'] == 'two'
    assert answers[0]['prediction'][0][0] == pytest.approx(
        json.loads(shown)['prediction'][0][0], abs=0.1)
    assert answers[1]['prediction'][0][0]['class'] == 'eight'
    assert all(len(answer['prediction'][0]) == 5 for answer in answers)


def test_pictures_of_all_kinds_are_answered_or_refused(page, tmp_path):
    good = page.folder / 'digits' / 'held_out' / '000_two.jpg'
    pictures = write_odd_pictures(good, tmp_path / 'odd')
    assert_answered(page, 'digits', pictures)
    for kind in ('grey', 'cmyk', 'rgba', 'huge'):
        _, answer = page.post('digits', pictures[kind])
        assert answer['prediction'][0][0]['class'] == 'two', kind


def test_a_server_that_is_not_there_is_one_line(page):
    done = subprocess.run(
        [sys.executable, str(REPO / 'examples' / 'digits' / 'check.py'),
         str(page.folder / 'digits' / 'held_out'), 'http://127.0.0.1:9/digits/predict'],
        capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'check.py: no server answers at http://127.0.0.1:9/digits/predict\n'
