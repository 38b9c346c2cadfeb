"""Runs the blocks of a page in order, as a reader would, in a folder of its own."""

import json
import math
import os
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys

import launcher
from harness import REPO, free_port, until

# Those that do not print that they are up.
SILENT = ('gunicorn', 'waitress-serve')
# The package's commands: module, and words that come first. They are forked from what has imported
# the module already.
FORKED = {
    'mxnet-model-server': ('mms', '$(test "$1" = models || echo --port {port})'),
    'mxnet-model-export': ('mms.export_model', ''),
    'mxnet-model-predict': ('mms.predict_command.command', ''),
}
# What else a page calls on, as a script: each finds the checkout and this Python.
SCRIPTS = {
    'python': '"{python}" "$@"',
    'pip': '"{python}" -m pip "$@"',
    **{name: f'"$(dirname "{{python}}")/{name}" "$@"'
       for name in (*SILENT, 'node')},
    # What the Makefile's demo target runs, once the environment is there.
    'make': 'test "$1" = demo && BIN="$(dirname "$0")" sh "{repo}/{demo}"',
}
SERVING = re.compile(r'^mxnet-model-server (?!.*--(?:gen-api|check)).*'
                     r'--(?:models|config|management-port|watch)|'
                     r'\bstart_serving\(|\.start_model_serving\(|'
                     r'^(gunicorn|waitress-serve) ', re.M | re.S)
DEMO = 'examples/efficientnet_lite0/demo.sh'
# The port that the pages use.
PORT = '8080'
MANAGEMENT_PORT = '8081'
TOLERANCE = 1e-4


class Session:
    """A terminal for commands, and another one for the server."""

    def __init__(self, folder, env=None, pythonpath=()):
        self.folder = folder
        self._env = env or {}
        self._pythonpath = os.pathsep.join(map(str, [REPO, *pythonpath]))
        self.port, self._management_port = _free_ports(2)
        for name in ('benchmarks', 'examples'):
            (folder / name).symlink_to(REPO / name)
        (folder / '.curlrc').write_text('silent\nshow-error\n')
        self._bin = folder / '.bin'
        self._bin.mkdir()
        for name, script in SCRIPTS.items():
            self._install(name, script)
        self._server = None
        self._screen = folder / '.screen'
        self.printed = ''

    def _install(self, name, script):
        path = self._bin / name
        line = script.format(python=sys.executable, port=self.port, repo=REPO, demo=DEMO)
        path.write_text(f'#!/bin/sh\n{line if name == "make" else "exec " + line}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def play(self, block):
        """Do with one block what its mark says."""
        kind, _, rest = block.mark.partition(': ')
        ports = {PORT: self.port, MANAGEMENT_PORT: self._management_port}
        body = re.sub('|'.join(ports), lambda found: ports[found[0]], block.body)
        if kind == 'file':
            (self.folder / rest).write_text(body, encoding='utf-8')
        elif kind == 'output':
            compare(block.language, body, self.printed, is_part=rest == 'part')
        elif kind == 'run':
            status = int(rest.rpartition(' ')[2]) if rest else 0
            if SERVING.search(body):
                self.close()  # whoever shows two servers has stopped the first one
            if SERVING.search(body) and not status:
                self._serve(block.language, body)
            else:
                self._run(block.language, body, status)

    def close(self):
        """Stop the server, as Ctrl-C does; it has to end well."""
        server, self._server = self._server, None
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0, self._read_log()

    def _run(self, language, body, status):
        done = subprocess.run(self._command(language, body), cwd=self.folder,
                              env=self._environment(), stdin=subprocess.DEVNULL,
                              pass_fds=self._launchers(body), capture_output=True, timeout=200)
        errors = done.stderr.decode()
        self.printed = done.stdout.decode() or errors
        assert done.returncode == status, f'{body}\n{self.printed}\n{errors}'

    def _serve(self, language, body):
        with open(self._screen, 'wb') as screen:
            self._server = subprocess.Popen(
                self._command(language, body), cwd=self.folder, env=self._environment(),
                stdin=subprocess.DEVNULL, stdout=screen, stderr=subprocess.DEVNULL,
                pass_fds=self._launchers(body))
        is_up = self._listens if body.startswith(SILENT) else \
            lambda: 'Serving ' in self._read_screen()
        until(lambda: is_up() or self._server.poll() is not None, 120)
        assert self._server.poll() is None, f'{body}\n{self._read_log()}'
        self.printed = self._read_screen()

    def _launchers(self, body):
        """Descriptors of those that fork what is named there; `make` calls what it likes."""
        found = []
        for name, (module, first) in FORKED.items():
            if name in body or body.startswith('make '):
                found.append(launcher.control(module, self._environment()))
                self._install(name, f'"{{python}}" -I -S "{{repo}}/tests/forked.py" {found[-1]} '
                                    f'{module} {first} "$@"')
        return found

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', int(self.port))) == 0

    def _command(self, language, body):
        if language == 'python':
            (self.folder / 'block.py').write_text(body, encoding='utf-8')
            return [sys.executable, 'block.py']
        if SERVING.search(body):
            # Without a shell in between, which would keep the signal to itself.
            [command] = [line for line in body.replace('\\\n', ' ').splitlines() if line.strip()]
            return [str(self._bin / shlex.split(command)[0]), *shlex.split(command)[1:]]
        return ['bash', '-e', '-c', body]

    def _environment(self):
        (self.folder / 'tmp').mkdir(exist_ok=True)
        return {**os.environ, 'PATH': f'{self._bin}{os.pathsep}{os.environ["PATH"]}',
                'PYTHONPATH': self._pythonpath, 'HOME': str(self.folder), 'no_proxy': '127.0.0.1',
                'TMPDIR': str(self.folder / 'tmp'), 'PYTHONDONTWRITEBYTECODE': '1',
                'MMS_SERVER': f'http://127.0.0.1:{self.port}',
                'MMS_MANAGEMENT': f'http://127.0.0.1:{self._management_port}',
                # A reader without a network, whatever this machine has.
                'MXNET_GLUON_REPO': 'http://127.0.0.1:9/', 'LC_ALL': 'C.UTF-8',
                **self._env}

    def _read_screen(self):
        return self._screen.read_text(encoding='utf-8')

    def _read_log(self):
        log = self.folder / 'mms_app.log'
        return log.read_text() if log.exists() else self._read_screen()


def _free_ports(count):
    found = set()
    while len(found) < count:
        found.add(str(free_port()))
    return list(found)


def compare(language, expected, printed, is_part):
    """An assertion error where a block did not print what the page says.

    JSON counts by value, numbers to `TOLERANCE`. Text has to be there line by line; ``...``
    stands for anything within a line, and alone on a line for any lines.
    """
    if language == 'json':
        try:
            found = json.loads(printed)
        except ValueError:
            raise AssertionError(f'no JSON was printed: {printed}') from None
        assert _same(json.loads(expected), found, is_part), f'{expected}\nis not\n{printed}'
    else:
        pattern = '\n'.join(
            '(?s:.*)' if line == '...' else re.escape(line).replace(re.escape('...'), '.*')
            for line in expected.strip('\n').split('\n'))
        assert re.search(f'^{pattern}$', printed, re.M), f'{expected}\nis not in\n{printed}'


def _same(one, other, is_part):
    if isinstance(one, dict) and isinstance(other, dict):
        return (is_part or one.keys() == other.keys()) and all(
            key in other and _same(value, other[key], is_part) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair, is_part) for pair in zip(one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, abs_tol=TOLERANCE)
    return one == other
