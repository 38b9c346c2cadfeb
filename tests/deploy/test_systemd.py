"""The units of ``deploy/``: checked by systemd's own tool, and played as systemd would."""

import ctypes.util
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import requests
from deploy_clients import Clients, predict
from deploy_machine import DEPLOY, Machine
from deploy_units import UNSHARE, ListeningSocket, Service, Unit
from doc_pages import read

FOLDER = DEPLOY / 'systemd'
NAME = 'mxnet-model-server'
RELOAD = f'{NAME}.service.d/notify-reload.conf'
SERVER, SOCKET, INSTANCE = f'{NAME}.service', f'{NAME}.socket', f'{NAME}@.service'
# The first that knows Type=notify-reload.
NOTIFY_RELOAD = 253
# What MXNet has machine code made for.
CONVOLUTION = '''
import mxnet as mx
ones = mx.nd.Convolution(mx.nd.ones((1, 3, 1, 1)), mx.nd.ones((1, 3, 1, 1)), no_bias=True,
                         kernel=(1, 1), num_filter=1).asscalar()
return [[[int(ones)]]]
'''
needs_analyze = pytest.mark.skipif(shutil.which('systemd-analyze') is None,
                                   reason='needs systemd-analyze, of the package systemd')


def analyze(*words):
    return subprocess.run(['systemd-analyze', '--no-pager', *map(str, words)],
                          capture_output=True, text=True, timeout=60)


def version():
    return int(re.search(r'systemd (\d+)', analyze('--version').stdout)[1])


@needs_analyze
@pytest.mark.parametrize('names', [
    [SERVER], [SERVER, SOCKET], [INSTANCE],
    pytest.param([SERVER, RELOAD], marks=pytest.mark.skipif(
        shutil.which('systemd-analyze') is None or version() < NOTIFY_RELOAD,
        reason=f'needs systemd {NOTIFY_RELOAD}, which knows Type=notify-reload'))])
def test_systemd_has_no_complaint_about_the_units(tmp_path, names):
    paths = Machine(tmp_path).install_units(*names)
    done = analyze('verify', '--man=no', *(path for path in paths if path.suffix != '.conf'))
    # It looks beyond these at the machine's own units, and may have something to say of them.
    assert not [line for line in done.stderr.splitlines() if NAME in line]
    assert done.returncode == 0


@needs_analyze
def test_a_complaint_would_be_seen(tmp_path):
    [path] = Machine(tmp_path).install_units(SERVER)
    path.write_text(path.read_text().replace('KillMode=mixed', 'KillMode=gentle'))
    assert 'Failed to parse kill mode' in analyze('verify', '--man=no', path).stderr


@needs_analyze
@pytest.mark.parametrize('name', [SERVER, INSTANCE])
def test_what_is_exposed_is_what_the_page_says(name):
    [level] = re.findall(r'says (\d\.\d), OK', read('docs/deploy_systemd.md'))
    tenths = round(10 * float(level))
    assert analyze('security', '--offline=true', f'--threshold={tenths}',
                   FOLDER / name).returncode == 0
    assert analyze('security', '--offline=true', f'--threshold={tenths - 1}',
                   FOLDER / name).returncode != 0


@needs_analyze
def test_the_drop_in_for_workers_of_another_user_exposes_what_the_page_says(tmp_path):
    drop_in = tmp_path / f'{SERVER}.d' / 'worker-user.conf'
    drop_in.parent.mkdir()
    shutil.copy(FOLDER / 'worker-user.conf', drop_in)
    shutil.copy(FOLDER / SERVER, tmp_path)
    [level] = re.findall(r'`security` says (\d\.\d)\.', read('docs/deploy_systemd.md'))
    tenths = round(10 * float(level))
    for threshold, accepted in ((tenths, True), (tenths - 1, False)):
        done = analyze('security', '--offline=true', f'--threshold={threshold}', tmp_path / SERVER)
        assert (done.returncode == 0) is accepted
        assert 'worker-user.conf' not in done.stderr, 'a complaint'


