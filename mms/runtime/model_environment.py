"""The environment of a model's processes: the server's, without what is for the server alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Optional

from mms.runtime.users import User

# A service manager's words to the front: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3),
# systemd.exec(5) on credentials.
_OF_THE_MANAGER = ('NOTIFY_SOCKET', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'WATCHDOG_PID',
                   'WATCHDOG_USEC', 'CREDENTIALS_DIRECTORY')
_OPTION = 'MMS_'
# Where clouds, and the session of the user who started the server, keep what opens doors.
_OF_THE_USER = ('AWS_*', 'AZURE_*', 'GOOGLE_*', 'GCP_*', 'CLOUDSDK_*', 'BOTO_*', 'DOCKER_*',
                'KUBECONFIG', 'NETRC', 'KRB5*', 'SSH_*', 'GPG_*', 'SUDO_*', 'DBUS_*', 'XDG_*',
                'XAUTHORITY', 'MAIL')
# Not TOKENIZERS_PARALLELISM.
_SECRET_NAME = re.compile(
    'SECRET|PASSWORD|PASSWD|PASSPHRASE|PASSFILE|CREDENTIAL|APIKEY|TOKENS?(_|$)'
    '|(^|_)(KEYS?|PASS|PWD|AUTH|COOKIE|DSN)(_|$)')
_SECRET_VALUE = re.compile(r'://[^/@\s:]*:[^/@\s]+@')
_NO_SECRETS = ('PWD', 'OLDPWD')


def environment_of_models(environment: Mapping[str, str], user: Optional[User] = None,
                          passed: Sequence[str] = (),
                          temporary: Optional[str] = None) -> dict[str, str]:
    """What a process of a model finds in its environment.

    Parameters
    ----------
    environment
        That of the front.
    user
        Whose the process is; None for the user of the front, whose own variables stay.
    passed
        Names of variables that are passed on, whatever they are called; ``*`` in them stands for
        anything.
    temporary
        The folder that this user has for temporary files; None for that of the environment.
    """
    kept = {name: value for name, value in environment.items()
            if any(fnmatchcase(name, each) for each in passed)
            or not (_is_for_the_front(name) or (user and _is_for_its_user(name, value)))}
    if user:
        kept.update(HOME=user.home, USER=user.name, LOGNAME=user.name)
        if temporary is not None and 'TMPDIR' in kept:
            kept['TMPDIR'] = temporary
    return kept


def _is_for_the_front(name: str) -> bool:
    return name in _OF_THE_MANAGER or (name.startswith(_OPTION) and _is_secret(name))


def _is_for_its_user(name: str, value: str) -> bool:
    return (_is_secret(name) or bool(_SECRET_VALUE.search(value))
            or any(fnmatchcase(name, each) for each in _OF_THE_USER))


def _is_secret(name: str) -> bool:
    return name not in _NO_SECRETS and bool(_SECRET_NAME.search(name.upper()))
