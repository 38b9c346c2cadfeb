"""Whose word counts about a client."""

import time

import pytest

from mms.config.trusted_proxies import TrustedProxies


@pytest.mark.parametrize(('text', 'address', 'is_trusted'), [
    ('127.0.0.1', '127.0.0.1', True), ('127.0.0.1', '127.0.0.2', False),
    ('10.0.0.0/8, ::1', '10.2.3.4', True), ('10.0.0.0/8, ::1', '::1', True),
    ('10.0.0.0/8', '::ffff:10.1.1.1', True), ('10.0.0.0/8', '11.1.1.1', False),
    ('fe80::/10', 'fe80::1%eth0', True), ('10.1.2.3/8', '10.9.9.9', True),
    ('*', 'anything', True), ('', '127.0.0.1', False), ('127.0.0.1', '', False),
    ('127.0.0.1', 'unknown', False)])
def test_addresses_and_networks_are_trusted(text, address, is_trusted):
    assert TrustedProxies(text).trusts(address) is is_trusted


@pytest.mark.parametrize('text', ['proxy.example', '10.0.0.0/33', '1.2.3', '10.0.0.1 10.0.0.2'])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011
        TrustedProxies(text)


@pytest.mark.parametrize(('trusted', 'peer', 'noted', 'client'), [
    # The last one that is no proxy: whatever the client has written stands before it.
    ('10.0.0.0/8', '10.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.2', '1.2.3.4'),
    ('10.0.0.0/8', '10.0.0.1', '1.2.3.4', '1.2.3.4'),
    ('10.0.0.0/8', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'),
    ('10.0.0.0/8', '10.0.0.1', '', '10.0.0.1'), ('10.0.0.0/8', '10.0.0.1', ' , ', '10.0.0.1'),
    ('10.0.0.0/8', '9.9.9.9', '1.2.3.4', '9.9.9.9'),
    ('*', '9.9.9.9', '1.2.3.4, 5.6.7.8', '1.2.3.4'),
    ('*', '9.9.9.9', ' , 1.2.3.4, 5.6.7.8', '1.2.3.4'), ('*', '9.9.9.9', ', ,', '9.9.9.9'),
    ('10.0.0.1', '10.0.0.1', '1.2.3.4:5678', '1.2.3.4'),
    ('10.0.0.1', '10.0.0.1', '[2001:db8::1]:5678', '2001:db8::1'),
    ('10.0.0.1', '10.0.0.1', '2001:db8::1', '2001:db8::1')])
def test_the_client_is_the_last_that_is_no_proxy(trusted, peer, noted, client):
    assert TrustedProxies(trusted).client(peer, noted) == client


def test_thousands_of_addresses_hold_up_nobody():
    proxies = TrustedProxies('10.0.0.0/8')
    noted = ', '.join(f'10.0.{number // 256}.{number % 256}' for number in range(5000))
    began = time.process_time()
    assert proxies.client('10.0.0.1', noted) == '10.0.19.36'
    # All of them take 60 ms.
    assert time.process_time() - began < 0.02
