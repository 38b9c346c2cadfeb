"""Real servers on free ports, and archives for them."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from urllib.parse import urlencode

import launcher
import psutil
import requests

from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.ipc.messages import ALONE, Load, Work
from mms.ipc.request import CLASSIC, Request
from mms.worker.codecs.classic import prediction_in

REPO = Path(__file__).resolve().parent.parent
FIXTURES = REPO / 'tests' / 'fixtures' / 'mms04'
KITTEN = REPO / 'examples' / 'kitten.jpg'

PORTS = range(20000, 32000)

PICTURES = {
    'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 8, 8]}], 'input_type': 'image/jpeg',
    'outputs': [{'data_name': 'out', 'data_shape': [0, 1]}], 'output_type': 'application/json',
}
TENSORS = {**PICTURES, 'input_type': 'application/json',
           'inputs': [{'data_name': 'data', 'data_shape': [0, 1]}]}

# What the log says of a model that is measured, or cannot be.
MEASURED = re.compile(r'Model (\S+) (?:is measured after|could not be measured)')
# What the log says of a model whose workers load it themselves.
NOT_FORKED = re.compile(r'Model (\S+?)(?: is not forked|: workers cannot be forked)')

SERVICE = '''
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.model_name = model_name
        self.signature_ = __import__('json').load(open(model_dir + '/signature.json'))

    @property
    def signature(self):
        return self.signature_

    def ping(self):
        return 'fine'

    def _inference(self, data):
{body}
'''


def write_archive(folder, name, body='return data', signature=TENSORS, source=None, files=(),
                  model=None):
    """A .model whose service runs `body` as its ``_inference``; `model` is more of its manifest."""
    text = source or SERVICE.format(body='\n'.join(
        f'        {line}' for line in body.strip('\n').splitlines()))
    manifest = {
        'Model-Archive-Version': 0.2, 'Model-Server': 0.4, 'Engine': {'MXNet': '1.2.1'},
        'Model': {'Symbol': '', 'Parameters': '', 'Signature': 'signature.json',
                  'Service': 'service.py', 'Description': name, 'Model-Name': name,
                  'Model-Format': 'Gluon-Imperative', **(model or {})},
    }
    path = Path(folder) / f'{name}.model'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('MANIFEST.json', json.dumps(manifest))
        archive.writestr('signature.json', json.dumps(signature))
        archive.writestr('service.py', text)
        for member, content in dict(files).items():
            archive.writestr(member, content)
    return str(path)


def load_message(folder, name, body='return data', **options):
    """What the front tells a worker that is to hold such an archive."""
    archive = Location.parse(write_archive(folder, name, body, **options))
    opened = open_model(name, archive, str(folder))
    return Load(endpoint=name, model_name=name, model_dir=opened.model_dir,
                manifest=opened.manifest, service_file=f'{opened.model_dir}/service.py',
                device=None, max_image_pixels=10**6)


def asking(text):
    """A request for a service of one JSON input."""
    return Request(CLASSIC, 'application/x-www-form-urlencoded', urlencode({'data': text}).encode())


def work(*texts, how=ALONE):
    """Requests for such a service, as a worker gets them."""
    return Work([asking(text) for text in texts], how)


def predicted(reply):
    """JSON text of the prediction in what a worker has answered to such a request."""
    return prediction_in(reply.body)


class Server:
    """A ``python -m mms`` process, in a folder and with temporary files of its own.

    A launcher forks it, but for one that is given a command or sockets. `port` is that of the
    command line, which has none where it is None.
    """

    def __init__(self, folder, words, port='0', env=None,
                 command=None, pass_fds=()):
        self.folder = Path(folder)
        self.temporary = self.folder / 'tmp'
        self.temporary.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, 'TMPDIR': str(self.temporary), 'PYTHONPATH': str(REPO),
                       'HOME': str(self.folder), 'PYTHONDONTWRITEBYTECODE': '1', **(env or {})}
        # What the certificate of one under TLS is checked against, and the one to show it.
        self.verify, self.cert = True, None
        words = [*(['--port', port] if port else []), *words]
        if command or pass_fds:
            self.process = subprocess.Popen(
                [*(command or (sys.executable, '-m', 'mms')), *words], cwd=self.folder,
                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True, pass_fds=pass_fds)
        else:
            self.process = launcher.start('mms', words, self.folder, environment)
        self._lines = {'stdout': [], 'stderr': []}
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True)
                         for name in self._lines]
        for reader in self._readers:
            reader.start()

    def _read(self, name):
        for line in getattr(self.process, name):
            self._lines[name].append(line.decode('utf-8', 'replace'))

    @property
    def stdout(self):
        return ''.join(self._lines['stdout'])

    @property
    def stderr(self):
        return ''.join(self._lines['stderr'])

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        path = self.folder / 'mms_app.log'
        return path.read_text(encoding='utf-8') if path.exists() else ''

    def wait_until_up(self, seconds=120):
        until(lambda: 'Serving ' in self.stdout or self.process.poll() is not None, seconds)
        assert self.process.poll() is None, self.stderr
        self.url = next(word for word in self.stdout.split() if word.startswith(('http://', 'https://')))
        self.port = int(self.url.rpartition(':')[2])
        until(lambda: self.unmeasured() == 0 or self.process.poll() is not None, seconds)
        return self

    def unmeasured(self):
        """How many models answer already, and are measured beside that."""
        log = self.log
        return log.count(' until it is measured.') - len(set(MEASURED.findall(log)))

    def workers(self, model=None):
        """Processes that answer requests: forked ones, or those that have loaded it themselves."""
        alone = set(NOT_FORKED.findall(self.log))
        return [process for process, name, forked in self._processes()
                if model in (None, name) and (forked or name in alone)]

    def templates(self, model=None):
        """Processes that have loaded a model, and fork its workers."""
        alone = set(NOT_FORKED.findall(self.log))
        return [process for process, name, forked in self._processes()
                if model in (None, name) and not forked and name not in alone]

    def loaded(self, model):
        """Processes that have loaded a model by themselves, workers or not."""
        return [process for process, name, forked in self._processes()
                if name == model and not forked]

    def _processes(self):
        """Each process of a model with the model's name, and whether it was forked."""
        for process in psutil.Process(self.pid).children(recursive=True):
            # A process that has just ended has no command line any more.
            with contextlib.suppress(psutil.Error):
                parent, words = process.parent(), process.cmdline()
                if '--model' not in words or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                # The parent of one whose template has just ended.
                if parent is None:
                    continue
                forked = process.name() == 'mms-worker' and parent.name() == 'mms-model'
                if forked or process.name() == 'mms-model':
                    yield process, words[words.index('--model') + 1], forked

    def post(self, model, **options):
        return requests.post(f'{self.url}/{model}/predict', timeout=60, verify=self.verify,
                             cert=self.cert, **options)

    def post_text(self, model, text, **options):
        return self.post(model, data={'data': text}, **options)

    def get(self, path):
        return requests.get(self.url + path, timeout=60, verify=self.verify, cert=self.cert)

    def wait(self, seconds=60):
        """Exit status, once the process and its output have ended."""
        status = self.process.wait(seconds)
        for name, reader in zip(self._lines, self._readers):
            reader.join(10)
            # Where somebody else holds it open still, its reader goes on.
            if not reader.is_alive():
                getattr(self.process, name).close()
        return status

    def stop(self, number=signal.SIGINT, seconds=60):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(self.pid).children(recursive=True):
                child.kill()
            self.process.kill()
            raise


def free_port():
    """A port that nobody listens on, and that the kernel gives to nobody else meanwhile.

    It is below 32768, where Linux begins to give ports to whoever takes any.
    """
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(('127.0.0.1', port))
            return port
    raise AssertionError('no port is free')


def running(marker):
    """Processes that run, and have this word on their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if marker in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def until(condition, seconds=60):
    """Wait until `condition` is true; an assertion error when it stays false."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f'not within {seconds} s')
