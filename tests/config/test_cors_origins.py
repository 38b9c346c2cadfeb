"""Pages of which origins may ask."""

import pytest

from mms.config.cors_origins import EVERY_ORIGIN, NO_ORIGIN, Origins
from mms.config.values import origins
from mms.errors import UsageError


def test_all_or_none():
    assert EVERY_ORIGIN.allows('http://a.example')
    assert EVERY_ORIGIN.allows('null')
    assert not NO_ORIGIN.allows('http://a.example')


@pytest.mark.parametrize(('given', 'sent'), [
    ('https://a.example', 'https://a.example'), ('HTTPS://A.example:443', 'https://a.example'),
    ('http://a:80', 'http://a'), ('http://a:8080', 'http://a:8080'), ('http://[::1]:81',
                                                                     'http://[::1]:81'),
    ('http://x, https://y', 'https://y'), ('capacitor://localhost', 'capacitor://localhost')])
def test_an_origin_is_known_as_browsers_write_it(given, sent):
    assert Origins(given).allows(sent)


@pytest.mark.parametrize('sent', [
    'https://a.example.evil', 'https://evil.a.example', 'http://a.example', 'https://a.example:444',
    'https://a.exampl', 'https://a_example', 'null', '', 'https://a.example/'])
def test_another_is_not_the_same(sent):
    assert not Origins('https://a.example').allows(sent)


@pytest.mark.parametrize('given', [
    '', ',', 'a.example', 'https://a.example/', 'https://a.example/x', 'https://*.example', 'null',
    '*,https://a.example', 'none, https://a', 'https://a:99999', 'https://u@a', 'https://'])
def test_what_is_no_origin_is_refused(given):
    with pytest.raises(UsageError, match=r"--cors-origins '.*' is not \*, none, or origins with "):
        origins().read(given, '--cors-origins')
