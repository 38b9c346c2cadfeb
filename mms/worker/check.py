"""The process behind ``mxnet-model-export --check``: load a model, answer once, report, end."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mms import mxnet_compat
from mms.archive.made_up_form import made_up_form
from mms.archive.manifest import read_manifest
from mms.config.defaults import DEFAULT_MAX_IMAGE_PIXELS
from mms.errors import REQUEST_ERRORS, StartupError
from mms.ipc.request import CLASSIC, Answer, Failure, Reply, Request
from mms.mxnet_engine.reasons import RAISED, line_in, reason_of
from mms.runtime.parent import die_with_parent
from mms.worker.codecs.classic import Classic, prediction_in
from mms.worker.codecs.codec import Endpoint
from mms.worker.hooks import answer_alone
from mms.worker.loading.live_signature import signature_of
from mms.worker.loading.service_factory import ServiceFactory
from mms.worker.warm_up.answer_advice import advice_on
from mms.worker.warm_up.made_up_requests import samples

_OK = 200
_NOT_ASKED = 0


def main(argv: Sequence[str]) -> int:
    """Write what came of it as JSON: a ``refusal``, or class, status and answer.

    Parameters
    ----------
    argv
        The model's folder, the file for the outcome, the number of the parent process.
    """
    model_dir, outcome, parent = argv
    die_with_parent(int(parent))
    sys.dont_write_bytecode = True
    logging.basicConfig(level=logging.WARNING, format='%(message)s')
    try:
        told = _try(model_dir)
    except StartupError as error:
        told = {'refusal': str(error)}
    except BaseException as error:
        told = {'refusal': f'{line_in(error, model_dir)}{reason_of(error)}'}
    with open(outcome, 'w', encoding='utf-8') as file:
        json.dump(told, file)
    sys.stdout.flush()
    sys.stderr.flush()
    # A thread of the service would keep the process alive.
    os._exit(0)


def _try(model_dir: str) -> dict[str, Any]:
    mxnet_compat.prepare()
    manifest = read_manifest(model_dir)
    model = manifest['Model']
    service_file = os.path.join(model_dir, model['Service'])
    factory = ServiceFactory(service_file, model['Model-Name'], model_dir, manifest)
    service, cls, advice = factory.make(), factory.service_class, factory.advice
    signature = signature_of(service)
    made_up = samples(service, signature)
    if not made_up:
        return _told(cls, _NOT_ASKED, '', advice)
    answer = _first_answer(service, signature, made_up)
    advice += _answer_advice(service, made_up)
    if isinstance(answer, Failure):
        return _told(cls, REQUEST_ERRORS[answer.error].status, answer.message, advice)
    assert isinstance(answer, Reply)
    return _told(cls, _OK, prediction_in(answer.body).decode('utf-8', 'replace'), advice)


def _first_answer(service: Any, signature: Mapping[str, Any],
                  made_up: Sequence[list[Any]]) -> Answer:
    """The answer to the first sample that is answered well, or to the last one."""
    codec = Classic(Endpoint('', service, DEFAULT_MAX_IMAGE_PIXELS))
    for sample in made_up:
        request = Request(CLASSIC, *made_up_form(signature, sample))
        answer = answer_alone(service, request, codec)
        if not isinstance(answer, Failure):
            break
    return answer


def _answer_advice(service: Any, made_up: Sequence[list[Any]]) -> list[str]:
    """What the first sample that is answered shows; nothing where none is."""
    for sample in made_up:
        with suppress(*RAISED):
            return advice_on(service, sample)
    return []


def _told(cls: type, status: int, answer: str, advice: Sequence[str]) -> dict[str, Any]:
    return {'service_class': cls.__name__, 'status': status, 'answer': answer,
            'advice': list(advice)}
