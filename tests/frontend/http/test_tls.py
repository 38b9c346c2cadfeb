"""The certificate that is shown: what the log says of it, and when another one is."""

import logging

import pytest
from certificates import Authority, make, write

from mms.frontend.http.tls import TLS
from mms.frontend.http.tls_files import File, TLSFiles


@pytest.fixture
def load(tmp_path, caplog):
    """A certificate that counts on these days, from now."""
    caplog.set_level(logging.INFO)

    def load(days, *chain):
        files = write(tmp_path, 'a', make('a', days=days), *chain)
        return TLS(TLSFiles(File('--tls-cert', files.cert), File('--tls-key', files.key)))

    return load


@pytest.mark.parametrize(('days', 'said'), [
    ((-30, -1), 'has expired on '), ((-80, 10), 'expires on '), ((-5, 1), 'expires on '),
    ((-400, 13), 'expires on '), ((5, 90), 'counts from ')])
def test_what_clients_refuse_or_soon_will_is_a_warning(load, caplog, days, said):
    load(days).reload()
    [line] = [record.getMessage() for record in caplog.records if record.levelname == 'WARNING']
    assert said in line


@pytest.mark.parametrize('days', [(-1, 90), (-400, 15), (-70, 20), (-4, 2)])
def test_of_a_certificate_that_is_good_for_long_the_log_says_when_it_ends(load, caplog, days):
    load(days).reload()
    [record] = caplog.records
    assert record.levelname == 'INFO'
    assert record.getMessage().endswith(' UTC.')


def test_the_log_says_that_the_authorities_of_clients_were_read_too(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    files = write(tmp_path, 'a', make('a'))
    cert, key, ca = (File('--tls', path) for path in (files.cert, files.key, files.cert))
    TLS(TLSFiles(cert, key, ca)).reload()
    assert caplog.messages[0].endswith(f' So was {ca.path}, against which clients are checked.')


def test_the_first_end_of_the_chain_counts(load, tmp_path):
    chain = make('b', days=(-1, 5))
    tls = load((-1, 90), chain)
    assert list(tls.ends.values()) == [chain.certificate.not_valid_after_utc.timestamp()]


def test_what_cannot_be_used_is_told_and_the_old_one_stays(load, tmp_path, caplog):
    tls = load((-1, 90))
    context = tls.context
    Authority(tmp_path).sign('b')
    (tmp_path / 'a.key').write_text((tmp_path / 'b.key').read_text())
    tls.reload()
    assert tls.context is context
    assert 'The certificate stays as it was until its files can be used: --tls-key' in caplog.text
    (tmp_path / 'a.crt').write_text((tmp_path / 'b.crt').read_text())
    tls.reload()
    assert tls.context is not context
