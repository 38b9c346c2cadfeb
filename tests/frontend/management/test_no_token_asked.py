"""A management port that asks for no token, and pages of browsers."""

import pytest
from werkzeug.test import Client

from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.access.scopes import OPEN
from mms.frontend.application import Application
from mms.frontend.exchange import Route, json_response
from mms.frontend.management.middleware import ManagementErrors, NoTokenAsked
from mms.frontend.routing import Table


@pytest.fixture
def ask():
    """Status of an answer to a request for a host."""
    routes = [Route(('GET', 'DELETE'), '/models', lambda request: json_response(200, {})),
              Route(('GET',), '/health/live', lambda request: json_response(200, {}), scopes=OPEN)]
    client = Client(Application(Table(routes, ()), [
        ManagementErrors(), NoTokenAsked('models.example')], TrustedProxies('127.0.0.1')))

    def ask(host, path='/models', method='GET', **headers):
        return client.open(path, method=method, environ_overrides={
            'HTTP_HOST': host, 'REMOTE_ADDR': '127.0.0.1', **headers}).status_code

    return ask


@pytest.mark.parametrize('host', [
    'localhost', 'LOCALHOST:8081', 'a.localhost', 'localhost.', '127.0.0.1:8081', '[::1]:8081',
    '10.1.2.3:8081', 'models.example:8081', 'Models.Example', ''])
def test_it_is_asked_by_an_address_and_by_its_own_names(ask, host):
    assert ask(host) == 200


@pytest.mark.parametrize('host', [
    'page.example', 'page.example:8081', 'localhost.page.example', '127.0.0.1.page.example',
    'notlocalhost', 'models.example.page', '2130706433x'])
def test_another_name_may_be_of_a_page_that_has_it_lead_here(ask, host):
    assert ask(host) == 403
    # Such a page may send what a proxy would.
    assert ask(host, HTTP_X_FORWARDED_HOST='localhost') == 403
    assert ask(host, '/none') == 403
    assert ask(host, '/health/live') == 200


def test_a_page_changes_nothing(ask):
    assert ask('localhost', method='DELETE', HTTP_ORIGIN='http://localhost') == 403
    assert ask('localhost', method='DELETE') == 200
