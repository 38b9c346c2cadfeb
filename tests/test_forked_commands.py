"""What is forked does what it does when it is started."""

import os
import signal
import subprocess
import sys

import launcher
import pytest
from harness import write_archive


def started(module, *words, cwd):
    done = subprocess.run([sys.executable, '-m', module, *words], cwd=cwd, capture_output=True,
                          env=launcher.environment(), timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(('module', 'words'), [
    ('mms', ['--help']), ('mms', ['--models', 'm=none.model']), ('mms', ['--modles', 'x']),
    ('mms', ['models', 'list', '--management', 'http://127.0.0.1:1']),
    ('mms.export_model', ['--inspect', 'none.model']),
    ('mms.predict_command.command', ['m', '--server', 'http://127.0.0.1:1', 'none.jpg']),
])
def test_a_command_prints_and_ends_as_one_that_is_started(module, words, tmp_path):
    done = launcher.run(module, *words, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == started(module, *words, cwd=tmp_path)


def test_what_a_signal_ends_has_its_number(tmp_path):
    process = launcher.start('mms', ['--models', f"m={write_archive(tmp_path, 'm')}"], tmp_path)
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.kill()
    process.communicate()
    assert process.poll() == process.wait() == -signal.SIGKILL


def test_it_has_a_session_and_a_folder_of_its_own_and_no_descriptors_of_others(serve, tmp_path):
    first = serve('--models', f"m={write_archive(tmp_path, 'm')}")
    second = serve('--models', f"m={write_archive(tmp_path, 'm')}")
    assert os.getsid(second.pid) == second.pid
    assert os.readlink(f'/proc/{second.pid}/cwd') == str(second.folder)
    pipes = [{os.readlink(f'/proc/{server.pid}/fd/{number}') for number in (1, 2)}
             for server in (first, second)]
    assert pipes[0].isdisjoint(pipes[1])
    opened = [os.readlink(f'/proc/{second.pid}/fd/{number}')
              for number in os.listdir(f'/proc/{second.pid}/fd')]
    assert pipes[0].isdisjoint(opened)


def test_where_python_would_start_otherwise_it_is_started(tmp_path):
    process = launcher.start('mms', ['--help'], tmp_path,
                             {**launcher.environment(), 'PYTHONUTF8': '1'})
    assert isinstance(process, subprocess.Popen)
    assert process.communicate(timeout=60)[0].startswith(b'usage: ')


def asked_for(*words, **options):
    """What has such a command of the server forked."""
    control = launcher.control('mms', launcher.environment())
    return subprocess.Popen(
        [sys.executable, '-I', '-S', launcher.REPO / 'tests' / 'forked.py', str(control), 'mms',
         *words], pass_fds=[control], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_a_shell_has_it_forked_and_its_output_and_status(tmp_path):
    done = asked_for('--models', 'm=none.model', cwd=tmp_path)
    out, errors = done.communicate(timeout=60)
    assert (done.returncode, out, errors) == started('mms', '--models', 'm=none.model',
                                                     cwd=tmp_path)


def test_a_shell_has_it_forked_and_its_signals_reach_it(tmp_path):
    server = asked_for('--models', f"m={write_archive(tmp_path, 'm')}", '--port', '0', cwd=tmp_path)
    assert b'Serving ' in server.stdout.readline()
    server.send_signal(signal.SIGINT)
    assert server.wait(60) == 0
    server.communicate()
