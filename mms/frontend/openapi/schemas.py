"""The schemas that several operations have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.frontend.openapi.operation import AnySchema, Component, ErrorShape, Schema

STRING: Schema = {'type': 'string'}
INTEGER: Schema = {'type': 'integer'}
NUMBER: Schema = {'type': 'number'}
BOOLEAN: Schema = {'type': 'boolean'}
# Of any JSON.
ANYTHING: Schema = {}
TIME: Schema = {'type': 'string', 'format': 'date-time'}


def array(items: AnySchema) -> Schema:
    """A list."""
    return {'type': 'array', 'items': items}


def by_name(values: AnySchema) -> Schema:
    """An object whose fields have names that nobody knows beforehand."""
    return {'type': 'object', 'additionalProperties': values}


def record(required: Mapping[str, Any], **optional: AnySchema) -> Schema:
    """An object of fields that are always there, and of some that may be."""
    return {'type': 'object', 'properties': {**required, **optional},
            **({'required': list(required)} if required else {})}


def told(schema: Schema, text: str) -> Schema:
    """A schema that says what it is of."""
    return {**schema, 'description': text}


ERRORS = ErrorShape(
    Component('ErrorAnswer', told(record({
        'code': told(INTEGER, 'The status of the answer.'),
        'type': told(STRING, 'The kind of error, for programs.'),
        'message': told(STRING, 'What is wrong, and how to mend it.')}),
        'Why a request is not answered.')),
    lambda fault: {'code': fault.status, 'type': fault.type, 'message': fault.message})
