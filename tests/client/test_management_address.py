import pytest

from mms.client.management_address import read_address
from mms.errors import UsageError


@pytest.mark.parametrize(('text', 'shown', 'is_tls', 'host', 'port', 'prefix'), [
    ('http://127.0.0.1:8081', 'http://127.0.0.1:8081', False, '127.0.0.1', 8081, ''),
    ('127.0.0.1:9000', 'http://127.0.0.1:9000', False, '127.0.0.1', 9000, ''),
    ('server.example', 'http://server.example', False, 'server.example', 80, ''),
    ('https://server.example', 'https://server.example', True, 'server.example', 443, ''),
    ('http://[::1]:8081/', 'http://[::1]:8081', False, '::1', 8081, ''),
    ('https://proxy.example/models-of/a/', 'https://proxy.example/models-of/a', True,
     'proxy.example', 443, '/models-of/a'),
])
def test_an_address_is_a_url_or_a_host_and_a_port(text, shown, is_tls, host, port, prefix):
    assert read_address(text) == (shown, is_tls, host, port, prefix)


@pytest.mark.parametrize('text', ['ftp://host:1', 'http://', 'http://host:port', 'host:99999',
                                  'http://host:1?x=1', 'http://[::1', ':8081', 'a host:1'])
def test_what_is_no_address_is_told(text):
    with pytest.raises(UsageError, match=r'is no address of a management port'):
        read_address(text)


def test_a_password_is_no_part_of_the_message():
    with pytest.raises(UsageError) as failure:
        read_address('http://me:secret@host:8081')
    assert 'secret' not in str(failure.value)


@pytest.mark.parametrize(('text', 'is_here'), [
    ('127.0.0.1:1', True), ('127.1.2.3:1', True), ('localhost:1', True), ('http://[::1]:1', True),
    ('10.0.0.1:1', False), ('127.example:1', False), ('http://[::2]:1', False),
])
def test_whether_a_server_is_on_this_machine(text, is_here):
    assert read_address(text).is_here is is_here
