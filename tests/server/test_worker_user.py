"""Workers of another user: what they are, what they may not, and that they come and go as others.
"""

import os
import re
import signal
import sys
import zipfile
from pathlib import Path

import psutil
import pytest
import requests
from harness import Server, until, write_archive
from other_user import (
    NOBODY,
    check_descriptors,
    environment,
    for_others,
    of_models,
    open_folder,
    status,
)

SERVICE = '''
import os, signal, subprocess, threading
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0, 1]}],
                 'outputs': [{'data_name': 'out', 'data_shape': [0, 1]}],
                 'input_type': 'application/json', 'output_type': 'application/json'}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.folder = model_dir
        PREPARE

    def ping(self):
        return None

    def _inference(self, data):
        text = data[0][0]
        if not isinstance(text, str):
            return data
        try:
            return [repr(eval(text))]
        except Exception as error:
            return [type(error).__name__]
'''
FORKED = SERVICE.replace('PREPARE', 'pass')
ALONE = SERVICE.replace(
    'PREPARE', 'threading.Thread(target=threading.Event().wait, daemon=True).start()')
SECRETS = {'AWS_SECRET_ACCESS_KEY': 'secret-1', 'HF_TOKEN': 'secret-2', 'DB_PASSWORD': 'secret-3',
           'DATABASE_URL': 'postgres://u:secret-4@host/db', 'MMS_MANAGEMENT_TOKEN': 'tokens',
           'CREDENTIALS_DIRECTORY': '/secret-5'}
PASSED = {'SERVICE_KEY': 'passed-1', 'MODE': 'passed-2', 'TOKENIZERS_PARALLELISM': 'false'}


class Manager:
    """Asks the management port."""

    def __init__(self, server):
        self._server = server
        self._url = re.search(r'Management endpoint: (\S+)', server.log)[1]

    def __call__(self, method, path):
        return requests.request(method, f'{self._url}{path}', timeout=60,
                                headers={'Authorization': 'Bearer the-token'})


@pytest.fixture(scope='module')
def server():
    with open_folder() as folder:
        for name, source in (('forked', FORKED), ('alone', ALONE)):
            write_archive(folder, name, source=source)
        (folder / 'tokens').write_text('the-token\n')
        (folder / 'tokens').chmod(0o600)
        (folder / 'watched').mkdir()
        write_archive(folder / 'watched', 'put', source=FORKED)
        (folder / 'changeable').mkdir()
        (folder / 'changeable').chmod(0o777)
        server = Server(
            folder, ['--models', f'forked={folder}/forked.model', f'alone={folder}/alone.model',
                     '--workers', '2', 'alone=1', '--worker-user', 'nobody',
                     '--worker-env', 'SERVICE_*', '--watch', str(folder / 'watched'),
                     '--management-port', '0', '--metrics-port', '0'],
            command=for_others(sys.executable, '-m', 'mms'),
            env={**SECRETS, **PASSED, 'MMS_MANAGEMENT_TOKEN': str(folder / 'tokens'),
                 'PYTHONPATH': f'{os.environ.get("PYTHONPATH", "")}:{folder}/changeable'})
        try:
            yield server.wait_until_up()
        finally:
            server.stop()


@pytest.fixture(scope='module')
def manage(server):
    return Manager(server)


def ask(server, expression, model='forked'):
    return server.post_text(model, f'[{expression!r}]').json()['prediction'][0]


def test_each_process_of_a_model_is_the_user_with_its_groups_and_can_become_nobody_else(server):
    processes = of_models(server)
    # Two models with a template and two workers, and one without a template.
    assert len(processes) == 2 * (1 + 2) + 1
    for process in processes:
        found = status(process.pid)
        assert found['Uid'].split() == [str(NOBODY.pw_uid)] * 4
        assert found['Gid'].split() == [str(NOBODY.pw_gid)] * 4
        groups = {str(gid) for gid in os.getgrouplist('nobody', NOBODY.pw_gid)}
        assert set(found['Groups'].split()) == groups
        for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
            assert int(found[kind], 16) == 0, kind
        assert found['NoNewPrivs'] == '1'
        assert found['Umask'] == '0077'
        limits = Path(f'/proc/{process.pid}/limits').read_text()
        assert re.search(r'^Max core file size +0 +0 ', limits, re.M)
    assert psutil.Process(server.pid).uids().real == os.getuid()


def test_their_descriptors_are_their_own(server):
    check_descriptors(server)


def test_their_environment_has_no_secret_but_what_was_passed_on(server):
    for process in of_models(server):
        found = environment(process.pid)
        assert not [value for value in found.values() if 'secret-' in value]
        assert not SECRETS.keys() & found.keys()
        assert PASSED.items() <= found.items()
        assert (found['HOME'], found['USER']) == (NOBODY.pw_dir, 'nobody')
        # The server's own is a folder that only it may write to.
        assert os.stat(server.temporary).st_uid == os.getuid()
        assert found['TMPDIR'] == '/tmp'


