import os
import signal
import stat
import subprocess
import sys

from harness import REPO, until

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
