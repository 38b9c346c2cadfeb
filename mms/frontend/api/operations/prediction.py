"""Of ``POST /<model>/predict``, whose body and answer are those of the model's signature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Optional

from mms.archive.signature import IMAGE_TYPE, LISTS, OUTPUT_FORMAT, TEXT, input_types
from mms.frontend.openapi.operation import (
    NOTHING,
    Content,
    Examples,
    Operation,
    Schema,
    Section,
    json_answer,
)
from mms.frontend.openapi.refusals import PREDICTING
from mms.frontend.openapi.schemas import ANYTHING, ERRORS, STRING, array, record, told
from mms.ipc.messages import JSON

PREDICTIONS = Section('Predictions', 'Ask the models.', ERRORS)

# The server takes other types of pictures, too; every MMS takes this one.
_PICTURE = {'contentType': IMAGE_TYPE}
BINARY: Schema = {'type': 'string', 'format': 'binary'}
# Of a body that is a picture, as far as they are common.
PICTURE_TYPES = (IMAGE_TYPE, 'image/png', 'application/octet-stream')
# Tensors of more numbers are no example for a person to read.
_MOST_NUMBERS = 64
_CLASSES = [[{'class': 'violet', 'probability': 0.7086},
             {'class': 'rose', 'probability': 0.0715}]]
# By the signature's output_format: what an answer holds, and what it may look like.
_ANSWERS: Mapping[Optional[str], tuple[Schema, Examples]] = {
    None: (told(ANYTHING, 'What the service of the model returns; those that are built in return '
                          'a list, with the classes or the text of each output.'),
           {'classes': {'prediction': _CLASSES}, 'text': {'prediction': ['[[0.3, 0.7]]']}}),
    TEXT: (told(array(STRING), 'A text for each output.'),
           {'text': {'prediction': ['[[0.3, 0.7]]']}}),
    LISTS: (told(array(ANYTHING), 'Nested lists of numbers for each output.'),
            {'lists': {'prediction': [[[0.3, 0.7]]]}}),
}


def predict(name: str, signature: Mapping[str, Any]) -> Operation:
    """A prediction of one model."""
    fields, kinds = signature['inputs'], input_types(signature)
    schema = record({spec['data_name']: _field(spec, kind)
                     for spec, kind in zip(fields, kinds)})
    pictures = {spec['data_name']: _PICTURE for spec, kind in zip(fields, kinds)
                if kind == IMAGE_TYPE}
    examples = {} if pictures else _example(fields)
    body = {'multipart/form-data': Content(schema, examples, pictures)}
    if not pictures:
        body['application/x-www-form-urlencoded'] = Content(schema, examples)
    body[JSON] = Content(record({spec['data_name']: _json_value(spec, kind)
                                 for spec, kind in zip(fields, kinds)}))
    if kinds == [IMAGE_TYPE]:
        body.update({kind: Content(BINARY) for kind in PICTURE_TYPES})
    answer, answers = _ANSWERS[signature.get(OUTPUT_FORMAT)]
    return Operation(
        f'{name}_predict', f'Ask the model {name}', PREDICTIONS,
        {200: json_answer('The prediction.', record({'prediction': answer}), **answers)},
        PREDICTING, body=body, body_required=bool(fields))


def _field(spec: Mapping[str, Any], kind: str) -> Schema:
    shape = _shape(spec)
    if kind == IMAGE_TYPE:
        return {'type': 'string', 'format': 'binary',
                'description': f'A picture, which will be resized to {shape}: JPEG, PNG or BMP.'}
    return told(STRING, f'A list as JSON{shape and f", each entry of the shape {shape}"}.')


def _json_value(spec: Mapping[str, Any], kind: str) -> Schema:
    if kind == IMAGE_TYPE:
        return told(STRING, 'A picture in base64.')
    shape = _shape(spec)
    return told(array(ANYTHING), f'A list{shape and f", each entry of the shape {shape}"}.')


def _shape(spec: Mapping[str, Any]) -> str:
    """Of an entry: the first length is that of the batch."""
    return ' x '.join(str(length) if length else 'any' for length in spec['data_shape'][1:])


def _example(fields: list[Mapping[str, Any]]) -> Examples:
    """One request, where it is small."""
    values = {spec['data_name']: _value(spec) for spec in fields}
    return {'one': values} if fields and None not in values.values() else NOTHING


def _value(spec: Mapping[str, Any]) -> Optional[str]:
    if 'sample' in spec:
        text = json.dumps(spec['sample'])
        return text if len(text) <= 8 * _MOST_NUMBERS else None
    value: Any = 0
    count = 1
    for length in reversed(spec['data_shape']):
        count *= length or 1
        if count > _MOST_NUMBERS:
            return None
        value = [value] * (length or 1)
    return json.dumps(value)