@pytest.mark.parametrize('forbidden', [
    'open("/proc/{front}/mem", "rb").read(1)', 'open("/proc/{front}/environ").read()',
    'os.listdir("/proc/{front}/fd")', 'open("{folder}/tokens").read()',
    'os.kill({front}, 0)', 'os.setuid(0)', 'os.setgroups([0])',
    'open(self.folder + "/service.py", "a")', 'os.mkdir(self.folder + "/new")',
    'os.unlink(self.folder + "/signature.json")', 'os.rename(self.folder, self.folder + "-old")',
    'os.listdir(os.path.dirname(os.path.dirname(self.folder)))',
])
def test_a_service_may_not(server, forbidden):
    text = forbidden.format(front=server.pid, folder=server.folder)
    assert ask(server, text) == 'PermissionError', text


@pytest.mark.parametrize(('allowed', 'answer'), [
    ('sorted(os.listdir(self.folder))', "['MANIFEST.json', 'service.py', 'signature.json']"),
    ('open("/dev/stdout", "w").write("said aloud\\n")', '11'),
    ('"Rss" in open("/proc/self/smaps_rollup").read()', 'True'),
    ('subprocess.run(["id", "-un"], capture_output=True, text=True).stdout', "'nobody\\n'"),
])
def test_a_service_may(server, allowed, answer):
    assert ask(server, allowed) == answer


def test_what_it_prints_through_the_name_of_its_output_is_logged(server):
    ask(server, 'open("/dev/stdout", "w").write("by name\\n")')
    until(lambda: 'by name' in server.log)


def test_a_service_that_could_become_the_server_is_warned_of(server):
    assert (f'The user nobody may change {server.folder}/changeable, which the server itself '
            'imports from: a service could become the server.') in server.log
    assert f'may change {server.folder},' not in server.log


@pytest.mark.parametrize('find', ['workers', 'templates'])
def test_a_process_that_dies_is_replaced_by_one_of_the_user(server, find):
    dead = getattr(server, find)('forked')[0]
    dead.kill()
    until(lambda: len(server.workers('forked')) == 2 and dead.pid not in
          {one.pid for one in of_models(server)})
    assert ask(server, 'os.getuid()') == str(NOBODY.pw_uid)
    assert {one.uids().real for one in of_models(server)} == {NOBODY.pw_uid}


@pytest.mark.parametrize('model', ['forked', 'alone'])
def test_what_a_service_has_started_ends_with_its_worker(server, model):
    helper, worker = eval(ask(
        server, '(subprocess.Popen(["sleep", "600"]).pid, os.getpid())', model))
    os.kill(worker, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(helper)
          or psutil.Process(helper).status() == psutil.STATUS_ZOMBIE)
    until(lambda: server.post_text(model, '[1]').status_code == 200)


def test_models_are_scaled_replaced_and_removed_as_others(server, manage):
    assert manage('PUT', '/models/forked?min_worker=1&synchronous=true').ok
    assert manage('PUT', '/models/forked?min_worker=2&synchronous=true').ok
    write_archive(server.folder, 'late', source=FORKED)
    load = (f'/models?url={server.folder}/late.model&model_name=late&initial_workers=1'
            '&synchronous=true')
    assert manage('POST', load).ok
    assert ask(server, 'os.getuid()', 'late') == str(NOBODY.pw_uid)
    pids = {one.pid for one in [*server.workers('late'), *server.templates('late')]}
    assert manage('DELETE', '/models/late?synchronous=true').ok
    until(lambda: not pids & {one.pid for one in of_models(server)})


def test_a_model_of_a_watched_folder_is_the_user_s(server):
    assert ask(server, 'os.getuid()', 'put') == str(NOBODY.pw_uid)


@pytest.mark.parametrize(('closed', 'mode', 'named'), [
    ('.', 0o700, 'place (of root, mode 0700)'), ('service.py', 0o600, 'service.py (of root, mode '
                                                                     '0600)')])
def test_a_folder_that_the_user_cannot_read_is_told_with_the_mend(
        server, manage, closed, mode, named):
    folder = server.folder / 'place'
    folder.mkdir(exist_ok=True)
    archive = write_archive(server.folder, 'packed', source=FORKED)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    folder.chmod(0o755)
    (folder / closed).chmod(mode)
    answer = manage('POST', f'/models?url={folder}&model_name=place&initial_workers=1'
                            '&synchronous=true')
    assert answer.status_code >= 400
    message = answer.json()['message']
    assert 'the user nobody, as whom the workers run, cannot read' in message
    assert named in message
    assert '--worker-user' in message


def test_extracted_files_that_were_swept_are_put_back_for_the_user(server):
    folder = ask(server, 'self.folder').strip("'")
    os.unlink(f'{folder}/service.py')
    server.templates('forked')[0].kill()
    until(lambda: 'they are put back' in server.log)
    until(lambda: len(server.workers('forked')) == 2)
    found = os.stat(f'{folder}/service.py')
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (
        os.getuid(), NOBODY.pw_gid, 0o640)


def test_at_the_end_nothing_is_left(server):
    processes = of_models(server)
    assert server.stop(signal.SIGTERM) == 0
    assert not [one for one in processes if one.is_running()]
    assert os.listdir(server.temporary) == []
