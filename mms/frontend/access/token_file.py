"""Files of tokens: one on each line, read again while the server runs."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Optional

from mms.errors import UsageError
from mms.frontend.access.scopes import MANAGE, Scope, Scopes
from mms.frontend.access.tokens import Token, Tokens, digest_of
from mms.runtime.misplaced_token import refuse_token

logger = logging.getLogger(__name__)

# What RFC 6750 lets a token be (its b64token).
_TOKEN = re.compile(r'[A-Za-z0-9._~+/-]+=*')
_LETTERS = 'those are letters, digits and any of -._~+/'
_DIGEST = re.compile(r'sha256:([0-9A-Fa-f]{64})')
_NAME = re.compile(r'[A-Za-z0-9._@-]{1,64}')
# More than fits into any list of tokens: somebody has named another file.
_MOST_CHARACTERS = 2**20
# A token of fewer can be tried out.
_FEWEST_CHARACTERS = 16
_SCOPES: Mapping[str, Scope] = {scope.value: scope for scope in Scope}
_SCOPE_NAMES = 'predict, metrics or manage'

Lines = Mapping[int, str]


class _Fault(ValueError):
    """What is wrong with a file; it never tells what stands in it, which may be a token."""


class TokenFile:
    """The tokens of a file.

    Parameters
    ----------
    path
        The file.
    said
        Where its name was given, for messages.
    tokens_of
        Reads its lines: :func:`scoped_tokens` or :func:`management_tokens`.
    what
        What these tokens are, for messages.

    Raises
    ------
    UsageError
        It cannot be read, or holds no tokens.
    """

    def __init__(self, path: str, said: str, tokens_of: Callable[[Lines], list[Token]],
                 what: str = 'The tokens') -> None:
        self._path = path
        self._said = said
        self._tokens_of = tokens_of
        self._what = what
        # Not later: a name that was that of a file is no token.
        refuse_token(path, said)
        self._tokens = self._read()

    @property
    def listed(self) -> Sequence[Token]:
        """All of them."""
        return self._tokens.listed

    def find(self, sent: str) -> Optional[Token]:
        """What is known of a token that was sent; None where it is not one of these."""
        return self._tokens.find(sent)

    def reload(self) -> None:
        """Read the file again; where it cannot be used, the tokens stay as they were."""
        if not os.path.isfile(self._path) and os.path.exists(self._path):
            # A pipe, which can be read once.
            logger.warning('%s stay as they were: %s is no file.', self._what, self._path)
            return
        try:
            self._tokens = self._read()
        except UsageError as error:
            logger.error('%s stay as they were: %s', self._what, error)
        else:
            logger.info('%s were read again: there are %d.', self._what, len(self._tokens))

    def _read(self) -> Tokens:
        try:
            lines = self._lines()
            tokens = self._tokens_of(lines)
            if not tokens:
                raise _Fault('holds no token: give one on each line')
        except _Fault as fault:
            raise UsageError(f'{self._said} {self._path!r} {fault}') from fault
        return Tokens(tokens)

    def _lines(self) -> Lines:
        try:
            # Some editors put a mark before UTF-8.
            with open(self._path, encoding='utf-8-sig') as file:
                self._warn_of_readers(os.fstat(file.fileno()).st_mode)
                text = file.read(_MOST_CHARACTERS + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, 'strerror', None) or 'it is no text in UTF-8'
            raise _Fault(f'cannot be read: {reason}; give a file of tokens that the user of the '
                         'server may read') from error
        if len(text) > _MOST_CHARACTERS:
            # The last line would count, as far as it was read.
            raise _Fault('is too long for a list of tokens')
        # Not splitlines(), which takes a form feed in a comment for the end of it.
        return {number: line for number, line in enumerate(text.split('\n'), 1) if line.strip()}

    def _warn_of_readers(self, mode: int) -> None:
        if stat.S_ISREG(mode) and mode & stat.S_IROTH:
            logger.warning('%s %s can be read by every user of this machine: chmod o-r %s',
                           self._said, self._path, self._path)


def management_tokens(lines: Lines) -> list[Token]:
    """Those of a file that has one on each line, and nothing else; all may manage."""
    for number, line in lines.items():
        if not _TOKEN.fullmatch(line.strip()):
            raise _Fault(f'has no token in line {number}: {_LETTERS}')
    return [Token(digest_of(line.strip()), MANAGE) for line in lines.values()]


def scoped_tokens(lines: Lines) -> list[Token]:
    """Those of a file that says what each is good for: ``TOKEN SCOPES [NAME]``.

    Instead of the token there may stand its digest, ``sha256:`` and 64 hexadecimal digits. What
    begins with ``#`` is a comment.
    """
    places: dict[bytes, int] = {}
    tokens = []
    for number, line in lines.items():
        words = list(_words(line))
        if not words:
            continue
        token = _token(number, words)
        if token.digest in places:
            raise _Fault(f'has in line {number} the token of line {places[token.digest]} again: '
                         'write its scopes on one line, with commas between them')
        places[token.digest] = number
        tokens.append(token)
    return tokens


def _words(line: str) -> Iterator[str]:
    for word in line.split():
        if word.startswith('#'):
            return
        yield word


def _token(number: int, words: list[str]) -> Token:
    if _has_blanks_between_scopes(words):
        raise _Fault(f'has a blank between scopes in line {number}, or a comma too many: write '
                     'predict,metrics without blanks')
    if not 2 <= len(words) <= 3:
        raise _Fault(f'has not two or three words in line {number}: give TOKEN SCOPES, or '
                     f'TOKEN SCOPES NAME, with {_SCOPE_NAMES} and commas between them as SCOPES')
    name = words[2] if len(words) == 3 else ''
    if name and not _NAME.fullmatch(name):
        raise _Fault(f'has a name in line {number} that is none: give 64 letters, digits or any '
                     'of ._@- at most')
    return Token(_digest(number, words[0]), _scopes(number, words[1]), name)


def _has_blanks_between_scopes(words: list[str]) -> bool:
    """Whether it looks so: a NAME may be neither a scope nor part of a list."""
    scopes, *behind = words[1:] or ['']
    return ((len(scopes) > 1 and scopes.endswith(','))
            or any(word in _SCOPES or word.startswith(',') for word in behind))


def _digest(number: int, word: str) -> bytes:
    if ':' in word:
        found = _DIGEST.fullmatch(word)
        if not found:
            raise _Fault(f'has no digest in line {number}: give sha256: and 64 hexadecimal digits')
        return bytes.fromhex(found[1])
    if not _TOKEN.fullmatch(word):
        raise _Fault(f'has no token in line {number}: {_LETTERS}')
    if len(word) < _FEWEST_CHARACTERS:
        logger.warning('The token in line %d of the file of tokens has fewer than %d characters, '
                       'and can be guessed: make one with openssl rand -hex 32', number,
                       _FEWEST_CHARACTERS)
    return digest_of(word)


def _scopes(number: int, word: str) -> Scopes:
    names = word.split(',')
    if any(name not in _SCOPES for name in names):
        raise _Fault(f'has a scope in line {number} that is none: give {_SCOPE_NAMES}, several '
                     'with commas between them')
    return frozenset(_SCOPES[name] for name in names)
