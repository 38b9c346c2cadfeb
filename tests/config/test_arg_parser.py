import subprocess
import sys
from pathlib import Path

import pytest

from mms import __version__
from mms.arg_parser import ArgParser
from mms.config.settings import Settings
from mms.devices.device import CPU, GPU
from mms.management_command.parser import models_parser
from mms.predict_command.parser import predict_parser

ROOT = Path(__file__).parents[2]


def models(*words):
    return ArgParser.extract_args(['--models', *words]).models


def refusal(capsys, *args):
    with pytest.raises(SystemExit) as caught:
        ArgParser.extract_args(args)
    assert caught.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_pairs_become_a_dict_in_order():
    assert list(models('b=1.model', 'a=2.model').items()) == [('b', '1.model'), ('a', '2.model')]


def test_a_location_may_hold_equals_signs():
    assert models('a=http://h/x?k=v') == {'a': 'http://h/x?k=v'}


def test_a_second_models_flag_adds_to_the_first():
    args = ArgParser.extract_args(['--models', 'a=1', '--port', '1', '--models', 'b=2', 'c=3'])
    assert args.models == {'a': '1', 'b': '2', 'c': '3'}


def test_one_parsing_leaves_nothing_to_the_next():
    assert models('a=1') == {'a': '1'}
    assert models('b=2') == {'b': '2'}


@pytest.mark.parametrize('flag', ['--workers', '--gpu', '--device'])
def test_a_flag_of_single_models_may_be_repeated(flag):
    args = ArgParser.extract_args(['--models', 'a=a.model', flag, 'a=1', 'b=2', flag, 'c=3'])
    assert vars(args)[flag[2:]] == ['a=1', 'b=2', 'c=3']


def test_the_same_pair_twice_is_one_model():
    assert models('a=1', 'a=1') == {'a': '1'}


@pytest.mark.parametrize('name', ['ping', 'predict', 'api-description', 'my-net_v1.1', 'a b'])
def test_any_segment_can_be_a_name(name):
    assert models(f'{name}=x.model') == {name: 'x.model'}


def test_a_pair_without_equals_is_refused(capsys):
    assert "'resnet.model' is not NAME=LOCATION" in refusal(capsys, '--models', 'resnet.model')


def test_a_pair_without_location_is_refused(capsys):
    assert "'resnet=' is not NAME=LOCATION" in refusal(capsys, '--models', 'resnet=')


@pytest.mark.parametrize('pair', ['=x.model', ' =x.model'])
def test_an_empty_name_is_refused(capsys, pair):
    assert 'has no NAME before the =' in refusal(capsys, '--models', pair)


def test_a_name_with_a_slash_is_refused(capsys):
    assert 'holds a /' in refusal(capsys, '--models', 'a/b=x.model')


@pytest.mark.parametrize('args', [('a=1', 'a=2'), ('a=1', '--models', 'a=2')])
def test_one_name_with_two_locations_is_refused(capsys, args):
    message = refusal(capsys, '--models', *args)
    assert "'a' is given twice with different locations" in message


@pytest.mark.parametrize('pair', [
    'http://user:hunter2@h/x.model', 'http://user:hunter2@h/x.model?k=hunter2',
    'a/b=http://user:hunter2@h/x.model', '=https://user:hunter2@h/x.model'])
def test_a_refusal_shows_no_password(capsys, pair):
    assert 'hunter2' not in refusal(capsys, '--models', pair)


def test_models_are_required(capsys):
    assert '--models' in refusal(capsys)


def test_who_says_nothing_is_told_what_to_do(capsys):
    with pytest.raises(SystemExit) as caught:
        ArgParser.extract_args([])
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert 'usage:' not in told
    for command in ('mxnet-model-server --models flowers=flowers.model', 'mxnet-model-export ',
                    'mxnet-model-server --help'):
        assert command in told


@pytest.mark.parametrize('parser', [
    ArgParser.mms_parser, ArgParser.export_parser, models_parser, predict_parser])
def test_the_help_of_each_command_has_two_examples(parser):
    _, _, examples = parser().format_help().partition('\nexamples:\n')
    assert len([line for line in examples.splitlines() if line.startswith('  mxnet-')]) >= 2


