"""The lines that each answer leaves in the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mms.frontend.exchange import HTTPRequest
from mms.log.call_site import CallSite
from mms.log.json_lines import FIELDS, field_value
from mms.log.lines import one_line
from mms.serving.caller import Caller

logger = logging.getLogger(__name__)
_answers = CallSite(logger, logging.INFO)

# What takes place in the hooks of a service; a service may note others, of which nobody knows.
_STAGES = ('preprocess', 'inference', 'postprocess')


class AccessLog:
    """Logs answers.

    Parameters
    ----------
    exclude
        Paths whose requests leave no line; one that ends with a star stands for all that begin
        like it.
    slow_request_s
        What takes longer leaves a warning too; 0 for never.
    has_fields
        Whether lines of JSON are made of what is logged: text has no fields, which take 3 us.
    """

    def __init__(self, exclude: Sequence[str] = (), slow_request_s: float = 0.0,
                 has_fields: bool = False) -> None:
        self._paths = frozenset(path for path in exclude if not path.endswith('*'))
        self._beginnings = tuple(path[:-1] for path in exclude if path.endswith('*'))
        self._slow_request_s = slow_request_s
        self._has_fields = has_fields

    def answered(self, request: HTTPRequest, status: int, took_s: float) -> None:
        """Log one answer.

        Parameters
        ----------
        request
            What was asked.
        status
            Of the answer.
        took_s
            Seconds since the request came.
        """
        if logger.isEnabledFor(logging.INFO) and not self._is_excluded(request.path):
            self._log_answer(request, status, took_s)
        if self._slow_request_s and took_s > self._slow_request_s:
            self._log_slow(request, status, took_s)

    def _is_excluded(self, path: str) -> bool:
        return path in self._paths or (
            bool(self._beginnings) and path.startswith(self._beginnings))

    def _log_answer(self, request: HTTPRequest, status: int, took_s: float) -> None:
        context = request.context
        more = f' model={request.model}' if request.model else ''
        if context.client:
            more += f' client={context.client}'
        if request.token_name:
            more += f' token={request.token_name}'
        if context.trace_parent:
            more += f' traceparent={context.trace_parent}'
            if context.trace_state:
                more += f' tracestate={context.trace_state}'
        fields = {FIELDS: _fields(request, status, took_s)} if self._has_fields else None
        _answers.log('%s %s %d %.1f ms%s', one_line(request.method), one_line(request.path),
                     status, took_s * 1000, more, extra=fields)

    def _log_slow(self, request: HTTPRequest, status: int, took_s: float) -> None:
        phases = phases_ms(request.caller)
        phases['other'] = max(0.0, took_s * 1000 - sum(phases.values()))
        told = ', '.join(f'{phase} {value:.1f} ms' for phase, value in phases.items())
        fields = {FIELDS: {**_fields(request, status, took_s),
                           'other_ms': field_value(phases['other'], 3)}}
        logger.warning('Slow request: %s %s %d took %.1f ms: %s%s', one_line(request.method),
                       one_line(request.path), status, took_s * 1000, told,
                       f' model={request.model}' if request.model else '', extra=fields)


def phases_ms(caller: Caller) -> dict[str, float]:
    """Milliseconds of a request in the queue and in each hook, as far as it has come."""
    phases = {} if caller.queue_s is None else {'queue': caller.queue_s * 1000}
    times: Mapping[str, float] = caller.stage_times_ms
    phases.update((stage, times[stage]) for stage in _STAGES if stage in times)
    return phases


def _fields(request: HTTPRequest, status: int, took_s: float) -> dict[str, Any]:
    """What a JSON line has of an answer."""
    fields: dict[str, Any] = {
        'method': request.method, 'path': request.path, 'status': status,
        'duration_ms': field_value(took_s * 1000, 3)}
    if request.context.client:
        fields['client'] = request.context.client
    if request.token_name:
        fields['token'] = request.token_name
    if request.model is not None:
        fields['model'] = request.model
    for phase, value in phases_ms(request.caller).items():
        fields[f'{phase}_ms'] = field_value(value, 3)
    return fields
