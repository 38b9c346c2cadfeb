"""Words of the commands, completed in real shells."""

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import debian_programs
import pytest
from debian_programs import FOLDER, needs, path_of

BIN = Path(sys.executable).parent
REGISTER = BIN / 'register-python-argcomplete'
COMMAND = 'mxnet-model-server'
# As a user's shell calls it at the tab key.
BASH = f'''
eval "$({REGISTER} {COMMAND})"
COMP_LINE="$1" COMP_POINT=${{#1}} COMP_TYPE=9
_python_argcomplete {COMMAND}
printf '%s\\n' "${{COMPREPLY[@]}}"
'''


def environment(home):
    found = debian_programs.environment()
    return {**found, 'PATH': f"{BIN}:{found['PATH']}", 'HOME': str(home)}


def in_bash(line, home):
    done = subprocess.run(['bash', '--norc', '-c', BASH, 'bash', line], cwd=home, timeout=60,
                          env=environment(home), capture_output=True, text=True, check=True)
    return {word.strip() for word in done.stdout.splitlines()}


@pytest.mark.parametrize(('line', 'words'), [
    ('mxnet-model-server --mod', {'--models', '--model-store'}),
    ('mxnet-model-server --log-format ', {'text', 'json'}),
    ('mxnet-model-server models load --max-b', {'--max-batch-delay'}),
    ('mxnet-model-server --service serv', {'service.py'}),
])
def test_bash_completes_flags_choices_verbs_and_files(tmp_path, line, words):
    (tmp_path / 'service.py').touch()
    assert in_bash(line, tmp_path) == words


@needs('fish')
def test_fish_completes_with_what_each_word_does(tmp_path):
    script = (f'{REGISTER} --shell fish {COMMAND} | source\n'
              "complete -C 'mxnet-model-server models l'\n")
    done = subprocess.run([path_of('fish'), '--no-config', '-c', script], timeout=60, cwd=tmp_path,
                          env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ['list\ttell which models are served, and how they do',
                                        'load\tserve one more model']


@needs('zsh')
def test_zsh_completes_at_the_tab_key(tmp_path):
    # Where it is unpacked, it looks for its parts elsewhere.
    share = (f'module_path=({FOLDER}/usr/lib/*-linux-gnu/zsh/*(N/))\n'
             f'fpath=({FOLDER}/usr/share/zsh/functions/**/*(N/))\n'
             if str(FOLDER) in path_of('zsh') else '')
    (tmp_path / '.zshrc').write_text(
        f'{share}PS1="ready> "\nautoload -U compinit; compinit -u -D\n'
        f'eval "$({REGISTER} {COMMAND})"\n')
    with terminal([path_of('zsh'), '-i'], {**environment(tmp_path), 'ZDOTDIR': str(tmp_path),
                                           'TERM': 'dumb'}) as (send, shows):
        shows('ready> ')
        send('mxnet-model-server --log-fo\t')
        shows('--log-format')
        send('j\t')
        shows('json')


@contextlib.contextmanager
def terminal(command, env):
    pid, screen = pty.fork()
    if not pid:
        os.execve(command[0], command, env)
    seen = ''

    def shows(text):
        nonlocal seen
        limit = time.monotonic() + 60
        while text not in seen:
            assert select.select([screen], [], [], max(0, limit - time.monotonic()))[0], seen
            seen += os.read(screen, 4096).decode()
        seen = seen.partition(text)[2]

    try:
        yield lambda text: os.write(screen, text.encode()), shows
    finally:
        os.close(screen)
        os.waitpid(pid, 0)
