import argparse
import logging

import pytest

from mms.config.device_flags import ANYWHERE
from mms.config.settings import Settings
from mms.errors import UsageError
from mms.log.rotation import LogRotation


def settings(**given):
    return Settings.from_args(argparse.Namespace(**{'models': {'m': 'x.model'}, **given}))


def test_what_is_not_given_has_the_defaults_of_mms_04():
    made = settings()
    assert (made.host, made.port, made.service) == ('127.0.0.1', 8080, None)
    assert made.devices_of('m') == ANYWHERE
    assert (made.log_file, made.log_level) == ('mms_app.log', logging.INFO)
    assert made.log_rotation == LogRotation(1, 'H')
    assert made.metrics_write_to == 'log'
    assert made.max_request_bytes == 64 * 1024 * 1024


def test_strings_of_the_command_line_become_typed():
    made = settings(port='9000', log_level='DEBUG', max_request_size='2M')
    assert (made.port, made.log_level, made.max_request_bytes) == (
        9000, logging.DEBUG, 2 * 1024 * 1024)


def test_the_engine_chooses_where_nothing_is_given():
    made = settings()
    assert (made.workers.common, made.workers.named, made.batch_size) == (None, {}, None)
    assert (made.max_batch_delay_ms, made.optimize) == (0, True)
    assert (made.queue_size, made.request_timeout_s) == (1000, 120)
    assert (made.max_requests_per_worker, made.max_worker_memory_bytes) == (0, 0)


@pytest.mark.parametrize(('words', 'default', 'named'), [
    (3, 3, {}), (['3'], 3, {}), (['auto'], None, {}), (['m=2'], None, {'m': 2}),
    (['m=2', '3'], 3, {'m': 2}), (['4', 'm=auto'], 4, {'m': None}),
    (['a=b=2'], None, {'a=b': 2}),
])
def test_workers_are_a_number_or_auto_for_all_or_for_one_model(words, default, named):
    made = settings(workers=words, models={'m': 'x.model', 'a=b': 'y.model'})
    assert (made.workers.common, made.workers.named) == (default, named)


@pytest.mark.parametrize(('words', 'part'), [
    (['0'], '0'), (['many'], 'many'), (['m=0'], 'm=0'), (['m='], 'm='), (['other=2'], 'other'),
    (['1', '2'], "'2': every model"), (['m=1', 'm=2'], "'m=2': model m"), (['=1'], '=1'),
])
def test_other_numbers_of_workers_are_refused(words, part):
    with pytest.raises(UsageError, match=f'--workers .*{part}'):
        settings(workers=words)


def test_the_engine_s_flags_become_typed():
    made = settings(batch_size='8', max_batch_delay='2.5', no_optimize=True, queue_size='7',
                    request_timeout='0.5', max_requests_per_worker='100', max_worker_memory='1G')
    assert (made.batch_size, made.max_batch_delay_ms, made.optimize) == (8, 2.5, False)
    assert (made.queue_size, made.request_timeout_s) == (7, 0.5)
    assert (made.max_requests_per_worker, made.max_worker_memory_bytes) == (100, 2**30)


@pytest.mark.parametrize(('name', 'value'), [
    ('port', '65536'), ('port', '-1'), ('gpu', '-1'), ('log_level', 'info'),
    ('metrics_write_to', 'syslog'), ('max_image_pixels', '0'), ('batch_size', '0'),
    ('batch_size', '1.5'), ('max_batch_delay', '-1'), ('max_batch_delay', 'nan'),
    ('queue_size', '0'), ('request_timeout', '0'), ('request_timeout', 'inf'),
    ('max_requests_per_worker', '-1'), ('max_worker_memory', 'big'),
])
def test_a_value_out_of_range_names_its_flag(name, value):
    with pytest.raises(UsageError, match='--' + name.replace('_', '-')):
        settings(**{name: value})
