"""What the benchmarks send: twelve pictures that differ, each request with its own boundary."""

import io
import itertools
import re
from dataclasses import replace

from body import picture_body, urlencoded_body
from picture import kitten_jpeg, other_jpegs
from PIL import Image


def test_twelve_pictures_differ_in_what_they_show_and_are_always_the_same():
    pictures = [kitten_jpeg(), *other_jpegs()]
    assert pictures == [kitten_jpeg(), *other_jpegs()]
    small = [Image.open(io.BytesIO(picture)).resize((8, 8)).tobytes() for picture in pictures]
    assert len(set(small)) == 12
    for one, other in itertools.combinations(small, 2):
        assert max(abs(a - b) for a, b in zip(one, other)) > 20


def test_they_are_of_other_sizes_and_as_much_work():
    pictures = [kitten_jpeg(), *other_jpegs()]
    sizes = [Image.open(io.BytesIO(picture)).size for picture in pictures]
    assert len(set(sizes)) > 4
    assert all(155_000 < width * height < 165_000 for width, height in sizes)
    assert all(10_000 < len(picture) < 50_000 for picture in pictures)


def test_python_s_requests_take_turns_with_boundaries_of_their_own(tmp_path):
    body = picture_body(b'one', tmp_path / 'body', [b'two'])
    posts = list(itertools.islice(body.requests(), 4))
    own = [re.fullmatch('multipart/form-data; boundary=(.+)', kind)[1] for _, kind in posts]
    assert len(set(own)) == 4
    wanted = [file.read_bytes() for file in body.sent] * 2
    for boundary, (content, _), given in zip(own, posts, wanted):
        assert content == given.replace(body.boundary.encode(), boundary.encode())


def test_what_is_fixed_or_no_multipart_is_sent_as_it_is(tmp_path):
    fixed = replace(picture_body(b'one', tmp_path / 'body', [b'two']), is_fixed=True)
    form = urlencoded_body('[[1]]', tmp_path / 'form')
    for body in (fixed, form):
        assert set(itertools.islice(body.requests(), 3)) == {
            (body.file.read_bytes(), body.content_type)}
