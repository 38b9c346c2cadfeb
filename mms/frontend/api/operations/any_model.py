"""Of the endpoint for any model: ``POST /invocations``."""

from __future__ import annotations

from mms.frontend.api.classic import BATCH_HEADER
from mms.frontend.api.invocations import TARGET_HEADER, TARGET_PARAMETER
from mms.frontend.api.operations.prediction import ANSWER, BINARY, PICTURE_TYPES, PREDICTIONS
from mms.frontend.openapi.operation import Content, Operation, Parameter
from mms.frontend.openapi.refusals import PREDICTING
from mms.frontend.openapi.schemas import ANYTHING, STRING, by_name, told
from mms.ipc.request import JSON

_BATCH = Parameter(BATCH_HEADER, 'Whether the request has several entries; the answer is a list '
                   'then.', {'type': 'string', 'enum': ['true', 'false']}, 'header')
# What any model takes is among these; its own operation tells which.
_ANY_BODY = {
    JSON: Content(told(by_name(ANYTHING), 'A value for each input of the model.')),
    'multipart/form-data': Content(told(by_name(STRING), 'A field for each input of the model.')),
    **{kind: Content(told(BINARY, 'The picture, for a model of one picture.'))
       for kind in PICTURE_TYPES},
}
OF_SAGEMAKER = Operation(
    'invocations', 'Ask a model, as SageMaker does', PREDICTIONS, {200: ANSWER}, PREDICTING,
    body=_ANY_BODY, details='Where one model is served, it is meant.', parameters=(
        _BATCH,
        Parameter(TARGET_HEADER, 'Name of the model, or of the file of its archive.', STRING,
                  'header'),
        Parameter(TARGET_PARAMETER, 'Name of the model, where the header is not there.', STRING)))
