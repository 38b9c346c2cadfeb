"""A command starts anew where it has to; a program that calls one never does."""

import os
import subprocess
import sys

import pytest
from harness import REPO

ASCII = {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0', 'PYTHONIOENCODING': 'ascii',
         'PYTHONUNBUFFERED': '1'}
SHOW = """
import sys
from mms.runtime.utf8 import print_utf8, start_in_utf8
print('begins')
start_in_utf8()
print(sys.flags.utf8_mode, sys.argv[1:])
print_utf8()
print('gr\\xf6\\xdfe', '\\udcff')
"""


def run(path, *words, **environment):
    return subprocess.run([sys.executable, '-W', 'error', path, *words], capture_output=True,
                          env={**os.environ, 'PYTHONPATH': str(REPO), **environment},
                          encoding='utf-8', timeout=60, check=True).stdout.splitlines()


@pytest.mark.parametrize(('name', 'environment', 'utf8_mode'), [
    ('mxnet-model-server', ASCII, 1),
    ('mxnet-model-export', ASCII, 1),
    ('mxnet-model-server', {'LC_ALL': 'C.UTF-8', 'PYTHONUTF8': '0'}, 0),
    ('own_program', ASCII, 0),
])
def test_a_command_starts_anew_in_utf8_and_a_program_stays(tmp_path, name, environment, utf8_mode):
    (tmp_path / name).write_text(SHOW)
    lines = run(str(tmp_path / name), 'a b', '--c=', **environment)
    begun = ['begins'] * (1 + utf8_mode)
    assert lines == [*begun, f"{utf8_mode} ['a b', '--c=']", 'größe \\udcff']


def test_without_a_standard_output_nothing_fails(tmp_path):
    script = 'import sys; sys.stdout = None; from mms.runtime.utf8 import print_utf8; print_utf8()'
    subprocess.run([sys.executable, '-c', script], cwd=REPO, check=True, timeout=60)
