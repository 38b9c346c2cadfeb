import pytest

from mms.runtime.columns import Column, cut, table, width_of

NAMES = Column('MODEL', ['a', 'flowers'], may_be_cut=True)
COUNTS = Column('WORKERS', ['1', '12'], is_number=True)
PATHS = Column('LOCATION', ['/models/a.model', '/a/very/long/path/to/flowers.model'],
               may_be_cut=True)
MEMORY = Column('MEMORY', ['9 MB', '100 MB'], is_number=True, rank=2)
QUEUE = Column('QUEUE', ['0', '3'], is_number=True, rank=1)


def test_columns_are_aligned_numbers_at_the_right():
    assert table([NAMES, COUNTS, PATHS], None) == [
        'MODEL    WORKERS  LOCATION',
        'a              1  /models/a.model',
        'flowers       12  /a/very/long/path/to/flowers.model',
    ]


def test_a_table_without_rows_is_its_head():
    assert table([Column('MODEL', []), Column('STATE', [])], 80) == ['MODEL  STATE']


def test_a_long_cell_loses_its_middle_where_there_is_no_room():
    lines = table([NAMES, COUNTS, PATHS], 40)
    assert lines[2] == 'flowers       12  /a/very…/flowers.model'
    assert max(map(len, lines)) <= 40


def test_columns_go_where_cutting_is_not_enough_the_least_wanted_first():
    columns = [NAMES, COUNTS, QUEUE, MEMORY, PATHS]
    for width, titles in ((80, 'MODEL WORKERS QUEUE MEMORY LOCATION'),
                          (52, 'MODEL WORKERS QUEUE LOCATION'),
                          (40, 'MODEL WORKERS LOCATION')):
        lines = table(columns, width)
        assert lines[0].split() == titles.split()
        assert max(map(len, lines)) <= width


def test_what_no_width_has_room_for_is_shown_all_the_same():
    assert table([NAMES, COUNTS], 3) == ['MODEL    WORKERS', 'a              1',
                                         'flowers       12']


@pytest.mark.parametrize('width', range(30, 120))
def test_no_line_is_wider_than_the_terminal(width):
    columns = [NAMES, COUNTS, QUEUE, MEMORY, PATHS]
    assert max(map(width_of, table(columns, width))) <= width


def test_wide_characters_take_two_columns_and_marks_none():
    assert [width_of(text) for text in ('花', 'é', 'e\u0301', 'abc')] == [2, 1, 1, 3]
    lines = table([Column('MODEL', ['花', 'ab']), Column('STATE', ['ready', 'ready'])], None)
    assert lines == ['MODEL  STATE', '花     ready', 'ab     ready']


@pytest.mark.parametrize('text', ['a' * 30, '花' * 30, 'a花' * 20])
@pytest.mark.parametrize('width', [8, 9, 12, 13])
def test_a_text_is_cut_to_the_width(text, width):
    assert width - 1 <= width_of(cut(text, width)) <= width


def test_control_characters_are_escaped_before_they_are_counted():
    lines = table([Column('MODEL', ['a\x1b[31m', 'flowers']), Column('STATE', ['ready', 'x'])], 80)
    assert lines[1] == r'a\x1b[31m  ready'
    assert lines[2] == 'flowers    x'
