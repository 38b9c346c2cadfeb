"""What the processes of models are told, and what is kept from them."""

import pytest

from mms.runtime.model_environment import environment_of_models
from mms.runtime.users import User

OTHER = User('other', 5000, 5000, (5000,), '/home/other')
FOR_THE_FRONT = ('NOTIFY_SOCKET', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'WATCHDOG_USEC',
                 'WATCHDOG_PID', 'CREDENTIALS_DIRECTORY', 'MMS_MANAGEMENT_TOKEN',
                 'MMS_AUTH_TOKEN_FILE', 'MMS_TLS_KEY')
SECRET = (
    'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AZURE_CLIENT_ID', 'HF_TOKEN',
    'GOOGLE_APPLICATION_CREDENTIALS', 'DB_PASSWORD', 'PGPASSWORD', 'PGPASSFILE', 'MYSQL_PWD',
    'db_password', 'API_KEY', 'OPENAI_APIKEY', 'KEY', 'SIGNING_KEYS', 'MY_SECRET_THING', 'SECRETS',
    'AUTHTOKEN', 'SENTRY_DSN', 'SMTP_PASS', 'SSH_AUTH_SOCK', 'SSH_PRIVATE_KEY_FILE', 'SUDO_USER',
    'REGISTRY_AUTH', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'KUBECONFIG')
PLAIN = ('PATH', 'PWD', 'OLDPWD', 'LANG', 'TOKENIZERS_PARALLELISM', 'LD_LIBRARY_PATH', 'KEYBOARD',
         'PYTHONPATH', 'MXNET_ENGINE_TYPE', 'MXNET_HOME', 'CUDA_VISIBLE_DEVICES', 'MMS_PORT',
         'AUTHOR', 'MONKEY', 'PASSED', 'MODE')


@pytest.mark.parametrize('user', [None, OTHER])
@pytest.mark.parametrize('name', FOR_THE_FRONT)
def test_what_is_for_the_front_alone_is_never_passed_on_unasked(name, user):
    assert name not in environment_of_models({name: 'x'}, user)
    assert environment_of_models({name: 'x'}, user, [name])[name] == 'x'


@pytest.mark.parametrize('name', SECRET)
def test_what_may_be_a_secret_is_passed_on_to_the_same_user_and_to_no_other(name):
    assert environment_of_models({name: 'x'}) == {name: 'x'}
    assert name not in environment_of_models({name: 'x'}, OTHER)
    assert environment_of_models({name: 'x'}, OTHER, [name[:3] + '*'])[name] == 'x'


@pytest.mark.parametrize('name', PLAIN)
def test_what_is_no_secret_is_passed_on(name):
    assert environment_of_models({name: 'x'}, OTHER)[name] == 'x'


@pytest.mark.parametrize(('value', 'is_kept'), [
    ('postgres://user:word@host/db', False), ('a, http://:word@proxy:3128', False),
    ('http://proxy:3128', True), ('http://user@host', True), ('https://h/a:b@c', True),
])
def test_an_address_with_a_password_in_it_is_a_secret(value, is_kept):
    assert ('ADDRESS' in environment_of_models({'ADDRESS': value}, OTHER)) is is_kept


def test_another_user_has_its_own_name_home_and_temporary_folder():
    front = {'HOME': '/root', 'USER': 'root', 'TMPDIR': '/private'}
    assert environment_of_models(front, OTHER, temporary='/tmp') == {
        'HOME': '/home/other', 'USER': 'other', 'LOGNAME': 'other', 'TMPDIR': '/tmp'}
    assert environment_of_models(front, temporary='/tmp') == front
    assert 'TMPDIR' not in environment_of_models({}, OTHER, temporary='/tmp')
