"""A process that gives its rights up, and what it starts, cannot have them back."""

import json
import os
import subprocess
import sys

import pytest

from mms.runtime import privileges
from mms.runtime.child_python import child_python
from mms.runtime.privileges import missing_capabilities

SHOW = '''
import json, os, resource, site
print(json.dumps([open('/proc/self/status').read(), resource.getrlimit(resource.RLIMIT_CORE),
                  bool(site.ENABLE_USER_SITE)]))
'''


def test_a_confined_python_has_no_right_beyond_its_user_s_and_gains_none():
    done = subprocess.run(child_python(f'exec({SHOW!r})', is_confined=True), capture_output=True,
                          text=True, check=True, timeout=60)
    status, core, has_user_site = json.loads(done.stdout)
    lines = dict(line.split(':\t') for line in status.splitlines() if ':\t' in line)
    for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
        assert int(lines[kind], 16) == 0, kind
    assert (lines['NoNewPrivs'], lines['Umask'], core) == ('1', '0077', [0, 0])
    assert not has_user_site


def test_a_system_that_refuses_is_an_error(monkeypatch):
    code = ('import ctypes; from mms.runtime import privileges; '
            'privileges._CAPABILITY_VERSION_3 = 7; privileges.give_up()')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 1
    assert 'OSError: [Errno 22]' in done.stderr


@pytest.mark.parametrize(('held', 'missing'), [
    (0xffff, []), (0, ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID']),
    (0xc1, ['CAP_KILL']), (0xe0, ['CAP_CHOWN'])])
def test_what_is_missing_is_named(monkeypatch, tmp_path, held, missing):
    (tmp_path / 'status').write_text(f'Name:\tx\nCapEff:\t{held:016x}\nCapBnd:\t0\n')
    monkeypatch.setattr(privileges, '_STATUS', tmp_path / 'status')
    assert missing_capabilities() == missing


@pytest.mark.parametrize(('uid', 'missing'), [(0, 0), (1000, 4)])
def test_where_the_system_does_not_say_root_alone_has_them(monkeypatch, tmp_path, uid, missing):
    monkeypatch.setattr(privileges, '_STATUS', tmp_path / 'none')
    monkeypatch.setattr(os, 'geteuid', lambda: uid)
    assert len(missing_capabilities()) == missing