def test_an_instance_is_the_same_but_for_the_shared_port():
    service, instance = Unit(FOLDER / SERVER), Unit(FOLDER / INSTANCE)
    assert {key for key in service.said | instance.said
            if service.said.get(key) != instance.said.get(key)} == {
                ('Unit', 'Description'), ('Service', 'ExecStart')}
    [command] = service.all('Service', 'ExecStart')
    assert instance.all('Service', 'ExecStart') == [f'{command} --reuse-port']


def test_systemd_waits_longer_than_the_server_takes_to_stop():
    config = (FOLDER / 'server.toml').read_text(encoding='utf-8')
    longest_s = int(re.search(r'^shutdown-timeout = (\d+)$', config, re.M)[1])
    assert int(Unit(FOLDER / SERVER).one('Service', 'TimeoutStopSec')) > longest_s


@pytest.fixture
def start(machine):
    """Start a unit of the machine."""
    services = []

    def start(*names, **options):
        services.append(Service(Unit(*machine.install_units(*names)), machine, **options))
        return services[-1]

    yield start
    for service in services:
        service.close()


def test_it_starts_reloads_and_stops_as_the_unit_and_its_drop_in_say(start, machine):
    service = start(SERVER).wait_until_ready()
    assert predict(machine.url).json() == {'prediction': [[[1]]]}
    assert f'Serving 1 model at {machine.url}' in service.journal
    for names in ([SERVER], [SERVER, RELOAD]):
        service.reload(Unit(*machine.install_units(*names)))
        assert predict(machine.url).status_code == 200
    assert service.stop() == 0
    assert service.told('STOPPING=1')
    with pytest.raises(requests.ConnectionError):
        predict(machine.url)


def can_confine():
    return ctypes.util.find_library('seccomp') is not None and shutil.which(UNSHARE[0]) and \
        subprocess.run([*UNSHARE, 'true'], capture_output=True).returncode == 0


@needs_analyze
@pytest.mark.skipif(not can_confine(), reason='needs libseccomp, and the right to unshare')
def test_it_serves_with_the_system_calls_and_folders_that_the_unit_leaves_to_it(tmp_path):
    machine = Machine(tmp_path, CONVOLUTION)
    unit = Unit(*machine.install_units(SERVER))
    service = Service(unit, machine, confined=True)
    try:
        service.wait_until_ready()
        process = Path('/proc', str(service.pid))
        assert re.search(r'^Seccomp:\t2$', (process / 'status').read_text(), re.M)
        assert re.search(rf' {tmp_path} ro', (process / 'mountinfo').read_text())
        assert predict(machine.url).json() == {'prediction': [[[3]]]}
        service.reload()
        assert predict(machine.url).status_code == 200
        assert service.stop() == 0
    finally:
        service.close()
    assert not re.search('not permitted|[Rr]ead-only', service.journal)


def test_a_model_that_does_not_load_is_told_and_ready_is_never_said(start, machine):
    archive = machine.archive.read_bytes()
    machine.archive.write_bytes(b'no archive')
    try:
        service = start(SERVER)
        assert service.process.wait(60) == 1
    finally:
        machine.archive.write_bytes(archive)
    assert 'model flowers cannot be served' in service.journal
    assert not service.told('READY=1')


@pytest.fixture
def listening(machine):
    sock = ListeningSocket(Unit(*machine.install_units(SOCKET)))
    yield sock
    sock.close()


def test_clients_of_the_socket_unit_wait_while_the_service_starts_and_starts_again(
        start, machine, listening):
    for _ in range(2):
        answers = []
        asking = threading.Thread(target=lambda kept=answers: kept.append(predict(machine.url)))
        asking.start()
        service = start(SERVER, listening=listening).wait_until_ready()
        asking.join(60)
        assert [answer.status_code for answer in answers] == [200]
        assert service.stop() == 0


def test_an_instance_takes_the_port_of_another_over_and_no_request_fails(start, machine):
    a = start(INSTANCE).wait_until_ready()
    with Clients(machine.url) as clients:
        clients.ask_some_more()
        b = start(INSTANCE).wait_until_ready()
        clients.ask_some_more()
        assert a.stop() == 0
        clients.ask_some_more()
    assert clients.failures == []
    assert b.stop() == 0
