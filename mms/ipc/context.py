"""What is known of a request beside what it asks."""

from __future__ import annotations

from typing import NamedTuple, Optional


class Context(NamedTuple):
    """No answer depends on it, and requests that differ in it alone are equal.

    Attributes
    ----------
    request_id
        Names the request in logs: what the client calls it, or a name made up for it.
    arrived_s
        When it came, in seconds of the monotonic clock, which all processes of a machine share.
    deadline_s
        When nobody waits for its answer any more, of the same clock; None where the model's own
        limit holds.
    trace_parent
        The W3C ``traceparent`` of the client; empty where it has none.
    client
        Address of the client; empty where the server does not know it.
    trace_state
        The W3C ``tracestate`` that came with `trace_parent`; empty where there is none.
    """

    request_id: str = ''
    arrived_s: float = 0.0
    deadline_s: Optional[float] = None
    trace_parent: str = ''
    client: str = ''
    trace_state: str = ''


NO_CONTEXT = Context()
