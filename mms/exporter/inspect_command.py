"""``mxnet-model-export --inspect`` and ``--check``: print what was found."""

from __future__ import annotations

import sys

from mms.archive.location import Location
from mms.archive.reader import unpacked
from mms.exporter.inspection import Inspection, inspect_folder
from mms.exporter.report import report
from mms.exporter.trial_run import NOT_ASKED, Trial, TrialFailed, try_model
from mms.runtime.streams import is_terminal, say
from mms.runtime.workspace import Workspace
from mms.version import __version__

_SHOWN_CHARACTERS = 400
_OK, _BAD_REQUEST = 200, 400


def inspect_model(location: Location, check: bool) -> bool:
    """Print what an archive holds, and whether this server would serve it.

    Parameters
    ----------
    location
        What ``--models`` takes behind the name.
    check
        Load the model too, and let it answer a made-up request; that runs its code.

    Returns
    -------
    bool
        Whether the server would serve it, as far as was looked.

    Raises
    ------
    StartupError
        The archive cannot be opened at all.
    """
    where = location.redacted
    workspace = Workspace()
    try:
        with unpacked('inspected', location, workspace.path,
                      progress=is_terminal(sys.stderr)) as model_dir:
            found = inspect_folder(model_dir, where)
            say(report(found))
            if found.refusal or not check:
                return _conclude(found)
            return _try(where, model_dir, workspace.path)
    finally:
        workspace.close()


def _conclude(found: Inspection) -> bool:
    if found.refusal:
        say(f'Version {__version__} of the server would not serve it: {found.refusal}')
        return False
    say(f'Version {__version__} of the server would serve it, by its files; '
        '--check loads it and asks it once')
    return True


def _try(where: str, model_dir: str, workspace: str) -> bool:
    try:
        trial = try_model(model_dir, workspace)
    except TrialFailed as error:
        _say_log(error.log)
        message = str(error).replace(model_dir, where)
        say(f'Version {__version__} of the server would not serve it: {message}')
        return False
    for line in trial.advice:
        say(f'WARNING: {line}', sys.stderr)
    return _judge(trial)


def _judge(trial: Trial) -> bool:
    loaded = f'Version {__version__} of the server loads it'
    if trial.status == _OK:
        say(f'{loaded}; a made-up request is answered by {_shortened(trial.answer)}')
    elif trial.status == NOT_ASKED:
        say(f'{loaded}; its signature tells too little to make up a request')
    elif trial.status == _BAD_REQUEST:
        say(f'{loaded}; it finds fault with a made-up request, try a real one: '
            f'{trial.answer}')
    else:
        _say_log(trial.log)
        say(f'{loaded}, but a made-up request is answered by {trial.status}: {trial.answer} '
            'If it wants more than its signature says, try a real one')
        return False
    return True


def _say_log(log: str) -> None:
    if log:
        say(log.rstrip('\n').split('\n'), sys.stderr)


def _shortened(answer: str) -> str:
    return answer if len(answer) <= _SHOWN_CHARACTERS else f'{answer[:_SHOWN_CHARACTERS]}...'