def test_an_empty_list_is_not_the_command_line(capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mxnet-model-server', '--models', 'a=1'])
    assert ArgParser.extract_args().models == {'a': '1'}
    assert '--models' in refusal(capsys, *[])


def test_every_flag_reaches_its_setting():
    settings = Settings.from_args(ArgParser.extract_args([
        '--models', 'a=1', '--service', 's.py', '--gen-api', 'java', '--port', '9', '--host', 'h',
        '--gpu', '2', '--device', 'a=cpu:1', '--log-file', 'l', '--log-rotation-time', '2 D',
        '--log-level', 'DEBUG',
        '--metrics-write-to', 'csv', '--max-request-size', '1K', '--max-image-pixels', '10',
        '--batch-size', '4', '--max-batch-delay', '3', '--no-optimize', '--queue-size', '5',
        '--request-timeout', '6', '--max-requests-per-worker', '7', '--max-worker-memory', '8K']))
    assert (settings.models, settings.service, settings.gen_api) == ({'a': '1'}, 's.py', 'java')
    assert (settings.port, settings.host) == (9, 'h')
    assert settings.gpu.common.devices == ((GPU, 2),)
    assert settings.devices_of('a').devices == ((CPU, 1),)
    assert (settings.log_file, settings.log_rotation.when, settings.log_level) == ('l', 'D', 10)
    assert settings.metrics_write_to == 'csv'
    assert (settings.max_request_bytes, settings.max_image_pixels) == (1024, 10)
    assert (settings.batch_size, settings.max_batch_delay_ms, settings.optimize) == (4, 3, False)
    assert (settings.queue_size, settings.request_timeout_s) == (5, 6)
    assert (settings.max_requests_per_worker, settings.max_worker_memory_bytes) == (7, 8192)


def test_workers_come_as_words():
    words = ['--models', 'a=1', 'b=2', '--workers', '3', 'b=auto']
    settings = Settings.from_args(ArgParser.extract_args(words))
    assert (settings.workers.common, settings.workers.named) == (3, {'b': None})


def test_without_flags_the_settings_have_their_defaults():
    args = ArgParser.extract_args(['--models', 'a=1'])
    assert Settings.from_args(args) == Settings(models={'a': '1'})


def test_the_help_tells_the_defaults_that_the_settings_have():
    text = ' '.join(ArgParser.mms_parser().format_help().split())
    settings = Settings(models={})
    for default in (settings.port, settings.host, settings.log_file, settings.max_image_pixels,
                    f'{settings.max_request_bytes // 1024**2}M', '"1 H"', 'INFO',
                    settings.metrics_write_to):
        assert f'default: {default}' in text


def test_an_unknown_metrics_sink_is_refused(capsys):
    assert 'invalid choice' in refusal(capsys, '--models', 'a=1', '--metrics-write-to', 'statsd')


@pytest.mark.parametrize('parser', [ArgParser.mms_parser, ArgParser.export_parser])
def test_both_commands_tell_their_version(capsys, parser):
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(['--version'])
    assert caught.value.code == 0
    assert capsys.readouterr().out.split()[-1] == __version__


def test_the_export_flags():
    args = ArgParser.export_parser().parse_args([
        '--model-name=alex', '--model-path=/tmp/models', '--service-file-path=s.py',
        '--model-type=imperative'])
    assert vars(args) == {'model_name': 'alex', 'model_path': '/tmp/models',
                          'service_file_path': 's.py', 'model_type': 'imperative',
                          'inspect': None, 'check': None, 'sign': None, 'archive': None,
                          'init': None, 'force': False}


def test_the_export_flags_that_may_be_left_out():
    args = ArgParser.export_parser().parse_args(['--model-name', 'alex', '--model-path', 'd'])
    assert (args.service_file_path, args.model_type) == (None, None)


@pytest.mark.parametrize('args', [
    ['--model-name', 'alex'], ['--model-path', 'd'],
    ['--model-name', 'alex', '--model-path', 'd', '--model-type', 'onnx'],
    ['--inspect', 'a.model', '--check', 'a.model'], ['--inspect', 'a.model', '--model-path', 'd'],
    ['--check', 'a.model', '--force'], ['--init', 'd', '--model-name', 'alex']])
def test_bad_export_flags_are_refused(args):
    with pytest.raises(SystemExit) as caught:
        ArgParser.export_parser().parse_args(args)
    assert caught.value.code == 2


def test_flags_and_reading_import_nothing_heavy():
    script = (
        'import sys, mms.arg_parser, mms.export_model, mms.archive.reader\n'
        'from mms.model_loader import ModelLoader\n'
        f'ModelLoader.load({{"a": {str(ROOT / "tests/fixtures/mms04/c_gluon.model")!r}}})\n'
        'heavy = {"mxnet", "numpy", "requests", "boto3", "tqdm", "PIL"} & set(sys.modules)\n'
        'sys.exit(str(heavy) if heavy else 0)')
    done = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert (done.returncode, done.stderr) == (0, '')
