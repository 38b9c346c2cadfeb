"""What Django says to its users, in ten languages."""

from __future__ import annotations

import gettext
import importlib.util
import re
from pathlib import Path

from mms.errors import MissingExtraError

from char_cnn_service import tidy

LANGUAGES = {'de': 'German', 'en': 'English', 'es': 'Spanish', 'fi': 'Finnish', 'fr': 'French',
             'it': 'Italian', 'nl': 'Dutch', 'pl': 'Polish', 'sv': 'Swedish', 'tr': 'Turkish'}
SHORTEST = 8  # characters: below are names and single words

_PLACEHOLDER = re.compile(r'%\(\w+\)\w|%\w|{\w*}|<[^>]*>|&\w+;')


def read_texts():
    """English message -> (language -> the message in it, as a tidy text).

    Raises
    ------
    MissingExtraError
        Django is not installed.
    """
    texts = {}
    for code, language in LANGUAGES.items():
        for path in sorted(_folder().glob(f'**/locale/{code}/LC_MESSAGES/django.mo')):
            for message, translation in _catalog(path):
                known = texts.setdefault(message, {})
                known.setdefault('English', _plain(message))
                if translation != message:
                    known.setdefault(language, _plain(translation))
    return {message: {language: text for language, text in known.items() if len(text) >= SHORTEST}
            for message, known in sorted(texts.items())}


def _folder():
    found = importlib.util.find_spec('django')
    if found is None:
        raise MissingExtraError('The texts to train on', 'examples')
    return Path(found.origin).parent


def _catalog(path):
    with path.open('rb') as file:
        catalog = gettext.GNUTranslations(file)._catalog
    for message, translation in catalog.items():
        # Those with a plural have the number of the form beside them.
        message = message[0] if isinstance(message, tuple) else message
        if message:
            yield message.rpartition('\x04')[2], translation


def _plain(text):
    return tidy(_PLACEHOLDER.sub(' ', text))
