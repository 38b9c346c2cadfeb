"""The page of docs/web_page.md in Chromium, at an address of its own."""

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from doc_pages import blocks, read
from harness import KITTEN, PICTURES, Server, write_archive

TOKEN = 'p' * 32
ANSWER = 'return [[{"class": "<b>rose</b>", "probability": 0.75}]]'


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """Its folder and its address, without a port to be known."""
    folder = tmp_path_factory.mktemp('site')
    with ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=folder)) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield folder, f'http://localhost:{httpd.server_port}'
        httpd.shutdown()


@pytest.fixture(scope='module')
def server(chromium, site, tmp_path_factory):
    folder = tmp_path_factory.mktemp('server')
    (folder / 'tokens').write_text(f'{TOKEN} predict my-page\n')
    (folder / 'tokens').chmod(0o600)
    model = write_archive(folder, 'flowers', ANSWER, signature=PICTURES)
    started = Server(folder, [
        '--models', f'flowers={model}', '--workers', '1', '--auth-token-file',
        str(folder / 'tokens'), '--cors-origins', site[1]])
    started.wait_until_up()
    for block in blocks(read('docs/web_page.md')):
        found = re.fullmatch(r'file: (index\.html|models\.mjs)', block.mark)
        if found:
            (site[0] / found[1]).write_text(
                block.body.replace('http://127.0.0.1:8080', started.url))
    yield started
    started.stop()


@pytest.fixture
def page(chromium, server):
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def test_a_page_of_the_origin_that_is_named_shows_what_the_model_says(page, site):
    page.goto(f'{site[1]}/?token={TOKEN}')
    page.set_input_files('#file', str(KITTEN))
    page.wait_for_selector('li')
    assert page.inner_text('#classes').strip() == '<b>rose</b>'
    assert page.evaluate('document.querySelector("meter").value') == 0.75
    assert page.inner_text('#wrong') == ''


def test_it_says_what_is_wrong_with_its_token(page, site):
    page.goto(f'{site[1]}/?token=another')
    page.set_input_files('#file', str(KITTEN))
    page.wait_for_function('document.getElementById("wrong").textContent')
    assert page.inner_text('#wrong') == 'The token of the request is none that this server takes.'


def test_a_page_of_another_origin_is_told_nothing(page, site):
    page.goto(f"{site[1].replace('localhost', '127.0.0.1')}/?token={TOKEN}")
    page.set_input_files('#file', str(KITTEN))
    page.wait_for_function('document.getElementById("wrong").textContent')
    assert page.inner_text('#wrong') == 'Failed to fetch'
    assert page.query_selector('li') is None
