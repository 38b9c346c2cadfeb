import os

import pytest

from mms.archive.location import Location

SECRET_URLS = [
    'https://user:hunter2@host:8443/a/b.model',
    'https://user:hunter2@host:8443/a/b.model?X-Amz-Signature=hunter2',
    'https://us@er:hun@hunter2@host:8443/a/b.model#hunter2',
    'https://user:hunter2/hunter2@host:8443/a/b.model',
]


@pytest.mark.parametrize(('text', 'scheme'), [
    ('a.model', ''), ('/a/b', ''), ('C:\\a', ''), ('a:b', ''), ('HTTP://h/x', 'http'),
    ('s3://b/k', 's3'), ('file:///a', 'file'), ('file:/a', 'file'), ('ftp://h/x', 'ftp'),
])
def test_the_scheme_of_a_location(text, scheme):
    assert Location.parse(text).scheme == scheme


@pytest.mark.parametrize('text', SECRET_URLS)
def test_no_secret_of_a_url_is_shown(text):
    assert Location.parse(text).redacted == 'https://host:8443/a/b.model'


@pytest.mark.parametrize(('text', 'shown'), [
    (' https://user:hunter2@host/x', ' https://host/x'),
    ('"https://user:hunter2@host/x?hunter2"', '"https://host/x'),
    ('m=https://user:hunter2@host/x', 'm=https://host/x'),
    ('\nhttps://user:hunter2@host/x', '\nhttps://host/x'),
    ('https:/user:hunter2@host/x', 'https:/host/x'),
    ('https:user:hunter2@host/x', 'https:host/x'),
    ('https:///user:hunter2@host/x', 'https:///host/x'),
    ('https://user:hunter2/\nhunter2@host/x', 'https://host/x'),
    ('https://user:hunter2#hunter2@host/x', 'https://user'),
    ('https://:hunter2/hunter2@host/x?@hunter2', 'https://host/x'),
])
def test_a_url_that_was_mistyped_shows_no_secret_either(text, shown):
    assert Location.parse(text).redacted == shown


@pytest.mark.parametrize('text', SECRET_URLS)
def test_a_location_that_is_printed_in_any_way_keeps_its_secrets(text):
    location = Location.parse(text)
    assert str(location) == f'{location}' == 'https://host:8443/a/b.model'
    assert 'hunter2' not in repr([location])
    assert location.text == text


@pytest.mark.parametrize('text', [
    '/models/a@b?c#d.model', 'C:\\a?b@c', 'a:b@c?d', 'file:///a?b@c',
    'http://host:80/a@b.model', 'http://host/a@b.model', 's3://b/k@1',
    'http://host:aaaa',
])
def test_what_is_no_secret_is_shown(text):
    assert Location.parse(text).redacted == text


def test_only_a_path_has_a_path():
    assert Location.parse('~/a.model').path == os.path.expanduser('~/a.model')
    assert Location.parse('a/b').path == 'a/b'
    assert [Location.parse(url).path for url in ('file:///a', 's3://b/k')] == ['', '']


def test_two_locations_of_one_text_are_equal_and_hash_alike():
    assert len({Location.parse('s3://b/k'), Location.parse('s3://b/k')}) == 1
    assert Location.parse('http://h/k?a') != Location.parse('http://h/k?b')
