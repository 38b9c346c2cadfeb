"""Of ``/<model>/predict`` and ``/predictions/<model>``: what they take is the model's signature.

Both take the same. A generated client has one method for each operation, and sends what is first of
JSON, or of all, that the operation takes: so the first is told of as the one for forms, and the
second as the one for all else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from mms.archive.signature import BATCH, IMAGE_TYPE, LISTS, OUTPUT_FORMAT, TEXT, input_types
from mms.frontend.openapi.operation import (
    NOTHING,
    Answer,
    Component,
    Content,
    Examples,
    Operation,
    Schema,
    Section,
    json_answer,
)
from mms.frontend.openapi.refusals import PREDICTING
from mms.frontend.openapi.schemas import ANYTHING, ERRORS, STRING, array, record, told
from mms.ipc.request import JSON

# What a client may call the one input of a model, and what holds several entries.
ANY_NAME = 'data'
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
_TEXTS = {'text': {'prediction': ['[[0.3, 0.7]]']}}


def _prediction(name: str, schema: Schema, text: str, examples: Examples) -> Answer:
    prediction = Component(name, record({'prediction': told(schema, text)}))
    return json_answer('The prediction.', prediction, **examples)


ANSWER = _prediction(
    'Prediction', ANYTHING, 'What the service of the model returns; those that are built in '
    'return a list, with the classes or the text of each output.',
    {'classes': {'prediction': _CLASSES}, **_TEXTS})
# By the signature's output_format.
_ANSWERS: Mapping[Optional[str], Answer] = {
    None: ANSWER,
    TEXT: _prediction('TextPrediction', array(STRING), 'A text for each output.', _TEXTS),
    LISTS: _prediction('ListPrediction', array(ANYTHING),
                       'Nested lists of numbers for each output.',
                       {'lists': {'prediction': [[[0.3, 0.7]]]}}),
}


def predict(name: str, signature: Mapping[str, Any]) -> Operation:
    """A prediction of one model, for a form."""
    fields, kinds = signature['inputs'], input_types(signature)
    schema = record({spec['data_name']: _field(spec, kind)
                     for spec, kind in zip(fields, kinds)})
    pictures = {spec['data_name']: _PICTURE for spec, kind in zip(fields, kinds)
                if kind == IMAGE_TYPE}
    values = None if pictures else _values(fields)
    examples = {'one': {key: json.dumps(value) for key, value in values.items()}} if values else {}
    body = {'multipart/form-data': Content(schema, examples, pictures)}
    if not pictures:
        body['application/x-www-form-urlencoded'] = Content(schema, examples)
    return _operation(f'{name}_predict', f'Ask the model {name}, with a form', signature, body,
                      'What `/predictions/` takes is taken here, too.')


def predict_plain(name: str, signature: Mapping[str, Any]) -> Operation:
    """A prediction of one model, for JSON or a picture as it is."""
    fields, kinds = signature['inputs'], input_types(signature)
    values = None if IMAGE_TYPE in kinds else _values(fields)
    entry = record({spec['data_name']: _json_value(spec, kind)
                    for spec, kind in zip(fields, kinds)})
    body = {JSON: Content(entry, {'one': values} if values else NOTHING)}
    if signature.get(BATCH) is True:
        body[JSON] = Content(record({ANY_NAME: told(array(entry), 'Entries.')}),
                             {'two': {ANY_NAME: [values] * 2}} if values else NOTHING)
    if kinds == [IMAGE_TYPE]:
        body.update({kind: Content(BINARY) for kind in PICTURE_TYPES})
    return _operation(f'{name}_predictions', f'Ask the model {name}, at the path of MMS 1.x',
                      signature, body, 'A form is taken as at the other path.')


def _operation(name: str, summary: str, signature: Mapping[str, Any],
               body: Mapping[str, Content], details: str) -> Operation:
    # To several entries the answer is a list of such.
    answer = ANSWER if signature.get(BATCH) is True else _ANSWERS[signature.get(OUTPUT_FORMAT)]
    return Operation(
        name, summary, PREDICTIONS, {200: answer}, PREDICTING,
        body=body, body_required=bool(signature['inputs']), details=details)


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


def _values(fields: Sequence[Mapping[str, Any]]) -> Optional[Examples]:
    """What one request may send, where it is small."""
    values = {spec['data_name']: _value(spec) for spec in fields}
    return None if None in values.values() else values


def _value(spec: Mapping[str, Any]) -> Any:
    """For an input; None for a large one."""
    if 'sample' in spec:
        sample = spec['sample']
        return sample if len(json.dumps(sample)) <= 8 * _MOST_NUMBERS else None
    value: Any = 0
    count = 1
    for length in reversed(spec['data_shape']):
        count *= length or 1
        if count > _MOST_NUMBERS:
            return None
        value = [value] * (length or 1)
    return value
