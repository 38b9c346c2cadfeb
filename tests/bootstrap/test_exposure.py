"""What is said at a start where other machines reach the server."""

import logging

import pytest

from mms.bootstrap.exposure import warn_of_exposure, warn_of_open_management
from mms.config.settings import Settings

TOKEN, PLAIN = 'asks nobody for a token (--auth-token-file)', 'encrypts nothing (--tls-cert)'
FILE = {'auth_token_file': 'tokens'}


@pytest.mark.parametrize(('settings', 'told'), [
    ({}, f'{TOKEN} and {PLAIN}'), (FILE, PLAIN), ({'tls_cert': 'c'}, TOKEN),
    ({'tls_cert': 'c', **FILE}, ''), ({'tls_cert': 'c', 'tls_client_ca': 'a'}, '')])
def test_one_line_tells_what_is_wanting_where_other_machines_reach_it(settings, told, caplog):
    with caplog.at_level(logging.WARNING):
        warn_of_exposure(['127.0.0.1', '0.0.0.0', '192.0.2.1'], Settings(**settings))
    assert caplog.messages == ([
        f'Other machines reach the server (0.0.0.0, 192.0.2.1), which {told}, unless a proxy does '
        'so.'] if told else [])


@pytest.mark.parametrize('host', ['127.0.0.1', '127.1.2.3', '::1', '/run/mms.sock', ''])
def test_a_server_of_this_machine_alone_says_nothing(host, caplog):
    warn_of_exposure([host], Settings())
    assert caplog.messages == []


@pytest.mark.parametrize(('host', 'asks', 'settings', 'told'), [
    ('0.0.0.0', False, {'tls_cert': 'c'}, 'asks for no token (--management-token none).'),
    ('::', True, {}, 'encrypts nothing (--tls-cert), unless a proxy does so.'),
    ('0.0.0.0', True, {'tls_cert': 'c'}, None), ('127.0.0.1', False, {}, None),
    ('::1', True, {}, None)])
def test_a_management_port_that_other_machines_reach_tells_what_is_wanting(
        host, asks, settings, told, caplog):
    warn_of_open_management(host, asks, Settings(**settings))
    assert [message.partition(f'{host}, and ')[2] for message in caplog.messages] == (
        [told] if told else [])
