"""Multi Model Server 1.1.11, the last release of what MMS 0.4 became (a Java front)."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Optional
from urllib.parse import urlencode

from environments import PEER_REQUIREMENTS, Environment
from models import BuiltModel
from processes import BenchmarkError, free_port, plain_environment

from contenders.contender import (
    BATCH_DELAY_MS,
    Contender,
    Endpoint,
    Setting,
    batch_settings,
    get_status,
    scratch,
    started,
)

HANDLER = Path(__file__).resolve().parent.parent / 'peers' / 'multi_model_handler.py'
VERSION = '1.1.11'


class MultiModelServer(Contender):
    """A ``.mar`` archive, registered over the management API."""

    name = f'multi-model-server {VERSION}'
    command = ('multi-model-server --start --foreground --mms-config FILE; POST '
               '/models?url=NAME.mar&initial_workers=W&batch_size=B'
               f'&max_batch_delay={BATCH_DELAY_MS}&synchronous=true')

    def __init__(self) -> None:
        self._environment: Optional[Environment] = None

    def prepare(self, cache: Path) -> None:
        """Install it; Java has to be there."""
        if shutil.which('java') is None:
            raise BenchmarkError('multi-model-server needs Java, and there is no java')
        self._environment = Environment(cache / f'multi-model-server-{VERSION}', [
            [f'multi-model-server=={VERSION}', *PEER_REQUIREMENTS]])
        self._environment.install()

    def settings(self, is_short: bool = False) -> list[Setting]:
        """Workers 1 and one a core, batches of 1 to 16."""
        return batch_settings(is_short)

    @contextlib.contextmanager
    def serve_all(self, models: Mapping[str, BuiltModel],
                  setting: Setting) -> Iterator[dict[str, Endpoint]]:
        """Start the front, and register the models one after the other."""
        assert self._environment is not None
        port, management = free_port(), free_port()
        with scratch() as scratch_folder:
            folder = Path(scratch_folder)
            for name, built in models.items():
                write_mar(built, name, folder / f'{name}.mar')
            (folder / 'config.properties').write_text('\n'.join([
                f'inference_address=http://127.0.0.1:{port}',
                f'management_address=http://127.0.0.1:{management}',
                f'model_store={folder}', 'job_queue_size=1000', 'default_response_timeout=120']))
            environment = plain_environment(TMPDIR=str(folder), TEMP=str(folder),
                                            **setting.threads_environment())
            command = [str(self._environment.bin / 'multi-model-server'), '--start',
                       '--foreground', '--mms-config', 'config.properties']
            with started(command, folder, environment, port, '/ping') as process:
                for name in models:
                    register(management, name, setting)
                yield {name: Endpoint(process.pid, port, f'/predictions/{name}', '/ping')
                       for name in models}


def write_mar(built: BuiltModel, name: str, file: Path) -> None:
    """Write a model archive around the exported network."""
    manifest = {
        'runtime': 'python', 'modelServerVersion': '1.0', 'implementationVersion': '1.0',
        'specificationVersion': '1.0',
        'model': {'modelName': name, 'handler': f'{HANDLER.name}:handle'},
    }
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('MAR-INF/MANIFEST.json', json.dumps(manifest))
        archive.write(HANDLER, HANDLER.name)
        for path in sorted(built.graph.rglob('*')):
            if path.is_file():
                archive.write(path, path.relative_to(built.graph))


def register(management_port: int, name: str, setting: Setting) -> None:
    """Load the model into its workers, and wait for them."""
    query = urlencode({
        'url': f'{name}.mar', 'initial_workers': setting.workers, 'batch_size': setting.batch,
        'max_batch_delay': BATCH_DELAY_MS, 'synchronous': 'true'})
    status = get_status(management_port, f'/models?{query}', 'POST')
    if status != http.client.OK:
        raise BenchmarkError(f'the management API answered {status} to the model')
