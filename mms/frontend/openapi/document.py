"""Writes the OpenAPI document of a table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from mms.frontend.access.scopes import Scope, Scopes
from mms.frontend.exchange import Route
from mms.frontend.openapi.operation import (
    Answer,
    Component,
    Content,
    ErrorShape,
    ForEachModel,
    Operation,
    Parameter,
    Refusal,
    Section,
)
from mms.frontend.openapi.refusals import ANYWHERE
from mms.frontend.openapi.schemas import STRING
from mms.frontend.routing import MODEL, PARAMETER
from mms.ipc.request import JSON

Document = dict[str, Any]

VERSION = '3.1.0'
_SCHEMES = {
    'bearer': {'type': 'http', 'scheme': 'bearer',
               'description': 'The token in the header `Authorization: Bearer TOKEN`.'},
    'key': {'type': 'apiKey', 'in': 'header', 'name': 'X-API-Key',
            'description': 'The same token in a header of its own.'},
}
# Parameters of paths for which names of models are examples, and of how many.
_MODEL_NAMES = (MODEL, 'model_name')
_MOST_NAMES = 3


class Subject(NamedTuple):
    """What a document is of.

    Attributes
    ----------
    title, told, version
        What is said of the whole.
    token
        The errors of who has no token; none where no token is asked for.
    anywhere
        The errors that every request may meet.
    openapi
        Version of OpenAPI.
    """

    title: str
    told: str
    version: str
    token: Sequence[Refusal] = ()
    anywhere: Sequence[Refusal] = ANYWHERE
    openapi: str = VERSION


def document(routes: Iterable[Route], signatures: Mapping[str, Mapping[str, Any]],
             subject: Subject) -> Document:
    """The document, without the address of the server.

    Parameters
    ----------
    routes
        Of one port.
    signatures
        Name -> live signature of a model that is served there.
    subject
        What else there is to say.
    """
    writer = _Writer(subject, list(signatures)[:_MOST_NAMES])
    for route in routes:
        for path, operation in _operations(route, signatures):
            writer.add(path, route, operation)
    return {
        'openapi': subject.openapi,
        'info': {'title': subject.title, 'version': subject.version, 'description': subject.told},
        'tags': [{'name': section.name, 'description': section.told}
                 for section in writer.sections],
        'paths': writer.paths,
        'components': writer.components,
        **({'security': [{name: []} for name in _SCHEMES]} if subject.token else {}),
    }


def _operations(route: Route, signatures: Mapping[str, Mapping[str, Any]]) -> \
        Iterator[tuple[str, Operation]]:
    """Paths of a route, and what is to be told of them."""
    told = route.told
    if isinstance(told, ForEachModel):
        for name, signature in signatures.items():
            path = route.path.replace(f'<{MODEL}>', quote(name, safe=''))
            yield _template(path), told.operation(name, signature)
    elif isinstance(told, Operation):
        yield _template(route.path), told


def _template(path: str) -> str:
    """A path as documents have it: ``/models/{name}``."""
    return PARAMETER.sub(r'{\1}', path)


class _Writer:
    """Collects paths, and what they refer to."""

    def __init__(self, subject: Subject, models: Sequence[str]) -> None:
        self._subject = subject
        self._models = {name: name for name in models}
        # Whatever has a name of its own, which is nothing else's.
        self._named: dict[str, Any] = {}
        self.sections: list[Section] = []
        self.paths: Document = {}
        self.components: Document = {
            'schemas': {}, 'responses': {},
            **({'securitySchemes': _SCHEMES} if subject.token else {})}

    def add(self, path: str, route: Route, operation: Operation) -> None:
        """One route."""
        if operation.section not in self.sections:
            self.sections.append(operation.section)
        for method in route.methods:
            end = f'_{method.lower()}' if len(route.methods) > 1 else ''
            self.paths.setdefault(path, {})[method.lower()] = {
                'operationId': operation.name + end, **self._operation(path, route, operation)}

    def _operation(self, path: str, route: Route, operation: Operation) -> Document:
        details = ' '.join(filter(None, [operation.details, self._about_token(route.scopes)]))
        parameters = [*self._path_parameters(path, operation),
                      *(self._parameter(one) for one in operation.parameters)]
        return {
            'tags': [operation.section.name],
            'summary': operation.summary,
            **({'description': details} if details else {}),
            **({'parameters': parameters} if parameters else {}),
            **({'requestBody': {'required': operation.body_required,
                                'content': self._contents(operation.body)}}
               if operation.body else {}),
            'responses': self._responses(operation, route.scopes),
            **({'security': []} if self._subject.token and not route.scopes else {}),
        }

    def _path_parameters(self, path: str, operation: Operation) -> list[Document]:
        return [{'in': 'path', 'name': name, 'required': True, 'schema': STRING,
                 **({'description': operation.in_path[name]} if name in operation.in_path else {}),
                 **_examples(self._models if name in _MODEL_NAMES else {})}
                for name in re.findall(r'{(\w+)}', path)]

    def _about_token(self, scopes: Scopes) -> str:
        if not self._subject.token or not scopes:
            return ''
        names = [f'`{scope.value}`' for scope in Scope if scope in scopes]
        return f"It needs a token that is good for {' or '.join(names)}."

    def _responses(self, operation: Operation, scopes: Scopes) -> Document:
        # What an operation tells of a status counts.
        refusals = [*(self._subject.token if scopes else ()), *self._subject.anywhere,
                    *operation.refusals]
        errors = operation.section.errors
        answers = {str(status): self._answer(answer)
                   for status, answer in operation.answers.items()}
        refused = {refusal.status: self._refusal(refusal, errors) for refusal in refusals}
        return dict(sorted({**refused, **answers}.items()))

    def _refusal(self, refusal: Refusal, errors: ErrorShape) -> Document:
        """A reference to what is written once."""
        name = f'{errors.component.name}{refusal.name}'
        assert self._named.setdefault(name, refusal) == refusal, f'two are {name}'
        if name not in self.components['responses']:
            content = Content(errors.component, {
                each: errors.make(fault) for each, fault in refusal.examples.items()})
            self.components['responses'][name] = self._answer(
                Answer(refusal.told, {JSON: content}, refusal.headers))
        return {'$ref': f'#/components/responses/{name}'}

    def _answer(self, answer: Answer) -> Document:
        headers = {name: {'description': told, 'schema': STRING}
                   for name, told in answer.headers.items()}
        return {
            'description': answer.told,
            **({'headers': headers} if headers else {}),
            **({'content': self._contents(answer.content)} if answer.content else {}),
        }

    def _contents(self, contents: Mapping[str, Content]) -> Document:
        return {media_type: {
            'schema': self._schema(content.schema),
            **_examples(content.examples),
            **({'encoding': content.encoding} if content.encoding else {}),
        } for media_type, content in contents.items()}

    def _parameter(self, parameter: Parameter) -> Document:
        return {'in': parameter.place, 'name': parameter.name, 'description': parameter.told,
                'required': parameter.required, 'schema': self._schema(parameter.schema),
                **({'allowEmptyValue': True} if parameter.may_be_empty else {}),
                **_examples(parameter.examples)}

    def _schema(self, value: Any) -> Any:
        """With references in the place of components, which are written once."""
        if isinstance(value, Component):
            schemas = self.components['schemas']
            assert self._named.setdefault(value.name, value) == value, f'two are {value.name}'
            if value.name not in schemas:
                # It may refer to itself.
                schemas[value.name] = {}
                schemas[value.name] = self._schema(value.schema)
            return {'$ref': f'#/components/schemas/{value.name}'}
        if isinstance(value, Mapping):
            return {key: self._schema(each) for key, each in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self._schema(each) for each in value]
        return value


def _examples(examples: Mapping[str, Any]) -> Document:
    if not examples:
        return {}
    return {'examples': {name: {'value': value} for name, value in examples.items()}}
