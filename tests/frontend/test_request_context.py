"""What is known of a request, from the WSGI environment."""

import time

import pytest

from mms.frontend.request_context import context_of

TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'


def test_a_request_has_an_id_and_a_time_of_its_own():
    before = time.monotonic()
    one, other = context_of({}), context_of({'REMOTE_ADDR': '::1'})
    assert before <= one.arrived_s <= other.arrived_s <= time.monotonic()
    assert one.request_id != other.request_id
    assert (one.deadline_s, one.trace_parent, one.client, other.client) == (None, '', '', '::1')


@pytest.mark.parametrize('given', ['7', 'a-b_c:1/2', 'x' * 128])
def test_a_well_formed_id_of_the_client_is_taken(given):
    assert context_of({'HTTP_X_REQUEST_ID': given}).request_id == given


@pytest.mark.parametrize('given', ['', 'x' * 129, 'a b', 'a\nb', 'a\x1b[31m', 'é', 'a\n', '\x7f'])
def test_any_other_id_is_replaced(given):
    made = context_of({'HTTP_X_REQUEST_ID': given}).request_id
    assert made != given
    assert made.isascii()
    assert made.isalnum()


@pytest.mark.parametrize(('given', 'is_taken'), [
    (TRACE, True), (TRACE.replace('01', '00'), True), (TRACE.upper(), False), (TRACE + '\n', False),
    (TRACE + '-00', False), ('ff' + TRACE[2:], False), ('00-' + '0' * 32 + TRACE[35:], False),
    (TRACE[:36] + '0' * 16 + '-01', False), ('x' * 10_000, False), ('', False),
])
def test_a_trace_parent_is_taken_where_it_is_one(given, is_taken):
    assert context_of({'HTTP_TRACEPARENT': given}).trace_parent == (given if is_taken else '')


@pytest.mark.parametrize(('given', 'taken'), [
    ('a=b', 'a=b'), ('a=b , c@d/e*f=x y;z', 'a=b,c@d/e*f=x y;z'), ('a=b,,', 'a=b'), ('', ''),
    ('A=b', ''), ('a', ''), ('a=b=c', ''), ('a=\x1b[31m', ''), ('a=é', ''), ('a=b\n', ''),
    ('a=' + 'x' * 600, ''), ('a=' + ' ' * 500, ''),
])
def test_a_trace_state_is_taken_where_it_is_one_and_there_is_a_trace(given, taken):
    environ = {'HTTP_TRACEPARENT': TRACE, 'HTTP_TRACESTATE': given}
    assert context_of(environ).trace_state == taken
    assert context_of({'HTTP_TRACESTATE': given}).trace_state == ''
