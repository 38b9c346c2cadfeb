import os
import shutil
import signal
import stat
import subprocess
import sys

import pytest
from harness import REPO, until

from mms.errors import StartupError
from mms.runtime.workspace import Workspace

CODE = '''
import signal, sys
from mms.runtime.workspace import Workspace
workspace = Workspace()
open(workspace.path + '/file', 'w').close()
print(workspace.path, flush=True)
{end}
'''


def started(tmp_path, end):
    return subprocess.Popen([sys.executable, '-c', CODE.format(end=end)], text=True,
                            env={**os.environ, 'PYTHONPATH': str(REPO), 'TMPDIR': str(tmp_path)},
                            stdout=subprocess.PIPE)


def test_a_workspace_is_private_and_gone_when_it_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    workspace = Workspace()
    assert stat.S_IMODE(os.stat(workspace.path).st_mode) == 0o700
    workspace.close()
    workspace.close()
    assert os.listdir(tmp_path) == []


def test_a_workspace_is_gone_when_its_process_ends_by_itself(tmp_path):
    assert started(tmp_path, '').wait(30) == 0
    assert os.listdir(tmp_path) == []


def test_a_workspace_is_gone_when_its_process_is_killed(tmp_path):
    process = started(tmp_path, 'signal.pause()')
    assert os.path.exists(process.stdout.readline().strip())
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    until(lambda: os.listdir(tmp_path) == [])


def test_a_process_that_was_forked_since_does_not_hold_up_the_end(tmp_path):
    process = started(tmp_path, 'import os, time\nchild = os.fork()\n'
                      'print(child, flush=True) if child else time.sleep(600)')
    path, child = process.stdout.readline().strip(), int(process.stdout.readline())
    try:
        assert process.wait(30) == 0
        assert not os.path.exists(path)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_group_may_read_what_it_is_to_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    workspace = Workspace(os.getgid())
    folder = os.path.join(workspace.path, 'm-1', 'model')
    os.makedirs(folder)
    path = os.path.join(folder, 'file')
    with open(path, 'w') as file:
        file.write('text')
    workspace.let_read(folder)

    def modes():
        return [stat.S_IMODE(os.stat(each).st_mode) for each in (
            workspace.path, os.path.dirname(folder), folder, path)]

    assert modes() == [0o710, 0o710, 0o750, 0o640]
    kept = workspace.keep(folder)
    shutil.rmtree(workspace.path)
    kept.put_back()
    assert modes() == [0o710, 0o710, 0o750, 0o640]
    outside = tmp_path / 'outside'
    outside.mkdir(mode=0o700)
    workspace.let_read(str(outside))
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700
    workspace.close()


def test_files_that_cannot_be_given_to_a_group_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    workspace = Workspace(54321)
    folder = os.path.join(workspace.path, 'model')
    os.mkdir(folder)

    def refuse(*arguments):
        raise PermissionError(1, 'Operation not permitted')

    monkeypatch.setattr(os, 'chown', refuse)
    with pytest.raises(StartupError, match='cannot be given to the group 54321 of --worker-user'):
        workspace.let_read(folder)
    workspace.close()
