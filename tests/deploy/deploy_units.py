"""Does with a unit file what systemd does: starts its command, and talks to it as to a service."""

import array
import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil
from harness import until

CONFINE = Path(__file__).with_name('deploy_confine.py')
# Of what the service manager gives, systemd.exec(5).
GIVEN = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', 'LANG': 'C.UTF-8',
         'INVOCATION_ID': '0' * 32}
FIRST_DESCRIPTOR = 3
# ProtectSystem=strict: of the machine's folder, and of all around it, only those up to `--`
# can be written to. The process stays the same.
STRICT = '''set -e
root=$1; shift
mount --bind "$root" "$root"
while test "$1" != --; do mount --bind "$1" "$1"; shift; done
shift
mount -o bind,remount,ro "$root"
mount -o bind,remount,ro /
cd "$PWD"
exec "$@"
'''
UNSHARE = ['unshare', '--user', '--map-root-user', '--mount']


class Unit:
    """What a unit file says, and the drop-ins behind it: an empty value takes back those before."""

    def __init__(self, *paths):
        self.name = paths[0].name
        self._said = defaultdict(list)
        for path in paths:
            section = None
            for line in filter(None, map(str.strip, path.read_text(encoding='utf-8').splitlines())):
                if line.startswith('['):
                    section = line.strip('[]')
                elif not line.startswith('#'):
                    key, _, value = line.partition('=')
                    self._say(section, key, value)

    def _say(self, section, key, value):
        if value:
            self._said[section, key].append(value)
        else:
            self._said[section, key].clear()

    def all(self, section, key):
        return self._said[section, key]

    def one(self, section, key, otherwise=None):
        """The last that was said, as systemd takes it."""
        return (self._said[section, key] or [otherwise])[-1]

    @property
    def said(self):
        return {place: tuple(values) for place, values in self._said.items() if values}


class ListeningSocket:
    """The socket of a socket unit, which stays while services come and go."""

    def __init__(self, unit):
        host, _, port = unit.one('Socket', 'ListenStream').rpartition(':')
        self.name = unit.one('Socket', 'FileDescriptorName')
        self._sock = socket.create_server((host, int(port)))

    def fileno(self):
        return self._sock.fileno()

    def close(self):
        self._sock.close()


class Service:
    """A service that is started as its unit says.

    Parameters
    ----------
    unit
        With places on the machine.
    machine
        Where it runs.
    listening
        A socket that is handed to it.
    confined
        Whether it has no more than the system calls, the address families, and the folders to
        write to that the unit leaves to it.
    """

    def __init__(self, unit, machine, listening=None, confined=False):
        self.unit = unit
        self._machine = machine
        self._messages = []
        # A path of such a socket has 108 bytes at most.
        self._run = tempfile.TemporaryDirectory(prefix='run')
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._notify.bind(f'{self._run.name}/notify')
        self._notify.setblocking(False)
        self._journal = machine.folder('journal') / unit.name
        with open(self._journal, 'ab') as journal:
            self.process = subprocess.Popen(
                self._words(listening, confined), stdin=subprocess.DEVNULL, stdout=journal,
                stderr=journal, env=self._environment(listening), start_new_session=True,
                cwd=unit.one('Service', 'WorkingDirectory'),
                umask=int(unit.one('Service', 'UMask'), 8),
                pass_fds=[listening.fileno()] if listening else [])

    def _words(self, listening, confined):
        words = shlex.split(self.unit.one('Service', 'ExecStart'))
        if confined:
            assert self.unit.one('Service', 'ProtectSystem') == 'strict'
            words = [*UNSHARE, 'sh', '-c', STRICT, 'sh', str(self._machine.root),
                     *self._writable(), '--', sys.executable, str(CONFINE),
                     *self.unit.one('Service', 'RestrictAddressFamilies').split(), '--',
                     self.unit.one('Service', 'SystemCallFilter'), *words]
        if listening:
            # Who is meant is the process itself, and nobody else knows its number.
            descriptor = listening.fileno()
            moved = '' if descriptor == FIRST_DESCRIPTOR else f' {FIRST_DESCRIPTOR}<&{descriptor}-'
            words = ['bash', '-c', f'LISTEN_PID=$$ exec "$@"{moved}', 'bash', *words]
        return words

    def _writable(self):
        """The folders that the unit names, and that of ``PrivateTmp=yes``."""
        return [str(self._machine.folder(f'{place}/{self.unit.one("Service", key)}'))
                for place, key in (('var/lib', 'StateDirectory'), ('var/log', 'LogsDirectory'))
                ] + [str(self._machine.folder('tmp'))]

    def _environment(self, listening):
        given = {**GIVEN, 'NOTIFY_SOCKET': f'{self._run.name}/notify',
                 'TMPDIR': str(self._machine.folder('tmp')), 'PYTHONDONTWRITEBYTECODE': '1'}
        if listening:
            given.update(LISTEN_FDS='1', LISTEN_FDNAMES=listening.name)
        return given

    @property
    def pid(self):
        return self.process.pid

    @property
    def journal(self):
        return self._journal.read_text(encoding='utf-8')

    @property
    def messages(self):
        """What the main process has told so far: of others systemd takes nothing."""
        with contextlib.suppress(BlockingIOError):
            while True:
                data, more, _, _ = self._notify.recvmsg(4096, socket.CMSG_SPACE(12))
                [(_, _, credentials)] = more
                if array.array('i', credentials)[0] == self.pid:
                    self._messages.append(data.decode())
        return self._messages

    def told(self, words, since=0):
        """Whether a line was among the messages after the first `since`."""
        return any(words in message.splitlines() for message in self.messages[since:])

    def wait_until_ready(self):
        limit_s = int(self.unit.one('Service', 'TimeoutStartSec'))
        until(lambda: self.told('READY=1') or self.process.poll() is not None, min(limit_s, 120))
        assert self.process.poll() is None, self.journal
        return self

    def reload(self, unit=None):
        """Reload as the type of the unit says, or of one that has come since, until it is done."""
        unit = unit or self.unit
        since, begun_us = len(self.messages), time.monotonic_ns() // 1000
        if unit.one('Service', 'Type') == 'notify-reload':
            os.kill(self.pid, getattr(signal, unit.one('Service', 'ReloadSignal')))
            until(lambda: self.told('RELOADING=1', since))
            reloading = next(message for message in self.messages[since:]
                             if 'RELOADING=1' in message.splitlines())
            told = dict(line.split('=', 1) for line in reloading.splitlines())
            assert int(told['MONOTONIC_USEC']) >= begun_us
            until(lambda: self.told('READY=1', since))
        else:
            for line in unit.all('Service', 'ExecReload'):
                words = shlex.split(line.replace('$MAINPID', str(self.pid)))
                subprocess.run(words, check=True, env=GIVEN, timeout=10)

    def stop(self):
        """Stop as the unit says; every process is gone in time, or it is an assertion error."""
        assert self.unit.one('Service', 'KillMode') == 'mixed'
        family = psutil.Process(self.pid).children(recursive=True)
        self.process.send_signal(getattr(signal, self.unit.one('Service', 'KillSignal')))
        status = self.process.wait(int(self.unit.one('Service', 'TimeoutStopSec')))
        until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE
                              for one in family), 10)
        return status

    def close(self):
        """End what is left of it."""
        if self.process.poll() is None:
            for child in psutil.Process(self.pid).children(recursive=True):
                child.kill()
            self.process.kill()
            self.process.wait()
        self._notify.close()
        self._run.cleanup()
