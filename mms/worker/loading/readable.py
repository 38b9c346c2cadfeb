"""Whether the user of this process may read the files of its model."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress

from mms.archive.manifest import member_names
from mms.errors import ServiceError
from mms.ipc.messages import Load
from mms.runtime.user_view import obstacle


def check_readable(load: Load) -> None:
    """See that it may read what the manifest names, and the service file.

    Raises
    ------
    ServiceError
        It may not read one.
    """
    members = (os.path.join(load.model_dir, name) for name in sorted(member_names(load.manifest)))
    for path in (load.service_file, *members):
        closed = obstacle(path)
        if closed:
            raise ServiceError(f'the user {_own_name()}, as whom the workers run, cannot read '
                               f'{path}: {closed} is closed to it. Let it read that, or give '
                               'another --worker-user')


def _own_name() -> str:
    with suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_name
    return str(os.geteuid())
