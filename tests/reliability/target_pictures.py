"""Pictures, looked at before MXNet's decoder sees them."""

from mms.errors import BadRequest
from mms.pictures import others
from mms.pictures.faults import PictureFault, TooManyPixels
from mms.pictures.precheck import STARTS, check
from mms.worker.codecs.form import FROM_FIELD, FROM_PART, RawInput
from mms.worker.codecs.picture import read_picture

MOST_PIXELS = 1_000_000


def check_picture(data):
    """A picture passes the look at it, or is refused as a picture; so does what is none."""
    for limit in (MOST_PIXELS, None):
        try:
            check(data, limit)
        except PictureFault as fault:
            assert str(fault)
            assert limit is not None or not isinstance(fault, TooManyPixels)
    if not data.startswith(STARTS):
        try:
            others.check(data, MOST_PIXELS)
        except PictureFault as fault:
            assert str(fault)


def check_input(data):
    """An input that is to be a picture is bytes of one, or a refusal that names it."""
    for origin, media_type in ((FROM_PART, 'image/jpeg'), (FROM_PART, 'image/x'),
                               (FROM_FIELD, 'image/jpeg')):
        try:
            found = read_picture(RawInput('data', origin, data, media_type), MOST_PIXELS)
        except BadRequest as refusal:
            assert str(refusal).startswith('Input data for request argument: data is not correct.')
        else:
            assert found
