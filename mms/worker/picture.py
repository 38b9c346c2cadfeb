"""The picture of a request, looked at before the service's code or MXNet's decoder sees it."""

from __future__ import annotations

import base64
import binascii
import io

from PIL import Image, UnidentifiedImageError

from mms.archive.signature import IMAGE_TYPE
from mms.errors import BadRequest
from mms.pictures.faults import PictureFault, TooManyPixels, TooManyScans
from mms.pictures.look import check
from mms.worker.form import FROM_FIELD, RawInput
from mms.worker.incorrect import incorrect as _incorrect
from mms.worker.picture_start import starts_as_picture

# The limit on pixels is ours: Pillow's own would warn on standard error.
Image.MAX_IMAGE_PIXELS = None

# Pillow tells the kinds that are texts in a second for each megabyte. Those of the second list
# have to be there whole.
_HEAD_BYTES = 64 * 1024
_WHOLE_KINDS = ('TIFF', 'WEBP')


def read_picture(item: RawInput, max_image_pixels: int) -> bytes:
    """Bytes of a picture that can be decoded, and at no more than its size justifies.

    Raises
    ------
    BadRequest
    """
    data = _from_base64(item) if item.origin == FROM_FIELD else item.data
    if not data:
        raise _incorrect(item.name, 'the picture is empty.')
    try:
        if starts_as_picture(data):
            check(data, max_image_pixels)
        elif item.media_type == IMAGE_TYPE:
            _check_other_kind(data, max_image_pixels)
        else:
            raise _incorrect(item.name, f'{IMAGE_TYPE} is expected but '
                                        f'{item.media_type or "no type"} is given. Its bytes are '
                                        'no JPEG, PNG or BMP.')
    except PictureFault as fault:
        raise _refusal(item.name, fault, max_image_pixels) from None
    except UnidentifiedImageError:
        raise _incorrect(item.name, 'its bytes are no picture (JPEG, PNG or BMP).') from None
    return data


def _check_other_kind(data: bytes, max_image_pixels: int) -> None:
    """See that it is a picture at all: a service may decode it by itself."""
    width, height = _size_by_pillow(data)
    if width * height > max_image_pixels:
        raise TooManyPixels(width, height)


def _size_by_pillow(data: bytes) -> tuple[int, int]:
    fault: Exception = UnidentifiedImageError()
    for part, kinds in ((data[:_HEAD_BYTES], None), (data, _WHOLE_KINDS)):
        try:
            with Image.open(io.BytesIO(part), formats=kinds) as picture:
                return picture.size
        except Exception as error:
            # Pillow's format plugins raise nearly anything on a hostile header.
            fault = error
    if isinstance(fault, UnidentifiedImageError):
        raise fault
    raise PictureFault(str(fault)) from fault


def _refusal(name: str, fault: PictureFault, max_image_pixels: int) -> BadRequest:
    if isinstance(fault, TooManyPixels):
        return _incorrect(name, f'a picture of {fault.width} x {fault.height} pixels is over the '
                                f'limit of {max_image_pixels} pixels (--max-image-pixels).')
    if isinstance(fault, TooManyScans):
        return _incorrect(name, f'a picture of {fault.width} x {fault.height} pixels in '
                                f'{fault.scans} scans takes too long to decode; 20 scans are '
                                'always taken.')
    return _incorrect(name, f'its picture cannot be read ({fault}).')


def _from_base64(item: RawInput) -> bytes:
    head, marked, tail = item.data.partition(b'base64,')
    text = tail if marked else head
    # A '+' that a client forgot to escape in a urlencoded form arrives as a space.
    text = b''.join(text.strip().replace(b' ', b'+').split())
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _incorrect(
            item.name, f'a form field must hold the picture in base64 ({error}).') from error
