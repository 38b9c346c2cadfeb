"""Which status tells of a model that is not served."""

import errno

import pytest

from mms.errors import (
    ArchiveError,
    FetchError,
    ModelExists,
    ModelNotFound,
    ServiceError,
    StartupError,
)
from mms.frontend.management.errors import not_opened, not_started


def caused(kind, cause):
    """What the opener raises over an archive."""
    try:
        try:
            raise cause
        except type(cause) as error:
            raise kind('the reason') from error
    except kind as error:
        outer = StartupError(f'model a cannot be served: {error}')
        outer.__cause__ = error
        return outer


@pytest.mark.parametrize(('error', 'status', 'type_'), [
    (caused(ArchiveError, ValueError()), 400, 'InvalidModelException'),
    (caused(FetchError, ConnectionError()), 400, 'DownloadModelException'),
    (caused(FetchError, OSError(errno.ENOSPC, 'No space left on device')), 507,
     'InternalServerException'),
    (caused(ArchiveError, OSError(errno.EDQUOT, 'Disk quota exceeded')), 507,
     'InternalServerException'),
    (caused(ArchiveError, MemoryError()), 507, 'InternalServerException'),
])
def test_an_archive_that_cannot_be_used(error, status, type_):
    told = not_opened(error)
    assert (told.status, told.type) == (status, type_)
    assert str(told) == 'model a cannot be served: the reason'


@pytest.mark.parametrize(('reason', 'status'), [
    ('the service raised ValueError: no', 500),
    ('its worker process ended while it loaded (exit status 1)', 500),
    ('its worker process ended while it loaded (signal 11, SIGSEGV)', 500),
    ('its worker process ended while it loaded (signal 9, SIGKILL)', 507),
    ('the service raised MemoryError: too much', 507),
    ('no worker process can be started (Cannot allocate memory)', 507),
    ('cudaMalloc failed: out of memory', 507),
])
def test_a_model_that_does_not_load(reason, status):
    told = not_started('a', ServiceError(reason))
    assert (told.status, told.type) == (status, 'InternalServerException')
    assert str(told) == f'Failed to start workers: {reason}'


def test_a_model_that_is_there_already_or_is_not():
    assert str(not_started('a', ModelExists('it is'))) == 'Model a is already registered.'
    assert str(not_started('a', ModelNotFound('it is not'))) == 'Model not found: a'
