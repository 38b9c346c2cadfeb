"""JSON: the values of Python's own parser, whatever the length; limits that are checked first."""

import gc
import json
import random
import subprocess
import sys

import pytest
from unmeasured import again

from mms.worker.codecs import json_scan
from mms.worker.codecs.json_text import NestedTooDeeply, NotJson, TakesTooMuch, parse_json

pytestmark = [pytest.mark.core, pytest.mark.slow]

PIECES = ['[', ']', '[', ']', ',', ',', '{', '}', ':', '"', '\\', '\\"', '"a,]"', '"[\\\\"', '1',
          '-2.5', '12345678901234567890123', 'NaN', 'null', ' ', '\n', '{"a": [1, {"b": []}]}',
          '"é"', '[[1],[2]]']


def made_up(chance, depth=0):
    kind = chance.randrange(8 if depth < 5 else 5)
    if kind < 5:
        return chance.choice([1, -2.5, 'a "text" \\', '[],{},', 'é', None, True, 2**70, {}, []])
    items = [made_up(chance, depth + 1) for _ in range(chance.randrange(6))]
    return items if kind < 7 else {f'k{number % 3}{item}': item
                                   for number, item in enumerate(items)}


@pytest.fixture
def small_pieces(monkeypatch):
    """Text is cut wherever it can be."""
    monkeypatch.setattr(json_scan, 'PIECE_BYTES', 1)
    monkeypatch.setattr(json_scan, '_WINDOW_BYTES', 7)
    monkeypatch.setattr('mms.worker.codecs.json_text.PIECE_BYTES', 1)


def value_or_error(parse, text):
    try:
        return repr(parse(text))
    except (ValueError, NotJson):
        return 'error'


@pytest.mark.parametrize('indent', [None, 1])
@pytest.mark.parametrize('seed', [0, *again(*range(1, 10))])
def test_a_text_that_is_cut_has_the_same_value(small_pieces, seed, indent):
    chance, cuts = random.Random(seed), 0
    for _ in range(100):
        value = [made_up(chance) for _ in range(9)]
        text = json.dumps(value, indent=indent, ensure_ascii=chance.random() < 0.5).encode()
        cuts += len(json_scan.scan(text).cuts)
        assert repr(parse_json(text)) == repr(value)
    assert cuts > 100


@pytest.mark.parametrize('seed', range(20))
def test_what_is_no_json_is_none_when_it_is_cut(small_pieces, seed):
    chance = random.Random(seed)
    for _ in range(300):
        value = json.dumps([made_up(chance) for _ in range(3)])
        place = chance.randrange(len(value))
        text = value[:place] + chance.choice(PIECES) + value[place + chance.randrange(3):]
        if chance.random() < 0.3:
            text = '[' + ''.join(chance.choice(PIECES) for _ in range(chance.randrange(9))) + ']'
        assert value_or_error(parse_json, text.encode()) == value_or_error(json.loads, text), text


def test_a_large_tensor_has_the_values_that_pythons_own_parser_gives():
    numbers = random.Random(3)
    tensor = [[[round(numbers.uniform(-1, 1), 4) for _ in range(224)] for _ in range(224)]
              for _ in range(3)]
    assert parse_json(json.dumps([tensor, [{'a': [1, 2, {'b': 'x' * 500_000}]}]]).encode()) == [
        tensor, [{'a': [1, 2, {'b': 'x' * 500_000}]}]]


@pytest.mark.parametrize('text', [
    b'[' * 101 + b']' * 101, b'{"a":' * 101 + b'1' + b'}' * 101, b'[' * 3_000_000,
    b'[' + b'[1, {}],' * 200_000 + b'[' * 100 + b']' * 100 + b']',
])
def test_json_is_nested_a_hundred_levels_deep(text):
    with pytest.raises(NestedTooDeeply):
        parse_json(text)


@pytest.mark.parametrize('text', [
    b'[' * 100 + b']' * 100, b'{"a":' * 100 + b'1' + b'}' * 100, b'["' + b'[' * 600 + b'\\""]',
    b'[' + b'[1, {}],' * 200_000 + b'["\\\\",' + b'[' * 98 + b']' * 98 + b']]',
    b'["' + b'{[' * 500_000 + b'"]',
])
def test_what_is_nested_no_deeper_is_read(text):
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize('text', [b'[],', b'{},', b'[0],', b'{"":0},', b'"ab",', b'-6,',
                                  b'[[[[]]]],'])
def test_values_that_would_take_too_much_are_refused_before_they_are_made(text):
    assert parse_json(b'[' + text * 100_000 + b'0]')
    with pytest.raises(TakesTooMuch):
        parse_json(b'[' + text * 8_000_000 + b'0]')


@pytest.mark.parametrize('row', [
    '[0.1],', '[5.1, 3.5, 1.4, 0.2], ', '{"width": 5.1, "height": 3.5}, '])
def test_half_a_million_rows_are_read(row):
    text = f'[{row * 500_000}0]'.encode()
    value = parse_json(text)
    assert (len(value), value[499_999]) == (500_001, json.loads(row.rstrip(', ')))


def test_an_integer_has_a_limit_on_every_python():
    assert parse_json(b'[' + b'1' * 4300 + b']') == [int('1' * 4300)]
    for digits in (4301, 5_000_000):
        with pytest.raises(NotJson, match=r'integer has more than 4300 digits'):
            parse_json(b'[' + b'1' * digits + b']')


@pytest.mark.parametrize('text', [
    '[{"mask": "' + '01' * 5000 + '", "label": null}]', '[[true], "' + '7' * 4301 + '"]',
    '[null, ' + '1' * 4301 + '.5]', '[null, 1e' + '0' * 5000 + '1]',
    '[null, "' + '1' * 5000 + '", 12345678901234567890123]',
])
def test_digits_of_texts_and_of_other_numbers_are_not_counted(text):
    assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize('text', [b'["' + b'a' * 400_000 + b'", x]',
                                  b'["\xc3\xa9", ' + b'1, ' * 400_000 + b'x]'])
def test_what_is_wrong_in_a_large_text_is_told_with_its_place(text):
    with pytest.raises(NotJson, match=f'Expecting value: .*{len(text) - 2}'):
        parse_json(text)


def test_the_search_for_cycles_is_as_it_was():
    parse_json(b'[1]')
    assert gc.isenabled()
    gc.disable()
    try:
        parse_json(b'[1]')
        assert not gc.isenabled()
    finally:
        gc.enable()


PEAK = '''
import resource, sys
from mms.worker.codecs.list_text import Unreadable, value_of
data = eval(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    value_of(data)
except Unreadable:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / len(data))
'''


@pytest.mark.parametrize('text', [
    'b"[" + b"257," * 1_000_000 + b"0]"', 'b"[" + b"[0.12345678]," * 250_000 + b"0]"',
    'b"[" + b"0," * 2_000_000 + b"0]"', 'b"[\'a\'," + b"1," * 2_000_000 + b"1]"',
    'b"[\'" + b"\\\\n" * 2_000_000 + b"\']"', 'b"[\'" + b"\\n" * 4_000_000 + b"\']"',
    'b"[\\"" + "😀".encode() + b"a" * 4_000_000 + b"\\"]"', 'b"[" + b"0.1," * 1_000_000 + b"x]"',
    'b"[" + b"[]," * 1_250_000 + b"0]"', 'b"[" + b"\'" * 4_000_000',
])
def test_a_text_of_megabytes_takes_few_bytes_for_each_of_its_own(text):
    done = subprocess.run([sys.executable, '-c', PEAK, text], capture_output=True, text=True,
                          check=True)
    assert float(done.stdout) < 13
