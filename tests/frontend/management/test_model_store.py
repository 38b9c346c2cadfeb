"""What the management port may load."""

import os

import pytest

from mms.errors import UsageError
from mms.frontend.management.errors import Forbidden, NotRegistered
from mms.frontend.management.model_store import ModelStore


@pytest.fixture
def folder(tmp_path):
    """A store, with what is outside of it beside it."""
    store = tmp_path / 'store'
    (store / 'below').mkdir(parents=True)
    for path in (store / 'a.model', store / 'below' / 'b.model', tmp_path / 'secret.model'):
        path.write_text('')
    (tmp_path / 'store2').mkdir()
    (tmp_path / 'store2' / 'c.model').write_text('')
    return store


@pytest.fixture
def store(folder):
    return ModelStore(str(folder), '--model-store', anywhere=False)


@pytest.mark.parametrize('url', ['a.model', './a.model', 'below/b.model', 'below',
                                 '{store}/a.model', 'file://{store}/a.model',
                                 'file:{store}/below/b.model'])
def test_what_lies_in_the_store_is_found_there_and_shown_as_it_was_named(store, folder, url):
    named = url.format(store=folder)
    location = store.find(named)
    assert location.path == os.path.join(folder, named.rpartition('store/')[2].removeprefix('./'))
    assert str(location) == named


@pytest.mark.parametrize(('url', 'kind', 'message'), [
    ('none.model', NotRegistered, 'Model not found in model store: none.model'),
    ('', NotRegistered, 'Model not found in model store: '),
    ('.', NotRegistered, 'Model not found in model store: .'),
    ('a.model\0', NotRegistered, 'Model not found in model store: '),
    ('../secret.model', NotRegistered,
     'Relative path is not allowed in url: ../secret.model'),
    ('below/../a.model', NotRegistered, 'Relative path is not allowed in url: '),
    ('below/../../secret.model', NotRegistered, 'Relative path is not allowed in url: '),
    ('file://{store}/../secret.model', NotRegistered, 'Relative path is not allowed in url: '),
    ('file://{store}/%2e%2e/secret.model', NotRegistered, 'Relative path is not allowed in url: '),
    ('{outside}/secret.model', Forbidden, 'is outside of the model store'),
    ('{outside}/nothing-here', Forbidden, 'is outside of the model store'),
    ('{outside}/store2/c.model', Forbidden, 'is outside of the model store'),
    ('file://{outside}/secret.model', Forbidden, 'is outside of the model store'),
    ('file://elsewhere{store}/a.model', Forbidden, 'is outside of the model store'),
    ('FILE://{outside}/secret.model', Forbidden, 'is outside of the model store'),
    ('http://127.0.0.1/a.model', Forbidden, 'is outside of the model store'),
    ('https://user:pass@h/a.model?key=1', Forbidden, 'https://h/a.model is outside of the model'),
    ('s3://bucket/a.model', Forbidden, 'is outside of the model store'),
    ('~/a.model', NotRegistered, 'Model not found in model store: ~/a.model'),
    ('..\\secret.model', NotRegistered, 'Model not found in model store: '),
])
def test_nothing_else_is(store, folder, url, kind, message):
    with pytest.raises(kind) as refused:
        store.find(url.format(store=folder, outside=folder.parent))
    assert message in str(refused.value)


def test_no_link_leads_out_of_it(store, folder):
    (folder / 'link.model').symlink_to(folder.parent / 'secret.model')
    (folder / 'linked').symlink_to(folder.parent / 'store2')
    (folder / 'packed').mkdir()
    (folder / 'packed' / 'service.py').symlink_to(folder.parent / 'secret.model')
    for url in ('link.model', 'linked', 'linked/c.model'):
        with pytest.raises(Forbidden, match='is outside of the model store'):
            store.find(url)
    with pytest.raises(Forbidden, match='has a link, service.py, that leads out'):
        store.find('packed')
    (folder / 'twice').mkdir()
    (folder / 'twice' / 'shared').symlink_to(folder / 'packed')
    with pytest.raises(Forbidden, match='has a link, service.py, that leads out'):
        store.find('twice')


def test_links_that_lead_in_a_circle_are_not_followed_for_ever(store, folder):
    (folder / 'below' / 'itself').symlink_to('.')
    assert store.find('below').path == str(folder / 'below')


def test_links_within_it_are_followed(store, folder):
    (folder / 'current.model').symlink_to('below/b.model')
    assert store.find('current.model').path == str(folder / 'below' / 'b.model')


def test_the_store_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / 'link').symlink_to(folder)
    store = ModelStore(str(tmp_path / 'link'), '--model-store', anywhere=False)
    assert store.find('a.model').path == str(folder / 'a.model')
    assert store.find(f'{tmp_path}/link/a.model').path == str(folder / 'a.model')


def test_without_a_store_everything_is_loaded_for_who_has_a_token(folder, monkeypatch):
    monkeypatch.chdir(folder)
    store = ModelStore(None, '--model-store', anywhere=True)
    for url in ('a.model', '../secret.model', 'http://h/a.model', 's3://b/k', f'file:{folder}'):
        assert store.find(url).text == url
    with pytest.raises(NotRegistered, match='Model not found: none.model: no such file'):
        store.find('none.model')
    with pytest.raises(NotRegistered, match='Invalid model url: http://localhost:aaaa'):
        store.find('http://localhost:aaaa')


def test_without_a_store_and_a_token_nothing_is_loaded(folder, monkeypatch):
    monkeypatch.chdir(folder)
    store = ModelStore(None, '--model-store', anywhere=False)
    with pytest.raises(Forbidden, match='start the server with --model-store DIR'):
        store.find('a.model')


@pytest.mark.parametrize(('name', 'reason'), [
    ('none', 'does not exist'), ('secret.model', 'is not a folder')])
def test_a_store_that_is_no_folder_is_refused(folder, name, reason):
    path = str(folder.parent / name)
    with pytest.raises(UsageError, match=reason):
        ModelStore(path, '--model-store', anywhere=True)
