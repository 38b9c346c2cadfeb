"""How many scans a JPEG may have."""


import pytest
from hostile_pictures import (
    BASELINE,
    COLOURED,
    EOI,
    PROGRESSIVE,
    frame,
    jpeg,
    progressive,
    scan,
    segment,
    tables,
)

from mms.pictures.faults import TooManyScans, Unreadable
from mms.pictures.precheck import check

pytestmark = pytest.mark.core

NAMES = [name for name, _ in COLOURED]


@pytest.mark.parametrize(('width', 'height', 'scans'), [
    (7000, 7000, 20), (65_500, 65_500, 20), (7008, 7008, 20), (1000, 900, 1000), (8, 8, 1000)])
def test_real_numbers_of_scans_pass_at_any_size_and_more_of_small_pictures(width, height, scans):
    check(progressive(width, height, scans))


@pytest.mark.parametrize(('width', 'height', 'scans'), [
    (7008, 7136, 21), (7000, 7000, 2500), (1008, 1008, 1000), (8, 8, 1001),
    # 32 pixels are coded together.
    (1, 65_500, 2000)])
def test_more_are_refused_before_they_are_decoded(width, height, scans):
    with pytest.raises(TooManyScans) as fault:
        check(progressive(width, height, scans))
    assert (fault.value.width, fault.value.height) == (width, height)
    assert 20 < fault.value.scans <= scans


def test_scans_of_a_baseline_jpeg_count_where_the_first_has_not_all_components():
    one_by_one = [scan([NAMES[number % 3]], last=63) for number in range(2000)]
    with pytest.raises(TooManyScans):
        check(jpeg(tables(), frame(BASELINE, 40, 30), *one_by_one, EOI))
    check(jpeg(tables(), frame(BASELINE, 40, 30), scan(NAMES, last=63), *one_by_one, EOI))


def test_scans_count_though_tables_and_comments_lie_between_them_and_no_end():
    with pytest.raises(TooManyScans):
        check(progressive(7000, 7000, 30).replace(
            scan(NAMES, bits=0x10), segment(0xfe, b'\xff\xd9') + tables() + b'\xff\xd3ab\xff\0'
            + scan(NAMES, bits=0x10)).removesuffix(EOI))


def test_scans_behind_the_end_do_not_count():
    check(progressive(7000, 7000, 3) + scan(NAMES) * 100)


def test_markers_between_scans_have_a_limit():
    with pytest.raises(Unreadable, match='more than 5000 segments'):
        check(jpeg(tables(), frame(PROGRESSIVE, 40, 30), scan(NAMES), segment(0xfe) * 5001, EOI))
