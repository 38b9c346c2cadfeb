"""``/docs`` as people use it, where tokens are asked for: in Chromium, on a desk and on a phone."""

import json

import pytest
from extras import require
from harness import KITTEN, PICTURES, Server, write_archive

PREDICTS, MANAGES = 'p' * 32, 'm' * 32


@pytest.fixture(scope='module')
def server(chromium, tmp_path_factory):
    require('flask_swagger_ui')
    folder = tmp_path_factory.mktemp('docs')
    (folder / 'tokens').write_text(f'{PREDICTS} predict\n{MANAGES} manage\n')
    (folder / 'tokens').chmod(0o600)
    model = write_archive(folder, 'cats', 'return ["a cat"]', signature=PICTURES)
    started = Server(folder / 'server', [
        '--models', f'cats={model}', '--workers', '1', '--auth-token-file',
        str(folder / 'tokens'), '--management-port', '0'])
    started.wait_until_up()
    started.management = next(line.split()[2] for line in started.stdout.splitlines()
                              if line.startswith('Management at '))
    yield started
    started.stop()


def give(page, token):
    page.wait_for_selector('#token:not([hidden])')
    page.fill('#field', token)
    page.keyboard.press('Enter')


def try_out(page, operation):
    """Its part of the page, ready to be filled in."""
    part = page.locator(f'[id="operations-{operation}"]')
    part.locator('.opblock-summary-control').click()
    part.locator('.try-out__btn').click()
    return part


def answer_of(part):
    """What the server answered, once it has: status and body."""
    part.locator('button.execute').click()
    row = part.locator('.live-responses-table .response')
    return (row.locator('.response-col_status').inner_text().split()[0],
            json.loads(row.locator('.highlight-code code').first.inner_text()))


def answering(status, body):
    return lambda route: route.fulfill(status=status, body=body)


def only_tokens_were_refused(visit):
    """A browser says so itself."""
    said, visit.wrong = visit.wrong, []
    assert all('401' in each for each in said)


def test_a_person_gives_a_token_and_tries_a_model_with_a_picture(server, visit):
    with visit(f'{server.url}/docs') as seen:
        give(seen.page, 'wrong' * 8)
        seen.page.wait_for_selector('#why:text("is none that this server takes")')
        give(seen.page, PREDICTS)
        part = try_out(seen.page, 'Predictions-cats_predict')
        part.locator('input[type=file]').set_input_files(KITTEN)
        assert answer_of(part) == ('200', {'prediction': ['a cat']})
        assert seen.page.evaluate('[localStorage.length, document.cookie]') == [0, '']
        seen.shot('docs')
        only_tokens_were_refused(seen)


def test_an_answer_of_a_proxy_that_is_none_is_told(server, visit):
    with visit(f'{server.url}/docs') as seen:
        give(seen.page, 'wrong' * 8)
        seen.page.wait_for_selector('#why:text("is none that this server takes")')
        for status, body, told in (
                (401, '<h1>Who are you?</h1>', '#why:text("This server asks for a token.")'),
                (200, '{"openapi": ', '#failed:text("answered 200, which cannot be read")')):
            seen.page.route('**/openapi.json', answering(status, body))
            seen.page.keyboard.press('Enter')
            seen.page.wait_for_selector(told)
        only_tokens_were_refused(seen)


def test_it_goes_on_a_phone(server, visit):
    with visit(f'{server.url}/docs', 'phone') as seen:
        give(seen.page, PREDICTS)
        try_out(seen.page, 'Health-ping')
        assert not seen.is_wider_than_its_window()
        seen.shot('docs-phone')
        only_tokens_were_refused(seen)


def test_the_page_of_the_management_port_tries_its_endpoints(server, visit):
    with visit(f'{server.management}/docs') as seen:
        give(seen.page, MANAGES)
        status, listed = answer_of(try_out(seen.page, 'Models-listModels'))
        assert (status, listed['models'][0]['modelName']) == ('200', 'cats')
        only_tokens_were_refused(seen)
