"""The console where tokens are asked for, and that of the management port."""

import console_models
import pytest
import requests
from harness import Server, write_archive

PREDICT, SEES, MANAGES = 'p' * 32, 's' * 32, 'm' * 32


@pytest.fixture(scope='module')
def server(chromium, tmp_path_factory):
    folder = tmp_path_factory.mktemp('managed')
    (folder / 'tokens').write_text(
        f'{PREDICT} predict\n{SEES} predict,metrics\n{MANAGES} manage\n')
    (folder / 'tokens').chmod(0o600)
    store = folder / 'store'
    store.mkdir()
    write_archive(store, 'other', 'return ["one"]')
    write_archive(store, 'newer', 'return ["two"]')
    started = Server(folder / 'server', [
        '--models', *console_models.others(folder)[2:3], '--auth-token-file',
        str(folder / 'tokens'), '--management-port', '0', '--model-store', str(store)])
    started.wait_until_up()
    started.management = next(line.split()[2] for line in started.stdout.splitlines()
                              if line.startswith('Management at '))
    yield started
    started.stop()


def give(page, token):
    page.fill('#token', token)
    page.keyboard.press('Enter')


def without_refusals(visit):
    """A browser says itself what was answered 401 or 403; here that is meant."""
    visit.wrong = [each for each in visit.wrong if '401' not in each and '403' not in each]


def test_the_page_asks_for_a_token_and_keeps_it_in_its_tab_alone(server, visit):
    with visit(f'{server.url}/console') as seen:
        page = seen.page
        page.wait_for_selector('dialog')
        give(page, 'wrong' * 8)
        page.wait_for_selector('dialog p:text("The token of the request is none")')
        give(page, SEES)
        page.wait_for_selector('.card .badge.state-ready')
        page.click('.card a')
        page.wait_for_selector('.plot')
        page.locator('.cells input').last.fill('2')
        page.click('.try button.primary')
        page.wait_for_selector('.result pre')
        assert 'Bearer $TOKEN' in page.locator('#call ~ * .snippet pre').first.inner_text()
        assert SEES not in page.content()
        assert page.evaluate('[localStorage.length, document.cookie]') == [0, '']
        assert page.evaluate('Object.values(sessionStorage)') == [SEES]
        page.click('text=Forget token')
        page.wait_for_selector('dialog')
        assert page.evaluate('sessionStorage.length') == 0
        seen.shot('token-asked')
        assert seen.violations() == []
        without_refusals(seen)


def test_who_gives_none_is_asked_once_more_when_they_like(server, visit):
    with visit(f'{server.url}/console', 'phone') as seen:
        seen.page.wait_for_selector('dialog')
        seen.page.keyboard.press('Escape')
        seen.page.click('text=Give one')
        give(seen.page, SEES)
        seen.page.wait_for_selector('.card')
        without_refusals(seen)


def test_a_token_of_scope_predict_tries_models_and_sees_no_figures(server, visit):
    with visit(f'{server.url}/console#/models/scale') as seen:
        page = seen.page
        page.wait_for_selector('dialog')
        give(page, PREDICT)
        page.wait_for_selector('.cells')
        page.wait_for_selector('.plot', state='detached')
        page.click('.try button.primary')
        page.wait_for_selector('.result pre')
        page.click('text=← Models')
        assert 'metrics' in page.locator('main .notice').inner_text()
        without_refusals(seen)


def card(page, name):
    return page.locator(f'.card[data-model={name}]')


def predicted(server, name):
    answer = requests.post(f'{server.url}/{name}/predict', data={'data': '[[1]]'},
                           headers={'Authorization': f'Bearer {PREDICT}'}, timeout=60)
    return answer.json().get('prediction', answer.status_code)


