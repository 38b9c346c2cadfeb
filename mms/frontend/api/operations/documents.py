"""Of the documents that tell what there is."""

from __future__ import annotations

from mms.frontend.openapi.operation import Operation, Section, json_answer
from mms.frontend.openapi.schemas import ERRORS, STRING, record

DOCUMENTS = Section('Documents', 'What there is to ask.', ERRORS)

_OBJECT = {'type': 'object'}

DESCRIPTION = Operation('api-description', 'The endpoints of MMS 0.4, as Swagger 2.0', DOCUMENTS, {
    200: json_answer('The document.', record({'description': _OBJECT}))})
OPENAPI = Operation('openapi', 'This document', DOCUMENTS, {
    200: json_answer('The document.', record({'openapi': STRING, 'info': _OBJECT,
                                              'paths': _OBJECT}))})
