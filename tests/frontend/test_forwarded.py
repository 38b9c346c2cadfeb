"""What a proxy says of a request, in its environment."""

import pytest

from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.forwarded import FORWARDED
from mms.frontend.request_context import context_of

PROXIES = TrustedProxies('10.0.0.1')
CONNECTION = {'REMOTE_ADDR': '10.0.0.1', 'wsgi.url_scheme': 'http', 'HTTP_HOST': 'here'}
SAID = {'HTTP_X_FORWARDED_FOR': '1.2.3.4', 'HTTP_X_FORWARDED_PROTO': 'https',
        'HTTP_X_FORWARDED_HOST': 'models.example:8443'}


def heard(**environ):
    """Client, scheme and host of a request."""
    environ = {**CONNECTION, **environ}
    context = context_of(environ, PROXIES)
    assert context.client == environ['REMOTE_ADDR']
    return (context.client, environ['wsgi.url_scheme'], environ['HTTP_HOST'])


def test_a_trusted_proxy_is_believed():
    assert heard(**SAID) == ('1.2.3.4', 'https', 'models.example:8443')


def test_nobody_else_is():
    assert heard(**{**SAID, 'REMOTE_ADDR': '10.0.0.2'}) == ('10.0.0.2', 'http', 'here')
    environ = {**CONNECTION, **SAID}
    assert context_of(environ).client == '10.0.0.1'
    assert FORWARDED not in environ


def test_of_several_values_the_one_of_the_nearest_proxy_counts():
    assert heard(HTTP_X_FORWARDED_PROTO='http, https',
                 HTTP_X_FORWARDED_HOST='forged, real') == ('10.0.0.1', 'https', 'real')


@pytest.mark.parametrize('said', [
    {'HTTP_X_FORWARDED_PROTO': 'javascript'}, {'HTTP_X_FORWARDED_HOST': 'a b'},
    {'HTTP_X_FORWARDED_HOST': 'a/b'}, {'HTTP_X_FORWARDED_HOST': 'x' * 256},
    {'HTTP_X_FORWARDED_FOR': 'a request_id=forged'}, {'HTTP_X_FORWARDED_FOR': 'x' * 65},
    {'HTTP_X_FORWARDED_PROTO': ''}])
def test_what_makes_no_sense_changes_nothing(said):
    assert heard(**said) == ('10.0.0.1', 'http', 'here')
