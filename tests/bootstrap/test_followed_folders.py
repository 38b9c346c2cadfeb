"""``--reload``: what is said of it before the models are loaded."""

from types import SimpleNamespace

import pytest

from mms.archive.plain_folder import state_of
from mms.bootstrap.followed_folders import FolderFollower, Look, folders_at_start
from mms.bootstrap.parts import Parts
from mms.config.settings import Settings
from mms.errors import ModelNotFound, StartupError, UsageError


def at_start(**settings):
    return folders_at_start(Parts('mms', Settings(**settings), None))


def test_the_folders_of_the_settings_are_followed_and_archives_are_not(tmp_path, caplog):
    (tmp_path / 'net').mkdir()
    (tmp_path / 'net' / 'service.py').write_text('')
    (tmp_path / 'a.model').write_text('')
    models = {'net': str(tmp_path / 'net'), 'a': str(tmp_path / 'a.model'), 'b': 'http://h/b.model'}
    found = at_start(models=models, reload=True)
    assert {name: list(state) for name, state in found.items()} == {'net': ['service.py']}
    assert '--reload is for development' in caplog.text
    caplog.clear()
    assert at_start(models=models) == {}
    assert caplog.text == ''


def test_a_warning_says_where_there_is_no_folder_nor_a_way_for_one_to_come(caplog):
    at_start(models={'a': 'a.model'}, reload=True)
    assert '--reload has no effect without a folder in --models.' in caplog.text
    caplog.clear()
    at_start(models={'a': 'a.model'}, reload=True, management_port=0)
    assert 'no effect' not in caplog.text


def test_what_the_server_itself_writes_into_the_folder_is_no_change(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'metrics').mkdir()
    for name in ['service.py', 'mms_app.log', 'mms_app.log.2026-01-01_00', 'metrics.py',
                 'metrics/mms_CPUUtilization.csv', 'metrics/mine.csv']:
        (tmp_path / name).write_text('')
    looked = ['metrics.py', 'metrics/mine.csv', 'service.py']
    assert sorted(at_start(models={'net': '.'}, reload=True)['net']) == looked
    assert sorted(Look(Settings(log_file='-'))(str(tmp_path))) == [
        *looked[:2], 'mms_app.log', 'mms_app.log.2026-01-01_00', looked[2]]


def test_it_does_not_go_with_models_of_another_user(tmp_path):
    with pytest.raises(UsageError, match='--reload copies folders with the rights of the server, '
                                         'and does not go with --worker-user'):
        at_start(models={'net': str(tmp_path)}, reload=True, worker_user='nobody')


class Registry(dict):
    names = property(list)

    def __missing__(self, name):
        raise ModelNotFound(name)


class Refuser:
    def replace(self, name, location):
        raise StartupError('it is broken')


@pytest.mark.parametrize('afterwards', ['removed', 'replaced'])
def test_nothing_is_said_any_more_of_a_model_that_somebody_has_removed_or_replaced(
        tmp_path, afterwards):
    served = SimpleNamespace(name='net', location=str(tmp_path))
    models = Registry(net=served)
    follower = FolderFollower(models, Refuser(), {'net': {'service.py': None}}, state_of)
    follower.look()
    follower.look()
    assert follower.remarks() == ['it is broken; model net stays as it was']
    if afterwards == 'removed':
        del models['net']
    else:
        models['net'] = SimpleNamespace(name='net', location='net.model')
    assert follower.remarks() == []
