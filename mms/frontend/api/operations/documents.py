"""Of the documents that tell what there is."""

from __future__ import annotations

from mms.frontend.openapi.operation import (
    Answer,
    Component,
    Content,
    Fault,
    Operation,
    Refusal,
    Section,
    json_answer,
)
from mms.frontend.openapi.schemas import ERRORS, STRING, record

DOCUMENTS = Section('Documents', 'What there is to ask.', ERRORS)

_OBJECT = {'type': 'object'}

_DESCRIPTION = Component('Description', record({'description': _OBJECT}))
_OPENAPI = Component('OpenAPI', record({'openapi': STRING, 'info': _OBJECT, 'paths': _OBJECT}))
_NO_PAGE = Refusal('NoPage', '404', 'The extra `docs` is not installed.', {
    'extra': Fault(404, 'ResourceNotFoundException',
                   'GET /docs needs an optional dependency, and then a new start of the server: '
                   "pip install 'mxnet-model-server[docs]'. GET /openapi.json has all that it "
                   'shows.')})

DESCRIPTION = Operation('api-description', 'The endpoints of MMS 0.4, as Swagger 2.0', DOCUMENTS,
                        {200: json_answer('The document.', _DESCRIPTION)})
OPENAPI = Operation('openapi', 'This document', DOCUMENTS,
                    {200: json_answer('The document.', _OPENAPI)})
DOCS = Operation('docs', 'This document as a page', DOCUMENTS, {
    200: Answer('The page.', {'text/html': Content(STRING)})}, [_NO_PAGE])
