import pytest

from mms.management_command.quantities import text_of, words_of


def test_names_of_fields_become_words_without_their_unit():
    assert [words_of(field) for field in ('maxBatchDelay', 'p50', 'queue_full', 'memoryBytes',
                                          'latencySeconds', 'Bytes')] == [
        'max batch delay', 'p50', 'queue full', 'memory', 'latency', 'bytes']


@pytest.mark.parametrize(('value', 'field', 'text'), [
    (None, '', '-'), ([], '', '-'), ('', '', '-'), (False, '', 'no'), (True, '', 'yes'),
    (0, '', '0'), (12, '', '12'), (12345, '', '12345'), (0.125, '', '0.125'), (1.23456, '', '1.23'),
    (['a', 1], '', 'a, 1'), ({'aB': None}, '', 'a b -'),
    (0.0123456, 'ageSeconds', '12.3 ms'), (90, 'responseTimeout', '90 s'), (0, 'xSeconds', '0 ms'),
    (2.5, 'maxBatchDelay', '2.5 ms'), (4096, 'memoryBytes', '4 KB'),
    (3 * 2**30, 'memoryBytes', '3.0 GB'), ('many', 'memoryBytes', 'many'),
    ({'p50': 0.5, 'sizeBytes': 2**20}, 'latencySeconds', 'p50 500 ms, size 1 MB'),
])
def test_a_value_is_as_a_person_reads_it(value, field, text):
    assert text_of(value, field) == text


@pytest.mark.parametrize(('value', 'text'), [
    (10**400, f"1{'0' * 400}"), (float('inf'), 'inf'), (float('nan'), 'nan')])
def test_a_number_that_no_server_has_is_told_as_it_is(value, text):
    assert text_of(value, 'memoryBytes') == text


@pytest.mark.parametrize('wrap', [lambda value: [value], lambda value: {'a': value}])
def test_what_lies_deeper_than_any_server_has_it_is_left_out(wrap):
    value = 1
    for _ in range(500):
        value = wrap(value)
    assert text_of(value).endswith('...')
