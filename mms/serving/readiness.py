"""Whether a server is ready for requests, of what is known of its models: pure policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mms.config.required_models import Required
from mms.serving.model_state import ModelState
from mms.serving.server_state import ServerState


class ModelHealth(NamedTuple):
    """What is known of one model.

    Attributes
    ----------
    state, reason
        Its state, and why it is degraded or has failed.
    since_s
        Since when, in seconds since the epoch.
    workers
        State of a worker -> how many are in it.
    is_required
        Whether the server is not ready without it.
    is_served
        Whether requests find it: it neither loads nor drains.
    """

    name: str
    state: ModelState
    reason: str
    since_s: float
    workers: Mapping[str, int]
    is_required: bool = False
    is_served: bool = True

    @property
    def can_answer(self) -> bool:
        """Whether it answers requests."""
        return self.is_served and self.state is ModelState.READY


class ServerHealth(NamedTuple):
    """What is known of a server.

    Attributes
    ----------
    state
        That of the server.
    since_s
        Since when, in seconds since the epoch.
    reason
        Why it is not ready; empty where it is.
    models
        Its models, one for each name.
    missing
        Names of required models that are not served.
    remarks
        What else its operator should know.
    """

    state: ServerState
    since_s: float
    reason: str
    models: Sequence[ModelHealth] = ()
    missing: Sequence[str] = ()
    remarks: Sequence[str] = ()


def missing(models: Sequence[ModelHealth], required: Required) -> list[str]:
    """Names of models that have to be there, and are not served."""
    served = {model.name for model in models if model.is_served}
    return [name for name in required.names if name not in served]


def why_not_ready(state: ServerState, models: Sequence[ModelHealth],
                  required: Required) -> str:
    """Why a server had better get no requests; an empty string where it is ready."""
    if state is ServerState.LOADING:
        return 'the server loads its models'
    if state is ServerState.DRAINING:
        return 'the server stops'
    reasons = [f'model {name} is required, and is not served'
               for name in missing(models, required)]
    reasons += [f'model {model.name} is required, and is {model.state.value}: {model.reason}'
                for model in models
                if model.is_served and model.is_required and not model.can_answer]
    if reasons:
        return '; '.join(reasons)
    if not any(model.is_served for model in models):
        return 'no model is served'
    return '' if any(model.can_answer for model in models) else 'no model can answer'
