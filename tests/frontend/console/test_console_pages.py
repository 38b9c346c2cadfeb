"""The files of the console: what is sent of them, how it may be kept, and what it may do."""

import gzip
import re
from pathlib import Path

import pytest
from front import application
from werkzeug.test import Client

import mms.frontend.console
from mms.frontend.console.addresses import page_address
from mms.frontend.console.pages import Pages
from mms.frontend.console.routes import page_routes
from mms.frontend.flask_app import create_app

# Of all that a browser loads, the page included.
MOST_BYTES = 300_000


class Models(dict):
    revision = 0

    def ill_health(self):
        return {}


FACTS = {'port': 'models', 'name': '"><script>'}


@pytest.fixture(scope='module')
def pages():
    return Pages(lambda: FACTS)


@pytest.fixture(params=['own', 'flask'])
def client(request, pages):
    served = application(Models(), more_routes=page_routes(pages))
    return create_app('test', served).test_client() if request.param == 'flask' else Client(served)


def linked(text):
    return re.findall(r'(?:href|src)="(console/[^"]+)"', text)


def test_all_that_the_page_names_is_there_with_its_type(client):
    page = client.get('/console')
    assert (page.status_code, page.content_type) == (200, 'text/html; charset=utf-8')
    types = {'js': 'text/javascript; charset=utf-8', 'css': 'text/css; charset=utf-8',
             'svg': 'image/svg+xml'}
    paths = linked(page.text)
    assert len(paths) > 5
    for path in paths:
        answer = client.get(f'/{path}')
        assert answer.status_code == 200, path
        assert answer.content_type == types[path.rpartition('.')[2]]


def scripts(client, pages):
    """Name of each script -> its text, from those of the page on."""
    waiting = [path.rpartition('/')[2] for path in linked(client.get('/console').text)
               if path.endswith('.js')]
    found = {}
    while waiting:
        name = waiting.pop()
        answer = client.get(f'/console/{pages.digest}/{name}')
        assert answer.status_code == 200, name
        found[name] = answer.text
        waiting += set(re.findall(r"(?:from |import\()'\./(.+?)'", answer.text)) - found.keys()
    return found


def test_what_the_first_view_takes_is_loaded_with_the_page(client, pages):
    named = {path.rpartition('/')[2] for path in linked(client.get('/console').text)}
    texts = scripts(client, pages)
    for name in named & texts.keys():
        assert set(re.findall(r"from '\./(.+)'", texts[name])) <= named, name


def test_every_file_is_used(client, pages):
    static = Path(mms.frontend.console.__file__).parent / 'static'
    assert set(scripts(client, pages)) == {path.name for path in static.glob('*.js')}


def test_nothing_of_another_host_is_named_and_nothing_is_inline(client, pages):
    text = client.get('/console').text
    for path in linked(text):
        text += client.get(f'/{path}').text
    text = (text + ''.join(scripts(client, pages).values())).replace(
        'http://www.w3.org/2000/svg', '')
    # What a person may type, and a namespace, are none.
    assert set(re.findall(r'https?://[^\s\'"`]+', text)) <= {'https://…'}
    assert not re.search(r'<script(?![^>]*src)|<style|\son\w+=|\sstyle=|innerHTML', text)


def test_all_of_it_is_small(client, pages):
    paths = {'/console', *(f'/{path}' for path in linked(client.get('/console').text)),
             *(f'/console/{pages.digest}/{name}' for name in scripts(client, pages))}
    sizes = [len(client.get(path, headers={'Accept-Encoding': 'gzip'}).data) for path in paths]
    assert 0 < sum(sizes) < MOST_BYTES


def test_the_page_may_load_of_this_server_alone(client):
    headers = client.get('/console').headers
    policy = dict(each.partition(' ')[::2] for each in
                  headers['Content-Security-Policy'].split('; '))
    assert policy['default-src'] == "'none'"
    assert {policy[name] for name in ('script-src', 'style-src', 'connect-src')} == {"'self'"}
    assert {policy[name] for name in ('base-uri', 'form-action', 'frame-ancestors')} == {"'none'"}
    assert 'unsafe' not in headers['Content-Security-Policy']
    assert headers['X-Content-Type-Options'] == 'nosniff'
    assert headers['Referrer-Policy'] == 'no-referrer'


