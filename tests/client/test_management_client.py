import contextlib
import json
import socket
import threading

import pytest
from management_port import answering

from mms.client import management_client
from mms.client.management_address import read_address
from mms.client.management_client import ManagementClient, Refused, Unreachable

NOT_FOUND = {'code': 404, 'type': 'ModelNotFoundException', 'message': 'Model not found: x'}
CONFLICT = {'code': 409, 'type': 'ConflictStatusException',
            'message': 'Model x is already registered.'}


@contextlib.contextmanager
def asking(url, token=None):
    with contextlib.closing(ManagementClient(read_address(url), token)) as client:
        yield client


def ask(answer, call):
    """What a call returns where the port answers so, and what it was asked."""
    with answering(answer) as port, asking(port.url) as client:
        return call(client), port.asked


def test_all_pages_of_the_list_are_read():
    pages = [(200, {'nextPageToken': '2', 'models': [{'modelName': 'a'}, {'modelName': 'b'}]}),
             (200, {'models': [{'modelName': 'c'}]})]
    with answering(*pages) as port, asking(port.url) as client:
        assert list(client.names()) == ['a', 'b', 'c']
        assert [asked.line for asked in port.asked] == [
            'GET /models?limit=100', 'GET /models?limit=100&next_page_token=2']


@pytest.mark.parametrize(('page', 'told'), [
    ({'models': 5}, 'GET /models without a list of models'),
    ({'models': None}, 'GET /models without a list of models'),
    ({'models': ['a']}, 'GET /models without a list of models'),
    ({'models': [], 'nextPageToken': '1'}, 'GET /models with a page that has nothing new'),
    ({'models': [{'modelName': 'a'}], 'nextPageToken': '1'},
     'GET /models with a page that has nothing new'),
])
def test_a_list_that_is_none_or_has_no_end_is_told(page, told):
    with pytest.raises(Unreachable, match=f'is no management port: it answers {told}$'):
        ask((200, page), lambda client: list(client.names()))


def test_no_more_of_an_answer_is_read_than_any_server_has_to_tell(monkeypatch):
    monkeypatch.setattr(management_client, '_MOST_ANSWER_BYTES', 2**20)
    assert ask((200, b'{}' + b' ' * (2**20 - 2)), lambda client: client.describe('a'))[0] == {}
    with pytest.raises(Unreachable, match='it answers GET with more than 1 MB'):
        ask((200, b'{}' + b' ' * 2**20), lambda client: client.describe('a'))


def test_the_name_of_a_model_is_one_word_of_the_path():
    _, asked = ask((200, {}), lambda client: client.describe('a/b ü'))
    assert asked[0].line == 'GET /models/a%2Fb%20%C3%BC'


def test_a_name_that_is_no_text_is_sent_as_its_bytes():
    _, asked = ask((200, {}), lambda client: client.describe('a\udcff'))
    assert asked[0].line == 'GET /models/a%FF'


def test_a_list_of_one_is_what_is_in_it():
    found, _ = ask((200, [{'modelName': 'a'}]), lambda client: client.describe('a'))
    assert found == {'modelName': 'a'}


def test_to_load_sends_json_where_timeouts_are_in_seconds():
    found, asked = ask((200, {'status': 'Workers scaled'}), lambda client: client.load(
        '/a.model', model_name='a', response_timeout=90))
    assert found == (200, {'status': 'Workers scaled'})
    assert asked[0].line == 'POST /models'
    assert asked[0].headers['Content-Type'] == 'application/json'
    assert json.loads(asked[0].body) == {'url': '/a.model', 'synchronous': 'true',
                                         'model_name': 'a', 'response_timeout': 90}


def test_not_to_wait_is_said_in_a_word_of_mms():
    found, asked = ask((202, {'status': 'Processing worker updates...'}),
                       lambda client: client.load('/a.model', wait=False))
    assert found.status == 202
    assert json.loads(asked[0].body)['synchronous'] == 'false'


def test_to_replace_and_to_scale_put_to_the_model():
    _, [replaced] = ask((200, {}), lambda client: client.replace('a', '/b.model'))
    _, [scaled] = ask((200, {}), lambda client: client.scale('a', 2, 5, wait=False))
    assert replaced.line.startswith('PUT /models/a')
    assert json.loads(replaced.body) == {'url': '/b.model', 'synchronous': 'true'}
    assert scaled.line == 'PUT /models/a?min_worker=2&synchronous=false&max_worker=5'


def test_to_unload_deletes_the_model():
    _, [asked] = ask((200, {}), lambda client: client.unload('a'))
    assert asked.line == 'DELETE /models/a'


