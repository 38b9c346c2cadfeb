import pytest

from mms.frontend.address import host_and_port, predict_path, reachable_url


@pytest.mark.parametrize(('host', 'text', 'url'), [
    ('127.0.0.1', '127.0.0.1:80', 'http://127.0.0.1:80'),
    ('0.0.0.0', '0.0.0.0:80', 'http://127.0.0.1:80'),
    ('::', '[::]:80', 'http://[::1]:80'),
    ('fe80::1', '[fe80::1]:80', 'http://[fe80::1]:80'),
    ('host.example', 'host.example:80', 'http://host.example:80'),
])
def test_an_address_is_written_as_urls_have_it(host, text, url):
    assert (host_and_port(host, 80), reachable_url(host, 80)) == (text, url)


def test_a_name_is_percent_encoded_in_a_path():
    assert predict_path('alexnet') == '/alexnet/predict'
    assert predict_path('a b/?#é') == '/a%20b%2F%3F%23%C3%A9/predict'
