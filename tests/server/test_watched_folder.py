"""``--watch``: a real server whose models are those of a folder."""

import os
import threading
import time

import pytest
import requests
from harness import Server, until, write_archive


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('watched')


@pytest.fixture(scope='module')
def server(folder, tmp_path_factory):
    for name in ('first', 'steady'):
        write_archive(folder, name, 'return [2 * data[0][0][0]]')
    (folder / 'broken.model').write_bytes(b'PK')
    os.utime(folder / 'broken.model', (1, 1))
    server = Server(tmp_path_factory.mktemp('server'),
                    ['--watch', str(folder), '--workers', '1']).wait_until_up()
    yield server
    server.stop()


def put(folder, elsewhere, name, number):
    made = write_archive(elsewhere, name, f'return [{number} * data[0][0][0]]')
    os.replace(made, folder / f'{name}.model')


def answer(server, name):
    reply = server.post_text(name, '[[1]]')
    return reply.json()['prediction'][0] if reply.ok else reply.status_code


def test_what_lies_there_is_served_when_the_server_is_up_and_what_is_broken_is_told(server):
    assert answer(server, 'steady') == 2
    ready = server.get('/health/ready')
    assert ready.status_code == 200
    remark, = ready.json()['remarks']
    assert remark.startswith('model broken cannot be served: ')
    assert server.log.count('model broken cannot be served') == 1


def test_a_model_that_is_replaced_by_its_file_fails_no_request(server, folder, tmp_path):
    over, answers = threading.Event(), []

    def ask():
        with requests.Session() as session:
            while not over.is_set():
                reply = session.post(f'{server.url}/first/predict', data={'data': '[[1]]'},
                                     timeout=60)
                answers.append((reply.status_code, reply.json().get('prediction')))
                time.sleep(0.01)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        for number in (3, 4):
            put(folder, tmp_path, 'first', number)
            until(lambda number=number: answer(server, 'first') == number, 60)
    finally:
        over.set()
        for thread in asking:
            thread.join()
    assert {status for status, _ in answers} == {200}
    assert {prediction[0] for _, prediction in answers} == {2, 3, 4}


def test_a_model_comes_and_goes_with_its_file(server, folder, tmp_path):
    put(folder, tmp_path, 'second', 7)
    until(lambda: answer(server, 'second') == 7, 60)
    os.remove(folder / 'second.model')
    until(lambda: answer(server, 'second') == 404, 60)


def test_a_folder_that_is_not_there_stops_the_start(launch):
    server = launch('--watch', 'nowhere')
    assert server.wait() == 1
    assert "--watch 'nowhere' is not a folder that can be read" in server.stderr


def test_a_server_of_an_empty_folder_waits_for_its_first_model(serve, tmp_path):
    (tmp_path / 'empty').mkdir()
    server = serve('--watch', tmp_path / 'empty', '--workers', 1)
    assert server.get('/health/startup').status_code == 200
    ready = server.get('/health/ready')
    assert (ready.status_code, ready.json()['reason']) == (503, 'no model is served')
    put(tmp_path / 'empty', tmp_path, 'a', 2)
    until(lambda: server.get('/health/ready').status_code == 200, 60)
    assert answer(server, 'a') == 2
