"""The contents of a zip's member, a bounded piece at a time.

`zipfile` unpacks what it has read of a bzip2 or LZMA member at once, and 600 bytes of bzip2 may
stand for 600 MB, whatever the member says of its size.
"""

from __future__ import annotations

import bz2
import copy
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, Union

_CHUNK_BYTES = 1024**2
# Two bytes of version, the length of the properties, and these: (pb * 5 + lp) * 9 + lc, and the
# size of the dictionary; APPNOTE 5.8.8.
_LZMA_HEADER = '<2xHBI'
_LZMA_PROPERTIES_BYTES = 5
_LEAST_DICTIONARY_BYTES = 4096

_Decompressor = Union[bz2.BZ2Decompressor, lzma.LZMADecompressor]


def contents(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """What a member holds, in pieces of 1 MB at most.

    Raises
    ------
    zipfile.BadZipFile
        It is not what the list of the members says; so may all errors of `zipfile`,
        :mod:`bz2` and :mod:`lzma` be raised.
    """
    if member.compress_type not in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with archive.open(member) as stored:
            yield from iter(lambda: stored.read(_CHUNK_BYTES), b'')
        return
    checksum, size = 0, 0
    for piece in _decompressed(archive, member):
        size += len(piece)
        checksum = zlib.crc32(piece, checksum)
        if size > member.file_size:
            raise zipfile.BadZipFile(f'{member.filename!r} holds more than it says')
        yield piece
    if (size, checksum) != (member.file_size, member.CRC):
        raise zipfile.BadZipFile(f'Bad CRC-32 for file {member.filename!r}')


def _decompressed(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(_as_stored(member)) as packed:
        decompressor = _decompressor(member, packed)
        left = member.file_size
        while not decompressor.eof:
            data = packed.read(_CHUNK_BYTES) if decompressor.needs_input else b''
            if decompressor.needs_input and not data:
                return
            piece = decompressor.decompress(data, _CHUNK_BYTES)
            left -= len(piece)
            yield piece
            if left <= 0 and member.compress_type == zipfile.ZIP_LZMA:
                # Its end need not be marked.
                return


def _as_stored(member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    raw: Any = copy.copy(member)
    raw.compress_type, raw.file_size, raw.CRC = zipfile.ZIP_STORED, raw.compress_size, None
    stored: zipfile.ZipInfo = raw
    return stored


def _decompressor(member: zipfile.ZipInfo, packed: Any) -> _Decompressor:
    if member.compress_type == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor()
    header = packed.read(struct.calcsize(_LZMA_HEADER))
    length, properties, dictionary = struct.unpack(_LZMA_HEADER, header)
    if length != _LZMA_PROPERTIES_BYTES:
        raise zipfile.BadZipFile(f'{member.filename!r} has strange LZMA properties')
    # Nothing refers to more than was unpacked.
    size = max(_LEAST_DICTIONARY_BYTES, min(dictionary, member.file_size))
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{
        'id': lzma.FILTER_LZMA1, 'lc': properties % 9, 'lp': properties // 9 % 5,
        'pb': properties // 45, 'dict_size': size}])
