"""Servers that are told by their environment, or by a file."""

import pytest
import requests
from harness import free_port, write_archive


def test_a_server_listens_where_its_environment_says(serve, tmp_path):
    port = free_port()
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}", port=None,
                   env={'MMS_PORT': str(port), 'MMS_WORKERS': '1', 'MMS_PROT': '1'})
    assert server.port == port
    assert requests.get(f'{server.url}/ping', timeout=30).json() == {'health': 'healthy!'}
    assert 'as was asked for' in server.log
    assert 'The environment variable MMS_PROT says nothing to the server: MMS_PORT does.' in (
        server.log)


def test_a_server_is_told_everything_by_a_file(serve, tmp_path):
    port = free_port()
    config = tmp_path / 'mms.toml'
    config.write_text(f'port = {port}\nworkers = 1\nlog-file = "own.log"\n\n[models]\n'
                      f'"m.1" = "{write_archive(tmp_path, "m")}"\n')
    server = serve('--config', config, port=None)
    answer = requests.post(f'{server.url}/m.1/predict', data={'data': '[[1]]'}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert (server.port, server.log) == (port, '')
    assert 'as was asked for' in (server.folder / 'own.log').read_text()


@pytest.mark.parametrize(('env', 'line'), [
    ({'MMS_PORT': 'many'}, "MMS_PORT 'many' is not a whole number from 0 to 65535"),
    ({'MMS_SERVICE': 'none.py'}, "MMS_SERVICE 'none.py' does not exist"),
    ({'MMS_LOG_FILE': 'no/x.log'},
     "MMS_LOG_FILE 'no/x.log' cannot be opened: No such file or directory; name a file in a "
     'folder that exists and may be written to'),
    ({'MMS_GPU': '1023'}, 'MMS_GPU 1023: '),
    ({'MMS_HOST': 'no.such.host.invalid'},
     'MMS_HOST no.such.host.invalid is not an address of this machine: '),
    ({'MMS_HOST': 'no..host'},
     'MMS_HOST no..host is not an address of this machine: no name of a machine is like that'),
    ({'MMS_CONFIG': 'none.toml'},
     "MMS_CONFIG 'none.toml' cannot be read: No such file or directory"),
])
def test_a_variable_that_cannot_be_used_stops_the_start_in_one_line(launch, env, line):
    server = launch('--models', 'm=http://127.0.0.1:9/m.model', port=None,
                    env={'MMS_PORT': '0', **env})
    assert server.wait(60) == 1
    assert server.stderr.startswith(f'mxnet-model-server: {line}')
    assert server.stderr.count('\n') == 1
