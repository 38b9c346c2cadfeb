"""The process that forks the processes of models, as the front has it."""

import errno
import os
import signal
import socket
import sys
from contextlib import contextmanager, suppress

import gevent
import psutil
import pytest

from mms.pool.launcher import Launcher
from mms.pool.output import OutputPipe
from mms.pool.process_errors import LaunchFailed
from mms.pool.spawn import Ends
from mms.runtime.model_identity import Identity


def until(condition):
    """Wait while the event loop goes on."""
    with gevent.Timeout(60):
        while not condition():
            gevent.sleep(0.01)


@pytest.fixture(scope='module')
def launcher():
    launcher = Launcher(Identity())
    assert launcher.is_ready()
    yield launcher
    launcher.stop()


@contextmanager
def launched(launcher, name='m'):
    """A process that was told no model, and the front's end of its message socket."""
    here, there = socket.socketpair()
    log_here, log_there = socket.socketpair()
    with here, log_here, OutputPipe() as output:
        with there, log_there:
            handle = launcher.spawner(name, 20)(Ends(there.fileno(), log_there.fileno(),
                                                     output.write_fd))
        try:
            yield handle, here
        finally:
            handle.kill()
            until(lambda: handle.poll() is not None)
            output.reader.close()


def test_a_fork_is_a_child_of_the_front_in_a_session_of_its_own(launcher):
    with launched(launcher) as (handle, _):
        process = psutil.Process(handle.pid)
        until(lambda: process.name() == 'mms-model')
        assert (process.ppid(), os.getsid(handle.pid)) == (os.getpid(), handle.pid)
        assert process.cmdline() == ['mms-model', '--model', 'm']
        assert handle.poll() is None
    assert handle.poll() == -signal.SIGKILL


def test_it_ends_by_itself_when_the_front_closes_its_socket(launcher):
    with launched(launcher) as (handle, here):
        here.shutdown(socket.SHUT_RDWR)
        until(lambda: handle.poll() is not None)
        assert handle.poll() == 0


def test_it_has_nothing_of_another(launcher):
    def held(pid):
        found = set()
        for fd in os.listdir(f'/proc/{pid}/fd'):
            with suppress(OSError):
                found.add(os.readlink(f'/proc/{pid}/fd/{fd}'))
        return found - {'/dev/null'}

    with launched(launcher, 'one') as (one, _), launched(launcher, 'two') as (two, _):
        until(lambda: psutil.Process(two.pid).name() == 'mms-model')
        assert len(held(one.pid)) == len(held(two.pid)) == 3
        assert not held(one.pid) & held(two.pid)
        assert not held(launcher.pid) & (held(one.pid) | held(two.pid))


def test_several_are_forked_at_once(launcher):
    pids = []

    def fork():
        with launched(launcher) as (handle, _):
            pids.append(handle.pid)

    gevent.joinall([gevent.spawn(fork) for _ in range(4)], raise_error=True)
    assert len(set(pids)) == 4


def test_no_other_process_becomes_a_child_of_the_front_afterwards(launcher):
    def children():
        return {child.pid for child in psutil.Process().children()
                if child.name().startswith('mms-')}

    # Other tests have a launcher in this process, too.
    before = children()
    assert launcher.pid in before
    with launched(launcher):
        pass
    assert children() <= before


@contextmanager
def another():
    launcher = Launcher(Identity())
    try:
        yield launcher
    finally:
        launcher.stop()


def test_its_forks_outlive_it_and_the_next_one_is_another(caplog):
    with another() as launcher:
        assert launcher.is_ready()
        with launched(launcher) as (handle, _):
            first = launcher.pid
            os.kill(first, signal.SIGKILL)
            until(lambda: launcher.pid is None)
            assert launcher.is_ready()
            assert launcher.pid != first
            assert handle.poll() is None
            assert psutil.Process(handle.pid).ppid() == os.getpid()
    assert [record.message for record in caplog.records if 'launcher' in record.message] == [
        'The launcher died (signal 9, SIGKILL). Models go on; another launcher is started for the '
        'next that loads.']


def test_one_that_stands_still_is_given_up(monkeypatch):
    monkeypatch.setattr('mms.pool.launcher._LONGEST_ANSWER_S', 0.2)
    with another() as launcher:
        assert launcher.is_ready()
        os.kill(launcher.pid, signal.SIGSTOP)
        with pytest.raises(LaunchFailed, match='does not answer'), launched(launcher):
            pass
        until(lambda: launcher.pid is None)


def test_one_that_dies_while_it_imports_is_started_anew_twice_at_most(
        monkeypatch, tmp_path, caplog):
    (tmp_path / 'numpy.py').write_text('import os; os.kill(os.getpid(), 9)')
    monkeypatch.setattr('sys.path', [str(tmp_path), *sys.path])
    with another() as launcher:
        for _ in range(3):
            assert not launcher.is_ready()
    assert sum('does not start' in record.message for record in caplog.records) == 2


def test_one_that_dies_while_it_imports_mxnet_is_not_waited_for(caplog):
    with another() as launcher:
        assert launcher.is_ready()
        os.kill(launcher.pid, signal.SIGSTOP)
        waiting = gevent.spawn(launcher.is_ready, for_mxnet=True)
        gevent.sleep(0.05)
        os.kill(launcher.pid, signal.SIGKILL)
        assert not waiting.get(timeout=30)
        assert launcher.is_ready(for_mxnet=True)
    assert sum('The launcher died' in record.message for record in caplog.records) == 1


def test_one_that_takes_too_long_to_import_mxnet_is_given_up(monkeypatch):
    with another() as launcher:
        assert launcher.is_ready()
        os.kill(launcher.pid, signal.SIGSTOP)
        monkeypatch.setattr('mms.pool.launcher._IMPORT_S', 0.2)
        assert not launcher.is_ready(for_mxnet=True)
        until(lambda: launcher.pid is None)


def test_another_environment_has_another_launcher(monkeypatch):
    with another() as launcher:
        assert launcher.is_ready()
        first = launcher.pid
        monkeypatch.setenv('SOMETHING', 'else')
        assert launcher.is_ready()
        assert launcher.pid != first
        monkeypatch.setenv('MXNET_ENGINE_TYPE', 'ThreadedEnginePerDevice')
        assert not launcher.is_ready()
        assert launcher.pid is None


def test_where_the_front_adopts_nobody_there_is_none(monkeypatch, caplog):
    def refuse(option, value):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr('mms.runtime.adoption._prctl', refuse)
    with another() as launcher:
        assert not launcher.is_ready()
        assert launcher.pid is None
    assert not caplog.records
