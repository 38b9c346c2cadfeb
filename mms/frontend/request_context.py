"""What a WSGI environment says of a request beside what it asks."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from mms.ipc.context import Context

# Of a client's own name for its request: printable, and no longer than a line of a log bears.
_REQUEST_ID = re.compile(r'[!-~]{1,128}')
# W3C Trace Context, version 00: neither the trace nor the span is all zeros.
_TRACE_PARENT = re.compile(r'00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}')

# A number behind what no other process has: a tenth of the time of a UUID.
_PROCESS = os.urandom(8).hex()
_numbers = count(1)


def context_of(environ: Mapping[str, Any]) -> Context:
    """Context of a request that has just come.

    Parameters
    ----------
    environ
        Its WSGI environment. ``X-Request-Id`` and ``traceparent`` count where they are well formed.
    """
    request_id = environ.get('HTTP_X_REQUEST_ID', '')
    if not request_id or not _REQUEST_ID.fullmatch(request_id):
        request_id = f'{_PROCESS}{next(_numbers):016x}'
    trace_parent = environ.get('HTTP_TRACEPARENT', '')
    if trace_parent and not _TRACE_PARENT.fullmatch(trace_parent):
        trace_parent = ''
    return Context(request_id, time.monotonic(), None, trace_parent,
                   environ.get('REMOTE_ADDR', ''))
