"""What a place that logs often leaves in the log: the same as any other."""

import logging
import os
import threading

import pytest

from mms.log.call_site import CallSite

logger = logging.getLogger('mms.of.this.test')
site = CallSite(logger, logging.INFO)
# Of each record alone.
OWN = {'created', 'msecs', 'relativeCreated', 'lineno', 'funcName'}


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO, logger.name)
    return caplog


def by_site(number, extra=None):
    site.log('%s and %d', 'text', number, extra=extra)


def by_logger(number, extra=None):
    logger.info('%s and %d', 'text', number, extra=extra)


def test_a_record_has_what_any_other_has(logged):
    for number in (1, 2, 3):
        for log in (by_site, by_logger):
            log(number, {'mms_fields': {'a': number}} if number == 2 else None)
    assert len(logged.records) == 6
    for ours, any_other in zip(logged.records[::2], logged.records[1::2]):
        ours, any_other = vars(ours), vars(any_other)
        assert ours.keys() == any_other.keys()
        assert {name: ours[name] for name in ours.keys() - OWN} == {
            name: any_other[name] for name in ours.keys() - OWN}
        assert 0 <= any_other['created'] - ours['created'] < 60
        assert abs(ours['msecs'] - any_other['created'] % 1 * 1000) < 1000
        assert 0 <= any_other['relativeCreated'] - ours['relativeCreated'] < 60_000
        assert (ours['funcName'], ours['filename']) == ('by_site', os.path.basename(__file__))
        assert ours['lineno'] == by_site.__code__.co_firstlineno + 1


def test_a_record_names_the_thread_that_has_logged_it(logged):
    for _ in range(2):
        thread = threading.Thread(target=by_site, args=(1,), name='another')
        thread.start()
        thread.join()
        by_site(1)
    assert [record.threadName for record in logged.records] == ['another', 'MainThread'] * 2


def test_who_makes_records_of_another_kind_makes_these_too(logged):
    class Record(logging.LogRecord):
        pass

    by_site(1)
    logging.setLogRecordFactory(Record)
    try:
        by_site(1)
    finally:
        logging.setLogRecordFactory(logging.LogRecord)
    by_site(1)
    kinds = [type(record) for record in logged.records]
    assert kinds == [logging.LogRecord, Record, logging.LogRecord]


def test_what_is_not_to_be_logged_is_not(logged):
    logged.set_level(logging.WARNING, logger.name)
    by_site(1)
    assert logged.records == []
