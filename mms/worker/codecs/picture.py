"""The picture of a request, looked at before the service's code or MXNet's decoder sees it."""

from __future__ import annotations

import io
from typing import Optional

from PIL import Image, UnidentifiedImageError

from mms.archive.signature import IMAGE_TYPE
from mms.errors import BadRequest
from mms.pictures import others
from mms.pictures.faults import PictureFault, TooManyPixels, TooManyScans
from mms.pictures.precheck import check
from mms.worker.codecs.base64_text import bytes_of
from mms.worker.codecs.form import FROM_PART, FROM_TEXT, RawInput
from mms.worker.codecs.incorrect import incorrect
from mms.worker.codecs.picture_start import starts_as_picture

# The limit on pixels is ours: Pillow's own would warn on standard error.
Image.MAX_IMAGE_PIXELS = None

# Pillow takes a second for each megabyte to tell a text from a picture. It has to have this kind
# whole.
_HEAD_BYTES = 64 * 1024
_WHOLE_KIND = 'AVIF'


def read_picture(item: RawInput, max_image_pixels: int) -> bytes:
    """Bytes of a picture that can be decoded, and at no more than its size justifies.

    Raises
    ------
    BadRequest
    """
    data = picture_bytes(item)
    try:
        if starts_as_picture(data):
            check(data, max_image_pixels)
        elif item.media_type == IMAGE_TYPE:
            _check_other_kind(data, max_image_pixels)
        else:
            raise incorrect(item.name, f'{IMAGE_TYPE} is expected but '
                                       f'{item.media_type or "no type"} is given. Its bytes are '
                                       'no JPEG, PNG or BMP.')
    except PictureFault as fault:
        raise _refusal(item.name, fault, max_image_pixels) from None
    except UnidentifiedImageError:
        raise incorrect(item.name, 'its bytes are no picture (JPEG, PNG or BMP).') from None
    return data


def picture_bytes(item: RawInput) -> bytes:
    """What was sent as a picture, whatever it is.

    Raises
    ------
    BadRequest
        It is no base64 where it should be, or nothing at all.
    """
    data = item.data if item.origin == FROM_PART else _from_base64(item)
    if not data:
        raise incorrect(item.name, 'the picture is empty.')
    return data


def _check_other_kind(data: bytes, max_image_pixels: int) -> None:
    """See that it is a picture at all: a service may decode it by itself."""
    if others.check(data, max_image_pixels):
        return
    width, height = _size_by_pillow(data)
    if width * height > max_image_pixels:
        raise TooManyPixels(width, height)


def _size_by_pillow(data: bytes) -> tuple[int, int]:
    try:
        return _size(data[:_HEAD_BYTES])
    except Exception as error:
        if len(data) <= _HEAD_BYTES or _WHOLE_KIND not in Image.OPEN:
            raise _fault(error) from error
    try:
        return _size(data, [_WHOLE_KIND])
    except Exception as error:
        raise _fault(error) from error


def _size(data: bytes, kinds: Optional[list[str]] = None) -> tuple[int, int]:
    with Image.open(io.BytesIO(data), formats=kinds) as picture:
        size: tuple[int, int] = picture.size
    return size


def _fault(error: Exception) -> Exception:
    """Pillow's format plugins raise nearly anything on a hostile header."""
    return error if isinstance(error, UnidentifiedImageError) else PictureFault(str(error))


def _refusal(name: str, fault: PictureFault, max_image_pixels: int) -> BadRequest:
    if isinstance(fault, TooManyPixels):
        return incorrect(name, f'a picture of {fault.width} x {fault.height} pixels is over the '
                               f'limit of {max_image_pixels} pixels (--max-image-pixels).')
    if isinstance(fault, TooManyScans):
        return incorrect(name, f'a picture of {fault.width} x {fault.height} pixels in '
                               f'{fault.scans} scans takes too long to decode; 20 scans are '
                               'always taken.')
    return incorrect(name, f'its picture cannot be read ({fault}).')


def _from_base64(item: RawInput) -> bytes:
    try:
        return bytes_of(item.data)
    except ValueError as error:
        if item.origin == FROM_TEXT:
            raise incorrect(item.name,
                            f'its text must be the picture in base64 ({error}).') from error
        raise incorrect(
            item.name, f'a form field must hold the picture in base64 ({error}).') from error
