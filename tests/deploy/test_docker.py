"""The Dockerfile, done step by step in a folder, and what it makes; compose and Kubernetes."""

import json
import re
import shutil
import signal
import subprocess

import psutil
import pytest
import requests
from deploy_clients import predict
from deploy_image import SITE, Image, instructions
from deploy_machine import DEPLOY
from doc_pages import commands, read
from extras import extra
from harness import REPO, free_port, until, write_archive

from mms.config.settings import Settings

# The first of them builds the image.
pytestmark = pytest.mark.timeout(900)

FOLDER = DEPLOY / 'docker'
TEXT = (FOLDER / 'Dockerfile').read_text(encoding='utf-8')
SAID = list(instructions(TEXT))
[USER] = [one.text for one in SAID if one.word == 'USER']
# As a container has it: its first process is number 1, and its user has no name.
FIRST_PROCESS = ['unshare', '--user', f'--map-user={USER.partition(":")[0]}',
                 f'--map-group={USER.partition(":")[2]}', '--pid', '--fork', '--mount-proc']
# What the page and compose.yaml have behind the image's name.
WORDS = ['--models', 'flowers=/models/flowers.model']


def can_be_first():
    return shutil.which(FIRST_PROCESS[0]) is not None and subprocess.run(
        [*FIRST_PROCESS, 'true'], capture_output=True).returncode == 0


class Container:
    """What an image runs, with the words behind its name; on a port that is free."""

    def __init__(self, image, words, before=()):
        self._image = image
        self._port = str(free_port())
        self.url = f'http://127.0.0.1:{self._port}'
        self._printed = image.folder / f'printed.{self._port}'
        with open(self._printed, 'wb') as printed:
            self.process = subprocess.Popen(
                [*before, *image.command('ENTRYPOINT'), *map(image.here, words)],
                cwd=image.folder, env=self._variables(), stdin=subprocess.DEVNULL,
                stdout=printed, stderr=subprocess.STDOUT)
        # With words before it, it is the child of what they start.
        self._main = psutil.Process(self.process.pid)
        if before:
            self._main = until(self._main.children)[0]

    def _variables(self):
        """The image's own. Of the tests' environment it has the packages, this one excepted."""
        return {**self._image.environment, 'PYTHONPATH': str(SITE), 'MMS_PORT': self._port,
                'PYTHONDONTWRITEBYTECODE': '1', 'TMPDIR': str(self._image.root)}

    @property
    def printed(self):
        return self._printed.read_text(encoding='utf-8')

    def health(self):
        """Exit status of the health check."""
        words = [word.replace('8080', self._port)
                 for word in self._image.command('HEALTHCHECK')]
        return subprocess.run(words, env=self._variables(), capture_output=True,
                              timeout=60).returncode

    def wait_until_healthy(self):
        until(lambda: not self.health() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.printed
        return self

    def stop(self):
        """Stop as Docker does; the exit status."""
        [name] = self._image.last('STOPSIGNAL')
        self._main.send_signal(getattr(signal, name))
        return self.process.wait(30)

    def close(self):
        if self.process.poll() is None:
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope='module')
def image(tmp_path_factory):
    extra('setuptools')
    image = Image(TEXT, tmp_path_factory.mktemp('image')).build()
    write_archive(image.folder, 'flowers')
    return image


@pytest.fixture
def run(image):
    containers = []

    def run(*words, **options):
        containers.append(Container(image, words, **options))
        return containers[-1]

    yield run
    for container in containers:
        container.close()


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (FOLDER / 'Dockerfile.dockerignore').read_text(encoding='utf-8').split()
    sources = {source for one in SAID if one.word == 'COPY' and '--from' not in one.text
               for source in one.text.split()[:-1]}
    assert all((REPO / source).exists() for source in sources)
    assert ignored[0] == '*'
    assert {word.lstrip('!') for word in ignored if word.startswith('!')} == sources


