"""Of the endpoints for any model: ``POST /predictions/<model>`` and ``POST /invocations``."""

from __future__ import annotations

from mms.frontend.api.invocations import TARGET_HEADER, TARGET_PARAMETER
from mms.frontend.api.operations.prediction import BINARY, PICTURE_TYPES, PREDICTIONS
from mms.frontend.openapi.operation import Content, Operation, Parameter, json_answer
from mms.frontend.openapi.refusals import PREDICTING
from mms.frontend.openapi.schemas import ANYTHING, STRING, by_name, record, told
from mms.ipc.messages import JSON

# What any model takes is among these; its own operation tells which.
_ANY_BODY = {
    'multipart/form-data': Content(told(by_name(STRING), 'A field for each input of the model.')),
    JSON: Content(told(by_name(ANYTHING), 'A value for each input of the model.')),
    **{kind: Content(told(BINARY, 'The picture, for a model of one picture.'))
       for kind in PICTURE_TYPES},
}
_ANY_ANSWER = {200: json_answer('The prediction.', record({'prediction': ANYTHING}),
                                text={'prediction': ['[[0.3, 0.7]]']})}
OF_MMS_1 = Operation(
    'predictions', 'Ask a model, at the path of MMS 1.x', PREDICTIONS, _ANY_ANSWER, PREDICTING,
    in_path={'model': 'Name of the model.'}, body=_ANY_BODY)
OF_SAGEMAKER = Operation(
    'invocations', 'Ask a model, as SageMaker does', PREDICTIONS, _ANY_ANSWER, PREDICTING,
    body=_ANY_BODY, details='Where one model is served, it is meant.', parameters=(
        Parameter(TARGET_HEADER, 'Name of the model, or of the file of its archive.', STRING,
                  'header'),
        Parameter(TARGET_PARAMETER, 'Name of the model, where the header is not there.', STRING)))
