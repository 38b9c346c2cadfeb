"""An answer in the encoding that its client takes: gzip or deflate."""

from __future__ import annotations

import zlib

# Less is hardly smaller afterwards.
_FEWEST_BYTES = 1024
# Three times as fast as zlib's own choice, for a tenth more.
_LEVEL = 1
# Encoding -> what zlib has it written as; its own words, on windowBits.
_WINDOWS = {'gzip': 16 + zlib.MAX_WBITS, 'deflate': zlib.MAX_WBITS}


def coded(content: bytes, accepted: str) -> tuple[bytes, str]:
    """The content as a client wants it, and the name of its encoding; empty for none.

    Parameters
    ----------
    accepted
        The header ``Accept-Encoding`` of the request.
    """
    coding = best(accepted) if accepted and len(content) >= _FEWEST_BYTES else ''
    if not coding:
        return content, ''
    compressor = zlib.compressobj(_LEVEL, wbits=_WINDOWS[coding])
    return compressor.compress(content) + compressor.flush(), coding


def best(accepted: str) -> str:
    """What a client likes best of what there is, the first of several; empty for no encoding."""
    weights: dict[str, float] = {}
    for item in accepted.split(','):
        name, _, rest = item.partition(';')
        weights.setdefault(name.strip().lower(), _weight(rest))
    known = {name: weights.get(name, weights.get('*', 0.0)) for name in _WINDOWS}
    # In the order in which the client has them.
    order = sorted(known, key=lambda name: list(weights).index(name) if name in weights
                   else len(weights))
    coding = max(order, key=lambda name: known[name])
    return coding if known[coding] > 0 and known[coding] >= weights.get('identity', 0.0) else ''


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition('=')
    if name.strip().lower() != 'q':
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
