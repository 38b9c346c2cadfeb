"""examples/denoise: trained, exported, served and measured as its README says."""

import base64
import io
import re

import numpy as np
import pytest
from odd_pictures import assert_answered, write_odd_pictures
from PIL import Image

LINE = re.compile(r'^(\S+) +([\d.]+) dB -> ([\d.]+) dB  \(([-+][\d.]+)\)$', re.M)
# What other processors may make of the same training, in dB.
TOLERANCE = 0.7


@pytest.fixture(scope='module')
def page(played):
    return played('examples/denoise/README.md')


def gains(texts):
    """Picture -> dB as sent, dB as answered, dB gained."""
    return {name: tuple(map(float, numbers))
            for name, *numbers in LINE.findall('\n'.join(texts))}


def picture_of(answer):
    return Image.open(io.BytesIO(base64.b64decode(answer['prediction'])))


def test_every_held_out_picture_gains_what_the_readme_states(page):
    measured, stated = gains(page.outputs), gains(page.shown('text'))
    assert len(measured) == 13
    assert measured.keys() == stated.keys()
    assert min(gained for *_, gained in measured.values()) >= 3
    assert measured['mean'][2] >= 5
    for name, numbers in measured.items():
        assert numbers == pytest.approx(stated[name], abs=TOLERANCE), name


def test_both_ways_to_decode_the_answer_write_the_same_jpeg(page):
    files = [page.folder / name for name in ('answer.jpg', 'answer_too.jpg')]
    assert files[0].read_bytes() == files[1].read_bytes()
    with Image.open(files[0]) as answer, \
            Image.open(page.folder / 'denoise' / 'held_out' / 'clean' / '00.png') as clean:
        assert answer.format == 'JPEG'
        assert answer.size == clean.size
        errors = np.asarray(answer, dtype='float') - np.asarray(clean)
    assert np.sqrt((errors ** 2).mean()) < 14  # the noise is 25


def test_pictures_of_many_sizes_at_once_come_back_as_large_as_they_went(page, tmp_path):
    pictures = []
    with Image.open(page.folder / 'denoise' / 'held_out' / 'noisy' / '00.png') as noisy:
        for size in ((64, 48), (48, 64), (101, 7), (160, 141)):
            pictures.append(tmp_path / f'{size[0]}x{size[1]}.png')
            noisy.crop((0, 0, *size)).save(pictures[-1])
    alone = [page.post('denoise', picture) for picture in pictures]
    assert [picture_of(answer).size for _, answer in alone] == [
        tuple(map(int, picture.stem.split('x'))) for picture in pictures]
    assert page.post_all('denoise', pictures * 4) == alone * 4


def test_pictures_of_all_kinds_are_answered_or_refused(page, tmp_path):
    good = page.folder / 'denoise' / 'held_out' / 'noisy' / '00.png'
    pictures = write_odd_pictures(good, tmp_path / 'odd')
    assert_answered(page, 'denoise', pictures, refused=['huge'])
    status, answer = page.post('denoise', pictures['huge'])
    assert status == 400
    assert answer['message'] == ('A picture of 6000 x 4000 pixels is too large: '
                                 '2100000 pixels at most.')
