import pytest

from mms.archive.location import file_name, path_of, redacted, scheme_of


@pytest.mark.parametrize(('location', 'scheme'), [
    ('a.model', ''), ('/a/b', ''), ('C:\\a', ''), ('a:b', ''), ('HTTP://h/x', 'http'),
    ('s3://b/k', 's3'), ('file:///a', 'file'), ('file:/a', 'file'), ('ftp://h/x', 'ftp'),
])
def test_the_scheme_of_a_location(location, scheme):
    assert scheme_of(location) == scheme


@pytest.mark.parametrize('location', [
    'https://user:hunter2@host:8443/a/b.model',
    'https://user:hunter2@host:8443/a/b.model?X-Amz-Signature=hunter2',
    'https://us@er:hun@hunter2@host:8443/a/b.model#hunter2',
    'https://user:hunter2/hunter2@host:8443/a/b.model',
])
def test_no_secret_of_a_url_is_shown(location):
    assert redacted(location) == 'https://host:8443/a/b.model'


@pytest.mark.parametrize('location', [
    '/models/a@b?c#d.model', 'http://host:80/a@b.model', 'http://host/a@b.model', 's3://b/k@1',
])
def test_what_is_no_secret_is_shown(location):
    assert redacted(location) == location


@pytest.mark.parametrize(('url', 'name'), [
    ('http://h/a/b.model?x=/c.model', 'b.model'),
    ('http://h/a%20b.model', 'a b.model'),
    ('http://h/', 'archive.model'),
    ('http://h', 'archive.model'),
    ('http://h/..', 'archive.model'),
    ('http://h/a%2F..%2F..%2Fx.model', 'x.model'),
    ('http://h/a%5C..%5Cx.model', 'x.model'),
    ('http://h/x%00.model', 'x.model'),
])
def test_the_file_name_of_a_url(url, name):
    assert file_name(url) == name


def test_a_long_name_is_cut_to_what_a_file_system_takes():
    name = file_name('http://h/' + 'ä' * 500 + '.model')
    assert name.endswith('.model')
    assert len(name.encode()) <= 200


@pytest.mark.parametrize(('url', 'parts'), [
    ('file:///a/b%20c', ('', '/a/b c')), ('file://localhost/a', ('localhost', '/a')),
    ('file:/a', ('', '/a')), ('file://host/a', ('host', '/a')), ('file:///a#b?c', ('', '/a#b?c')),
])
def test_host_and_path_of_a_file_url(url, parts):
    assert path_of(url) == parts
