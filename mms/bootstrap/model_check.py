"""``--check``: each model is loaded and asked once, in place of a server."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from enum import Enum
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, Optional

import gevent

from mms.archive.location import Location
from mms.archive.made_up_form import made_up_form
from mms.archive.sample import sample_inputs
from mms.bootstrap.admission import admission_of
from mms.bootstrap.model_loader import ModelLoader
from mms.bootstrap.opening import Opener, check_service_file, look_for_gpus
from mms.bootstrap.parts import Parts
from mms.bootstrap.watching import look_at_start, present
from mms.bootstrap.worker_user import identity_of
from mms.errors import RequestError, StartupError
from mms.event_loop.in_thread import in_thread
from mms.event_loop.uninterrupted import UninterruptedExitStack
from mms.ipc.request import CLASSIC, Content, Request
from mms.runtime.columns import Column, table
from mms.runtime.streams import say, terminal_width
from mms.serving.served_model import ServedModel
from mms.terminal.progress import loading_bar

# Characters, of what a model says of a made-up request.
_LONGEST_REASON = 500
_MADE_UP = ('A model that wants more than its signature says may answer real requests all the '
            'same: try one, or give each input a "sample" in signature.json.')


class Outcome(Enum):
    """What became of a model."""

    ANSWERS = 'answers'
    NOT_ASKED = 'loads; its signature tells too little to make up a request'
    REFUSES = 'loads; finds fault with a made-up request'
    FAILS = 'loads; fails over a made-up request'
    NOT_LOADED = 'does not load'


class Checked(NamedTuple):
    """One model, checked.

    Attributes
    ----------
    name
        Its endpoint.
    outcome, reason
        What became of it, and why it does not answer.
    loaded_s
        How long it took to load; None where it does not.
    answered_ms
        How long the request took; None where there is no answer.
    """

    name: str
    outcome: Outcome
    reason: str = ''
    loaded_s: Optional[float] = None
    answered_ms: Optional[float] = None


def check_models(parts: Parts) -> None:
    """Load each model, ask it once, and print what became of it; no port is opened.

    Raises
    ------
    StartupError
        Some model does not load, or fails over the request.
    """
    with UninterruptedExitStack() as undo:
        log = parts.start_log()
        # Nothing of this is the log of a server.
        undo.callback(log.discard)
        ways = _ways_to_load(parts, undo)
        with loading_bar(list(ways)) as on_ready:
            checks = [gevent.spawn(_check, name, load, on_ready) for name, load in ways.items()]
            undo.callback(gevent.killall, checks)
            gevent.joinall(checks, raise_error=True)
        checked = [check.value for check in checks]
    say(_told(checked, terminal_width(sys.stdout)))
    failed = [one for one in checked if one.outcome in (Outcome.FAILS, Outcome.NOT_LOADED)]
    if failed:
        raise StartupError(f'{len(failed)} of {len(checked)} models cannot be served as asked')


def _ways_to_load(parts: Parts, undo: ExitStack) -> dict[str, Callable[[], ServedModel]]:
    """Name of each model -> what loads it."""
    settings = parts.settings
    if settings.service is not None:
        check_service_file(settings.service, settings.said('service'))
    identity = identity_of(settings)
    launcher = parts.launcher(identity)
    undo.callback(launcher.stop)
    models = parts.registry(look_for_gpus(settings, identity), identity, launcher)
    watched = look_at_start(parts)
    opener = Opener(undo, identity.gid, admission_of(parts, undo))
    loader = ModelLoader(opener, models)
    undo.callback(models.stop)
    if parts.has_given_models:
        return {one.name: partial(loader.add, one) for one in parts.open(opener)}
    locations = {name: Location.parse(text) for name, text in settings.models.items()}
    locations.update(present(parts, watched))
    return {name: partial(loader.load, name, location) for name, location in locations.items()}


def _check(name: str, load: Callable[[], ServedModel], on_ready: Callable[[str], None]) -> Checked:
    began = time.monotonic()
    try:
        model = load()
    except StartupError as error:
        return Checked(name, Outcome.NOT_LOADED, str(error))
    finally:
        on_ready(name)
    return _ask(model, time.monotonic() - began)


def _ask(model: ServedModel, loaded_s: float) -> Checked:
    request = in_thread(lambda: _made_up(model.signature))
    if request is None:
        return Checked(model.name, Outcome.NOT_ASKED, loaded_s=loaded_s)
    began = time.monotonic()
    try:
        reply = model.submit(request)
    except RequestError as error:
        return Checked(model.name, _outcome_of(error.status),
                       f'model {model.name} answers {error.status}: {error}', loaded_s)
    answered_ms = (time.monotonic() - began) * 1000
    outcome = _outcome_of(reply.status)
    reason = '' if outcome is Outcome.ANSWERS else (
        f'model {model.name} answers {reply.status}: {_brief(reply.content)}')
    return Checked(model.name, outcome, reason, loaded_s, answered_ms)


def _made_up(signature: Mapping[str, Any]) -> Optional[Request]:
    sample = sample_inputs(signature)
    return None if sample is None else Request(CLASSIC, *made_up_form(signature, sample))


def _outcome_of(status: int) -> Outcome:
    if status < HTTPStatus.BAD_REQUEST:
        return Outcome.ANSWERS
    return Outcome.REFUSES if status < HTTPStatus.INTERNAL_SERVER_ERROR else Outcome.FAILS


def _brief(answer: Content) -> str:
    text = bytes(answer).decode('utf-8', 'replace').strip()
    return text if len(text) <= _LONGEST_REASON else f'{text[:_LONGEST_REASON]}...'


def _told(checked: Sequence[Checked], width: Optional[int]) -> list[str]:
    lines = table([
        Column('model', [one.name for one in checked], may_be_cut=True),
        Column('loaded in', [_number(one.loaded_s, 's') for one in checked], is_number=True,
               rank=1),
        Column('answered in', [_number(one.answered_ms, 'ms') for one in checked], is_number=True,
               rank=2),
        Column('result', [one.outcome.value for one in checked]),
    ], width)
    reasons = [one.reason for one in checked if one.reason]
    if any(one.outcome in (Outcome.REFUSES, Outcome.FAILS) for one in checked):
        reasons.append(_MADE_UP)
    return [*lines, *([''] if reasons else []), *reasons]


def _number(value: Optional[float], unit: str) -> str:
    return '' if value is None else f'{value:.1f} {unit}'
