"""Values are read from words and from what TOML has, and what cannot be used is refused."""

import datetime

import pytest

from mms.config.values import (
    log_level,
    number,
    off_switch,
    one_of,
    rotation_time,
    size,
    switch,
    text,
    whole,
    whole_or_auto,
)
from mms.errors import UsageError
from mms.log.rotation import LogRotation


@pytest.mark.parametrize(('text', 'rotation'), [
    ('1 H', (1, 'H')), ('30 S', (30, 'S')), ('W0', (1, 'W0')), ('W6', (1, 'W6')),
    ('midnight', (1, 'midnight')), ('2 D', (2, 'D')),
])
def test_rotation_times_of_mms_04_are_read(text, rotation):
    assert rotation_time().read(text, '--log-rotation-time') == LogRotation(*rotation)


@pytest.mark.parametrize('text', ['', '1', 'Y', '0 H', '-1 H', '1 H 2', 'W7', 'one H'])
def test_other_rotation_times_are_refused(text):
    with pytest.raises(UsageError, match='--log-rotation-time'):
        rotation_time().read(text, '--log-rotation-time')


@pytest.mark.parametrize(('text', 'number'), [
    ('1000', 1000), (1000, 1000), ('64M', 64 * 2**20), ('5k', 5 * 2**10), ('1GB', 2**30),
])
def test_sizes_are_bytes_or_have_a_unit(text, number):
    assert size().read(text, '--max-request-size') == number


@pytest.mark.parametrize('text', ['', '0', '-1', 'M', '1.5M', '1T', 'MB', '9' * 4299 + 'G',
                                  '9223372036854775808'])
def test_other_sizes_are_refused(text):
    with pytest.raises(UsageError, match='--max-request-size'):
        size().read(text, '--max-request-size')


@pytest.mark.parametrize(('reader', 'given', 'value'), [
    (whole(0, 9), '7', 7), (whole(0, 9), 7, 7), (whole(0, 9), 7.0, 7), (whole(0, 9), ' 7 ', 7),
    (whole_or_auto(9), 'auto', None), (whole_or_auto(9), 9, 9),
    (number('seconds', 0, 9), '0.5', 0.5), (number('seconds', 0, 9), 3, 3.0),
    (switch(), True, True), (switch(), 'Yes', True), (switch(), '0', False), (switch(), 1, True),
    (off_switch(), True, False), (off_switch(), 'false', True),
    (text(), 'a', 'a'), (text(), '', ''), (text(empty='b'), '', 'b'),
    (one_of('a', 'b'), 'b', 'b'), (log_level(), 'DEBUG', 10),
])
def test_a_value_is_read_whatever_its_type(reader, given, value):
    assert reader.read(given, '--flag') == value


@pytest.mark.parametrize(('reader', 'given'), [
    (whole(0, 9), True), (whole(0, 9), 7.5), (whole(0, 9), 10), (whole(0, 9), [1]),
    (whole(0, 9), float('inf')), (whole(0, 9), {}), (whole(0, 9), datetime.date(2020, 1, 1)),
    (whole_or_auto(9), 0), (whole_or_auto(9), True), (number('seconds', 0, 9), True),
    (number('seconds', 0, 9), 10**400), (number('seconds', 0, 9), 'nan'),
    (switch(), 'maybe'), (switch(), 2), (off_switch(), ''), (text(), 5), (text(), ['a']),
    (one_of('a', 'b'), 'c'), (one_of('a', 'b'), ['a']), (log_level(), 'info'),
    (rotation_time(), 1), (size(), True), (size(), 1.5),
])
def test_what_cannot_be_used_is_told_with_its_source_and_what_can(reader, given):
    with pytest.raises(UsageError) as raised:
        reader.read(given, 'mms.toml: key')
    assert str(raised.value) == f'mms.toml: key {given!r} is not {reader.domain}'
