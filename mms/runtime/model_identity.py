"""Who the processes of models are: their user, and what they are told by their environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Optional

from mms.runtime.child_python import child_python
from mms.runtime.model_environment import environment_of_models
from mms.runtime.users import User


@dataclass(frozen=True)
class Identity:
    """Who the processes of models are.

    Attributes
    ----------
    user
        As whom they run; None for the user of the front.
    passed
        Names of variables that they get although they may be secrets.
    temporary
        The folder that this user has for temporary files; None for that of the front.
    """

    user: Optional[User] = None
    passed: tuple[str, ...] = ()
    temporary: Optional[str] = None

    @property
    def uid(self) -> Optional[int]:
        """Number of their user; None where it is that of the front."""
        return self.user and self.user.uid

    @property
    def gid(self) -> Optional[int]:
        """Number of the group that is to read the files of models; None where the front's user is
        to.
        """
        return self.user and self.user.gid

    def environment(self) -> dict[str, str]:
        """What they are told."""
        return environment_of_models(os.environ, self.user, self.passed, self.temporary)

    def python(self, code: str) -> list[str]:
        """Words that run `code`, as :func:`child_python` has it, in one of these processes."""
        return child_python(code, is_confined=self.user is not None)

    def arguments(self) -> dict[str, Any]:
        """What ``Popen`` is told of their user."""
        if self.user is None:
            # With a group, be it the one that it has, it is forked. With vfork, which Python takes
            # otherwise, no thread of this process goes on before the other has its program.
            return {'group': os.getegid()}
        return {'user': self.user.uid, 'group': self.user.gid, 'extra_groups': self.user.groups}

    def own(self, fd: int) -> None:
        """Make a pipe that one of them is to write to its own: it may open it again by its name,
        ``/dev/stdout``.
        """
        if self.user is not None:
            os.fchown(fd, self.user.uid, self.user.gid)
