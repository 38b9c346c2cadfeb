"""MMS 0.4 of 2018 behind gunicorn, as its container ran it; needs a Python 3.6."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from environments import Environment
from models import BuiltModel
from processes import cores, free_port, plain_environment

from contenders.contender import Contender, Endpoint, Setting, scratch, started

APPS = Path(__file__).resolve().parent.parent / 'peers'
SERVER = 'mxnet-model-server==0.4'
# The newest releases that 0.4 runs with; its own requirement onnx==1.1.1 (of its
# exporter alone) no longer builds, so it is installed without its requirements.
REQUIREMENTS = ('mxnet==1.9.1', 'gunicorn<21', 'gevent<23', 'Flask==1.0.2', 'Werkzeug==0.14.1',
                'Jinja2<3', 'itsdangerous<2', 'MarkupSafe<2', 'Flask-Cors==3.0.6', 'Pillow<9',
                'requests', 'psutil', 'boto3', 'fasteners', 'tqdm', 'jsonschema')


class MMS04(Contender):
    """Each gunicorn worker holds the model.

    Parameters
    ----------
    python
        A Python 3.6.
    """

    name = 'MMS 0.4'
    command = 'gunicorn --workers W --worker-class gevent mms04_app:application'

    def __init__(self, python: str) -> None:
        self._python = python
        self._environment: Optional[Environment] = None

    def prepare(self, cache: Path) -> None:
        """Install it."""
        # pip 21.3 is the last for Python 3.6, and 19.3 the first that knows MXNet's wheel.
        self._environment = Environment(
            cache / 'mms-0.4', [['pip==21.3.1'], ['--no-deps', SERVER], REQUIREMENTS],
            self._python)
        self._environment.install()

    def settings(self) -> list[Setting]:
        """It has no batches: one worker, or one a core."""
        return [Setting(1, 1), *([Setting(cores(), 1, naive_engine=True)] if cores() > 1 else [])]

    @contextlib.contextmanager
    def serve(self, built: BuiltModel, setting: Setting) -> Iterator[Endpoint]:
        """Start gunicorn."""
        assert self._environment is not None
        port = free_port()
        command = [str(self._environment.bin / 'gunicorn'), '--workers', str(setting.workers),
                   '--worker-class', 'gevent', '--timeout', '300', '--chdir', str(APPS),
                   '--bind', f'127.0.0.1:{port}', 'mms04_app:application']
        with scratch() as folder:
            environment = plain_environment(
                TMPDIR=folder, MMS04_NAME=built.model.name, MMS04_ARCHIVE=str(built.archive),
                MMS04_SERVICE=str(APPS / 'mms04_service.py'), MMS04_GRAPH=str(built.graph),
                PYTHONPATH=str(built.graph), PYTHONDONTWRITEBYTECODE='1',
                **setting.threads_environment())
            with started(command, Path(folder), environment, port, '/ping') as process:
                yield Endpoint(process.pid, port, f'/{built.model.name}/predict', '/ping')
