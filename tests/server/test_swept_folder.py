"""A server whose temporary folder is swept while it serves."""

import os
import shutil

import pytest
from harness import until, write_archive

# It reads a file of its archive at each request.
READS = "return [open(__file__.replace('service.py', 'words.txt')).read()]"


@pytest.fixture
def server(serve, tmp_path):
    write_archive(tmp_path, 'm', READS, files={'words.txt': 'the first'})
    return serve('--models', f'm={tmp_path}/m.model', '--workers', 1)


def swept(server, what):
    [workspace] = server.temporary.glob('mms-*')
    [folder] = workspace.glob('*/model')
    if what == 'all':
        shutil.rmtree(workspace)
    else:
        os.unlink(folder / what)


@pytest.mark.parametrize('what', ['all', 'service.py', 'words.txt'])
def test_a_template_that_dies_then_is_replaced_by_one_of_the_same_archive(server, tmp_path, what):
    assert server.post_text('m', '[1]').json() == {'prediction': ['the first']}
    swept(server, what)
    # What is there now is for the next start.
    write_archive(tmp_path, 'm', READS, files={'words.txt': 'the second'})
    [template] = server.templates('m')
    template.kill()
    until(lambda: [other for other in server.templates('m') if other.pid != template.pid])
    assert server.post_text('m', '[1]').json() == {'prediction': ['the first']}
    assert server.get('/ping').status_code == 200
    assert 'they are put back. Better set TMPDIR' in server.log
    assert server.stop() == 0
    assert os.listdir(server.temporary) == []


def test_a_folder_of_somebody_elses_in_its_place_is_not_run(server, tmp_path):
    [workspace] = server.temporary.glob('mms-*')
    shutil.copytree(workspace, tmp_path / 'evil')
    shutil.rmtree(workspace)
    os.symlink(tmp_path / 'evil', workspace)
    [template] = server.templates('m')
    template.kill()
    until(lambda: 'there is another one in its place' in server.log)
    assert server.templates('m') == []
    until(lambda: server.get('/ping').status_code == 503)
    os.unlink(workspace)
    until(lambda: server.get('/ping').status_code == 200)
    assert server.post_text('m', '[1]').json() == {'prediction': ['the first']}
