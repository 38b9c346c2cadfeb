"""When certificates begin and end, as openssl and cryptography say."""

import base64
import subprocess

import pytest
from certificates import make

from mms.frontend.http.certificate_dates import validities


@pytest.mark.parametrize('kind', ['ec', 'rsa'])
@pytest.mark.parametrize('days', [(-1, 90), (-20_000, -10_000), (-1, 300_000)])
def test_dates_are_those_of_the_certificate(kind, days):
    made = make('somebody', days=days, kind=kind)
    [found] = validities(made.pem)
    certificate = made.certificate
    assert found == (certificate.not_valid_before_utc.timestamp(),
                     certificate.not_valid_after_utc.timestamp())


def test_openssl_says_the_same_of_what_it_has_made(tmp_path):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-days', '9', '-subj', '/CN=a', '-keyout',
                    'key', '-out', 'cert'], cwd=tmp_path, check=True, capture_output=True)
    told = subprocess.run(['openssl', 'x509', '-in', 'cert', '-noout', '-dates', '-dateopt',
                           'iso_8601'], cwd=tmp_path, check=True, capture_output=True, text=True)
    begins, ends = (line.partition('=')[2] for line in told.stdout.splitlines())
    [found] = validities((tmp_path / 'cert').read_bytes())
    assert found.ends - found.begins == 9 * 86_400
    assert begins[:10] != ends[:10]


def test_a_chain_has_several_whatever_stands_between_them():
    first, second = make('a', days=(-1, 5)), make('b', days=(-1, 50))
    pem = b'a comment\n' + first.pem + b'\nsubject=CN = b\r\n' + second.pem + first.key_pem()
    found = validities(pem)
    assert [round((one.ends - one.begins) / 86_400) for one in found] == [6, 51]


def test_what_is_cut_or_garbled_is_refused_and_never_read_beyond():
    der = base64.b64decode(b''.join(make('a').pem.splitlines()[1:-1]))
    for end in range(0, 140, 7):
        with pytest.raises(ValueError, match='it '):
            validities(_pem(der[:end]))
    for at in range(60):
        garbled = bytearray(der)
        garbled[at] ^= 0xff
        try:
            assert len(validities(_pem(bytes(garbled)))) == 1
        except ValueError:
            continue


def test_without_a_certificate_there_are_none():
    assert validities(b'') == validities(make('a').key_pem()) == []


def _pem(der):
    return (b'-----BEGIN CERTIFICATE-----\n' + base64.b64encode(der)
            + b'\n-----END CERTIFICATE-----\n')
