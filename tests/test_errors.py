import mms.errors
from mms.errors import REQUEST_ERRORS, BadRequest, InferenceError, RequestError, error_name


class OwnBadRequest(BadRequest):
    """What a user's service may raise."""


class OwnKind(RequestError):
    """A kind that the front process has never heard of."""


def test_an_error_crosses_under_the_nearest_name_that_the_front_knows():
    assert error_name(BadRequest('x')) == 'BadRequest'
    assert error_name(OwnBadRequest('x')) == 'BadRequest'
    assert error_name(OwnKind('x')) == InferenceError.__name__


def test_every_request_error_of_the_module_can_cross():
    classes = {cls for cls in vars(mms.errors).values()
               if isinstance(cls, type) and issubclass(cls, RequestError)} - {RequestError}
    assert set(REQUEST_ERRORS.values()) == classes
    assert all(REQUEST_ERRORS[cls.__name__] is cls for cls in classes)


def test_every_request_error_has_a_status_and_a_type():
    for cls in REQUEST_ERRORS.values():
        assert 400 <= cls.status < 600
        assert cls.type.endswith('Exception')
