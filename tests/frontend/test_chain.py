"""Hooks live in files of their own, and take their places in a list that alone knows them all."""

import subprocess
import sys

import pytest
from harness import REPO
from werkzeug.test import EnvironBuilder

from mms.frontend.chain import Chain, Middleware
from mms.frontend.exchange import NO_MATCH, HTTPRequest, json_response


class Stamp(Middleware):
    """As it would stand in a file of its own."""

    def after(self, request, response):
        response.headers.append(('X-Stamp', request.context.request_id))


@pytest.fixture
def request_of_q7():
    environ = EnvironBuilder('/ping', headers={'X-Request-Id': 'q7'}).get_environ()
    return HTTPRequest(environ, lambda path, method: NO_MATCH)


def test_one_more_is_called_with_each_response(request_of_q7):
    response = Chain([Stamp()]).answer(request_of_q7, lambda request: json_response(200, {}))
    assert response.headers[-1] == ('X-Stamp', 'q7')


def test_what_one_does_not_override_is_not_called(request_of_q7, monkeypatch):
    def called(*_):
        raise AssertionError

    monkeypatch.setattr(Middleware, 'before', called)
    chain = Chain([Stamp(), Middleware()])
    assert chain.answer(request_of_q7, lambda request: json_response(200, {})).status == 200


def test_the_hooks_can_be_had_without_the_list_of_those_who_use_them():
    code = ('import sys, mms.frontend.chain; '
            'print("mms.frontend.middleware" in sys.modules)')
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, 'False\n'), done.stderr
