import json
import subprocess
import sys

import pytest

from mms.runtime.child_python import child_python

SHOW = 'import json; print(json.dumps([sys.exec_prefix, sys.path, sys.argv[1:]]))'


@pytest.mark.parametrize('executable', [sys.executable, '/usr/bin/uwsgi', ''])
def test_a_child_is_this_python_whatever_program_embeds_it(executable, monkeypatch):
    monkeypatch.setattr(sys, 'executable', executable)
    done = subprocess.run([*child_python(SHOW), 'word'], capture_output=True, text=True,
                          check=True, timeout=60)
    assert json.loads(done.stdout) == [sys.exec_prefix, sys.path, ['word']]
