"""What a WSGI environment says of a request beside what it asks."""

from __future__ import annotations

import os
import re
import time
from itertools import count
from typing import Any

from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.forwarded import NOBODY, believe, is_forwarded
from mms.ipc.context import Context

# Of a client's own name for its request: printable, and no longer than a line of a log bears.
_REQUEST_ID = re.compile(r'[!-~]{1,128}')
# W3C Trace Context, version 00: neither the trace nor the span is all zeros.
_TRACE_PARENT = re.compile(r'00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}')
# The same: what a vendor has to say, of which a proxy need not keep more than 512 characters. A
# value may have spaces within, but no comma and no equals sign.
_MOST_TRACE_STATE = 512
_TRACE_MEMBER = re.compile(r'[a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]')

# A number behind what no other process has: a tenth of the time of a UUID.
_PROCESS = os.urandom(8).hex()
_numbers = count(1)


def context_of(environ: dict[str, Any], proxies: TrustedProxies = NOBODY) -> Context:
    """Context of a request that has just come.

    Parameters
    ----------
    environ
        Its WSGI environment. ``X-Request-Id``, ``traceparent`` and ``tracestate`` count where they
        are well formed. What a trusted proxy says is put in its place there.
    proxies
        Those that are trusted.
    """
    if is_forwarded(environ):
        believe(environ, proxies)
    request_id = environ.get('HTTP_X_REQUEST_ID', '')
    if not request_id or not _REQUEST_ID.fullmatch(request_id):
        request_id = f'{_PROCESS}{next(_numbers):016x}'
    trace_parent = environ.get('HTTP_TRACEPARENT', '')
    trace_state = ''
    if trace_parent:
        if _TRACE_PARENT.fullmatch(trace_parent):
            trace_state = _trace_state(environ.get('HTTP_TRACESTATE', ''))
        else:
            trace_parent = ''
    return Context(request_id, time.monotonic(), None, trace_parent,
                   environ.get('REMOTE_ADDR', ''), trace_state)


def _trace_state(given: str) -> str:
    """The members of ``tracestate``, without what is between them; empty where one is none."""
    if not given or len(given) > _MOST_TRACE_STATE:
        return ''
    members = [member.strip(' \t') for member in given.split(',')]
    members = [member for member in members if member]
    return ','.join(members) if all(map(_TRACE_MEMBER.fullmatch, members)) else ''
