"""The table of options in docs/server.md, as the options themselves give it.

``python tests/docs/doc_options.py`` writes it there.
"""

import sys
from pathlib import Path

REPO = Path(__file__).parents[2]
PAGE = REPO / 'docs' / 'server.md'
BEGIN, END = '<!-- options -->\n', '<!-- end of options -->\n'
HEAD = '| flag | default | variable | range | meaning |\n| --- | --- | --- | --- | --- |\n'
OF_THE_PARSER = ('| `--version` | | | | print the version and exit |\n'
                 '| `--help` | | | | print the flags and exit |\n')


def table(options):
    """The rows of all options, in the order of the help."""
    from mms.config.options import Group

    return HEAD + ''.join(row(option) for group in Group for option in options
                          if option.group is group) + OF_THE_PARSER


def row(option):
    cells = [flag_of(option), default_of(option), f'`{option.variable}`', range_of(option),
             meaning_of(option)]
    return f"| {' | '.join(cells)} |\n".replace('|  |', '| |')


def flag_of(option):
    from mms.config.per_model import EachModel

    written = ' '.join(filter(None, [option.flag, option.metavar]))
    if option.required:
        written += ' ...'
    named = f', `NAME={option.metavar}`' if isinstance(option.reader, EachModel) else ''
    return f'`{written}`{named}'


def default_of(option):
    from mms.config.options import UNSET

    return f'`{option.shown}`' if option.unset is UNSET else option.shown


def range_of(option):
    _, _, bounds = option.reader.domain.partition(' from ')
    return bounds if ' to ' in bounds and ',' not in bounds else ''


def meaning_of(option):
    return '. '.join(filter(None, [option.help, option.more]))


def parts(page):
    """What stands before the table, the table, and what stands behind it."""
    before, begin, rest = page.partition(BEGIN)
    written, end, after = rest.partition(END)
    assert begin, f'{PAGE.name} has no place for the table of options'
    assert end, f'{PAGE.name} does not say where the table of options ends'
    return before + begin, written, end + after


def main():
    sys.path.insert(0, str(REPO))
    from mms.config.settings import OPTIONS

    before, _, after = parts(PAGE.read_text(encoding='utf-8'))
    PAGE.write_text(before + table(OPTIONS.values()) + after, encoding='utf-8')


if __name__ == '__main__':
    main()
