"""Of ``/metrics``."""

from __future__ import annotations

from mms.frontend.openapi.operation import Answer, Content, Operation, Section
from mms.frontend.openapi.schemas import ERRORS, STRING

METRICS = Section('Metrics', 'What Prometheus scrapes.', ERRORS)

_TEXT = '''# HELP mms_requests_total Requests that have an answer.
# TYPE mms_requests_total counter
mms_requests_total{code="200",model="flowers",protocol="classic"} 3.0
'''

SCRAPE = Operation('metrics', 'The metrics, as Prometheus reads them', METRICS, {
    200: Answer('The metrics; in the form that the request prefers.', {
        'text/plain': Content(STRING, {'some': _TEXT}),
        'application/openmetrics-text': Content(STRING)})})
