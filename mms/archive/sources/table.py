"""The table of sources: a new one is a file beside this one, and an entry here."""

from __future__ import annotations

import pkgutil
from typing import Optional, cast

from mms.archive.sources.source import Source

# Scheme -> module and class. They are imported when they are needed: requests and boto3 cost
# memory that a server of local archives does without.
SOURCES = {
    '': 'mms.archive.sources.local:PathSource',
    'file': 'mms.archive.sources.local:FileUrlSource',
    'http': 'mms.archive.sources.web:WebSource',
    'https': 'mms.archive.sources.web:WebSource',
    's3': 'mms.archive.sources.s3:S3Source',
}


def source_of(scheme: str) -> Optional[Source]:
    """The source for a scheme, '' being that of paths; None where there is none."""
    name = SOURCES.get(scheme)
    return cast(Source, pkgutil.resolve_name(name)()) if name else None


def known_forms() -> str:
    """The forms of a location, for a message: ``a path, file:// or s3://``."""
    *forms, last = [f'{scheme}://' if scheme else 'a path' for scheme in SOURCES]
    return f"{', '.join(forms)} or {last}"