def test_the_libraries_are_those_that_mxnet_needs_and_the_page_on_installation_names():
    [line] = [one.text for one in SAID if 'apt-get' in one.text]
    [page] = [line for line in commands(read('docs/install.md')) if 'apt-get install' in line]
    packages = set(re.findall(r'\blib\w+', line))
    assert packages == set(page.split()[2:])
    # Its wheel has the others, and images of Python have those of C and C++.
    linked = subprocess.run(['ldd', SITE / 'mxnet' / 'libmxnet.so'], check=True,
                            capture_output=True, text=True).stdout
    outside = {name for name, path in re.findall(r'(\S+) => (\S+)', linked)
               if str(SITE) not in path}
    theirs = {name for name in outside if re.match(r'lib(gomp|quadmath|gfortran)', name)}
    assert {name.replace('.so.', '') for name in theirs} == packages


def test_nothing_runs_as_root_and_signals_reach_the_server():
    last = [one for one in SAID if one.stage == SAID[-1].stage]
    assert re.fullmatch(r'[1-9]\d*:[1-9]\d*', USER)
    words = [one.word for one in last]
    assert 'RUN' not in words[words.index('USER'):]
    # The form without a shell, which would keep the signal to itself.
    for word in ('ENTRYPOINT', 'CMD'):
        [text] = [one.text for one in last if one.word == word]
        assert isinstance(json.loads(text), list)


def test_without_words_it_prints_its_flags(image, run):
    container = run(*image.command('CMD'))
    assert container.process.wait(30) == 0
    assert '--models' in container.printed


def test_it_serves_logs_to_standard_output_and_stops_when_docker_stops_it(image, run):
    container = run(*WORDS, before=FIRST_PROCESS if can_be_first() else [])
    assert container.health() != 0
    container.wait_until_healthy()
    assert predict(container.url).json() == {'prediction': [[[1]]]}
    assert container.stop() == 0
    assert container.health() != 0
    lines = [json.loads(line) for line in container.printed.splitlines()]
    assert [line['status'] for line in lines if line.get('path') == '/flowers/predict'] == [200]
    assert not (image.folder / 'mms_app.log').exists()


def flags(words):
    """What the flags say that follow a container's name."""
    return dict(word.partition('=')[::2] for word in words if word.startswith('--'))


def longest_stop_s(words):
    return float(flags(words).get('--shutdown-timeout', Settings().shutdown_timeout_s))


def test_the_service_of_compose_is_what_the_image_serves():
    yaml = extra('yaml')
    [service] = yaml.safe_load((FOLDER / 'compose.yaml').read_text())['services'].values()
    context = (FOLDER / service['build']['context']).resolve()
    assert context == REPO
    assert (context / service['build']['dockerfile']).resolve() == FOLDER / 'Dockerfile'
    assert int(service['stop_grace_period'].rstrip('s')) > longest_stop_s(service['command'])
    assert service['command'] == WORDS


def test_the_pod_of_kubernetes_answers_its_probes_and_stops_in_time(run):
    yaml = extra('yaml')
    deployment, service = yaml.safe_load_all((FOLDER / 'kubernetes.yaml').read_text())
    pod = deployment['spec']['template']['spec']
    [container] = pod['containers']
    assert pod['terminationGracePeriodSeconds'] > longest_stop_s(container['args'])
    assert deployment['spec']['selector']['matchLabels'] == service['spec']['selector'] == \
        deployment['spec']['template']['metadata']['labels']
    context = pod['securityContext']
    assert f'{context["runAsUser"]}:{context["runAsGroup"]}' == USER
    assert {mount['name'] for mount in container['volumeMounts']} == {
        volume['name'] for volume in pod['volumes']}
    started = run(*container['args']).wait_until_healthy()
    [port] = container['ports']
    for probe in ('startupProbe', 'readinessProbe', 'livenessProbe'):
        asked = container[probe]['httpGet']
        assert asked['port'] == port['name'] == service['spec']['ports'][0]['targetPort']
        assert requests.get(started.url + asked['path'], timeout=5).status_code == 200
    delay_s = float(flags(container['args'])['--drain-delay'])
    readiness = container['readinessProbe']
    assert readiness['periodSeconds'] * readiness['failureThreshold'] < delay_s
