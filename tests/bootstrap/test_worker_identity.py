"""What is said at a start whose workers cannot run as the user that was asked for."""

import os
import shutil
import subprocess
import sys

import pytest
from harness import REPO, write_archive
from other_user import NOBODY, environment, for_others, of_models, open_folder, status

from mms.bootstrap import worker_user
from mms.bootstrap.worker_user import identity_of
from mms.config.settings import Settings
from mms.errors import StartupError
from mms.runtime.model_identity import Identity
from mms.runtime.user_view import ProcessHidden, UserView, obstacle

OWN = os.geteuid()


@pytest.fixture
def refused(monkeypatch):
    """The line with which a start as nobody ends, where a look as nobody comes to this."""
    monkeypatch.setattr(worker_user, 'missing_capabilities', list)
    monkeypatch.setattr(worker_user, 'pass_none_on', lambda: None)

    def refused(seen, user='nobody'):
        def look_as(*arguments):
            if isinstance(seen, Exception):
                raise seen
            return seen

        monkeypatch.setattr(worker_user, 'look_as', look_as)
        with pytest.raises(StartupError) as raised:
            identity_of(Settings(worker_user=user))
        assert '\n' not in str(raised.value)
        return str(raised.value)

    return refused


def test_without_the_option_workers_are_the_user_of_the_server():
    assert identity_of(Settings(worker_env=('A',))) == Identity(passed=('A',))


@pytest.mark.parametrize(('seen', 'words'), [
    (PermissionError(13, 'Permission denied'), f'the user nobody cannot run {sys.executable}: '),
    (OSError(22, 'Invalid argument'), 'no process can be started as nobody: Invalid argument. In '
                                      'a user namespace'),
    (ValueError('no module named encodings'), 'Python does not run as nobody: no module named'),
    (subprocess.TimeoutExpired('x', 60), 'does not run as nobody within 60 s'),
    (ProcessHidden(), '/proc hides the processes of nobody from the server'),
    (UserView('/a (of root, mode 0700)', [], '/tmp'),
     'the user nobody cannot read what it needs: /a (of root, mode 0700) is closed to it. Let it'),
    (UserView('', [], None), 'can write to no folder for temporary files: set TMPDIR to one'),
])
def test_what_keeps_the_user_from_running_workers_is_told(refused, seen, words):
    assert words in refused(seen)


def test_the_user_of_the_server_and_one_who_is_not_there_are_refused(refused):
    assert "there is no user 'nobody at all'" in refused(None, 'nobody at all')
    if OWN:
        assert 'is the user of the server itself' in refused(None, f'{OWN}:{OWN}')


def test_rights_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr(worker_user, 'missing_capabilities', lambda: ['CAP_KILL', 'CAP_CHOWN'])
    with pytest.raises(StartupError, match='has to be root, or have what it lacks: CAP_KILL, CAP_'):
        identity_of(Settings(worker_user='nobody'))


def test_what_the_user_may_change_of_the_server_is_warned_of(monkeypatch, caplog):
    monkeypatch.setattr(worker_user, 'missing_capabilities', list)
    monkeypatch.setattr(worker_user, 'pass_none_on', lambda: None)
    monkeypatch.setattr(worker_user, 'look_as', lambda *_: UserView('', ['/x'], '/var/tmp'))
    identity = identity_of(Settings(worker_user='nobody', worker_env=('A',)))
    assert 'The user nobody may change /x, which the server itself imports from' in caplog.text
    assert (identity.uid, identity.passed, identity.temporary) == (
        NOBODY.pw_uid, ('A',), '/var/tmp')


@pytest.mark.parametrize(('mode', 'owner', 'is_looked_at'), [
    (0o777, OWN, True), (0o1777, OWN, False), (0o1777, NOBODY.pw_uid, True)])
