"""Request bodies as files that wrk and Python can post."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

BOUNDARY = 'benchmarks-3c9d1f0a'
MULTIPART = f'multipart/form-data; boundary={BOUNDARY}'
# Of the flag --fixed.
FIXED_HELP = ('send one body again and again; otherwise pictures are twelve by turns, and each '
              'multipart request has a boundary of its own, as from most clients')
URLENCODED = 'application/x-www-form-urlencoded'


@dataclass(frozen=True)
class Body:
    """The bytes of one request, in a file, and their type.

    Attributes
    ----------
    others
        Files of further requests of the same type, which are sent by turns with it.
    is_fixed
        Whether the file alone is sent, as it is, again and again; else each request has a
        multipart boundary of its own, as from most clients.
    """

    file: Path
    content_type: str
    others: tuple[Path, ...] = ()
    is_fixed: bool = False

    @property
    def boundary(self) -> str:
        """What lies between its parts; empty where it has none."""
        return self.content_type.partition('boundary=')[2]

    @property
    def sent(self) -> tuple[Path, ...]:
        """The files that are sent by turns."""
        return (self.file,) if self.is_fixed else (self.file, *self.others)

    def requests(self) -> Iterator[tuple[bytes, str]]:
        """Contents and type of one request after the other, without end."""
        for content in itertools.cycle([file.read_bytes() for file in self.sent]):
            own = uuid.uuid4().hex
            if self.is_fixed or not self.boundary:
                yield content, self.content_type
            else:
                yield (content.replace(self.boundary.encode(), own.encode()),
                       self.content_type.replace(self.boundary, own))


def picture_body(picture: bytes, file: Path, others: Sequence[bytes] = (),
                 name: str = 'data') -> Body:
    """Write a multipart body whose part is a JPEG, and one beside it for each other."""
    head = (f'Content-Disposition: form-data; name="{name}"; filename="picture.jpg"\r\n'
            'Content-Type: image/jpeg')
    further = [_multipart(head, other, file.with_name(f'{file.name}{number}')).file
               for number, other in enumerate(others, 2)]
    return replace(_multipart(head, picture, file), others=tuple(further))


def field_body(value: str, file: Path) -> Body:
    """Write a multipart body whose part ``data`` is a plain field."""
    return _multipart('Content-Disposition: form-data; name="data"', value.encode(), file)


def urlencoded_body(value: str, file: Path) -> Body:
    """Write a form ``data=...`` as a browser encodes it."""
    file.write_bytes(urlencode({'data': value}).encode())
    return Body(file, URLENCODED)


def _multipart(head: str, content: bytes, file: Path) -> Body:
    file.write_bytes(f'--{BOUNDARY}\r\n{head}\r\n\r\n'.encode() + content
                     + f'\r\n--{BOUNDARY}--\r\n'.encode())
    return Body(file, MULTIPART)
