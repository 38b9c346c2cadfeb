"""Python literals: what :func:`ast.literal_eval` makes of them, at any length."""

import ast
import random
import re
import warnings

import pytest
from unmeasured import again

from mms.worker.codecs.json_text import NestedTooDeeply, TakesTooMuch
from mms.worker.codecs.list_text import Unreadable, value_of
from mms.worker.codecs.literal import parse_literal
from mms.worker.codecs.literal_builder import MOST_OTHER_KEYS, MOST_PARTS, Builder, NoLiteral

pytestmark = pytest.mark.core

ATOMS = [
    '1', '0', '-1', '+2', '1.5', '.5', '1.', '1e5', '1E-3', '0x1F', '0b1', '0o7', '1_000', '1j',
    '1.5J', '007', '00', '0_0', '1__0', '1_', '0xg', '1e', '1e+', '1e400', '9' * 30, '-0', '-0.0',
    '- 1', '--1', '-True', 'True', 'False', 'None', 'true', 'x', "'a'", '"b"', "'it\\'s'",
    '"it\'s"', "'a' 'b'", "'a' b'c'", "b'x'", "b'\\x41\\377'", "rb'\\x'", "r'\\d'", "u'é'",
    "f'x'", "b'é'", "'\\n\\t\\x41\\u00e9\\U0001F600'", "'\\N{BULLET}'", "'\\é'", "'\\\\\\é'",
    "'\\d'", "'\\\\'", "'\\\\\\\\n'", "'''a\nb'''", '"""x\'y"""', "'\\101'", "'a\\\nb'", "''",
    "'''a\\'''b'''",
    "'\\x4'", "'\\ud800'", "'''\r\n'''", "'\r'", "'\t'", "'😀'", "'\\'", '()', '{}', '[]', '1 2',
    ', '.join(map(str, range(-9, 9))), '# c\n1', '1 # c\n', '{1: 2}', '{1}', '(1)', '(1,)', '{[]}',
]
BLANKS = ['', '', '', ' ', '\n', '\t', '  # x\n', '\\\n', '\f']
# A sign before parentheses is not taken.
SIGNED_GROUP = re.compile(r'[-+](\s|\\|#.*\n)*\(')
MARKS = '[](){},:\'"\\ \n1a.-#'


def made_up(chance, depth=0):
    if depth > 3 or chance.random() < 0.5:
        return chance.choice(ATOMS)
    items = [made_up(chance, depth + 1) for _ in range(chance.randrange(4))]
    before, after = chance.choice(['[]', '[]', '()', '{}', '{:'])
    if after == ':':
        items, after = [f'{chance.choice(ATOMS)}: {item}' for item in items], '}'
    text = before
    for item in items:
        text += f'{chance.choice(BLANKS)}{item}{chance.choice(BLANKS)},'
    return (text if chance.random() < 0.3 else text.rstrip(',')) + chance.choice(BLANKS) + after


def broken(chance, text):
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(['', *MARKS]) + text[place + chance.randrange(2):]
    return text


def values_of(text):
    """By exchanging quotes where that does, and token by token."""
    for parse in (parse_literal, lambda data: Builder(data.strip()).value()):
        try:
            yield parse(text.encode())
        except (NoLiteral, NestedTooDeeply) as error:
            yield error


@pytest.mark.parametrize('seed', range(20))
def test_a_list_has_the_value_that_pythons_own_parser_gives(seed):
    chance, lists = random.Random(seed), 0
    for _ in range(300):
        text = '[' + broken(chance, made_up(chance)) + ']'
        if SIGNED_GROUP.search(text):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            try:
                expected = ast.literal_eval(text)
            except (SyntaxError, ValueError, TypeError):
                expected = None
        for value in values_of(text):
            if isinstance(expected, list):
                lists += 1
                # repr tells 1 from 1.0 and from True.
                assert repr(value) == repr(expected), text
            else:
                # What is no literal, and what is no list either, is refused.
                assert not isinstance(value, list), text
    assert lists > 50


@pytest.mark.parametrize('text', [
    "{'review_title': 'x', 'ok': True, 'n': None, 'f': 1e-5, 'g': False}, ",
    "['a,b', 'True', '', 'é 世界', '[{', -1.5], ", "[['\\\\', '\\n\\t'], [], {}], ",
])
def test_a_large_literal_without_other_escapes_may_be_of_any_length(text):
    literal = f"[{text * 20_000}'the end']"
    assert parse_literal(literal.encode()) == ast.literal_eval(f'[{text}]') * 20_000 + ['the end']


