"""The blocks of PEM files."""

import time
from contextlib import suppress

import pytest

from mms.runtime.pem import pem_blocks


def block(label='PUBLIC KEY', body='AAAA'):
    return f'-----BEGIN {label}-----\n{body}\n-----END {label}-----'.encode()


def test_blocks_are_found_whatever_stands_around_them():
    found = pem_blocks(b'\xff a comment\r\n' + block() + b'\n-----\n'
                       + block('X509 CRL', '') + b'-----END PUBLIC KEY-----')
    assert found == [('PUBLIC KEY', block()), ('X509 CRL', block('X509 CRL', ''))]


def test_what_is_no_pem_has_none():
    assert pem_blocks(b'') == pem_blocks(b'\x30\x82') == pem_blocks(b'ssh-ed25519 AAAA me') == []


@pytest.mark.parametrize('data', [
    b'-----BEGIN PUBLIC KEY-----\nAAAA', block()[:-1], block() + b'\n-----BEGIN ',
    b'-----BEGIN A-----\n' + block(), block('A').replace(b'END A', b'END B'),
    b'-----BEGIN A-----\n' + block().replace(b'BEGIN', b'END'), block('no label')])
def test_one_that_is_cut_off_is_told(data):
    with pytest.raises(ValueError, match='one begins, and does not end as it begins'):
        pem_blocks(data)


@pytest.mark.parametrize('piece', [b'-----BEGIN PUBLIC KEY-----\n', b'-----BEGIN ' + b'A' * 60,
                                   b'-----END A-----\n', b'-----', block() + b'\n'])
def test_the_time_it_takes_grows_with_the_size_alone(piece):
    def spent(count):
        data, times = piece * count, []
        for _ in range(5):
            begin = time.thread_time()
            with suppress(ValueError):
                pem_blocks(data)
            times.append(time.thread_time() - begin)
        return min(times)

    # The square of it would be 400.
    assert spent(8000) < 100 * max(spent(400), 1e-5)
