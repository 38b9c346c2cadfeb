"""One ONNX model, run by MXNet and by onnxruntime on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import as_served  # noqa: F401
import numpy as np
import onnxruntime

from mms.errors import ExportError
from mms.from_onnx.convert import convert
from mms.mxnet_compat import mxnet as mx

# Of the largest magnitude of an output.
TOLERANCE = 1e-4
BATCHES = (1, 3)
# For axes of any length that are no batch.
LENGTH = 6
# Whole numbers stand for words: this many are known to each network here.
VOCABULARY = 24

SAME, DIFFERENT, REFUSED, FAILED = 'same', 'different', 'refused', 'failed'
NO_REFERENCE, BLIND = 'no reference', 'blind'
# Inputs of one batch have to change an output by this part of its largest magnitude.
VISIBLE = 1e-3


@dataclass(frozen=True)
class Verdict:
    """What came of one model.

    Attributes
    ----------
    word
        ``same``, ``different``, ``refused`` (the converter says that it cannot), ``failed``
        (something broke), ``no reference`` (onnxruntime does not take the file), or ``blind``
        (each input of a batch gets the same answer, so that nothing would be shown).
    difference
        The largest difference of any output, as a part of its largest magnitude.
    reason
        The message of a model that was refused or failed.
    """

    word: str
    difference: Optional[float] = None
    reason: str = ''


def compare(path: Path, batches: Sequence[int] = BATCHES) -> Verdict:
    """Convert a model and run it at each batch that it takes."""
    try:
        converted = convert(str(path))
    except ExportError as error:
        return Verdict(REFUSED, reason=str(error))
    except Exception as error:
        return Verdict(FAILED, reason=short(error))
    try:
        session = open_session(path)
    except Exception as error:
        return Verdict(NO_REFERENCE, reason=short(error))
    try:
        worst, seen = 0.0, True
        for inputs in random_inputs(session, batches):
            expected = session.run(None, inputs)
            worst = max(worst, _difference(converted, inputs, expected))
            seen = any(map(_is_visible, expected))
    except Exception as error:
        return Verdict(FAILED, reason=short(error))
    if worst > TOLERANCE:
        return Verdict(DIFFERENT, worst)
    return Verdict(SAME if seen else BLIND, worst)


def short(error: Exception) -> str:
    """Class and first line of an error."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f'{type(error).__name__}: {lines[0] if lines else ""}'[:300]


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Open the model in onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])


def random_inputs(session: onnxruntime.InferenceSession, batches: Sequence[int]
                  ) -> list[dict[str, np.ndarray]]:
    """Seeded inputs by name, once for each batch; once in all where the batch is fixed."""
    entries = session.get_inputs()
    any_batch = any(not isinstance(length, int) for entry in entries for length in entry.shape[:1])
    return [{entry.name: _random(entry, batch) for entry in entries}
            for batch in (batches if any_batch else (1,))]


def run_mxnet(converted: Any, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of a converted model."""
    kinds = {name: dtype for name, _, dtype in converted.inputs}
    executor = converted.symbol.simple_bind(
        mx.cpu(), grad_req='null', type_dict=kinds,
        **{name: inputs[name].shape for name in kinds})
    executor.copy_params_from(converted.arg_params, converted.aux_params)
    data = {name: mx.nd.array(inputs[name], dtype=dtype) for name, dtype in kinds.items()}
    return [output.asnumpy() for output in executor.forward(is_train=False, **data)]


def difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, as a part of the largest magnitude that is expected."""
    if actual.shape != expected.shape:
        raise ValueError(f'the shape is {actual.shape}, expected {expected.shape}')
    if not expected.size:
        return 0.0
    actual, expected = actual.astype('float64'), expected.astype('float64')
    worst = float(np.abs(actual - expected).max())
    return worst / (float(np.abs(expected).max()) or 1.0) if np.isfinite(worst) else np.inf


def _difference(converted: Any, inputs: Mapping[str, np.ndarray],
                expected: Sequence[np.ndarray]) -> float:
    actual = run_mxnet(converted, inputs)
    if len(actual) != len(expected):
        raise ValueError(f'{len(actual)} outputs, expected {len(expected)}')
    return max(map(difference, actual, expected))


def _is_visible(output: np.ndarray) -> bool:
    """Whether the inputs of a batch get different answers; a batch of one says nothing."""
    if output.ndim == 0 or len(output) == 1:
        return True
    spread = np.abs(output[0].astype('float64') - output[-1].astype('float64')).max()
    return bool(spread > VISIBLE * np.abs(output).max())


def _random(entry: Any, batch: int) -> np.ndarray:
    random = np.random.RandomState(batch)
    shape = [length if isinstance(length, int) else batch if not axis or length == 'batch'
             else LENGTH for axis, length in enumerate(entry.shape)]
    if entry.type == 'tensor(float)':
        return random.normal(size=shape).astype('float32')
    return random.randint(0, VOCABULARY, shape)