def test_a_token_goes_along():
    with answering((200, {})) as port:
        with asking(port.url, 'secret') as client:
            client.describe('a')
        with asking(port.url) as client:
            client.describe('a')
        first, second = port.asked
    assert first.headers['Authorization'] == 'Bearer secret'
    assert 'Authorization' not in second.headers


def test_a_proxy_may_have_a_path_before_those_of_the_port():
    with answering((200, {})) as port, asking(f'{port.url}/flowers/') as client:
        client.describe('a')
        assert port.asked[0].line == 'GET /flowers/models/a'


@pytest.mark.parametrize('answer', [(404, NOT_FOUND), (409, CONFLICT)])
def test_what_the_server_refuses_is_told_in_its_words(answer):
    with pytest.raises(Refused) as failure:
        ask(answer, lambda client: client.describe('x'))
    status, content = answer
    assert str(failure.value) == content['message']
    assert (failure.value.status, failure.value.type) == (status, content['type'])


@pytest.mark.parametrize(('raw', 'told'), [
    (b'upstream has gone\n', 'upstream has gone'), (b'', 'the server answers 502'),
    (b'["no object"]', '["no object"]')])
def test_a_refusal_without_a_message_is_told_as_far_as_it_goes(raw, told):
    with pytest.raises(Refused) as failure:
        ask((502, raw), lambda client: client.describe('x'))
    assert str(failure.value) == told


@pytest.mark.parametrize('answer', [
    (404, {'code': 404, 'type': 'ResourceNotFoundException', 'message': 'There is nothing.'}),
    (404, b'<html>no such page</html>'), (200, b'<html>hello</html>'), (200, [1, 2]),
    (200, b'[' * 10**5)])
def test_a_port_that_is_no_management_port_is_told(answer):
    with pytest.raises(Unreachable, match=r'http://127.0.0.1:\d+ is no management port'):
        ask(answer, lambda client: client.describe('x'))


def test_where_no_server_listens_that_is_told_and_how_to_mend_it():
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        port = unused.getsockname()[1]
        with asking(f'127.0.0.1:{port}') as client, pytest.raises(Unreachable) as failure:
            client.describe('x')
    assert str(failure.value) == (
        f'no server listens at http://127.0.0.1:{port}: start it with --management-port {port}, '
        'or give the address with --management')


def test_a_server_that_says_nothing_is_not_waited_for_without_an_end(monkeypatch):
    monkeypatch.setattr(management_client, 'ANSWER_S', 0.05)
    with socket.create_server(('127.0.0.1', 0)) as silent, \
            asking(f'127.0.0.1:{silent.getsockname()[1]}') as client, \
            pytest.raises(Unreachable, match='no answer from .*: timed out'):
        client.describe('x')


def test_a_load_is_waited_for_longer_than_any_other_answer(monkeypatch):
    monkeypatch.setattr(management_client, 'ANSWER_S', 0.05)
    with answering((200, {'status': 'Workers scaled'})) as port, asking(port.url) as client:
        is_loaded = threading.Event()
        threading.Timer(0.3, is_loaded.set).start()
        port.finish_request = _after(is_loaded, port.finish_request)
        assert client.load('/a.model').status == 200


def _after(event, call):
    def later(*words):
        assert event.wait(20)
        call(*words)

    return later


def test_a_server_that_goes_away_while_it_is_asked_is_told():
    with socket.create_server(('127.0.0.1', 0)) as server:
        def hang_up():
            connection, _ = server.accept()
            connection.recv(1000)
            connection.close()

        leaving = threading.Thread(target=hang_up)
        leaving.start()
        with asking(f'127.0.0.1:{server.getsockname()[1]}') as client, \
                pytest.raises(Unreachable, match='no answer from'):
            client.load('/a.model')
        leaving.join()


def test_a_connection_that_the_server_has_ended_meanwhile_is_made_anew():
    with socket.create_server(('127.0.0.1', 0)) as server:
        ended = threading.Event()

        def answer_once_each():
            for _ in range(2):
                connection, _ = server.accept()
                connection.recv(1000)
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
                connection.close()
                ended.set()

        answering_once = threading.Thread(target=answer_once_each)
        answering_once.start()
        with asking(f'127.0.0.1:{server.getsockname()[1]}') as client:
            assert client.describe('m') == {}
            assert ended.wait(20)
            assert client.describe('m') == {}
        answering_once.join()


@pytest.mark.parametrize('address', [
    'no-such-host.invalid:1', 'no..host:1', f"{'long' * 20}.invalid:1"])
def test_a_host_that_is_not_known_is_told(address):
    with asking(address) as client, \
            pytest.raises(Unreachable, match=f'no answer from http://{address}: '):
        client.describe('x')


def test_a_path_that_no_server_can_have_is_told():
    with answering((200, {})) as port, asking(f'{port.url}/größe') as client, \
            pytest.raises(Unreachable, match='no answer from'):
        client.describe('x')
