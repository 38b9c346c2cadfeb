"""The markers of a JPEG, as libjpeg-turbo reads them."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple, Optional

from mms.pictures.faults import TooManyPixels, TooManyScans, Unreadable
from mms.pictures.jpeg_rows import has_first_rows
from mms.pictures.jpeg_tables import CHECKS

START, _END = b'\xff\xd8\xff', b'\xff\xd9'
_MARKER = re.compile(rb'\xff([\x01-\xfe])')
# Behind the head: neither restarts, nor what is passed over in search of one.
_END_OF_SCAN = re.compile(rb'\xff([\xc0-\xcf\xd8-\xfe])')
_SOI, _EOI, _SOS = 0xd8, 0xd9, 0xda
_FRAMES = {0xc0, 0xc1, 0xc2, 0xc9, 0xca}
_PROGRESSIVE, _ARITHMETIC = {0xc2, 0xca}, {0xc9, 0xca}
_ALONE = {0x01, *range(0xd0, 0xd8)}
# DNL, COM, APP0 to APP15.
_SKIPPED = {0xdc, 0xfe, *range(0xe0, 0xf0)}

_LENGTH = struct.Struct('!H')
_FRAME = struct.Struct('!HBHHB')
# libjpeg's own limits.
_BITS, _MAX_SIDE_PX, _MAX_COMPONENTS, _MAX_SCANNED, _MAX_SAMPLING = 8, 65_500, 10, 4, 4

# Profiles and previews of 64 MB are 1,000 segments.
_MAX_MARKERS = 5_000
# Encoders write 10 scans or so. Each passes over all pixels, in 1 ns a pixel or more, were it of
# 10 bytes; 20 may be of any size.
_MAX_SCANS, _FREE_SCANS, _MAX_PIXELS_SCANNED = 1_000, 20, 1_000_000_000
_BLOCK_PX = 8


class Frame(NamedTuple):
    """What the segment says that opens a frame.

    Attributes
    ----------
    marker
        Its kind.
    width, height
        In pixels.
    components
        Identifier, horizontal and vertical sampling of each.
    """

    marker: int
    width: int
    height: int
    components: list[tuple[int, int, int]]

    @property
    def step_px(self) -> tuple[int, int]:
        """Width and height of what is coded together."""
        return (_BLOCK_PX * max(across for _, across, _ in self.components),
                _BLOCK_PX * max(down for _, _, down in self.components))


def check(data: bytes, max_pixels: Optional[int] = None) -> None:
    """See that libjpeg takes everything before the pixels, and what the scans cost.

    Raises
    ------
    PictureFault
    """
    frame, tables, scan = _read_head(data, max_pixels)
    scanned = data[scan + _LENGTH.size]
    behind = scan + _LENGTH.unpack_from(data, scan)[0]
    if frame.marker in _PROGRESSIVE or scanned < len(frame.components):
        _check_scans(data, behind, frame)
    elif frame.marker not in _ARITHMETIC and not _is_ended(data, behind):
        # OpenCV repeats the last row that it has got, and where it has none, what is in memory.
        rows = min(frame.height, frame.step_px[1])
        if not has_first_rows(data, tables, rows, scan - 2):
            raise Unreadable('the JPEG is cut off in its first rows')


def _is_ended(data: bytes, place: int) -> bool:
    """Whether a marker ends the scan that begins at `place`: libjpeg then has all rows."""
    return data.rfind(_END, place) >= 0 or _END_OF_SCAN.search(data, place) is not None


def _read_head(data: bytes, max_pixels: Optional[int]) -> tuple[Frame, list[tuple[int, int]], int]:
    """The frame; where its segment and those of the tables lie; where the first scan's begins,
    behind its marker.
    """
    frame, tables, place = None, [], len(START) - 1
    for _ in range(_MAX_MARKERS):
        found = _MARKER.search(data, place)
        if found is None:
            break
        marker, start = data[found.end() - 1], found.end()
        if marker in _ALONE:
            place = start
            continue
        body, place = _segment(data, marker, start)
        if marker == _SOS:
            if frame is None:
                raise Unreadable('the JPEG has pixels before its head')
            _check_scan(body, frame)
            return frame, tables, start
        if marker in _FRAMES:
            if frame is not None:
                raise Unreadable('the JPEG has two heads')
            frame = _frame(data[start:place], marker, max_pixels)
        elif marker in CHECKS:
            CHECKS[marker](body)
        if marker not in _SKIPPED:
            tables.append((found.end() - 2, place))
    else:
        raise Unreadable(f'the JPEG has more than {_MAX_MARKERS} segments')
    raise Unreadable('the JPEG ends before its pixels')


def _segment(data: bytes, marker: int, start: int) -> tuple[bytes, int]:
    """What a segment before the pixels holds, and where it ends."""
    if marker == _EOI:
        raise Unreadable('the JPEG has no pixels')
    if marker not in _SKIPPED and marker not in CHECKS and marker not in _FRAMES \
            and marker != _SOS:
        raise Unreadable(f'a JPEG with the marker {marker:02X}, which is not decoded')
    if start + _LENGTH.size > len(data):
        raise Unreadable('the JPEG ends before its pixels')
    length = _LENGTH.unpack_from(data, start)[0]
    end = start + max(length, _LENGTH.size)
    if end > len(data):
        raise Unreadable('the JPEG ends before its pixels')
    if marker in _SKIPPED:
        return b'', end
    if length < _LENGTH.size:
        raise Unreadable('a segment of the JPEG is shorter than its length')
    return data[start + _LENGTH.size:end], end


def _frame(segment: bytes, marker: int, max_pixels: Optional[int]) -> Frame:
    if len(segment) < _FRAME.size:
        raise Unreadable('the head of the JPEG is broken')
    length, bits, height, width, count = _FRAME.unpack_from(segment)
    if length != _FRAME.size + 3 * count or not 0 < count <= _MAX_COMPONENTS:
        raise Unreadable('the head of the JPEG is broken')
    if max_pixels is not None and width * height > max_pixels:
        raise TooManyPixels(width, height)
    if not 0 < width <= _MAX_SIDE_PX or not 0 < height <= _MAX_SIDE_PX:
        raise Unreadable(f'a JPEG of {width} x {height} pixels; up to {_MAX_SIDE_PX} a side are '
                         'decoded')
    if bits != _BITS:
        raise Unreadable(f'a JPEG of {bits} bits; those of {_BITS} are decoded')
    samplings = segment[_FRAME.size + 1::3]
    components = [(identifier, sampling >> 4, sampling & 0x0f)
                  for identifier, sampling in zip(segment[_FRAME.size::3], samplings)]
    if not all(0 < across <= _MAX_SAMPLING and 0 < down <= _MAX_SAMPLING
               for _, across, down in components):
        raise Unreadable('the head of the JPEG is broken')
    return Frame(marker, width, height, components)


def _check_scan(body: bytes, frame: Frame) -> None:
    """See that the first scan is of components of the frame, each once."""
    count = body[0] if body else 0
    if not 0 < count <= _MAX_SCANNED or len(body) != 2 * count + 4:
        raise Unreadable('the head of a scan of the JPEG is broken')
    identifiers = [identifier for identifier, _, _ in frame.components[:_MAX_SCANNED]]
    taken = set()
    for number, identifier in enumerate(body[1:2 * count:2]):
        # As libjpeg has it: among the places that this scan has not filled.
        if identifier not in identifiers[number:]:
            raise Unreadable('a scan of the JPEG has an unknown component')
        taken.add(identifiers.index(identifier, number))
    if len(taken) < count:
        raise Unreadable('a scan of the JPEG has a component twice')


def _check_scans(data: bytes, place: int, frame: Frame) -> None:
    """See that a JPEG of several scans has not too many, from behind the head of the first."""
    scans = 1
    across, down = frame.step_px
    pixels = -(-frame.width // across) * across * -(-frame.height // down) * down
    for _ in range(_MAX_MARKERS):
        found = _END_OF_SCAN.search(data, place)
        if found is None:
            return
        marker, start = data[found.end() - 1], found.end()
        if marker in (_EOI, _SOI) or start + _LENGTH.size > len(data):
            return
        place = start + max(_LENGTH.unpack_from(data, start)[0], _LENGTH.size)
        scans += marker == _SOS
        most = _MAX_SCANS if scans * pixels <= _MAX_PIXELS_SCANNED else _FREE_SCANS
        if scans > most:
            raise TooManyScans(frame.width, frame.height, scans)
    raise Unreadable(f'the JPEG has more than {_MAX_MARKERS} segments')