@pytest.mark.parametrize(('first', 'numbers', 'count'), [
    ("'a'", '1,', 1_000_000), ("'it\\'s'", '1, ', 1_000_000), ("'''a'''", '-0.5e3, ', 300_000),
    ("'a'", '12345678901234567890123,', 20_000),
])
def test_numbers_beside_a_text_may_be_as_many_as_there_are(first, numbers, count):
    value = parse_literal(f'[{first}, {numbers * count}]'.encode())
    number = ast.literal_eval(numbers)[0]
    assert value == [ast.literal_eval(first)] + [number] * count
    assert type(value[-1]) is type(number)


@pytest.mark.parametrize('text', [
    "'''" + '\n' * 3_000_000 + "'''", "'\\x41" + '\\n' * 1_000_000 + "'",
    "b'" + '\\x41' * 500_000 + "'", "'\\x41" + '\\\\' * 1_000_000 + "'",
    "r'" + '\\d' * 1_000_000 + "'", "'\\x41" + 'é' * 500_000 + "'",
])
def test_one_text_may_be_of_any_length(text):
    assert parse_literal(f'[{text}]'.encode()) == [ast.literal_eval(text)]


@pytest.mark.parametrize('text', [
    '(1, 2), ' * MOST_PARTS, *again("'a' \"b\" " * MOST_PARTS, '#\n' * MOST_PARTS),
    "'" + "\\'" * (MOST_PARTS + 1),
])
def test_of_other_literals_so_many_parts_are_read(text):
    with pytest.raises(NoLiteral, match='at most 100000 parts are read: send it as JSON'):
        parse_literal(f'[{text}]'.encode())


@pytest.mark.parametrize('start', [
    'None', *again('True', '(1, 2)', "r'x'", "'x'", '#\n1')])
def test_what_is_no_json_but_a_literal_is_told_the_limit_of_literals(start):
    with pytest.raises(Unreadable, match='at most 100000 parts are read: send it as JSON'):
        value_of(f'[{start}, "it\'s", {"(1, 2), " * MOST_PARTS}]'.encode())


def test_what_is_json_up_to_a_fault_is_told_the_fault():
    with pytest.raises(Unreadable, match='Expecting value'):
        value_of(f'[{"[1, {}], " * MOST_PARTS}, x]'.encode())


@pytest.mark.parametrize('text', [
    "'" + '\\d' * 100_001 + "'", "'" + '\\N{BULLET}' * 100_001 + "'",
    ("'" + '\\d' * 1001 + "', ") * 100, ("'" + '\\N{BULLET}' * 1001 + "' ") * 100,
    ("b'" + '\\d' * 1001 + "', ") * 100,
])
def test_the_texts_of_a_literal_have_so_many_odd_escapes(text):
    with pytest.raises(NoLiteral, match='too many'):
        parse_literal(f'[{text}]'.encode())


@pytest.mark.parametrize('form', ['{{{}}}', '{{{}: 0}}'])
@pytest.mark.parametrize('key', ['{}', '({},)', '{}.5'])
def test_a_thousand_keys_may_have_one_hash(form, key):
    same_hash = [key.format(number * (2**61 - 1)) for number in range(MOST_OTHER_KEYS + 1)]
    joined = ', ' if ':' not in form else ': 0, '
    literal = form.format(joined.join(same_hash[1:]))
    assert parse_literal(f'[{literal}]'.encode()) == [ast.literal_eval(literal)]
    with pytest.raises(NoLiteral, match='may hold 1000 numbers or tuples: send texts or lists'):
        parse_literal(f'[{form.format(joined.join(same_hash))}]'.encode())


def test_the_sets_of_a_literal_have_a_thousand_numbers_together():
    assert parse_literal(b'[' + b'{1, 2}, ' * 500 + b"'']")[:2] == [{1, 2}, {1, 2}]
    with pytest.raises(NoLiteral, match='may hold 1000 numbers'):
        parse_literal(b'[' + b'{1, 2}, ' * 501 + b"'']")


def test_texts_may_be_keys_in_any_number():
    literal = f'({{{", ".join(map(repr, map(str, range(5000))))}}},)'
    assert parse_literal(literal.encode()) == ast.literal_eval(literal)


def test_a_literal_is_nested_a_hundred_levels_deep():
    for opening, closing in ('[]', '()', ('{1:', '}')):
        deep = f'["", {opening * 98}1,{closing * 98}, \'\']'
        assert parse_literal(deep.replace('1,}', '1}').encode())
        with pytest.raises(NestedTooDeeply):
            parse_literal(f'["", {opening * 101}1{closing * 101}, \'\']'.encode())


def test_numbers_of_a_literal_have_the_limit_on_memory_that_those_of_json_have():
    with pytest.raises(TakesTooMuch):
        parse_literal(b"['\\x41', " + b'-6,' * 6_000_000 + b']')
