import pytest

from mms.archive.fetch import fetch
from mms.archive.location import Location
from mms.archive.sources.local import path_of
from mms.errors import ArchiveError, FetchError


def test_a_path_is_its_absolute_self(tmp_path, into, monkeypatch):
    (tmp_path / 'a.model').touch()
    monkeypatch.chdir(tmp_path)
    assert fetch(Location.parse('a.model'), into) == str(tmp_path / 'a.model')


def test_a_tilde_is_the_home(tmp_path, into, monkeypatch):
    (tmp_path / 'a.model').touch()
    monkeypatch.setenv('HOME', str(tmp_path))
    assert fetch(Location.parse('~/a.model'), into) == str(tmp_path / 'a.model')


def test_a_folder_is_its_path(tmp_path, into):
    assert fetch(Location.parse(str(tmp_path)), into) == str(tmp_path)


@pytest.mark.parametrize('form', ['file://{}', 'file://localhost{}', 'FILE://LOCALHOST{}',
                                  'file:{}'])
def test_a_file_url_is_a_path(tmp_path, into, form):
    (tmp_path / 'a b.model').touch()
    url = form.format(f'{tmp_path}/a%20b.model')
    assert fetch(Location.parse(url), into) == str(tmp_path / 'a b.model')


def test_a_file_url_of_another_host_is_refused(into):
    with pytest.raises(FetchError) as caught:
        fetch(Location.parse('file://elsewhere/a.model'), into)
    assert str(caught.value) == (
        "file://elsewhere/a.model names the host 'elsewhere': "
        'a file:// location is local, file:///folder/name.model')


@pytest.mark.parametrize('location', ['', 'none.model', '/none/x.model', 'file:///none.model',
                                      'file://', 'file:///a%00b', 'a\0b', '~nobody-here/x'])
def test_what_does_not_exist_is_named(into, location):
    with pytest.raises(ArchiveError) as caught:
        fetch(Location.parse(location), into)
    assert str(caught.value) == f'{location or repr(location)}: no such file or folder'


@pytest.mark.parametrize(('url', 'parts'), [
    ('file:///a/b%20c', ('', '/a/b c')), ('file://localhost/a', ('localhost', '/a')),
    ('file:/a', ('', '/a')), ('file://host/a', ('host', '/a')), ('file:///a#b?c', ('', '/a#b?c')),
])
def test_host_and_path_of_a_file_url(url, parts):
    assert path_of(url) == parts
