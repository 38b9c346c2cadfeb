"""Text as a terminal and a log file get it: what is no visible character is escaped.

Everything that this package prints or logs passes here: :func:`mms.runtime.streams.say` prints, and
the formatters of :mod:`mms.log.lines` make the lines of the log.
"""

from __future__ import annotations

# First and last of each range: commands to a terminal, what turns the direction of the text
# behind it, what cannot be seen, line ends that are not LF, and what is no text.
_ESCAPED = (
    (0x00, 0x1f), (0x7f, 0x9f), (0xad, 0xad), (0x61c, 0x61c), (0x180e, 0x180e), (0x200b, 0x200f),
    (0x2028, 0x202e), (0x2060, 0x206f), (0xd800, 0xdfff), (0xfeff, 0xfeff), (0xfff9, 0xfffb),
    (0xe0000, 0xe007f),
)
_ESCAPES = {code: chr(code).encode('unicode_escape').decode()
            for first, last in _ESCAPED for code in range(first, last + 1)}
_ESCAPES_IN_LINES = {code: text for code, text in _ESCAPES.items() if chr(code) not in '\t\n'}


def one_line(text: str) -> str:
    """`text` with its control characters escaped, line ends and tabs too."""
    return text if text.isprintable() else text.translate(_ESCAPES)


def further_lines(text: str) -> str:
    """`text` behind the head of a log line, with its own lines and tabs.

    A further line that begins with a bracket is indented by a space: one that begins with a
    bracket is the head of a line of the log.
    """
    if text.isprintable():
        return text
    return text.replace('\r\n', '\n').translate(_ESCAPES_IN_LINES).replace('\n[', '\n [')
