"""Command line, environment, config file, default: the stronger source counts."""

import argparse
import os

import pytest

from mms.arg_parser import ArgParser
from mms.config.cors_origins import Origins
from mms.config.per_model import PerModel
from mms.config.precedence import OF_COMMANDS
from mms.config.rate_limit import RateLimit
from mms.config.required_models import Required
from mms.config.settings import OPTIONS, Settings
from mms.config.trusted_proxies import TrustedProxies
from mms.devices.device import CPU, GPU
from mms.errors import UsageError
from mms.log.rotation import LogRotation
from mms.management_command.parser import ADDRESS
from mms.management_command.parser import TOKEN as MANAGEMENT_TOKEN
from mms.predict_command.parser import SERVER, TOKEN

MODELS = ('--models', 'm=m.model', 'n=n.model')
# Field -> words and value, variable and value, what the file has and value, default.
GIVEN = {
    'models': ((['a=1'], {'a': '1'}), ('b=2', {'b': '2'}), ('{c = "3"}', {'c': '3'}), {}),
    'service': ((['1.py'], '1.py'), ('2.py', '2.py'), ('"3.py"', '3.py'), None),
    'required_models': ((['a', 'b'], Required(names=('a', 'b'))), ('all', Required(every=True)),
                        ('["none"]', Required()), None),
    'watch': ((['d1'], 'd1'), ('d2', 'd2'), ('"d3"', 'd3'), None),
    'reload': (([], True), ('false', False), ('true', True), False),
    'strict': (([], True), ('false', False), ('true', True), False),
    'check': (([], True), ('false', False), ('true', True), False),
    'gen_api': ((['java'], 'java'), ('go', 'go'), ('"php"', 'php'), None),
    'gpu': ((['1'], ((GPU, 1),)), ('0,2', ((GPU, 0), (GPU, 2))), ('3', ((GPU, 3),)), ()),
    'device': ((['cpu:1'], ((CPU, 1),)), ('gpu:2', ((GPU, 2),)), ('"cpu:3"', ((CPU, 3),)), ()),
    'workers': ((['1'], 1), ('2', 2), ('3', 3), None),
    'batch_size': ((['1'], 1), ('auto', None), ('3', 3), None),
    'max_batch_delay_ms': ((['1'], 1), ('2.5', 2.5), ('3.5', 3.5), 0),
    'optimize': (([], False), ('no', True), ('true', False), True),
    'console': (([], False), ('no', True), ('true', False), True),
    'cache': (([], False), ('no', True), ('true', False), True),
    'max_requests_per_worker': ((['1'], 1), ('2', 2), ('3', 3), 0),
    'max_worker_memory_bytes': ((['1'], 1), ('2K', 2048), ('"3k"', 3072), 0),
    'host': ((['h1'], 'h1'), ('h2', 'h2'), ('"h3"', 'h3'), '127.0.0.1'),
    'port': ((['1'], 1), ('2', 2), ('3', 3), 8080),
    'uds': ((['1'], '1'), ('2', '2'), ('"3"', '3'), None),
    'front_processes': ((['1'], 1), ('auto', None), ('3', 3), None),
    'queue_size': ((['1'], 1), ('2', 2), ('3', 3), 1000),
    'request_timeout_s': ((['1'], 1), ('2', 2), ('0.5', 0.5), 120),
    'max_request_bytes': ((['1'], 1), ('2', 2), ('3', 3), 64 * 2**20),
    'max_buffered_bytes': ((['1G'], 2**30), ('2G', 2**31), ('"3G"', 3 * 2**30), 0),
    'max_image_pixels': ((['1'], 1), ('2', 2), ('3', 3), 50_000_000),
    'worker_user': ((['a'], 'a'), ('b:c', 'b:c'), ('"1:2"', '1:2'), None),
    'worker_env': ((['A'], ('A',)), ('B, C_*', ('B', 'C_*')), ('"D"', ('D',)), ()),
    'tls_cert': ((['1'], '1'), ('2', '2'), ('"3"', '3'), None),
    'tls_key': ((['1'], '1'), ('2', '2'), ('"3"', '3'), None),
    'tls_client_ca': ((['1'], '1'), ('2', '2'), ('"3"', '3'), None),
    'require_signed': ((['1'], '1'), ('2', '2'), ('"3"', '3'), None),
    'max_download_bytes': ((['1'], 1), ('2K', 2048), ('"3k"', 3072), 16 * 2**30),
    'download_timeout_s': ((['1'], 1), ('2', 2), ('3.5', 3.5), 3600),
    'management_port': ((['1'], 1), ('2', 2), ('3', 3), None),
    'management_host': ((['h1'], 'h1'), ('h2', 'h2'), ('"h3"', 'h3'), '127.0.0.1'),
    'management_token': ((['1'], '1'), ('2', '2'), ('"3"', '3'), None),
    'model_store': ((['1'], '1'), ('2', '2'), ('"3"', '3'), None),
    'auth_token_file': ((['1'], '1'), ('2', '2'), ('"3"', '3'), None),
    'cors_origins': ((['*'], Origins('*')), ('none', Origins('none')),
                     ('"https://a.example, http://b:80"', Origins('https://a.example,http://b:80')),
                     Origins('*')),
    'max_form_fields': ((['1'], 1), ('2', 2), ('3', 3), 10_000),
    'max_connections': ((['1'], 1), ('2', 2), ('3', 3), 0),
    'max_connections_per_client': ((['1'], 1), ('2', 2), ('3', 3), 0),
    'rate_limit': ((['1/s'], RateLimit(1, 1)), ('20/m', RateLimit(20, 60)),
                   ('"300/h"', RateLimit(300, 3600)), None),
    'max_header_bytes': ((['1K'], 1024), ('2K', 2048), ('4096', 4096), 64 * 1024),
    'max_headers': ((['10'], 10), ('20', 20), ('30', 30), 100),
    'min_transfer_rate': ((['0'], 0), ('2K', 2048), ('3', 3), 1024),
    'drain_delay_s': ((['1'], 1), ('2', 2), ('3.5', 3.5), 0),
    'shutdown_timeout_s': ((['10'], 10), ('20', 20), ('30.5', 30.5), 25),
    'reuse_port': (([], True), ('no', False), ('true', True), False),
    'log_file': ((['1'], '1'), ('2', '2'), ('"3"', '3'), 'mms_app.log'),
    'log_rotation': ((['1 S'], LogRotation(1, 'S')), ('W0', LogRotation(1, 'W0')),
                     ('"3 D"', LogRotation(3, 'D')), LogRotation(1, 'H')),
    'log_format': ((['json'], 'json'), ('text', 'text'), ('"json"', 'json'), 'text'),
    'verbose': (([], True), ('false', False), ('true', True), False),
    'access_log_exclude': ((['/a'], ('/a',)), ('/b, /c*', ('/b', '/c*')), ('"/d"', ('/d',)), ()),
    'slow_request_s': ((['1'], 1), ('2.5', 2.5), ('3', 3), 0),
    'forwarded_allow_ips': ((['10.0.0.1'], TrustedProxies('10.0.0.1')),
                            ('*', TrustedProxies('*')),
                            ('"10.0.0.0/8, ::1"', TrustedProxies('10.0.0.0/8,::1')),
                            TrustedProxies('127.0.0.1,::1,unix')),
    'log_level': ((['ERROR'], 40), ('WARNING', 30), ('"DEBUG"', 10), 20),
    'metrics_write_to': ((['csv'], 'csv'), ('cloudwatch', 'cloudwatch'), ('"csv"', 'csv'), 'log'),
    'metrics_port': ((['1'], 1), ('2', 2), ('3', 3), None),
    'metrics_host': ((['h1'], 'h1'), ('h2', 'h2'), ('"h3"', 'h3'), ''),
}


