"""The signature of a service that was just made, as the front takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mms.archive.signature import (
    JSON_TYPE,
    OUTPUT_FORMAT,
    OUTPUT_FORMATS,
    validate_signature,
)
from mms.worker.codecs.json_answer import to_json

WHERE = 'the signature of its service'


def signature_of(service: Any) -> dict[str, Any]:
    """:func:`live_signature` of a service, with what it says of its answers.

    Raises
    ------
    SignatureError
    """
    signature = live_signature(service.signature)
    chosen = getattr(service, OUTPUT_FORMAT, None)
    return {OUTPUT_FORMAT: chosen, **signature} if chosen in OUTPUT_FORMATS else signature


def live_signature(signature: Any) -> dict[str, Any]:
    """What a service says of itself, in the schema of ``signature.json``.

    A service may compute it: tuples and NumPy numbers become what JSON has, any
    negative length is 0 (any), and what the front does not need may be missing.

    Raises
    ------
    SignatureError
        It names no inputs that a request could have.
    """
    plain = json.loads(to_json(signature))
    if isinstance(plain, dict):
        plain = {'outputs': [], 'output_type': JSON_TYPE, **plain}
        for entry in plain['inputs'] if isinstance(plain.get('inputs'), list) else ():
            _normalize_shape(entry)
    return validate_signature(plain, WHERE)


def _normalize_shape(entry: Any) -> None:
    shape = entry.get('data_shape') if isinstance(entry, Mapping) else None
    if isinstance(shape, list):
        entry['data_shape'] = [max(0, size) if isinstance(size, int) else size for size in shape]
