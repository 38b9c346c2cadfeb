import unicodedata

import pytest

from mms.runtime.printable import further_lines, one_line

# Visible, or part of a script's own spelling.
SHOWN = 'a~ é猫😀\u0301\u0601\ufe0f\ue000'


@pytest.mark.parametrize('text', ['', 'plain', SHOWN, '[INFO', r'back\slash', 'a' * 10_000])
def test_visible_text_stays_as_it_is(text):
    assert one_line(text) == further_lines(text) == text


@pytest.mark.parametrize(('raw', 'shown'), [
    ('\x1b[31m', r'\x1b[31m'), ('\x00', r'\x00'), ('\x7f', r'\x7f'), ('\x85', r'\x85'),
    ('\x9b2J', r'\x9b2J'), ('\r', r'\r'), ('\x0b\x0c\x08\x07', r'\x0b\x0c\x08\x07'),
    ('\u202e', r'\u202e'), ('\u2066', r'\u2066'), ('\u200b', r'\u200b'), ('\ufeff', r'\ufeff'),
    ('\u2028\u2029', r'\u2028\u2029'), ('\udcff', r'\udcff'), ('\ud83d', r'\ud83d'),
    ('\xad', r'\xad'), ('\u206a', r'\u206a'), ('\U000e0041', r'\U000e0041'), ('\u180e', r'\u180e'),
])
def test_what_commands_a_terminal_or_cannot_be_seen_is_escaped(raw, shown):
    assert one_line(f'a{raw}b') == further_lines(f'a{raw}b') == f'a{shown}b'


def test_every_control_character_surrogate_and_line_end_is_escaped():
    for code in range(0x110000):
        if unicodedata.category(chr(code)) in ('Cc', 'Cs', 'Zl', 'Zp'):
            assert one_line(chr(code)).isprintable()
            assert further_lines(chr(code)).isprintable() or chr(code) in '\t\n'


def test_one_line_has_no_line_end_and_no_tab():
    assert one_line('a\n\tb\r\n') == r'a\n\tb\r\n'


def test_further_lines_and_tabs_stay():
    assert further_lines('a\r\n\tb\nc') == 'a\n\tb\nc'


@pytest.mark.parametrize('text', ['x\n[INFO 2018-05-24 10:59:46,301 PID:1 a:b:1 forged',
                                  'x\r\n[ERROR', 'x\n\n[[1, 2]'])
def test_a_further_line_never_begins_like_a_head(text):
    assert all(not line.startswith('[') for line in further_lines(text).split('\n'))


def test_escaping_again_changes_nothing():
    assert one_line(one_line('\x1b\n')) == further_lines(one_line('\x1b\n')) == r'\x1b\n'
