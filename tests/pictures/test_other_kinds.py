"""Pictures that MXNet does not decode: their size is known by their head, at no cost."""

import io
import struct
import subprocess
import sys

import pytest
from harness import REPO
from PIL import Image, features

from mms.pictures import others
from mms.pictures.faults import TooManyPixels, Unreadable
from mms.pictures.png import START

sys.path.append(str(REPO / 'benchmarks'))

from hostile_pictures import chunk, head, pixels

pytestmark = pytest.mark.core

NOISE = Image.effect_noise((61, 45), 90).convert('RGB')
MOST = 10**6


def encoded(kind, **options):
    buffer = io.BytesIO()
    NOISE.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(order='<', big=False, kind=3, tags=((256, 61), (257, 45)), values=1):
    start = {'<': b'II', '>': b'MM'}[order]
    number = {3: 'H', 4: 'I', 9: 'i', 16: 'Q'}[kind]
    if big:
        head = start + struct.pack(f'{order}HHHQQ', 43, 8, 0, 16, len(tags))
    else:
        head = start + struct.pack(f'{order}HIH', 42, 8, len(tags))
    room = 8 if big else 4
    count = 'Q' if big else 'I'
    return head + b''.join(
        struct.pack(f'{order}HH{count}', tag, kind, values)
        + struct.pack(f'{order}{number}', value).ljust(room, b'\0') for tag, value in tags)


def icon(*pictures, sizes=None):
    place, entries = 6 + 16 * len(pictures), b''
    for data, size in zip(pictures, sizes or map(len, pictures)):
        entries += struct.pack('<4BHHII', 0, 0, 0, 0, 1, 32, size, place)
        place += len(data)
    return b'\0\0\1\0' + struct.pack('<H', len(pictures)) + entries + b''.join(pictures)


PNG = head(61, 45) + pixels(61, 45)
KINDS = {
    'icon of one PNG': icon(PNG),
    "icon with the head of OS/2": icon(struct.pack('<IHHHH', 12, 61, 90, 1, 24) + bytes(9000)),
    'tiff': encoded('TIFF'),
    'tiff, compressed': encoded('TIFF', compression='tiff_lzw'),
    'tiff, the other byte order': tiff('>'),
    'tiff, long sides': tiff(kind=4),
    'big tiff': tiff(big=True, kind=16),
    'tiff, signed sides': tiff(kind=9),
    'tiff, its start of the other byte order': b'II\0*' + tiff()[4:],
    'icon of PNGs': encoded('ICO', sizes=[(16, 16), (61, 45)]),
    'icon of BMPs': encoded('ICO', sizes=[(16, 16), (61, 45)], bitmap_format='bmp'),
}
if features.check('webp'):
    KINDS |= {
        'webp': encoded('WEBP'),
        'webp, lossless': encoded('WEBP', lossless=True),
        'webp, extended': encoded('WEBP', exif=b'Exif\0\0MM\0*\0\0\0\x08\0\0'),
    }


def test_a_webp_of_each_kind_is_among_them():
    if features.check('webp'):
        assert {data[12:16] for name, data in KINDS.items() if 'webp' in name} == {
            b'VP8 ', b'VP8L', b'VP8X'}


@pytest.mark.parametrize('data', KINDS.values(), ids=KINDS)
def test_its_pixels_are_counted(data):
    assert others.check(data, 61 * 45)
    with pytest.raises(TooManyPixels) as fault:
        others.check(data, 61 * 45 - 1)
    assert (fault.value.width, fault.value.height) == (61, 45)


@pytest.mark.parametrize('data', KINDS.values(), ids=KINDS)
def test_one_that_is_cut_off_in_its_head_is_refused(data):
    for cut in range(12, 20):
        with pytest.raises(Unreadable):
            others.check(data[:cut], MOST)


@pytest.mark.parametrize('data', [
    tiff(tags=()), tiff(tags=((256, 61), (256, 45))), tiff(kind=4, tags=((256, 0), (257, 45))),
    tiff(tags=((256, 61), (257, 45))).replace(b'\x02\0', b'\xff\xff', 1),
    b'\0\0\1\0\0\0' + bytes(64), b'\0\0\1\0\xff\xff' + bytes(2000),
    b'RIFF\0\0\0\0WEBPALPH' + bytes(64),
    # Where Pillow would take another number for its size.
    tiff('>', big=True, kind=4), tiff(values=3), tiff(kind=4, values=2), tiff(values=0),
    tiff(tags=((256, 60_000), (257, 45), (256, 61))), tiff(kind=9, tags=((256, -61), (257, 45))),
    b'II+\0\x08\0\0\0' + b'\xff' * 8 + bytes(64),
    icon(head(16, 16)), icon(head(16, 16) + chunk(b'IHDR', bytes(13)) + pixels(16, 16)),
    icon(START + chunk(b'tEXt', bytes(24)) + head(16, 16)[8:] + pixels(16, 16)),
    icon(b'\x28\0\0\0' + bytes(8)), icon(PNG, PNG, sizes=(len(PNG), len(PNG) + 99)),
])
def test_one_that_does_not_say_how_large_it_is_is_refused(data):
    with pytest.raises(Unreadable):
        others.check(data, MOST)


def test_all_else_is_left_alone():
    assert not others.check(encoded('GIF'), 1)
    assert not others.check(b'RIFF\0\0\0\0WAVE' + bytes(64), 1)


PEAK = '''
import io, resource, struct, sys
from PIL import Image
from mms.errors import BadRequest
from mms.worker.codecs.form import FROM_PART, RawInput
from mms.worker.codecs.picture import read_picture
data = eval(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_picture(RawInput('data', FROM_PART, data), 50_000_000)
except BadRequest:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
'''
ICON = '''(lambda png: b'\\0\\0\\1\\0\\1\\0'
 + struct.pack('<4BHHII', 0, 0, 0, 0, 1, 32, len(png), 22) + png)(open(sys.argv[2], 'rb').read())'''
TAGS = '''(lambda tags: b'II*\\0\\x08\\0\\0\\0' + struct.pack('<H', len(tags)) + b''.join(tags)
 + bytes(10_000_000))([struct.pack('<HHII', 256 + n, 4, 1, 9) for n in (0, 1)]
 + [struct.pack('<HHII', 700 + n, 7, 9_000_000, 2000) for n in range(50)])'''


@pytest.mark.parametrize('data', [ICON, TAGS], ids=['an icon that unpacks', 'tags that overlap'])
def test_its_head_is_read_without_what_it_holds(data, tmp_path):
    packed = tmp_path / 'large.png'
    Image.new('RGB', (6000, 6000)).save(packed)
    done = subprocess.run([sys.executable, '-c', PEAK, data, str(packed)], cwd=REPO,
                          capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20_000