def test_models_are_loaded_scaled_replaced_and_removed(server, visit):
    with visit(f'{server.management}/console') as seen:
        page = seen.page
        page.wait_for_selector('dialog')
        give(page, MANAGES)
        card(page, 'scale').wait_for()

        page.fill('[name=url]', 'nowhere.model')
        page.locator('.panel button').click()
        page.wait_for_selector('.panel .told.wrong')
        assert 'nowhere.model' in page.locator('.panel .told').inner_text()
        assert any('404' in each for each in seen.wrong)
        seen.wrong.clear()

        page.fill('[name=url]', 'other.model')
        page.fill('[name=initial_workers]', '1')
        page.locator('.panel button').click()
        page.wait_for_selector('.panel .told:text("other.model is served.")')
        card(page, 'other').wait_for()
        assert predicted(server, 'other') == ['one']

        card(page, 'other').locator('summary:text("Scale")').click()
        card(page, 'other').locator('label:text("At least") + input').fill('2')
        card(page, 'other').locator('button:text("Scale")').click()
        card(page, 'other').locator('.told:text("Done.")').wait_for()
        card(page, 'other').locator('dt:text-is("Workers") + dd:text-is("2")').wait_for()

        card(page, 'other').locator('summary:text("Replace")').click()
        card(page, 'other').locator('label:text("Archive") + input').fill('newer.model')
        card(page, 'other').locator('button:text("Replace")').click()
        card(page, 'other').locator('.told:text("The new one answers.")').wait_for()
        assert predicted(server, 'other') == ['two']
        seen.shot('management')
        assert seen.violations() == []

        card(page, 'other').locator('text=Remove').click()
        page.click('dialog >> text=Keep it')
        card(page, 'other').locator('text=Remove').click()
        page.click('dialog >> text=Remove it')
        card(page, 'other').wait_for(state='detached')
        assert predicted(server, 'other') == 404
        without_refusals(seen)


def test_the_page_of_the_management_port_fits_a_phone(server, visit):
    with visit(f'{server.management}/console', 'phone', color_scheme='dark') as seen:
        seen.page.wait_for_selector('dialog')
        give(seen.page, MANAGES)
        card(seen.page, 'scale').wait_for()
        seen.shot('management-phone')
        assert not seen.is_wider_than_its_window()
        assert seen.violations() == []
        without_refusals(seen)


def test_who_forgets_the_token_while_the_page_asks_has_it_ask_no_faster(server, visit):
    with visit(f'{server.management}/console') as seen:
        page, held = seen.page, []
        page.wait_for_selector('dialog')
        give(page, MANAGES)
        card(page, 'scale').wait_for()
        with page.expect_request('**/models'):
            page.route('**/models', lambda route: held.append(route))
        page.click('text=Forget token')
        # One that is sent is sent by now.
        page.wait_for_timeout(500)
        assert len(held) == 1
        held[0].continue_()
        page.unroute('**/models')
        page.wait_for_selector('dialog')
        without_refusals(seen)


def test_the_console_links_the_page_of_the_management_port(server, visit):
    with visit(f'{server.url}/console') as seen:
        seen.page.wait_for_selector('dialog')
        give(seen.page, SEES)
        seen.page.wait_for_selector('#manage:visible')
        assert seen.page.get_attribute('#manage', 'href') == f'{server.management}/console'
        without_refusals(seen)


def test_a_page_whose_files_are_refused_at_first_is_there_in_the_end(visit, serve, tmp_path):
    server = serve('--models', *console_models.others(tmp_path)[2:3], '--rate-limit', '6/s')
    with visit(f'{server.url}/console') as seen:
        seen.page.wait_for_selector('.card .badge.state-ready')
        assert any('429' in each for each in seen.wrong)
        seen.wrong.clear()


def test_a_server_that_goes_is_told_and_missed(visit, serve, tmp_path):
    server = serve('--models', *console_models.others(tmp_path)[2:3])
    with visit(f'{server.url}/console') as seen:
        seen.page.wait_for_selector('.card .badge.state-ready')
        server.stop()
        seen.page.wait_for_selector('#banner >> text=The server cannot be reached')
        seen.wrong.clear()
