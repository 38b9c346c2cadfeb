"""The page ``/docs``, without a browser."""

import gzip
import re

import pytest
from extras import flask_swagger_ui  # noqa: F401  the files of Swagger UI
from front import application
from werkzeug.test import Client

from mms.frontend.docs import page
from mms.frontend.docs.page import DocsPage


class NoModels:
    names, revision = (), 0

    def __contains__(self, name):
        return False


def client():
    return Client(application(NoModels(), more_routes=DocsPage().routes()))


@pytest.fixture
def without_swagger_ui(monkeypatch):
    monkeypatch.setattr(page, '_PACKAGE', 'nobody_has_such_a_package')


def text_of(answer):
    is_compressed = answer.headers.get('Content-Encoding') == 'gzip'
    return (gzip.decompress(answer.data) if is_compressed else answer.data).decode()


def test_all_that_the_page_takes_is_beside_it():
    text = client().get('/docs').text
    taken = re.findall(r'(?:src|href)="(docs/[^"]+)"', text)
    assert len(taken) == 4
    for path in taken:
        answer = client().get(f'/{path}')
        assert answer.status_code == 200
        assert answer.mimetype == ('text/css' if path.endswith('.css') else 'text/javascript')


def test_nothing_in_the_page_is_of_another_host():
    for path in ('/docs', '/docs/docs.js', '/docs/docs.css'):
        assert '//' not in re.sub(r'// .*', '', client().get(path).text)


@pytest.mark.parametrize('path', ['/docs', '/docs/docs.js'])
def test_nothing_but_files_of_this_server_runs_there(path):
    headers = client().get(path).headers
    policy = dict(part.split(' ', 1) for part in headers['Content-Security-Policy'].split('; '))
    assert policy['default-src'] == "'none'"
    assert {policy[name] for name in ('script-src', 'style-src', 'connect-src')} == {"'self'"}
    assert policy['frame-ancestors'] == "'none'"
    assert headers['X-Content-Type-Options'] == 'nosniff'


def test_the_page_itself_has_neither_scripts_nor_styles():
    text = client().get('/docs').text
    assert re.findall(r'<script(?![^>]* src=)|<style|\son\w+=|style=', text) == []


def test_it_is_compressed_and_sent_once():
    first = client().get('/docs/swagger-ui-bundle.js', headers={'Accept-Encoding': 'gzip, br'})
    assert len(first.data) < 600_000
    assert 'SwaggerUIBundle' in text_of(first)
    again = {'Accept-Encoding': 'gzip', 'If-None-Match': first.headers['ETag']}
    second = client().get('/docs/swagger-ui-bundle.js', headers=again)
    assert (second.status_code, second.data) == (304, b'')
    plain = client().get('/docs/swagger-ui-bundle.js')
    assert plain.headers['ETag'] != first.headers['ETag']
    assert plain.text == text_of(first)


def test_without_the_extra_a_person_reads_which_line_installs_it(without_swagger_ui):
    answer = client().get('/docs', headers={'Accept': 'text/html,*/*;q=0.8'})
    assert (answer.status_code, answer.mimetype) == (404, 'text/html')
    assert "pip install 'mxnet-model-server[docs]'" in answer.text


def test_without_the_extra_a_program_reads_the_same(without_swagger_ui):
    answer = client().get('/docs')
    assert (answer.status_code, answer.mimetype) == (404, 'application/json')
    assert "pip install 'mxnet-model-server[docs]'" in answer.json['message']
    assert client().get('/docs/docs.js').status_code == 404
