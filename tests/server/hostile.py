"""Text and bytes that would command a terminal or forge a line of the log."""

import re

FORGED = '[INFO 2018-05-24 10:59:46,301 PID:1 /forged.py:forged:1 forged'
# Commands to a terminal, in 7 and 8 bits, what turns or hides the text behind it, line ends.
COMMANDS = ('\x1b[31m', '\x1b]0;title\x07', '\x9b2J', '\x7f', '\x08\x0b\x0c', '\u202e', '\u2066',
            '\u200b', '\ufeff', '\xad', '\U000e0041', '\x85', '\u2028', '\r')
# A command line and the name of a file hold no NUL.
WORD = ''.join(COMMANDS) + '\n' + FORGED
EVERYTHING = f'{WORD}\x00\udcff\r\n{FORGED}\n{FORGED}'

HEAD = re.compile(r'\[[A-Z][A-Za-z0-9 ]* \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} PID:(\d+) ')
# The colours of a head, and what a progress bar does.
OWN = re.compile('\x1b\\[3[124]m(?=\\[)|(?<=\\])\x1b\\[0m|\x1b\\[A|\r')


def assert_harmless(text, terminal=False):
    """Nothing but visible characters, line ends and tabs, and no forged head."""
    if terminal:
        assert '\n[' not in text.replace('\r', '')
        text = OWN.sub('', text)
    raw = {char for char in text if not char.isprintable()} - {'\n', '\t'}
    assert raw == set(), [line for line in text.split('\n') if raw & set(line)][:3]
    for line in text.split('\n'):
        if line.startswith('['):
            head = HEAD.match(line)
            assert head is not None, line
            assert head[1] != '1', line
