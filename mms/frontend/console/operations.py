"""What documents tell of the console."""

from __future__ import annotations

from mms.frontend.openapi.operation import Answer, Content, Operation, Section, json_answer
from mms.frontend.openapi.schemas import ERRORS, INTEGER, STRING, array, by_name, record

CONSOLE = Section('Console', 'A page for people. Its questions may change with it.', ERRORS)

_TENSOR = record({'name': STRING, 'shape': array(INTEGER)})
_OBJECT = {'type': 'object'}

PAGE = Operation('console', 'The page', CONSOLE, {
    200: Answer('The page.', {'text/html': Content(STRING)}),
    304: Answer('The client has it already: `If-None-Match`.')})
MODELS = Operation('console-models', 'What models take and give', CONSOLE, {
    200: json_answer('By the name of each.', record({
        'revision': INTEGER, 'version': STRING, 'models': by_name(record({
            'path': STRING, 'inputs': array(_TENSOR), 'outputs': array(_TENSOR)}))}))})
STATE = Operation('console-state', 'How the server and its models do', CONSOLE, {
    200: json_answer('What is so now, and what was counted since the start.', record({
        'server': _OBJECT, 'models': by_name(_OBJECT)}))})
