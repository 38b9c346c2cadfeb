import argparse
import logging

import pytest

from mms.config import LogRotation, Settings, parse_rotation, parse_size
from mms.errors import UsageError


def settings(**given):
    return Settings.from_args(argparse.Namespace(models={'m': 'x.model'}, **given))


def test_what_is_not_given_has_the_defaults_of_mms_04():
    made = settings()
    assert (made.host, made.port, made.gpu, made.service) == ('127.0.0.1', 8080, None, None)
    assert (made.log_file, made.log_level) == ('mms_app.log', logging.INFO)
    assert made.log_rotation == LogRotation(1, 'H')
    assert made.metrics_write_to == 'log'
    assert made.max_request_bytes == 64 * 1024 * 1024


def test_strings_of_the_command_line_become_typed():
    made = settings(port='9000', gpu='1', log_level='DEBUG', max_request_size='2M')
    assert (made.port, made.gpu, made.log_level, made.max_request_bytes) == (
        9000, 1, logging.DEBUG, 2 * 1024 * 1024)


def test_gpu_zero_is_a_device_and_not_the_cpu():
    assert settings(gpu='0').gpu == 0


@pytest.mark.parametrize(('text', 'rotation'), [
    ('1 H', (1, 'H')), ('30 S', (30, 'S')), ('W0', (1, 'W0')), ('W6', (1, 'W6')),
    ('midnight', (1, 'midnight')), ('2 D', (2, 'D')),
])
def test_rotation_times_of_mms_04_are_read(text, rotation):
    assert parse_rotation(text) == LogRotation(*rotation)


@pytest.mark.parametrize('text', ['', '1', 'Y', '0 H', '-1 H', '1 H 2', 'W7', 'one H'])
def test_other_rotation_times_are_refused(text):
    with pytest.raises(UsageError, match='--log-rotation-time'):
        parse_rotation(text)


@pytest.mark.parametrize(('text', 'size'), [
    ('1000', 1000), (1000, 1000), ('64M', 64 * 2**20), ('5k', 5 * 2**10), ('1GB', 2**30),
])
def test_sizes_are_bytes_or_have_a_unit(text, size):
    assert parse_size('--max-request-size', text) == size


@pytest.mark.parametrize('text', ['', '0', '-1', 'M', '1.5M', '1T', 'MB'])
def test_other_sizes_are_refused(text):
    with pytest.raises(UsageError, match='--max-request-size'):
        parse_size('--max-request-size', text)


@pytest.mark.parametrize(('name', 'value'), [
    ('port', '65536'), ('port', '-1'), ('gpu', '-1'), ('log_level', 'info'),
    ('metrics_write_to', 'syslog'), ('max_image_pixels', '0'),
])
def test_a_value_out_of_range_names_its_flag(name, value):
    with pytest.raises(UsageError, match='--' + name.replace('_', '-')):
        settings(**{name: value})
