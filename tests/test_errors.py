import mms.errors
from mms.errors import (
    REQUEST_ERRORS,
    BadRequest,
    ClientLeft,
    DeadlineExceeded,
    InferenceError,
    ModelNotFound,
    QueueFull,
    RequestError,
    TooManyRequests,
    WorkerDied,
    error_name,
)

ALL = {cls for cls in vars(mms.errors).values()
       if isinstance(cls, type) and issubclass(cls, RequestError)} - {RequestError}
# A worker that sends one of these would speak of what it cannot know.
FRONT_S_OWN = {ClientLeft, DeadlineExceeded, ModelNotFound, QueueFull, TooManyRequests,
               WorkerDied}


class OwnBadRequest(BadRequest):
    """What a user's service may raise."""


class OwnKind(RequestError):
    """A kind that the front process has never heard of."""


def test_an_error_crosses_under_the_nearest_name_that_the_front_knows():
    assert error_name(BadRequest('x')) == 'BadRequest'
    assert error_name(OwnBadRequest('x')) == 'BadRequest'
    assert error_name(OwnKind('x')) == InferenceError.__name__


def test_every_request_error_can_cross_but_those_that_are_the_front_s_own():
    assert set(REQUEST_ERRORS.values()) | FRONT_S_OWN == ALL
    assert all(REQUEST_ERRORS[cls.__name__] is cls for cls in ALL - FRONT_S_OWN)
    assert error_name(WorkerDied('x')) == InferenceError.__name__


def test_every_request_error_has_a_status_and_a_type():
    for cls in ALL:
        assert 400 <= cls.status < 600
        assert cls.type.endswith('Exception')
