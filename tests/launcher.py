"""Commands of the package, forked from a process that has imported them already.

Nothing is spared but what the imports take, nearly half a second of a processor each time. What is
forked has a session, a folder, an environment, streams and arguments of its own. Commands whose
environment says how Python or the C library start are started as anybody would. What a shell runs
has itself forked, by `tests/forked.py`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import marshal
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil
from forked import LONGEST

REPO = Path(__file__).resolve().parent.parent
# Variables that are read before anything is imported, or meanwhile.
READ_FIRST = ('PYTHON', 'LD_', 'LC_', 'LANG', 'COVERAGE', 'GEVENT', 'MALLOC_', 'SEEN_', 'TZ')
# What each command imports when it runs.
LATER = {'mms': ['mms.mxnet_model_server', 'mms.management_command.command'],
         'mms.export_model': [], 'mms.predict_command.command': [],
         'example_script': ['mxnet', 'PIL.Image', 'sklearn.datasets']}
_INT = struct.Struct('i')
_launchers = {}
_lock = threading.Lock()


def start(module, words, cwd, env=None, text=False):
    """Start ``python -m module`` with an empty input; returns a :class:`subprocess.Popen`, or
    what does the same.
    """
    env = env or environment()
    told = [str(cwd), dict(env), [str(word) for word in words]]
    if _read_first(env) == _read_first(environment()) and len(marshal.dumps(told)) <= LONGEST:
        with _lock:
            return _launcher(module, env).start(told, 'r' if text else 'rb')
    return subprocess.Popen(
        [sys.executable, '-m', module, *words], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text, start_new_session=True)


def run(module, *words, cwd, env=None, text=False, timeout=120):
    """Standard output, standard error and status of such a command, once it has ended."""
    process = start(module, words, cwd, env, text)
    out, errors = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(words, process.returncode, out, errors)


def control(module, env):
    """Descriptor that `tests/forked.py` is given to fork such commands in this environment."""
    with _lock:
        return _launcher(module, env).control


def children(recursive=False):
    """Processes that the calling one has started, launchers and what those of commands have forked
    aside.
    """
    own = set()
    for forking in _launchers.values():
        process = psutil.Process(forking.pid)
        own.update([process, *process.children(recursive=True)])
    return [child for child in psutil.Process().children(recursive)
            if child not in own and child.name() != 'mms-launcher']


def environment():
    """Variables for a process that imports this checkout."""
    return {**os.environ, 'PYTHONPATH': str(REPO), 'PYTHONDONTWRITEBYTECODE': '1'}


def _launcher(module, env):
    key = module, *sorted(_read_first(env).items())
    return _launchers.get(key) or _launchers.setdefault(key, _Launcher(module, env))


def _read_first(env):
    return {name: value for name, value in env.items() if name.startswith(READ_FIRST)}


class _Launcher:
    def __init__(self, module, env):
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, module, str(theirs.fileno())], cwd='/',
                env=env, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
                start_new_session=True)

    @property
    def pid(self):
        return self._process.pid

    @property
    def control(self):
        return self._control.fileno()

    def start(self, told, mode):
        ends = [os.pipe() for _ in range(3)]
        nothing = os.open(os.devnull, os.O_RDONLY)
        theirs = [nothing, *(end for _, end in ends)]
        try:
            socket.send_fds(self._control, [marshal.dumps(told)], theirs)
        finally:
            for end in theirs:
                os.close(end)
        return Forked(*(end for end, _ in ends), mode)


class Forked:
    """A command that a launcher has forked; used as a :class:`subprocess.Popen`."""

    def __init__(self, out, errors, told, mode):
        self.stdout, self.stderr = os.fdopen(out, mode), os.fdopen(errors, mode)
        self.returncode = None
        self._told, self._waiting = told, threading.Lock()
        self.pid, = _INT.unpack(os.read(told, _INT.size))

    def poll(self):
        with self._waiting:
            if self.returncode is None and select.select([self._told], [], [], 0)[0]:
                self._end()
        return self.returncode

    def wait(self, timeout=None):
        if self.poll() is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f'process {self.pid}', timeout)
            self.poll()
        return self.returncode

    def _end(self):
        self.returncode, = _INT.unpack(os.read(self._told, _INT.size))
        os.close(self._told)

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout=None):
        """All that it prints; it is killed where it has not ended by then."""
        watch = threading.Timer(timeout, self.kill) if timeout else None
        printed = {}
        reader = threading.Thread(target=lambda: printed.update(errors=self.stderr.read()))
        for thread in filter(None, (watch, reader)):
            thread.start()
        try:
            printed['out'] = self.stdout.read()
            reader.join()
            self.wait()
        finally:
            if watch:
                watch.cancel()
            self.stdout.close()
            self.stderr.close()
        if self.returncode == -signal.SIGKILL and watch:
            raise subprocess.TimeoutExpired(f'process {self.pid}', timeout)
        return printed['out'], printed['errors']


# ---- the launcher's own process


def _wanted(control):
    """What somebody wants to be run, in a process for it; None in the launcher, at the end."""
    children, (woken, wake) = {}, os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    while True:
        ready = select.select([control, woken], [], [])[0]
        if woken in ready:
            os.read(woken, 512)
            _tell_ends(children)
        if control in ready:
            message, ends, _, _ = socket.recv_fds(control, 2 * LONGEST, 4)
            if not message:
                return None
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _stand_alone(ends[:-1])
                return marshal.loads(message)
            children[pid] = ends.pop()
            os.write(children[pid], _INT.pack(pid))
            for end in ends:
                os.close(end)


def _tell_ends(children):
    for pid, told in list(children.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            del children[pid]
            with contextlib.suppress(BrokenPipeError):
                os.write(told, _INT.pack(_exit_status(status)))
            os.close(told)


def _exit_status(status):
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _stand_alone(streams):
    os.setsid()
    for place, end in enumerate(streams):
        os.dup2(end, place)
    os.closerange(3, os.sysconf('SC_OPEN_MAX'))
    for name, mode, errors in (('stdin', 'r', None), ('stdout', 'w', None),
                               ('stderr', 'w', 'backslashreplace')):
        stream = os.fdopen(getattr(sys, name).fileno(), mode, errors=errors, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f'__{name}__', stream)


def _main(module, control):
    imported = importlib.import_module('mms.__main__' if module == 'mms' else module)
    for name in LATER[module]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    wanted = _wanted(socket.socket(fileno=control))
    if wanted is None:
        return 0
    folder, env, words = wanted
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None
    sys.path[0] = os.getcwd()
    sys.argv[:] = [imported.__file__, *words]
    sys.orig_argv = [sys.executable, '-m', module, *words]
    sys.modules['__main__'] = imported
    return imported.main()


if __name__ == '__main__':
    sys.exit(_main(sys.argv[1], int(sys.argv[2])))
