"""PNGs without their texts."""

import zlib

import pytest
from hostile_pictures import chunk, head, pixels

from mms.pictures.png import without_texts

pytestmark = pytest.mark.core

TEXT = chunk(b'zTXt', b'note\0\0' + zlib.compress(bytes(5000)))
PALETTE = chunk(b'PLTE', bytes(9))
GAMMA = chunk(b'gAMA', b'\0\0\xb1\x8f')
IMAGE, END = pixels()[:-12], pixels()[-12:]


def test_a_png_without_texts_is_left_as_it_is():
    data = head() + PALETTE + GAMMA + IMAGE + END
    assert without_texts(data) is data


@pytest.mark.parametrize(('chunks', 'kept'), [
    ([TEXT, GAMMA, TEXT, IMAGE, TEXT, END], [GAMMA, IMAGE, END]),
    ([GAMMA, GAMMA, IMAGE, END], [GAMMA, IMAGE, END]),
    ([chunk(b'iCCP', bytes(8_000_001)), IMAGE, END], [IMAGE, END]),
    ([chunk(b'ABCD'), TEXT, IMAGE, END], [chunk(b'ABCD'), IMAGE, END]),
    # libpng ends the pixels at the first other chunk.
    ([IMAGE, IMAGE, TEXT, IMAGE, END], [IMAGE, IMAGE, END]),
    ([IMAGE, GAMMA, END], [IMAGE, END]),
    ([TEXT, IMAGE], [IMAGE]),
    ([TEXT, IMAGE[:50]], [IMAGE[:50]]),
    ([IMAGE, TEXT[:20]], [IMAGE]),
    ([IMAGE, chunk(b'a\0cd'), TEXT, END], [IMAGE, chunk(b'a\0cd'), END]),
])
def test_what_changes_no_pixel_is_taken_out(chunks, kept):
    assert without_texts(head() + b''.join(chunks)) == head() + b''.join(kept)
