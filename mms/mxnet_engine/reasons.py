"""An exception's reason in one line; which exceptions are the request's own fault."""

from __future__ import annotations

import os
import re
import signal
import traceback
import types
from typing import Optional

from mms.errors import BadRequest, MMSError

# What a service may raise; what else is no Exception ends its process.
RAISED = (Exception, SystemExit, KeyboardInterrupt, GeneratorExit)
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Enough for a parameter's name and a path; some of MXNet's messages list every parameter.
_MAX_CHARACTERS = 400
_MXNET_REASON = re.compile(r'^\w*Error: (.*)', re.MULTILINE)
_FAILED_CHECK = re.compile(r'Check failed: .* : (.+)')
_CHECK = re.compile(r'^Check failed: .*?: (?=\S)')
_OPERATOR = re.compile(r'Error in operator \S+: (?:\[[\d:]+\] \S+: )?')
_OTHER_SHAPES = {
    'ndarray was saved in np shape semantics':
        'it was saved after mx.npx.set_np(): call mx.npx.set_np() at the top of the service file',
    'ndarray was not saved in np shape semantics':
        'it was saved without mx.npx.set_np(): load it under `with mx.util.np_shape(False)`, or '
        'save it anew after mx.npx.set_np()',
}
_UNDECODABLE = 'Decoding failed. Invalid image file.'


def reason_of(error: BaseException) -> str:
    """What `error` says, in one line: its class, and its message without any stack trace."""
    if isinstance(error, MMSError):
        return _one_line(str(error))
    text = text_of(error).split('Stack trace:')[0]
    if text.startswith('Traceback'):
        text = _last_words(text)
    message = _one_line(_CHECK.sub('', text))
    message = _download(error) or _other_shapes(message) or message
    return f'{type(error).__name__}: {message}' if message else type(error).__name__


def text_of(error: BaseException) -> str:
    """``str(error)``; empty where that fails, since a service's exceptions may do as they like."""
    try:
        return str(error)
    except Exception:
        return ''


def place_of(error: BaseException, path: str) -> str:
    """``path:line`` of the last line of a file that had to do with an error."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f'{error.filename}:{error.lineno}'
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if frame.filename == path]
    return f'{path}:{lines[-1]}' if lines else path


def line_in(error: BaseException, folder: str) -> str:
    """``FILE:LINE: `` of the last line of a folder's files that had to do with an error; empty
    where there is none.
    """
    lines = [f'{frame.filename}:{frame.lineno}: '
             for frame in traceback.extract_tb(error.__traceback__)
             if os.path.dirname(frame.filename) == os.path.abspath(folder)]
    return lines[-1] if lines else ''


def came_by_signal(error: BaseException) -> bool:
    """Whether an exception may be that of a person's Ctrl-C, and not of the code that was run."""
    if not isinstance(error, KeyboardInterrupt):
        return False
    handlers = [signal.getsignal(number) for number in _STOPPING]
    codes = {getattr(handler, '__code__', None) for handler in handlers}
    return signal.default_int_handler in handlers or any(
        frame.f_code in codes for frame in _frames(error))


def operator_reason(error: BaseException) -> str:
    """What an operator of MXNet says of its inputs, without its place in MXNet's source."""
    text = text_of(error).split('Stack trace:')[0]
    words = _one_line(_OPERATOR.split(text)[-1])
    return (_CHECK.sub('', words) or words).removesuffix(':').rstrip(' .')


def request_fault(error: BaseException) -> Optional[BadRequest]:
    """`error` as the client's own fault, or None when it is the service's.

    Service files of 2018 decode pictures with MXNet itself, and old archives
    embed their own ``check_input_shape`` and hand lists straight to
    ``mx.nd.array``: what these say of bad input is recognised here.
    """
    if isinstance(error, BadRequest):
        # The class itself: only its name crosses to the front process.
        return error if type(error) is BadRequest else BadRequest(str(error))
    frames = _frames(error)
    if type(error).__name__ == 'UnidentifiedImageError' or (
            type(error).__name__ == 'MXNetError' and _UNDECODABLE in text_of(error)):
        return BadRequest('The bytes sent are no picture that can be decoded.')
    if isinstance(error, AssertionError) and frames[-1].f_code.co_name == 'check_input_shape':
        return BadRequest(_one_line(text_of(error)))
    if isinstance(error, (TypeError, ValueError)) and _is_list_to_array(frames):
        return BadRequest('The list sent is no tensor: it must hold numbers, and every row '
                          'must be of the same length.')
    return None


def _last_words(traceback: str) -> str:
    """What MXNet's C++ side says behind its own traceback."""
    found = _MXNET_REASON.findall(traceback) or _FAILED_CHECK.findall(traceback)
    return found[-1] if found else traceback.strip().splitlines()[-1]


def _is_list_to_array(frames: list[types.FrameType]) -> bool:
    """``mx.nd.array``, called by a bare ``map`` that is being run by this package."""
    places = [(frame.f_globals.get('__name__'), frame.f_code.co_name) for frame in frames]
    return ('mms.mxnet_engine.arrays', 'materialise') in places \
        and places[places.index(('mms.mxnet_engine.arrays', 'materialise')) + 1:][:1] \
        == [('mxnet.ndarray.utils', 'array')]


def _frames(error: BaseException) -> list[types.FrameType]:
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return frames


def _download(error: BaseException) -> Optional[str]:
    """Requests' messages nest the words of three libraries; the address and the cause count."""
    url = getattr(getattr(error, 'request', None), 'url', None)
    if url is None:
        return None
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    detail = getattr(cause, 'strerror', None) or type(cause).__name__
    return f'cannot download {url}: {detail}: check the network'


def _other_shapes(message: str) -> Optional[str]:
    """MXNet's own mend is for a session of Python."""
    return next((mend for words, mend in _OTHER_SHAPES.items() if words in message), None)


def _one_line(text: str) -> str:
    line = ' '.join(text.split())
    return line if len(line) <= _MAX_CHARACTERS else line[:_MAX_CHARACTERS - 3] + '...'
