"""What the answer to a made-up request shows of its service: one line each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np

from mms.archive.sample import copy_of
from mms.mxnet_engine.arrays import is_ndarray
from mms.worker.codecs.json_answer import to_json
from mms.worker.loading.advice import answers_classes, class_place, is_asked_by_hooks

# Softmax in float16 sums to 1 within this.
_TOLERANCE = 1e-2


def advise(service: Any, outputs: Any, prediction: Any) -> list[str]:
    """Look at what came of a made-up request.

    Parameters
    ----------
    outputs
        What ``_inference`` returned.
    prediction
        What ``_postprocess`` returned.

    Returns
    -------
    list of str
        Labels that are too few or too many, scores that are no probabilities, and what cannot be
        sent; with file and line.
    """
    found = list(_of_classes(service, outputs)) if _answers_classes(service) else []
    try:
        to_json(prediction)
    except (TypeError, ValueError, RecursionError) as error:
        found.append(f'{_postprocess_place(type(service))}: its answer cannot be sent: {error}')
    return found


def advice_on(service: Any, inputs: list[Any]) -> list[str]:
    """Let a service answer `inputs`, which it has answered before, and look at what comes of it.

    Raises
    ------
    Exception
        What the service raises.
    """
    if not is_asked_by_hooks(service):
        return advise(service, None, service.inference(copy_of(inputs)))
    outputs = service._run_inference(service._run_preprocess(copy_of(inputs)))
    return advise(service, outputs, service._run_postprocess(outputs))


def _answers_classes(service: Any) -> bool:
    return answers_classes(type(service)) and getattr(service, 'output_format', None) is None


def _of_classes(service: Any, outputs: Any) -> Iterator[str]:
    place, labels = class_place(type(service)), getattr(service, 'labels', None) or ()
    names = [entry.get('data_name') for entry in service.signature.get('outputs', ())]
    for number, scores in enumerate(_rows(outputs)):
        name = repr(names[number]) if number < len(names) else f'number {number}'
        if len(labels) != len(scores):
            rest = 'classes without one are never answered' if len(labels) < len(scores) else \
                'those beyond the last class are never answered'
            yield (f'{place}: there are {len(labels)} labels (synset.txt, or self.labels), and '
                   f'output {name} has {len(scores)} classes: {rest}')
        total, least = float(scores.sum()), float(scores.min())
        if np.isfinite(total) and (least < 0 or abs(total - 1) > _TOLERANCE):
            what = f'holds {least:.3g}' if least < 0 else f'sums to {total:.3g}'
            yield (f'{place}: output {name} is answered as probabilities, but it {what}: end the '
                   'network with a softmax, or define _postprocess')


def _rows(outputs: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The scores of the first item of each output that holds scores by class."""
    for output in [outputs] if is_ndarray(outputs) else outputs or ():
        scores = output.asnumpy() if is_ndarray(output) else np.zeros(0)
        row = scores.reshape(scores.shape[0], -1)[0] if scores.ndim > 1 else scores
        if row.size:
            yield row.astype('float64')


def _postprocess_place(cls: type) -> str:
    hook = getattr(cls, '_postprocess', None)
    if isinstance(hook, FunctionType) and hook.__module__.partition('.')[0] != 'mms':
        return f'{os.path.basename(hook.__code__.co_filename)}:{hook.__code__.co_firstlineno}'
    return class_place(cls)
