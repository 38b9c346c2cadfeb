"""Why the management port refuses: statuses, types and first words are those of MMS 1.x."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Optional

from mms.errors import (
    FetchError,
    MMSError,
    ModelExists,
    ModelNotFound,
    RequestError,
)

NO_RESOURCE = 'Requested resource is not found, please refer to API document.'
NO_METHOD = 'Requested method is not allowed, please refer to API document.'

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
# In what a process has said of its end: it is not known in any other way. Who kills a process that
# loads is the kernel, for want of memory.
_NO_MEMORY = re.compile(r'MemoryError|bad_alloc|SIGKILL|out of memory|'
                        r'[Cc]annot allocate memory|[Ff]ailed to allocate')


class WrongParameter(RequestError):
    """A parameter is missing, or cannot be what it is."""

    status = 400
    type = 'BadRequestException'


class Forbidden(RequestError):
    """What is asked for may not be had, whoever asks."""

    status = 403
    type = 'ForbiddenException'


class NotRegistered(RequestError):
    """There is no such model, or no such archive."""

    status = 404
    type = 'ModelNotFoundException'


class AlreadyRegistered(RequestError):
    """A model of that name is there already."""

    status = 409
    type = 'ConflictStatusException'


class InvalidModel(RequestError):
    """An archive cannot be used."""

    status = 400
    type = 'InvalidModelException'


class NotDownloaded(RequestError):
    """An archive could not be brought here."""

    status = 400
    type = 'DownloadModelException'


class NotStarted(RequestError):
    """A model does not load."""

    status = 500
    type = 'InternalServerException'


class NoRoom(RequestError):
    """The disk or the memory is full."""

    status = 507
    type = 'InternalServerException'


class NotNow(RequestError):
    """The server begins or stops."""

    status = 503
    type = 'ServiceUnavailableException'
    retry_after_s = 1


def not_opened(error: MMSError) -> RequestError:
    """Why an archive cannot be used, for who asked for it."""
    if isinstance(error, RequestError):
        return error
    causes = list(_causes(error))
    if any(isinstance(cause, MemoryError) or getattr(cause, 'errno', None) in _NO_ROOM
           for cause in causes):
        return NoRoom(str(error))
    if any(isinstance(cause, FetchError) for cause in causes):
        return NotDownloaded(str(error))
    return InvalidModel(str(error))


def not_started(name: str, error: MMSError) -> RequestError:
    """Why a model is not served, for who asked for it."""
    if isinstance(error, ModelExists):
        return already_registered(name)
    if isinstance(error, ModelNotFound):
        return not_registered(name)
    if isinstance(error, RequestError):
        return error
    kind = NoRoom if _NO_MEMORY.search(str(error)) else NotStarted
    return kind(f'Failed to start workers: {error}')


def already_registered(name: str) -> AlreadyRegistered:
    """One of that name is there already."""
    return AlreadyRegistered(f'Model {name} is already registered.')


def not_registered(name: str) -> NotRegistered:
    """There is none of that name."""
    return NotRegistered(f'Model not found: {name}')


def wrong_value(name: str, value: object, domain: str) -> WrongParameter:
    """A parameter has a value that it cannot have."""
    return WrongParameter(f'Parameter {name} is {value!r}, and not {domain}.')


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: Optional[BaseException] = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
