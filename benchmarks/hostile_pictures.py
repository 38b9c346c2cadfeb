"""Pictures that cannot be decoded, and pictures that cost more than their size justifies."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

SIGNATURE = b'\x89PNG\r\n\x1a\n'
JFIF = b'JFIF\0\1\1\0\0\1\0\1\0\0'
SOI, EOI = b'\xff\xd8', b'\xff\xd9'
BASELINE, PROGRESSIVE, LOSSLESS = 0xc0, 0xc2, 0xc3
COLOURED = ((1, 0x22), (2, 0x11), (3, 0x11))
MEGABYTES_30 = 30_000_000


def chunk(name: bytes, body: bytes = b'') -> bytes:
    """A chunk of a PNG."""
    return struct.pack('!I', len(body)) + name + body + struct.pack('!I', zlib.crc32(name + body))


def head(width: int = 40, height: int = 30, bits: int = 8, colours: int = 2,
         methods: bytes = b'\0\0\0') -> bytes:
    """The start of a PNG, up to the end of IHDR."""
    fields = struct.pack('!IIBB', width, height, bits, colours) + methods
    return SIGNATURE + chunk(b'IHDR', fields)


def pixels(width: int = 40, height: int = 30, channels: int = 3) -> bytes:
    """The IDAT and the IEND of a PNG, all of its bytes 200."""
    rows = (b'\0' + b'\xc8' * (width * channels)) * height
    return chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND')


def segment(marker: int, body: bytes = b'') -> bytes:
    """A segment of a JPEG."""
    return bytes([0xff, marker]) + struct.pack('!H', len(body) + 2) + body


def frame(marker: int, width: int, height: int, bits: int = 8,
          components: Sequence[tuple[int, int]] = COLOURED) -> bytes:
    """The SOF of a JPEG; a component is its identifier and its sampling."""
    return segment(marker, struct.pack('!BHHB', bits, height, width, len(components))
                   + b''.join(bytes([*component, 0]) for component in components))


def scan(components: Sequence[int], first: int = 0, last: int = 0, bits: int = 0) -> bytes:
    """The SOS of a JPEG: coefficients `first` to `last`, `bits` as they are coded."""
    return segment(0xda, bytes([len(components)]) + b''.join(bytes([name, 0])
                                                             for name in components)
                   + bytes([first, last, bits]))


def tables() -> bytes:
    """Quantization by 16, and codes for blocks without differences and for runs of 32,767 blocks
    that end.
    """
    def codes(place: int, symbol: int) -> bytes:
        return segment(0xc4, bytes([place, 1, *[0] * 15, symbol]))

    return segment(0xdb, b'\0' + b'\x10' * 64) + codes(0x00, 0) + codes(0x10, 0xe0)


def jpeg(*parts: bytes) -> bytes:
    """A JPEG with a JFIF head, as MXNet knows the size of."""
    return b''.join([SOI, segment(0xe0, JFIF), *parts])


def progressive(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG: all scans but the first refine the first coefficients, from nothing."""
    names = [name for name, _ in COLOURED]
    return jpeg(tables(), frame(PROGRESSIVE, width, height), scan(names),
                *[scan(names, bits=0x10)] * (scans - 1), EOI)


def undecodable() -> dict[str, bytes]:
    """Pictures of 40 x 30 pixels by their heads, of which MXNet decodes nothing, and says so of
    none.
    """
    baseline = frame(BASELINE, 40, 30)
    names = [name for name, _ in COLOURED]
    return {
        'PNG, 33 bytes': head(),
        'PNG, bits': head(bits=3) + pixels(),
        'PNG, colour type': head(colours=5) + pixels(),
        'PNG, compression': head(methods=b'\1\0\0') + pixels(),
        'PNG, filters': head(methods=b'\0\1\0') + pixels(),
        'PNG, interlacing': head(methods=b'\0\0\2') + pixels(),
        'PNG, checksum': head()[:-4] + b'none' + pixels(),
        'PNG, no pixels': head() + chunk(b'IEND'),
        'PNG, no palette': head(colours=3) + pixels(channels=1),
        'PNG, unknown chunk': head() + chunk(b'ABCD') + pixels(),
        'PNG, chunk of no name': head() + chunk(b'\0\0\0\0') + pixels(),
        'PNG, cut off before pixels': (head() + chunk(b'tEXt', b'a\0b' * 99))[:-90],
        'PNG, pixels of 16 MB': head() + struct.pack('!I', 1 << 24) + pixels()[4:],
        'PNG, too wide': head(1_000_001, 1) + pixels(1_000_001, 1),
        'JPEG, head alone': jpeg(baseline),
        'JPEG, no pixels': jpeg(tables(), baseline, EOI),
        'JPEG, two heads': jpeg(tables(), baseline, baseline, scan(names), EOI),
        'JPEG, 12 bits': jpeg(tables(), frame(BASELINE, 40, 30, bits=12), scan(names), EOI),
        'JPEG, lossless': jpeg(tables(), frame(LOSSLESS, 40, 30), scan(names), EOI),
        'JPEG, table': jpeg(segment(0xc4, b'\7'), baseline, scan(names), EOI),
        'JPEG, length': jpeg(b'\xff\xdb\0\0', tables(), baseline, scan(names), EOI),
        'JPEG, component': jpeg(tables(), baseline, scan([9]), EOI),
        'JPEG, first rows': jpeg(tables(), baseline, scan(names)),
    }


def _zeros(megabytes: int) -> bytes:
    """That many megabytes, a thousandth of it as packed."""
    packer = zlib.compressobj(9)
    first = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = b'\3\0' + struct.pack('!HH', megabytes * 1_000_000 % 65_521, 1)
    return first + again * (megabytes - 1) + end


def _parts(data: bytes) -> list[bytes]:
    return [data[start:start + 1_000_000] for start in range(0, len(data), 1_000_000)]


def costly() -> dict[str, bytes]:
    """Pictures of which each byte, or each pixel, was to cost a lot of time or of memory."""
    text = chunk(b'zTXt', b'note\0\0' + zlib.compress(bytes(7_900_000), 9))
    return {
        'JPEG, 49 MP in 2,500 scans': progressive(7_000, 7_000, 2_500),
        'JPEG, 30 MB of FF': SOI + b'\xff' * MEGABYTES_30,
        'JPEG, 30 MB of APP0': SOI + segment(0xe0) * (MEGABYTES_30 // 4),
        'JPEG, two heads of 4 GP and 1': jpeg(frame(BASELINE, 65_500, 65_500),
                                             frame(BASELINE, 1, 1), tables(), scan([1]), EOI),
        'PNG, 4 GP before its head': SIGNATURE + chunk(b'teSt', b'\0\1\0\0' * 2)
        + head(1, 1)[len(SIGNATURE):] + pixels(1, 1),
        'PNG, 2,500,000 chunks': head() + chunk(b'teSt') * (MEGABYTES_30 // 12) + pixels(),
        'PNG, 900 texts of 8 MB': head() + text * 900 + pixels(),
        'PNG, 8 by 8 of 10 GB': head(8, 8) + b''.join(
            chunk(b'IDAT', part) for part in _parts(_zeros(10_000))) + chunk(b'IEND'),
        'text, 30 MB of lines': b'%!PS-Adobe-3.0 EPSF\n' + b'%\n' * (MEGABYTES_30 // 2),
    }
