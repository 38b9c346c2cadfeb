"""Every error this package raises for a person to read.

::

    MMSError
    ├── StartupError              a command cannot do its work: one line, exit status 1
    │   ├── UsageError            an argument's value is wrong
    │   │   └── KeyFileError      a file of keys cannot be used
    │   ├── ArchiveError          a .model file or folder cannot be used
    │   │   ├── ManifestError     its MANIFEST.json
    │   │   ├── SignatureError    its signature.json
    │   │   └── UntrustedError    it is not what its digest or its signature says
    │   ├── FetchError            a location could not be brought here
    │   ├── ExportError           an archive could not be made (also a ValueError)
    │   ├── ServiceError          a service file or class cannot be loaded
    │   ├── AddressError          host and port cannot be bound
    │   └── MissingExtraError     an optional dependency is not installed
    ├── ModelExists               a model of that name is served already
    └── RequestError              one request's answer: has an HTTP status
        ├── BadRequest            400
        ├── ModelNotFound         404  no model of that name is served
        ├── PayloadTooLarge       413
        ├── TooManyRequests       429  a client made more than --rate-limit; says when to come again
        ├── InferenceError        500  a hook of the service raised
        ├── WorkerDied            500  the worker process died over this request
        ├── ModelUnavailable      503  the model has no worker that can answer
        ├── QueueFull             503  too many requests wait already; says when to come again
        ├── BuffersFull           503  the front holds as many bytes as it may; the same
        ├── DeadlineExceeded      504  no answer within --request-timeout
        └── ClientLeft            499  the client has gone before its request had its turn

Messages name the thing that is wrong (file, field, flag) and how to mend it.
"""

from __future__ import annotations

from typing import ClassVar, Optional


class MMSError(Exception):
    """Base of every error that is meant for a person."""


class StartupError(MMSError):
    """The command cannot do its work; printed as one line, exit status 1."""


class UsageError(StartupError):
    """An option has a value that cannot be used, wherever it was given."""


class KeyFileError(UsageError):
    """A file of keys, private or public, cannot be used."""


class ArchiveError(StartupError):
    """A model archive, or a folder that holds one, cannot be used."""


class ManifestError(ArchiveError):
    """``MANIFEST.json`` is missing, is not JSON or breaks the schema."""


class SignatureError(ArchiveError):
    """``signature.json`` is missing, is not JSON or breaks the schema."""


class UntrustedError(ArchiveError):
    """An archive is not the one that was meant, or nobody who is trusted has signed it."""


class FetchError(StartupError):
    """A model location could not be fetched."""


class ExportError(StartupError, ValueError):
    """A model archive could not be made."""


class ServiceError(StartupError):
    """A service file or its class cannot be loaded."""


class AddressError(StartupError):
    """The server cannot listen on the host and port it was given."""


class MissingExtraError(StartupError):
    """An optional dependency is missing.

    Parameters
    ----------
    feature
        What was asked for, as the user named it, e.g. ``s3:// locations``.
    extra
        The extra of this package that brings the dependency, e.g. ``s3``.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} need an optional dependency: pip install 'mxnet-model-server[{extra}]'")


class ModelExists(MMSError):
    """A model of that name is served already."""


class RequestError(MMSError):
    """One request cannot be answered; becomes a JSON body with `status`."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = 'InternalServerException'
    retry_after_s: Optional[int] = None


class BadRequest(RequestError):
    """The request's own fault: a missing field, a wrong type, a broken picture."""

    status = 400
    type = 'BadRequestException'


class ModelNotFound(RequestError):
    """No model of that name is served, or is any more."""

    status = 404
    type = 'ResourceNotFoundException'


class PayloadTooLarge(RequestError):
    """The body is larger than ``--max-request-size``."""

    status = 413
    type = 'PayloadTooLargeException'


class TooManyRequests(RequestError):
    """A client has made more requests than ``--rate-limit`` allows.

    Parameters
    ----------
    retry_after_s
        Seconds after which it may make the next one; the header ``Retry-After``.
    """

    status = 429
    type = 'TooManyRequestsException'

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class InferenceError(RequestError):
    """A hook of the service raised; the log has the traceback."""

    status = 500
    type = 'InternalServerException'


class WorkerDied(RequestError):
    """The model's worker process died while it had this request in hand."""

    status = 500
    type = 'WorkerDiedException'


class ModelUnavailable(RequestError):
    """The model has no worker that can answer."""

    status = 503
    type = 'ServiceUnavailableException'


class QueueFull(RequestError):
    """As many requests wait for the model as ``--queue-size`` allows.

    Parameters
    ----------
    retry_after_s
        Seconds after which the queue will have moved; the header ``Retry-After``.
    """

    status = 503
    type = 'ServiceUnavailableException'

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BuffersFull(RequestError):
    """The front holds as many bytes of requests and answers as ``--max-buffered-bytes`` allows."""

    status = 503
    type = 'ServiceUnavailableException'
    # It moves with each upload, and with each answer that is sent.
    retry_after_s = 1


class DeadlineExceeded(RequestError):
    """The request has no answer within ``--request-timeout``."""

    status = 504
    type = 'GatewayTimeoutException'


class ClientLeft(RequestError):
    """The client closed its connection before its request had its turn; nothing was computed."""

    status = 499
    type = 'ClientClosedRequestException'


# Those that may cross from a worker, or stand for an answer that did not.
REQUEST_ERRORS: dict[str, type[RequestError]] = {
    cls.__name__: cls
    for cls in (BadRequest, PayloadTooLarge, InferenceError, ModelUnavailable, BuffersFull)
}


def error_name(error: RequestError) -> str:
    """Name in `REQUEST_ERRORS` of an error's class, or of the nearest base that has one."""
    return next((cls.__name__ for cls in type(error).__mro__ if cls.__name__ in REQUEST_ERRORS),
                InferenceError.__name__)