def test_what_the_page_is_told_is_no_markup(client):
    text = client.get('/console').text
    assert 'content="{&quot;name&quot;: &quot;\\&quot;&gt;&lt;script&gt;&quot;' in text
    assert '"><script>' not in text


def test_files_are_kept_for_good_and_the_page_is_asked_for_again(client):
    page = client.get('/console')
    script = client.get(f'/{linked(page.text)[-1]}')
    assert page.headers['Cache-Control'] == 'no-cache'
    assert script.headers['Cache-Control'] == 'public, max-age=31536000, immutable'


@pytest.mark.parametrize(('accepted', 'is_compressed'), [
    ('gzip, deflate, br, zstd', True), ('*', True), ('gzip;q=0.5', True), ('gzip;q=0', False),
    ('br', False), ('', False)])
def test_it_is_compressed_for_those_who_take_that(client, accepted, is_compressed):
    answer = client.get('/console', headers={'Accept-Encoding': accepted})
    plain = client.get('/console').data
    assert ('Content-Encoding' in answer.headers) is is_compressed
    assert (gzip.decompress(answer.data) if is_compressed else answer.data) == plain
    assert int(answer.headers['Content-Length']) == len(answer.data)
    assert 'Accept-Encoding' in answer.headers.getlist('Vary')


@pytest.mark.parametrize('accepted', ['gzip', ''])
def test_who_has_it_already_is_sent_nothing(client, accepted):
    headers = {'Accept-Encoding': accepted}
    for path in ('/console', f"/{linked(client.get('/console').text)[-1]}"):
        tag = client.get(path, headers=headers).headers['ETag']
        again = client.get(path, headers={**headers, 'If-None-Match': f'"other", W/{tag}'})
        assert (again.status_code, again.data) == (304, b'')
        assert again.headers['ETag'] == tag
        assert 'Content-Length' not in again.headers
    other = client.get('/console', headers={**headers, 'If-None-Match': '"other"'})
    assert other.status_code == 200


def test_the_two_forms_of_a_file_have_tags_of_their_own(client):
    tags = {client.get('/console', headers={'Accept-Encoding': accepted}).headers['ETag']
            for accepted in ('gzip', '')}
    assert len(tags) == 2


@pytest.mark.parametrize('file', ['nothing.js', 'index.html', '..', '%2e%2e%2fpages.py',
                                  '../pages.py', '__init__.py'])
def test_no_other_file_is_to_be_had(client, pages, file):
    assert client.get(f'/console/{pages.digest}/{file}').status_code == 404
    assert client.get(f'/console/{"0" * 16}/app.js').status_code == 404


def test_a_slash_at_the_end_leads_to_the_page(client):
    answer = client.get('/console/')
    assert (answer.status_code, answer.headers['Location'], answer.data) == (308, '../console', b'')


def test_head_and_other_methods(client):
    assert client.head('/console').data == b''
    assert client.head('/console').status_code == 200
    assert client.post('/console').status_code == 405


@pytest.mark.parametrize(('host', 'port', 'named'), [
    ('127.0.0.1', 80, '127.0.0.1'), ('0.0.0.0', 80, ''), ('::', 80, ''), ('::1', 80, '[::1]'),
    ('host.example', 80, 'host.example')])
def test_an_address_is_in_parts_for_who_knows_another_name(host, port, named):
    assert page_address(host, port, 'https') == {'scheme': 'https', 'host': named, 'port': port}


@pytest.mark.parametrize(('host', 'port'), [('unix:/run/x', 80), ('127.0.0.1', 0)])
def test_no_browser_gets_to_a_unix_socket(host, port):
    assert page_address(host, port, 'http') is None
