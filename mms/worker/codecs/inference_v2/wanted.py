"""Which outputs a request wants, and how each is to be given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Optional

from mms.worker.codecs.inference_v2.parameters import flag, parameters_of, size_in
from mms.worker.codecs.inference_v2.wrong import shown, wrong

# Of a model whose signature names none.
PREDICTION = 'prediction'


class Wanted(NamedTuple):
    """One output.

    Attributes
    ----------
    is_binary
        Whether as it lies in memory, else as JSON; None where the request says it for all.
    classes
        How many of its largest numbers are wanted in its place; 0 for the output itself.
    """

    name: str
    is_binary: Optional[bool] = None
    classes: int = 0


def names_of(signature: Mapping[str, Any]) -> list[str]:
    """Names of the outputs that a model has."""
    return [entry['data_name'] for entry in signature.get('outputs') or ()] or [PREDICTION]


def read_wanted(outputs: Any, model: str, known: Collection[str]) -> Optional[list[Wanted]]:
    """The outputs of a request; None where it wants all.

    Raises
    ------
    BadRequest
    """
    if outputs is None or outputs == []:
        return None
    if not isinstance(outputs, list):
        raise wrong(f'outputs must be a list, not {shown(outputs)}')
    wanted = [_wanted(output, model, known) for output in outputs]
    if len({one.name for one in wanted}) < len(wanted):
        # Many short ones would be a large answer.
        raise wrong('two outputs have the same name')
    return wanted


def _wanted(output: Any, model: str, known: Collection[str]) -> Wanted:
    name = output.get('name') if isinstance(output, dict) else None
    if not isinstance(name, str):
        raise wrong(f'an output must be an object with a name, not {shown(output)}')
    if name not in known:
        raise wrong(f"unexpected inference output '{name}' for model '{model}'")
    parameters = parameters_of(output, f"output '{name}'")
    return Wanted(name, flag(parameters, 'binary_data'), size_in(parameters, 'classification') or 0)
