"""Request bodies as a file that wrk and Python can post."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

BOUNDARY = 'benchmarks-3c9d1f0a'
MULTIPART = f'multipart/form-data; boundary={BOUNDARY}'
URLENCODED = 'application/x-www-form-urlencoded'


@dataclass(frozen=True)
class Body:
    """The bytes of one request, in a file, and their type."""

    file: Path
    content_type: str

    @property
    def boundary(self) -> str:
        """What lies between its parts; empty where it has none."""
        return self.content_type.partition('boundary=')[2]


def picture_body(picture: bytes, file: Path) -> Body:
    """Write a multipart body whose part ``data`` is a JPEG."""
    return _multipart('Content-Disposition: form-data; name="data"; filename="picture.jpg"\r\n'
                      'Content-Type: image/jpeg', picture, file)


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