def test_a_folder_of_archives_in_which_the_user_may_exchange_them_is_warned_of(
        tmp_path, monkeypatch, caplog, mode, owner, is_looked_at):
    looked_at = []

    def look_as(identity, to_read, not_to_change):
        looked_at.extend(not_to_change)
        return UserView('', not_to_change[-1:], '/var/tmp')

    folder = str(tmp_path)
    state = os.stat_result((0o40000 | mode, 0, 0, 0, owner, 0, 0, 0, 0, 0))
    monkeypatch.setattr('tempfile.tempdir', folder)
    monkeypatch.setattr(worker_user, 'missing_capabilities', list)
    monkeypatch.setattr(worker_user, 'pass_none_on', lambda: None)
    monkeypatch.setattr(worker_user, 'look_as', look_as)
    monkeypatch.setattr(worker_user, 'in_thread', lambda work: work())
    stat = os.stat
    monkeypatch.setattr(os, 'stat', lambda path, **options:
                        state if path == folder else stat(path, **options))
    identity_of(Settings(worker_user='nobody'))
    assert (folder in looked_at) is is_looked_at
    assert (f'may change {folder}, where archives are extracted' in caplog.text) is is_looked_at


def test_a_file_that_may_be_read_has_no_obstacle(tmp_path):
    (tmp_path / 'file').touch()
    assert obstacle(str(tmp_path / 'file')) == obstacle(str(tmp_path)) == ''
    assert obstacle(str(tmp_path / 'none')) == '', 'what is not there is told by who needs it'


@pytest.mark.parametrize(('closed', 'path'), [('.', 'file'), ('file', 'file'), ('.', '')])
def test_a_closed_folder_or_file_is_the_obstacle(tmp_path, monkeypatch, closed, path):
    (tmp_path / 'file').touch()
    shut = os.path.normpath(tmp_path / closed)
    allowed = os.access
    monkeypatch.setattr(os, 'access', lambda at, mode: at != shut and allowed(at, mode))
    assert obstacle(os.path.normpath(tmp_path / path)).startswith(f'{shut} (of ')


LOOK = '''
from mms.devices import gpu_probe
from mms.runtime.model_identity import Identity
from mms.runtime.users import find_user
gpu_probe._LOOK = 'import json, os; print(json.dumps({"failure": f"{os.getuid()} {os.environ}"}))'
print(gpu_probe.probe_gpus(identity=Identity(find_user('nobody', 'x'))).failure)
'''


def test_gpus_are_looked_for_by_the_user():
    done = subprocess.run(for_others(sys.executable, '-c', LOOK), capture_output=True, text=True,
                          timeout=60, check=True,
                          env={**os.environ, 'HF_TOKEN': 'x', 'PYTHONPATH': str(REPO)})
    uid, _, found = done.stdout.partition(' ')
    assert int(uid) == NOBODY.pw_uid
    assert 'HF_TOKEN' not in found


EMBEDDED = '''
import json, os, sys
from mms.mxnet_model_server import MMS
with MMS(args=['--models', 'm=m.model', '--workers', '1', '--worker-user', 'nobody']) as server:
    app = server.create_app()
    print('up', flush=True)
    sys.stdin.read()
'''


def as_a_user_with(*capabilities):
    """Words that run a command as a user of no name that has capabilities, as systemd would."""
    setpriv = shutil.which('setpriv')
    if setpriv is None:
        pytest.skip('setpriv of util-linux is not here')
    given = ','.join(f'+{name}' for name in capabilities)
    return [setpriv, '--reuid', '1234', '--regid', '1234', '--clear-groups', '--inh-caps', given,
            '--ambient-caps', given, '--bounding-set', f'-all,{given}']


@pytest.mark.parametrize('capabilities', [(), ('setuid', 'setgid', 'kill', 'chown')])
def test_workers_of_an_application_have_no_capability_of_its_process(capabilities):
    words = [*(as_a_user_with(*capabilities) if capabilities else []),
             sys.executable, '-c', EMBEDDED]
    with open_folder() as folder:
        write_archive(folder, 'm')
        folder.chmod(0o777)
        process = subprocess.Popen(
            for_others(*words), cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, 'PYTHONPATH': str(REPO)})
        assert process.stdout.readline() == b'up\n'
        workers = of_models(process)
        assert len(workers) == 2
        for worker in workers:
            found = status(worker.pid)
            assert found['Uid'].split() == [str(NOBODY.pw_uid)] * 4
            kinds = ('CapInh', 'CapPrm', 'CapEff', 'CapAmb')
            assert {int(found[kind], 16) for kind in kinds} == {0}
            assert environment(worker.pid)['USER'] == 'nobody'
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert not [worker for worker in workers if worker.is_running()]
