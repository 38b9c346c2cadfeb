"""A process of a model has of the server what it needs, and no code of a model runs in the server.
"""

import os
import re
import shutil
import sys

import pytest
import requests
from harness import SERVICE, Server, until, write_archive
from other_user import check_descriptors, environment, listening, of_models

FOR_THE_FRONT = {'NOTIFY_SOCKET': '/tmp/no-such-socket', 'WATCHDOG_USEC': '7', 'WATCHDOG_PID': '1',
                 'LISTEN_PID': '1', 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'http',
                 'CREDENTIALS_DIRECTORY': '/run/credentials/mms'}
OWN = {'AWS_SECRET_ACCESS_KEY': 'a', 'MY_TOKEN': 'b', 'MODE': 'c'}
# Leaves a line for each process that runs it.
IMPORTED = '''
import os
with open(os.environ['TRACE'], 'a') as trace:
    trace.write(f'{os.getpid()} NAME\\n')
''' + SERVICE.format(body='        return data')
ALONE = IMPORTED + '''

import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
'''


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('server')
    for name, source in (('forked', IMPORTED), ('alone', ALONE), ('late', IMPORTED)):
        write_archive(folder, name, source=source.replace('NAME', name))
    (folder / 'watched').mkdir()
    shutil.copy(folder / 'late.model', folder / 'watched' / 'seen.model')
    (folder / 'tokens').write_text('the-token\n')
    server = Server(
        folder, ['--models', f'forked={folder}/forked.model', f'alone={folder}/alone.model',
                 '--workers', '2', '--watch', str(folder / 'watched'), '--management-port', '0',
                 '--metrics-port', '0'],
        command=(sys.executable, '-m', 'mms'),
        env={**FOR_THE_FRONT, **OWN, 'TRACE': str(folder / 'trace'),
             'MMS_MANAGEMENT_TOKEN': str(folder / 'tokens')})
    yield server.wait_until_up()
    server.stop()


def ask_management(server, method, path):
    url = re.search(r'Management endpoint: (\S+)', server.log)[1]
    answer = requests.request(method, url + path, timeout=60,
                              headers={'Authorization': 'Bearer the-token'})
    assert answer.ok, answer.text


def imported(server):
    """Process id and model, of each time that a service file was run."""
    return [line.split() for line in (server.folder / 'trace').read_text().splitlines()]


def test_its_descriptors_are_its_own_output_channel_and_log(server):
    with requests.Session() as client:
        client.get(server.url + '/ping', timeout=60)
        # Two models with a template and two workers each, and one whose two workers are alone.
        assert len(of_models(server)) == 2 * (1 + 2) + 2
        assert len(listening(server.pid)) == 3, 'the ports that they might have'
        check_descriptors(server)


def test_its_environment_is_the_server_s_without_what_is_for_the_server_alone(server):
    front = environment(server.pid)
    assert FOR_THE_FRONT.items() <= front.items()
    for process in of_models(server):
        found = environment(process.pid)
        assert not FOR_THE_FRONT.keys() & found.keys()
        assert 'MMS_MANAGEMENT_TOKEN' not in found
        assert OWN.items() <= found.items()
        assert set(front) - set(found) == {*FOR_THE_FRONT, 'MMS_MANAGEMENT_TOKEN'}


def test_no_code_of_a_model_runs_in_the_server(server):
    folder = server.folder
    ask_management(server, 'POST', f'/models?url={folder}/late.model&model_name=late'
                                   '&initial_workers=1&synchronous=true')
    ask_management(server, 'PUT', '/models/late?min_worker=2&synchronous=true')
    shutil.copy(folder / 'alone.model', folder / 'watched' / 'new')
    os.rename(folder / 'watched' / 'new', folder / 'watched' / 'seen.model')
    until(lambda: [model for _, model in imported(server)].count('alone') > 3)
    server.get('/api-description')
    ask_management(server, 'GET', '/models/late')
    ask_management(server, 'DELETE', '/models/late?synchronous=true')
    ran = imported(server)
    assert {model for _, model in ran} == {'forked', 'alone', 'late'}
    assert str(server.pid) not in {pid for pid, _ in ran}
