"""Which pictures are decoded, by their heads alone."""

import io
import sys
import time

import pytest
from harness import REPO
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mms.pictures.faults import TooManyPixels, Unreadable
from mms.pictures.precheck import check

sys.path.append(str(REPO / 'benchmarks'))

from hostile_pictures import costly, segment, undecodable

pytestmark = pytest.mark.core

UNDECODABLE, COSTLY = undecodable(), costly()
NOISE = Image.effect_noise((60, 45), 90)
COLOURED = Image.merge('RGB', [NOISE, NOISE.transpose(Image.FLIP_LEFT_RIGHT), NOISE])


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def text():
    info = PngInfo()
    info.add_text('Comment', 'x' * 5000, zip=True)
    return info


GOOD = {
    'baseline': encoded(COLOURED, 'JPEG'),
    'progressive': encoded(COLOURED, 'JPEG', progressive=True),
    'restarts': encoded(COLOURED, 'JPEG', restart_marker_blocks=3),
    'exif': encoded(COLOURED, 'JPEG', exif=b'Exif\0\0MM\0*\0\0\0\x08\0\0'),
    'grey': encoded(NOISE, 'JPEG'),
    'cmyk': encoded(Image.merge('CMYK', [NOISE] * 4), 'JPEG'),
    'cut off in its middle': encoded(COLOURED, 'JPEG')[:-700],
    'cut off, black': encoded(Image.new('RGB', (60, 45)), 'JPEG')[:-4],
    'cut off, progressive': encoded(COLOURED, 'JPEG', progressive=True)[:-700],
    'fill bytes': encoded(COLOURED, 'JPEG').replace(b'\xff\xdb', b'\xff\xff\xff\xdb', 1),
    'png': encoded(COLOURED, 'PNG'),
    'png with texts': encoded(COLOURED, 'PNG', pnginfo=text(), dpi=(72, 72), icc_profile=b'x' * 99),
    'png with a palette': encoded(COLOURED.convert('P'), 'PNG', transparency=3),
    'png of 16 bits': encoded(Image.new('I;16', (60, 45), 3000), 'PNG'),
    'png of 1 bit': encoded(NOISE.convert('1'), 'PNG'),
    'png with alpha': encoded(COLOURED.convert('RGBA'), 'PNG'),
    'png, cut off in its pixels': encoded(COLOURED, 'PNG')[:-700],
    'bmp': encoded(COLOURED, 'BMP'),
    'bmp with a palette': encoded(COLOURED.convert('P'), 'BMP'),
}


@pytest.mark.parametrize('data', GOOD.values(), ids=GOOD)
def test_what_may_be_decoded_passes_and_its_pixels_are_counted(data):
    check(data)
    check(data, 60 * 45)
    with pytest.raises(TooManyPixels) as fault:
        check(data, 60 * 45 - 1)
    assert (fault.value.width, fault.value.height) == (60, 45)


@pytest.mark.parametrize('data', UNDECODABLE.values(), ids=UNDECODABLE)
def test_what_no_decoder_takes_is_refused(data):
    with pytest.raises(Unreadable):
        check(data)


@pytest.mark.parametrize('table', [
    segment(0xdb, b'\4' + bytes(64)), segment(0xdb, bytes(64)), segment(0xdb, b'\x10' + bytes(127)),
    segment(0xc4, b'\4' + bytes(16)), segment(0xc4, b'\x20' + bytes(16)), segment(0xc4, bytes(16)),
    segment(0xc4, bytes([0, 255, 2, *bytes(14)]) + bytes(257)),
    segment(0xc4, bytes([0, 9, *bytes(15)]) + bytes(8)), segment(0xc4, bytes(17) + b'\0'),
    segment(0xcc, bytes([32, 0])), segment(0xcc, bytes([0, 0x01])), segment(0xcc, b'\0'),
    segment(0xdd, b'\0'), segment(0xdd, bytes(3)),
], ids=lambda table: f'{table[1]:02x} {table[4:8].hex()} of {len(table)}')
def test_a_table_that_libjpeg_refuses_is_refused(table):
    good = GOOD['baseline']
    check(good[:2] + segment(0xdb, bytes(65)) + good[2:])
    with pytest.raises(Unreadable, match='table of the JPEG is broken'):
        check(good[:2] + table + good[2:])


@pytest.mark.parametrize('data', GOOD.values(), ids=GOOD)
def test_a_picture_cut_off_before_its_pixels_is_refused(data):
    kinds = {b'\xff': b'\xff\xda', b'\x89': b'IDAT', b'B': data[30:31]}
    end = data.index(kinds[data[:1]])
    for cut in range(end + 2 if data[:1] != b'B' else 26):
        with pytest.raises(Unreadable):
            check(data[:cut])


@pytest.mark.parametrize('data', [b'', b'B', b'BM', b'GIF89a' + bytes(99), b'II*\0' + bytes(99)])
def test_other_kinds_are_refused(data):
    with pytest.raises(Unreadable):
        check(data)


# By their heads; the guard sees to the others.
@pytest.mark.parametrize('name', [name for name in COSTLY if '8' not in name])
def test_what_costs_too_much_is_refused_in_no_time(name):
    began = time.thread_time()
    with pytest.raises(ValueError, match=r'JPEG|PNG|BMP|scans'):
        check(COSTLY[name])
    assert time.thread_time() - began < 2
