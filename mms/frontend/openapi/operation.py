"""What a document tells of a route: its operation, with parameters, bodies, answers and examples.

Schemas are those that OpenAPI 3.0 and 3.1 have in common, so that the same operation is right in a
document of either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Callable, NamedTuple, Union

from mms.ipc.request import JSON

# Of JSON Schema; where it holds a `Component`, a document refers to it.
Schema = Mapping[str, Any]
# Name of an example -> what would be sent.
Examples = Mapping[str, Any]
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Component(NamedTuple):
    """A schema with a name of its own, by which a document refers to it."""

    name: str
    schema: Schema


AnySchema = Union[Schema, Component]


class Content(NamedTuple):
    """A body of one media type.

    Attributes
    ----------
    encoding
        Of a form: how some of its fields are sent.
    """

    schema: AnySchema
    examples: Examples = NOTHING
    encoding: Mapping[str, Any] = NOTHING


class Answer(NamedTuple):
    """An answer to what was asked for.

    Attributes
    ----------
    content
        Media type -> its body.
    headers
        Name -> what it tells.
    """

    told: str
    content: Mapping[str, Content] = NOTHING
    headers: Mapping[str, str] = NOTHING


class Fault(NamedTuple):
    """What a client is told."""

    status: int
    type: str
    message: str


class Refusal(NamedTuple):
    """An error that several operations have.

    Attributes
    ----------
    name
        By which a document refers to it.
    status
        Such as ``400``, or ``4XX`` for all that are not told of otherwise.
    examples, headers
        Name -> what a client is told, and what a header tells.
    """

    name: str
    status: str
    told: str
    examples: Mapping[str, Fault] = NOTHING
    headers: Mapping[str, str] = NOTHING


class ErrorShape(NamedTuple):
    """What the errors of an interface look like.

    Attributes
    ----------
    make
        The body of such an answer.
    """

    component: Component
    make: Callable[[Fault], Any]


class Section(NamedTuple):
    """What belongs together, for who reads a document; generated clients have a class for each."""

    name: str
    told: str
    errors: ErrorShape


class Parameter(NamedTuple):
    """One parameter.

    Attributes
    ----------
    place
        ``query`` or ``header``; those of the path are told of by :attr:`Operation.in_path`.
    may_be_empty
        Whether one that is empty, in the query, is as good as none.
    """

    name: str
    told: str
    schema: Schema
    place: str = 'query'
    required: bool = False
    examples: Examples = NOTHING
    may_be_empty: bool = False


@dataclass(frozen=True)
class Operation:
    """What a route does.

    Attributes
    ----------
    name
        Of the method of generated clients; no other operation of the document has it. A route of
        several methods has one operation for each, with the method behind the name.
    summary
        A few words.
    section
        Where it belongs.
    answers
        Status -> the answer. One that is no success may be among them, where it is no error of the
        section's shape.
    refusals
        The errors of its own. Those that every request may meet are added.
    parameters
        Of the query and of headers.
    in_path
        Name of a parameter of its path -> what it is.
    body
        Media type -> what is sent; empty for nothing.
    body_required
        Whether a request has to have one.
    details
        More, in CommonMark.
    """

    name: str
    summary: str
    section: Section
    answers: Mapping[int, Answer]
    refusals: Sequence[Refusal] = ()
    parameters: Sequence[Parameter] = ()
    in_path: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Content] = field(default_factory=dict)
    body_required: bool = True
    details: str = ''


class ForEachModel(NamedTuple):
    """A route that is one operation for each model, at a path with the model's name.

    Attributes
    ----------
    operation
        Of a model's name and its signature.
    """

    operation: Callable[[str, Mapping[str, Any]], Operation]


class SameAs(NamedTuple):
    """Another spelling of a path, which documents do not tell of."""

    path: str


class PartOf(NamedTuple):
    """What the page at a path takes, which documents do not tell of."""

    path: str


# What there is to say of a route.
Told = Union[Operation, ForEachModel, SameAs, PartOf]


def json_answer(told: str, schema: AnySchema, **examples: Any) -> Answer:
    """An answer of JSON."""
    return Answer(told, {JSON: Content(schema, examples)})
