"""MMS 0.4 of 2018 behind gunicorn, as its container ran it; needs a Python 3.6."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Optional

from environments import Environment
from models import BuiltModel
from processes import BenchmarkError, cores, free_port, plain_environment

from contenders.contender import Contender, Endpoint, Setting, scratch, started, usual_setting

APPS = Path(__file__).resolve().parent.parent / 'peers'
SERVER = 'mxnet-model-server==0.4'
# The newest releases that 0.4 runs with; its own requirement onnx==1.1.1 (of its
# exporter alone) no longer builds, so it is installed without its requirements.
REQUIREMENTS = ('mxnet==1.9.1', 'gunicorn<21', 'gevent<23', 'Flask==1.0.2', 'Werkzeug==0.14.1',
                'Jinja2<3', 'itsdangerous<2', 'MarkupSafe<2', 'Flask-Cors==3.0.6', 'Pillow<9',
                'requests', 'psutil', 'boto3', 'fasteners', 'tqdm', 'jsonschema')
ASKED = 'import sys; assert sys.version_info[:2] == (3, 6); print(sys.executable)'


class MMS04(Contender):
    """Each gunicorn worker holds the model.

    Parameters
    ----------
    python
        A Python 3.6; ``python3.6`` if it is not given.
    """

    name = 'MMS 0.4'
    command = 'gunicorn --workers W --worker-class gevent mms04_app:application'

    def __init__(self, python: Optional[str] = None) -> None:
        self._python = python
        self._environment: Optional[Environment] = None

    def prepare(self, cache: Path) -> None:
        """Install it; its Python has to be there."""
        # pip 21.3 is the last for Python 3.6, and 19.3 the first that knows MXNet's wheel.
        self._environment = Environment(
            cache / 'mms-0.4', [['pip==21.3.1'], ['--no-deps', SERVER], REQUIREMENTS],
            python36(self._python or 'python3.6'))
        self._environment.install()

    def settings(self, is_short: bool = False) -> list[Setting]:
        """It has no batches: one worker, or one a core."""
        del is_short
        return [self.lean(), *([self.mixed()] if cores() > 1 else [])]

    def lean(self) -> Setting:
        """One worker, with every model."""
        return Setting(1, 1)

    def mixed(self) -> Setting:
        """A worker a core, each with every model."""
        return usual_setting(1)

    @contextlib.contextmanager
    def serve_all(self, models: Mapping[str, BuiltModel],
                  setting: Setting) -> Iterator[dict[str, Endpoint]]:
        """Start gunicorn; archives that are no longer of 0.4 get a service of its kind."""
        assert self._environment is not None
        port = free_port()
        command = [str(self._environment.bin / 'gunicorn'), '--workers', str(setting.workers),
                   '--worker-class', 'gevent', '--timeout', '300', '--chdir', str(APPS),
                   '--bind', f'127.0.0.1:{port}', 'mms04_app:application']
        are_old = all(built.model.is_of_mms04 for built in models.values())
        graphs = {name: str(built.graph) for name, built in models.items()}
        with scratch() as folder:
            environment = plain_environment(
                TMPDIR=folder, PYTHONDONTWRITEBYTECODE='1',
                MMS04_MODELS=json.dumps({name: str(built.archive)
                                         for name, built in models.items()}),
                MMS04_SERVICE='' if are_old else str(APPS / 'mms04_service.py'),
                MMS04_GRAPHS=json.dumps(graphs), PYTHONPATH=next(iter(graphs.values())),
                **setting.threads_environment())
            with started(command, Path(folder), environment, port, '/ping') as process:
                yield {name: Endpoint(process.pid, port, f'/{name}/predict', '/ping')
                       for name in models}


def python36(command: str) -> str:
    """Return the path of a Python 3.6.

    Raises
    ------
    BenchmarkError
        It does not run, or is another version.
    """
    with contextlib.suppress(OSError):
        run = subprocess.run([command, '-c', ASKED], capture_output=True, text=True, check=False)
        if run.returncode == 0:
            return run.stdout.strip()
    raise BenchmarkError(f'it needs a Python 3.6, and {command} is none (--mms04-python PYTHON)')
