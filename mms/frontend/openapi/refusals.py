"""Every error that a request may be answered with, and an example of each kind."""

from __future__ import annotations

from mms.frontend.openapi.operation import Fault, Refusal

COME_AGAIN = {'Retry-After': 'In how many seconds to ask again, where that is known.'}
CHALLENGE = {'WWW-Authenticate': 'What is asked for, as RFC 6750 has it.'}

# Of predictions.
WRONG = Refusal('BadRequest', '400', 'The request is wrong: the message says what is.', {
    'missing': Fault(400, 'BadRequestException',
                     'This end point is expecting a data_name of data. End point details can be '
                     'found here:http://<host>:<port>/api-description '
                     '(http://127.0.0.1:8080/api-description)'),
    'picture': Fault(400, 'BadRequestException',
                     'Input data for request argument: data is not correct. its bytes are no '
                     'picture (JPEG, PNG or BMP).')})
NO_MODEL = Refusal('NotFound', '404', 'There is no such model, or none any more.', {
    'gone': Fault(404, 'ResourceNotFoundException', 'No model flowers is served.')})
TOO_SLOW = Refusal('RequestTimeout', '408', 'The body of the request stopped on its way.', {
    'body': Fault(408, 'RequestTimeoutException', 'The body of the request stopped on its way.')})
TOO_LARGE = Refusal('PayloadTooLarge', '413', 'The request is too large.', {
    'body': Fault(413, 'PayloadTooLargeException',
                  'The request is larger than the limit of 67108864 bytes (--max-request-size).')})
TOO_MANY = Refusal('TooManyRequests', '429', 'The client asks too often.', {
    'rate': Fault(429, 'TooManyRequestsException',
                  'This client makes more than 100 requests in 1 s (--rate-limit).')}, COME_AGAIN)
FAILED = Refusal('Failed', '500', 'The service failed over the request.', {
    'hook': Fault(500, 'InternalServerException',
                  'Error occurs while inference was executed on server.'),
    'died': Fault(500, 'WorkerDiedException', 'The worker process of model flowers died over this '
                  'request (killed by SIGKILL); it is being replaced.')})
UNAVAILABLE = Refusal('Unavailable', '503', 'Too much waits, or the model cannot answer now.', {
    'queue': Fault(503, 'ServiceUnavailableException',
                   '1000 requests wait for model flowers already (--queue-size).'),
    'worker': Fault(503, 'ServiceUnavailableException',
                    'No worker is available to serve request for model: flowers')}, COME_AGAIN)
TOO_LATE = Refusal('GatewayTimeout', '504', 'There was no answer in time.', {
    'deadline': Fault(504, 'GatewayTimeoutException',
                      'Model flowers has not answered within 120 s (--request-timeout).')})
PREDICTING = (WRONG, NO_MODEL, TOO_SLOW, TOO_LARGE, TOO_MANY, FAILED, UNAVAILABLE, TOO_LATE)

# Where tokens are asked for.
NO_TOKEN = Refusal('Unauthorized', '401', 'There is no token, or a wrong one.', {
    'none': Fault(401, 'UnauthorizedException', 'This server asks for a token: send the header '
                  'Authorization: Bearer TOKEN, or X-API-Key: TOKEN.'),
    'wrong': Fault(401, 'UnauthorizedException',
                   'The token of the request is none that this server takes.')}, CHALLENGE)
OTHER_TOKEN = Refusal('Forbidden', '403', 'The token is good for something else.', {
    'scope': Fault(403, 'ForbiddenException', 'The token of the request has not the scope '
                   'predict, which this needs.')}, CHALLENGE)
TOKEN = (NO_TOKEN, OTHER_TOKEN)

# What any request may meet before anybody looks at what it asks for.
ANY_CLIENT_ERROR = Refusal(
    'ClientError', '4XX', 'The request was refused as it came in.', {
        'http': Fault(400, 'BadRequestException', 'This is no HTTP request.'),
        'path': Fault(404, 'ResourceNotFoundException', 'There is nothing at /pong: GET '
                      '/api-description lists the endpoints, whose names are matched to the '
                      'letter.'),
        'method': Fault(405, 'MethodNotAllowedException',
                        '/ping does not take POST: the header Allow says what it does.'),
        'target': Fault(414, 'RequestUriTooLongException', 'The request line is too long.'),
        'connections': Fault(429, 'TooManyRequestsException', 'This client has as many '
                             'connections as it may (--max-connections-per-client).'),
        'head': Fault(431, 'RequestHeaderFieldsTooLargeException',
                      'The head of the request is too large.')})
ANY_SERVER_ERROR = Refusal(
    'ServerError', '5XX', 'The server could not answer.', {
        'fault': Fault(500, 'InternalServerException',
                       'The server failed over this request; its log says how.'),
        'connections': Fault(503, 'ServiceUnavailableException', 'The server has as many '
                             'connections as it may (--max-connections).')})
ANYWHERE = (ANY_CLIENT_ERROR, ANY_SERVER_ERROR)