# Variables that other servers have for the same.
OTHERS = {option.other_variable for option in OPTIONS.values() if option.other_variable}


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No variables but those of the test, in a folder of its own."""
    for name in [name for name in os.environ
                 if name.startswith('MMS_') or name in OTHERS]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch.setenv


@pytest.fixture
def config(tmp_path):
    """Write mms.toml, and return the words that name it."""
    def write(text):
        (tmp_path / 'mms.toml').write_text(text, encoding='utf-8')
        return ['--config', 'mms.toml']
    return write


def settings(*words, models=MODELS):
    return Settings.from_args(ArgParser.parse_words([*models, *words]))


def refusal(*words, models=MODELS):
    with pytest.raises(UsageError) as raised:
        settings(*words, models=models)
    assert '\n' not in str(raised.value)
    return str(raised.value)


def plain(value):
    """A value without where it comes from."""
    value = value.common if isinstance(value, PerModel) else value
    return getattr(value, 'devices', value)


def test_every_option_is_among_those_that_are_tested():
    assert GIVEN.keys() | {'config'} == OPTIONS.keys()


@pytest.mark.parametrize('name', [name for name, option in OPTIONS.items() if name != 'log_file'
                                  and option.metavar in ('FILE', 'DIR', 'PATH', 'PUBKEYS')])
def test_an_empty_path_is_refused(name, config):
    option = OPTIONS[name]
    assert refusal(option.flag, '') == f"{option.flag} '' is empty: give a path"
    if option.in_file:
        assert refusal(*config(f'{option.key} = ""\n')) == (
            f"mms.toml: {option.key} '' is empty: give a path")


@pytest.mark.parametrize('name', GIVEN)
def test_the_command_line_counts_before_the_environment_the_file_and_the_default(
        name, environment, config):
    option = OPTIONS[name]
    (words, first), (text, second), (toml, third), default = GIVEN[name]
    models = () if name == 'models' else MODELS
    file = config(f'{option.key} = {toml}\n')
    if name != 'models':
        assert plain(vars(settings(models=models))[name]) == default
    assert plain(vars(settings(*file, models=models))[name]) == third
    environment(option.variable, text)
    assert plain(vars(settings(*file, models=models))[name]) == second
    assert plain(vars(settings(*file, option.flag, *words, models=models))[name]) == first


def test_the_file_itself_is_named_by_the_command_line_before_the_environment(environment, config):
    config('port = 1\n')
    environment('MMS_CONFIG', 'mms.toml')
    assert settings().port == 1
    with open('other.toml', 'w') as file:
        file.write('port = 2\n')
    assert settings('--config', 'other.toml').port == 2


def test_models_of_the_environment_are_words(environment):
    environment('MMS_MODELS', "b='a b.model' a=http://h/x?k=v")
    args = ArgParser.parse_words([])
    assert list(args.models.items()) == [('b', 'a b.model'), ('a', 'http://h/x?k=v')]
    assert Settings.from_args(args).models == args.models


def test_models_of_the_file_keep_their_order_and_their_dots(config):
    args = ArgParser.parse_words(config('[models]\n"b.1" = "1.model"\na = "s3://b/k"\n'))
    assert list(args.models.items()) == [('b.1', '1.model'), ('a', 's3://b/k')]


@pytest.mark.parametrize('toml', [
    'workers = [2, "n=3"]', 'workers = ["2", "n=3"]', '[workers]\nn = 3', 'workers = {n = "3"}'])
def test_the_file_has_words_of_single_models_or_a_table_of_them(config, toml):
    assert settings(*config(toml)).workers_of('n') == 3


def test_a_variable_has_words_of_single_models(environment):
    environment('MMS_WORKERS', '2 n=auto')
    environment('MMS_GPU', 'n=0,1')
    made = settings()
    assert (made.workers_of('m'), made.workers_of('n')) == (2, None)
    assert made.devices_of('n').devices == ((GPU, 0), (GPU, 1))


def test_an_option_comes_from_one_source_whole(environment):
    environment('MMS_WORKERS', '2 n=3')
    made = settings('--workers', 'm=4')
    assert (made.workers_of('m'), made.workers_of('n')) == (4, None)


def test_an_empty_variable_says_nothing(environment, config):
    environment('MMS_PORT', '')
    environment('MMS_CONFIG', '')
    assert settings().port == 8080
    assert settings(*config('port = 1')).port == 1


def test_what_kubernetes_sets_beside_a_service_of_our_name_says_nothing(environment):
    environment('MMS_PORT', 'tcp://10.1.2.3:8080')
    environment('MMS_PORT_8080_TCP', 'tcp://10.1.2.3:8080')
    environment('MMS_PORT_8080_TCP_PORT', '8080')
    environment('MMS_SERVICE_HOST', '10.1.2.3')
    environment('MMS_SERVICE_PORT', '8080')
    made = settings()
    assert (made.port, made.service, made.advice) == (8080, None, ())


def test_a_variable_that_is_nearly_one_of_ours_is_told(environment):
    environment('MMS_PROT', '1')
    environment('MMS_HOME', '/x')
    [advice] = settings().advice
    assert 'MMS_PROT' in advice
    assert 'MMS_PORT' in advice


def test_variables_of_other_commands_are_none_of_the_servers_misspelt(environment):
    assert {SERVER, TOKEN, ADDRESS, MANAGEMENT_TOKEN} == OF_COMMANDS
    for name in OF_COMMANDS:
        environment(name, '/a/file')
    assert settings().advice == ()


def test_a_namespace_of_ones_own_counts_alone(environment):
    environment('MMS_PORT', '1')
    assert Settings.from_args(argparse.Namespace(models={})).port == 8080


def test_what_a_stronger_source_has_is_not_read_in_a_weaker_one(environment, config):
    environment('MMS_PORT', 'many')
    environment('MMS_MODELS', 'no pair')
    assert settings('--port', '1', *config('models = 1')).port == 1


def test_the_variable_of_other_servers_counts_after_ours(environment):
    environment('FORWARDED_ALLOW_IPS', '10.0.0.1')
    made = settings()
    assert made.forwarded_allow_ips == TrustedProxies('10.0.0.1')
    assert made.said('forwarded_allow_ips') == 'FORWARDED_ALLOW_IPS'
    environment('MMS_FORWARDED_ALLOW_IPS', '10.0.0.2')
    assert settings().forwarded_allow_ips == TrustedProxies('10.0.0.2')
    environment('MMS_FORWARDED_ALLOW_IPS', '')
    environment('FORWARDED_ALLOW_IPS', 'proxy.example.com')
    assert refusal() == ("FORWARDED_ALLOW_IPS 'proxy.example.com' is not * or IP addresses, "
                         'networks and unix with commas between them')


def test_sagemaker_says_the_port(environment):
    environment('SAGEMAKER_BIND_TO_PORT', '9000')
    assert settings().port == 9000
    assert settings('--port', '1').port == 1
    environment('MMS_PORT', '2')
    assert settings().port == 2
    environment('MMS_PORT', '')
    environment('SAGEMAKER_BIND_TO_PORT', '90000')
    assert refusal() == "SAGEMAKER_BIND_TO_PORT '90000' is not a whole number from 0 to 65535"


# ---- devices, which two options give


def test_devices_of_the_stronger_source_count_for_the_same_models(environment):
    environment('MMS_DEVICE', 'cpu:0 n=cpu:1')
    made = settings('--gpu', '0')
    assert made.devices_of('m').devices == ((GPU, 0),)
    assert made.devices_of('n').devices == ((CPU, 1),)
    assert [wanted.said for wanted in made.all_devices if wanted.said] == [
        '--gpu 0', 'MMS_DEVICE n=cpu:1']


def test_devices_of_the_command_line_count_before_gpus_of_the_file(config):
    made = settings('--device', 'm=cpu:1', *config('[gpu]\nm = 0\nn = 1'))
    assert made.devices_of('m').devices == ((CPU, 1),)
    assert made.devices_of('n').devices == ((GPU, 1),)


@pytest.mark.parametrize('text', [
    'gpu = [0, 1]', 'gpu = ["0", "1"]', 'gpu = "0,1"', 'gpu = [0, 1, "n=2"]',
    '[gpu]\nm = [0, 1]', 'device = ["gpu:0", "gpu:1"]', '[device]\nm = ["gpu:0", "gpu:1"]'])
def test_devices_in_a_file_may_be_a_list(config, text):
    assert settings(*config(text)).devices_of('m').devices == ((GPU, 0), (GPU, 1))


def test_numbers_of_workers_are_no_list(config):
    assert 'has its number from another word already' in refusal(*config('workers = [1, 2]'))


def test_one_source_gives_a_model_its_devices_once(environment):
    environment('MMS_GPU', 'm=0')
    environment('MMS_DEVICE', 'm=cpu')
    assert refusal() == ("MMS_DEVICE 'm=cpu': model m has its devices from MMS_GPU m=0 already")


# ---- what is refused


@pytest.mark.parametrize('name', sorted(OPTIONS.keys() - {
    'models', 'config', 'service', 'gen_api', 'host', 'log_file', 'management_host',
    'auth_token_file', 'management_token', 'model_store', 'require_signed', 'required_models',
    'watch', 'metrics_host', 'worker_user', 'tls_cert', 'tls_key', 'tls_client_ca',
    'uds'}))
def test_a_value_that_cannot_be_used_names_its_source(name, environment, config):
    option = OPTIONS[name]
    assert refusal(*config(f'{option.key} = "?"')).startswith(f"mms.toml: {option.key} '?' is ")
    environment(option.variable, '?')
    assert refusal(*config(f'{option.key} = "?"')).startswith(f"{option.variable} '?' is ")


@pytest.mark.parametrize('name', ['service', 'gen_api', 'host', 'log_file', 'metrics_host'])
def test_a_text_in_the_file_is_in_quotes(name, config):
    key = OPTIONS[name].key
    assert refusal(*config(f'{key} = 5')) == f'mms.toml: {key} 5 is not a text in quotes'


def test_one_model_s_value_and_its_name_are_told_with_their_source(environment, config):
    assert refusal(*config('[workers]\nn = 0')) == (
        "mms.toml: workers 'n=0' is not auto or a whole number from 1 to 1024")
    environment('MMS_WORKERS', 'other=1')
    assert refusal() == "MMS_WORKERS 'other=1': there is no model 'other' in --models"


def test_limits_that_do_not_go_together_name_the_source_of_the_one(environment):
    environment('MMS_MAX_BUFFERED_BYTES', '1K')
    assert refusal().startswith("MMS_MAX_BUFFERED_BYTES '1K' is less than --max-request-size, ")


@pytest.mark.parametrize(('text', 'message'), [
    ('b', "'b' is not NAME=LOCATION"), ('a/b=x', "the NAME in 'a/b=x' holds a /"),
    ('a=1 a=2', "'a' is given twice"), ("a='1", 'its words cannot be told apart: No closing'),
])
def test_models_of_the_environment_are_refused_as_those_of_the_command_line(
        environment, text, message):
    environment('MMS_MODELS', text)
    assert refusal(models=()).startswith(f'MMS_MODELS: {message}')


@pytest.mark.parametrize(('toml', 'message'), [
    ('models = "a=1"', 'is a table of names and locations'), ('models = 1', 'is a table'),
    ('[models]\na.b = "x"', "the location of 'a' is not a text in quotes"),
    ('[models]\na = 1', "the location of 'a' is not a text in quotes"),
    ('[models]\n"a/b" = "x"', "the NAME in 'a/b=x' holds a /"),
    ('[models]\na = ""', "'a=' is not NAME=LOCATION"), ('[models]\n" " = "x"', "' =x' has no NAME"),
    ('[models]\n".." = "x"', "the NAME in '..=x' cannot be"),
])
def test_models_of_the_file_are_refused_with_the_file_and_the_key(config, toml, message):
    assert refusal(*config(toml), models=()).startswith(f'mms.toml: models: {message}')


@pytest.mark.parametrize('location', ['http://user:hunter2@h/x', 'http://h/x?k=hunter2'])
def test_a_refusal_of_a_source_shows_no_password(environment, config, location):
    assert 'hunter2' not in refusal(*config(f'[models]\n"a/b" = "{location}"'), models=())
    environment('MMS_MODELS', f"a/b={location}")
    assert 'hunter2' not in refusal(models=())
    environment('MMS_MODELS', f"a='{location}")
    assert 'hunter2' not in refusal(models=())


def test_no_models_in_any_source_is_argparses_error(config):
    assert 'are required: --models (or --management-port or --watch)' in refusal(
        *config('port = 1'), models=())
    assert 'the following arguments are required: --models' in refusal(
        *config('[models]'), models=())


def test_models_may_come_later_through_the_management_port(config):
    made = settings('--management-port', '0', models=())
    assert (made.models, made.management_port) == ({}, 0)
    assert settings(*config('management-port = 0'), models=()).models == {}


@pytest.mark.parametrize(('word', 'told'), [
    ('x/pets.model', ', for example --models pets=x/pets.model'),
    ('a=x/pets.model', ', for example --models a=x/pets.model'),
    ('http://user:hunter2@h/pets.model', ''), ('serve', '')])
def test_an_archive_that_is_given_alone_is_named_as_models_want_it(word, told):
    assert refusal(word, models=()) == ('the following arguments are required: --models '
                                        f'(or --management-port or --watch){told}')


@pytest.mark.parametrize('words', [
    ('--modles', 'a=http://user:hunter2@h/x'), ('--modles=a=http://user:hunter2@h/x',)])
def test_a_misspelt_flag_is_named_beside_the_one_that_is_missing_and_its_value_is_not(words):
    assert refusal(*words, models=()).startswith(
        'unrecognized arguments: --modles; the following arguments are required: --models')


@pytest.mark.parametrize(('toml', 'message'), [
    ('prot = 1', "mms.toml: there is no key 'prot'; did you mean port?"),
    ('max_batch_delay = 1',
     "mms.toml: there is no key 'max_batch_delay'; did you mean max-batch-delay"),
    ('Port = 1', "mms.toml: there is no key 'Port'; did you mean port?"),
    ('config = "x"', "mms.toml: there is no key 'config'"),
    ('xyzzy = 1', "mms.toml: there is no key 'xyzzy': a key is a flag without its leading dashes"),
])
def test_a_key_that_there_is_not_is_told_with_those_like_it(config, toml, message):
    assert refusal(*config(toml)).startswith(message)


def test_a_file_that_is_no_toml_is_told_with_the_line(config):
    message = refusal(*config('port = 1\n\nhost = = "h"\n'))
    assert message.startswith('mms.toml is not TOML: ')
    assert 'line 3' in message


def test_a_file_of_windows_is_read(tmp_path):
    (tmp_path / 'mms.toml').write_bytes(b'\xef\xbb\xbfport = 1\r\nhost = "h"\r\n')
    read = Settings.from_args(ArgParser.parse_words([*MODELS, '--config', 'mms.toml']))
    assert (read.port, read.host) == (1, 'h')


def test_a_file_that_is_nested_too_deeply_is_told(config):
    assert refusal(*config('port = ' + '[' * 10_000)) == (
        'mms.toml: its values are nested too deeply')


@pytest.mark.parametrize('value', ['N', '[N]', '{a = N}', '[1, [{a = [N]}]]'])
def test_a_number_of_thousands_of_digits_is_told(config, value):
    assert refusal(*config('port = ' + value.replace('N', f"0x{'9' * 5000}"))) == (
        'mms.toml: port has a number of more than 64 bits')


def test_a_file_without_an_end_is_told():
    assert refusal('--config', '/dev/zero') == (
        '/dev/zero is no config file: it has more than 1048576 bytes')


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / 'mms.toml').write_bytes(b'port = 1 # \xff\n')
    assert refusal('--config', 'mms.toml') == 'mms.toml is not TOML: it is not UTF-8 (byte 12)'


@pytest.mark.parametrize(('path', 'reason'), [
    ('none.toml', 'No such file or directory'), ('.', 'Is a directory'),
    ('a\0b', 'embedded null byte')])
def test_a_file_that_cannot_be_read_is_told_with_who_named_it(environment, path, reason):
    assert refusal('--config', path) == f'--config {path!r} cannot be read: {reason}'
    if '\0' not in path:
        environment('MMS_CONFIG', path)
        assert refusal() == f'MMS_CONFIG {path!r} cannot be read: {reason}'


def test_where_a_value_comes_from_is_known_afterwards(environment, config):
    environment('MMS_SERVICE', 's.py')
    made = settings('--host', 'h', *config('log-file = "x/y.log"'))
    assert [made.said(name) for name in ('host', 'service', 'log_file', 'port')] == [
        '--host', 'MMS_SERVICE', 'mms.toml: log-file', '--port']


def test_nobody_and_everybody_cannot_be_asked_for_a_token(environment):
    environment('MMS_AUTH_TOKEN_FILE', 'tokens')
    assert refusal('--management-token', 'none') == (
        '--management-token none asks nobody for a token, and MMS_AUTH_TOKEN_FILE everybody: leave '
        'one of them out')


def test_a_delay_leaves_time_for_the_requests_in_flight(environment):
    environment('MMS_DRAIN_DELAY', '10')
    assert settings('--shutdown-timeout', '10.5').drain_delay_s == 10
    assert refusal('--shutdown-timeout', '10') == (
        'MMS_DRAIN_DELAY 10 is not less than --shutdown-timeout, 10 seconds: no time would be left '
        'for the requests in flight')
