"""Every error of the management port, and an example of each kind."""

from __future__ import annotations

from mms.frontend.management.errors import NO_METHOD, NO_RESOURCE
from mms.frontend.management.middleware import TOKEN_ASKED
from mms.frontend.openapi.operation import Fault, Refusal
from mms.frontend.openapi.refusals import (
    ANY_SERVER_ERROR,
    CHALLENGE,
    COME_AGAIN,
    OTHER_TOKEN,
    TOO_SLOW,
)

_SCOPE = Fault(403, 'ForbiddenException', 'The token of the request has not the scope manage, '
               'which this needs.')

WRONG_PARAMETER = Refusal('WrongParameter', '400', 'A parameter is missing or wrong.', {
    'missing': Fault(400, 'BadRequestException', 'Parameter url is required.')})
UNUSABLE = Refusal('Unusable', '400', 'A parameter is wrong, or the archive is no good.', {
    'parameter': Fault(400, 'BadRequestException', 'Parameter url is required.'),
    'archive': Fault(400, 'InvalidModelException', 'flowers.model is not a model archive: it is '
                     'not a zip file'),
    'download': Fault(400, 'DownloadModelException',
                      'http://models.example/flowers.model cannot be fetched: 404 Not Found')})
OUTSIDE = Refusal('Outside', '403', 'The archive may not be loaded, or the token is good for '
                  'something else.', {
    'store': Fault(403, 'ForbiddenException',
                   '/tmp/flowers.model is outside of the model store (--model-store).'),
    'scope': _SCOPE})
UNKNOWN = Refusal('ModelNotFound', '404', 'There is no such model.', {
    'model': Fault(404, 'ModelNotFoundException', 'Model not found: flowers')})
ABSENT = Refusal('ArchiveNotFound', '404', 'There is no such model, or no such archive.', {
    'archive': Fault(404, 'ModelNotFoundException',
                     'Model not found in model store: flowers.model')})
SLOW = TOO_SLOW
TOO_LARGE = Refusal('BodyTooLarge', '413', 'The body is too large.', {
    'body': Fault(413, 'PayloadTooLargeException',
                  'The request is larger than the limit of 1048576 bytes (--max-request-size).')})
TAKEN = Refusal('Conflict', '409', 'There is a model of that name.', {
    'name': Fault(409, 'ConflictStatusException', 'Model flowers is already registered.')})
BROKEN = Refusal('NotStarted', '500', 'The model does not load.', {
    'workers': Fault(500, 'InternalServerException', 'Failed to start workers: the service does '
                     'not answer its ping')})
NOT_NOW = Refusal('NotNow', '503', 'The server begins or stops.', {
    'stops': Fault(503, 'ServiceUnavailableException',
                   'The server stops, and changes no model any more.')}, COME_AGAIN)
FULL = Refusal('NoRoom', '507', 'The disk or the memory is full.', {
    'memory': Fault(507, 'InternalServerException', 'Failed to start workers: its process was '
                    'killed by SIGKILL while it loaded')})

# Where a token is asked for.
TOKEN = (
    Refusal('Unauthorized', '401', 'There is no token, or a wrong one.', {
        'none': Fault(401, 'UnauthorizedException', TOKEN_ASKED),
        'wrong': Fault(401, 'UnauthorizedException',
                       'The token of the request is none that this server takes.')}, CHALLENGE),
    Refusal(OTHER_TOKEN.name, '403', OTHER_TOKEN.told, {'scope': _SCOPE}, CHALLENGE))
ANYWHERE = (
    Refusal('ClientError', '4XX', 'The request was refused as it came in.', {
        'path': Fault(404, 'ResourceNotFoundException', NO_RESOURCE),
        'method': Fault(405, 'MethodNotAllowedException', NO_METHOD),
        'page': Fault(403, 'ForbiddenException', 'A page of a browser changes no models of a '
                      'management port that asks for no token.')}),
    ANY_SERVER_ERROR)
