"""Bodies that a client has compressed."""

import gzip
import zlib

import pytest

from mms.errors import BuffersFull, PayloadTooLarge
from mms.frontend.http.body import UnsupportedEncoding, WrongBody
from mms.frontend.http.inflating import inflated
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer

DATA = bytes(range(256)) * 2048
PIECE = 64 * 1024


def raw(data):
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush()


def read(packed, coding, most=10**6, budget=None, environ=None):
    body = ChunkedBuffer(ByteBudget())
    for start in range(0, len(packed), PIECE):
        body.append(packed[start:start + PIECE])
    environ = {'HTTP_CONTENT_ENCODING': coding, **(environ or {})}
    return bytes(inflated(body, environ, most, budget or ByteBudget()))


@pytest.mark.parametrize('environ', [{}, {'mms.client_left': bool}], ids=['elsewhere', 'here'])
@pytest.mark.parametrize(('coding', 'pack'), [
    ('gzip', gzip.compress), ('X-GZip', gzip.compress), ('deflate', zlib.compress),
    ('deflate', raw), ('gzip', lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    ('identity', bytes), ('', bytes)])
@pytest.mark.parametrize('size', [1, PIECE, len(DATA)])
def test_it_is_as_it_was_before(coding, pack, size, environ):
    data = DATA[:size]
    assert read(pack(data), coding, environ=environ) == data


@pytest.mark.parametrize('coding', ['br', 'gzip, deflate', 'zstd', 'compress'])
def test_another_encoding_is_refused(coding):
    with pytest.raises(UnsupportedEncoding, match='gzip and deflate are read'):
        read(b'x', coding)


@pytest.mark.parametrize(('packed', 'coding'), [
    (b'', 'gzip'), (b'text', 'gzip'), (gzip.compress(DATA)[:-9], 'gzip'),
    (gzip.compress(DATA) + b'more', 'gzip'), (zlib.compress(DATA) + b'more', 'deflate'),
    (zlib.compress(DATA)[:50], 'deflate'), (zlib.compress(DATA), 'gzip'), (b'text', 'deflate'),
    (gzip.compress(b'') * 1001, 'gzip')],
    ids=['empty', 'text', 'cut', 'more', 'more-deflate', 'cut-deflate', 'other', 'text-deflate',
         'many'])
def test_what_is_not_whole_or_something_else_is_refused(packed, coding):
    with pytest.raises(WrongBody, match='The body is not'):
        read(packed, coding)


@pytest.mark.parametrize('environ', [{}, {'mms.client_left': bool}], ids=['elsewhere', 'here'])
def test_the_limit_is_that_of_what_comes_out_and_no_more_is_unpacked(environ):
    budget, seen = ByteBudget(), []
    reserve = budget.reserve

    def counting(count):
        reserve(count)
        seen.append(budget.held_bytes)

    budget.reserve = counting
    with pytest.raises(PayloadTooLarge, match='larger than the limit of 500000 bytes'):
        read(gzip.compress(bytes(10**8)), 'gzip', 500_000, budget, environ)
    assert max(seen) < 500_000 + 20 * PIECE
    assert budget.held_bytes == 0
    assert len(read(gzip.compress(bytes(500_000)), 'gzip', 500_000)) == 500_000


def test_it_counts_as_held():
    with pytest.raises(BuffersFull):
        read(gzip.compress(bytes(10**6)), 'gzip', 10**7, ByteBudget(300_000))
