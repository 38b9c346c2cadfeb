"""examples/ssd: trained, exported, served and measured as its README says."""

import importlib.util
import json
import re

import pytest
from harness import REPO
from odd_pictures import assert_answered, write_odd_pictures
from PIL import Image

# The fixture trains: half a minute on two idle cores.
pytestmark = pytest.mark.timeout(600)

QUALITY = re.compile(r'mean average precision ([\d.]+), precision ([\d.]+), recall ([\d.]+)')
# What other processors may make of the same training.
TOLERANCE = 0.06


@pytest.fixture(scope='module')
def page(played):
    return played('examples/ssd/README.md')


@pytest.fixture(scope='module')
def precision():
    spec = importlib.util.spec_from_file_location(
        'precision', REPO / 'examples' / 'ssd' / 'precision.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measures(texts):
    [found] = QUALITY.findall('\n'.join(texts))
    return [float(number) for number in found]


def test_the_boxes_are_as_good_as_the_readme_states(page):
    measured = measures(page.outputs)
    assert min(measured) >= 0.8
    assert measured == pytest.approx(measures(page.shown('text')), abs=TOLERANCE)


def test_curl_is_answered_as_the_readme_shows(page):
    [shown] = [json.loads(body)['prediction'] for body in page.shown('json')]
    [answer] = [json.loads(output)['prediction'] for output in page.outputs
                if output.startswith('{"pred')]
    assert [box[0] for box in answer] == [box[0] for box in shown]
    assert answer[0][1] == pytest.approx(shown[0][1], abs=0.3)
    assert answer[0][2:] == pytest.approx(shown[0][2:], abs=4)


def test_pictures_of_many_sizes_at_once_get_boxes_in_their_own_pixels(page, tmp_path):
    """The same pictures, every pixel repeated: what the network sees is the same."""
    factors = [(1, 1), (10, 5), (3, 12), (1, 10)]
    pictures = []
    for name in ('001', '002'):
        with Image.open(page.folder / 'ssd' / 'held_out' / f'{name}.jpg') as picture:
            seen = picture.resize((64, 64), Image.BICUBIC)
        for across, down in factors:
            pictures.append(tmp_path / f'{name}_{across}_{down}.png')
            seen.resize((64 * across, 64 * down), Image.NEAREST).save(pictures[-1])
    alone = [page.post('ssd', picture) for picture in pictures]
    assert page.post_all('ssd', pictures * 5) == alone * 5
    boxes = [answer['prediction'] for _, answer in alone]
    for same in (boxes[:4], boxes[4:]):
        assert len(same[0]) > 1
        for (across, down), scaled in zip(factors, same):
            assert [box[:2] for box in scaled] == [box[:2] for box in same[0]]
            for (_, _, x, y, w, h), box in zip(same[0], scaled):
                assert box[2::2] == pytest.approx([x * across, w * across], abs=across)
                assert box[3::2] == pytest.approx([y * down, h * down], abs=down)


def test_the_log_says_why_requests_run_one_by_one(page):
    [shown] = [body for body in page.shown('text') if body.startswith('Model ssd is served')]
    assert shown.strip() in page.log()


def test_pictures_of_all_kinds_are_answered_or_refused(page, tmp_path):
    good = page.folder / 'ssd' / 'held_out' / '000.jpg'
    pictures = write_odd_pictures(good, tmp_path / 'odd')
    assert_answered(page, 'ssd', pictures)
    for kind in ('cmyk', 'rgba', 'huge'):
        _, answer = page.post('ssd', pictures[kind])
        assert [box[0] for box in answer['prediction']] == ['eight'], kind


def test_boxes_that_lie_right_have_a_precision_of_one(precision):
    objects = [[['one', 0, 0, 10, 10], ['two', 20, 20, 10, 10]], [['one', 5, 5, 4, 8]]]
    boxes = [[[name, 0.9, *box] for name, *box in each] for each in objects]
    assert precision.quality(boxes, objects) == (1, 1, 1)


def test_a_second_box_on_one_object_and_a_wrong_class_count_against(precision):
    objects = [[['one', 0, 0, 10, 10], ['two', 20, 20, 10, 10]]]
    boxes = [[['one', 0.9, 0, 0, 10, 10], ['one', 0.8, 0, 1, 10, 9], ['one', 0.7, 20, 20, 10, 10]]]
    assert precision.quality(boxes, objects) == pytest.approx((0.5, 1 / 3, 1 / 2))


def test_average_precision_is_the_area_under_the_curve(precision):
    """Right, wrong, right of two objects: 1 up to half the recall, 2/3 from there."""
    found = [precision.Found(score, right)
             for score, right in ((0.5, True), (0.9, True), (0.7, False))]
    assert precision.average_precision(found, 2) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_boxes_overlap_by_their_intersection_over_union(precision):
    assert precision.overlap((0, 0, 4, 4), (2, 0, 4, 4)) == pytest.approx(8 / 24)
    assert precision.overlap((0, 0, 4, 4), (4, 0, 4, 4)) == 0
    assert precision.overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0
