"""What a token is good for."""

from __future__ import annotations

from enum import Enum


class Scope(Enum):
    """What a token is good for."""

    PREDICT = 'predict'
    METRICS = 'metrics'
    MANAGE = 'manage'


# A route needs any of these.
Scopes = frozenset[Scope]

PREDICT: Scopes = frozenset({Scope.PREDICT})
METRICS: Scopes = frozenset({Scope.METRICS})
# Whoever has it may have the server run what is in an archive.
MANAGE: Scopes = frozenset({Scope.MANAGE})
ANY: Scopes = frozenset(Scope)
# A route of probes, which have no token.
OPEN: Scopes = frozenset()


def union(many: list[Scopes]) -> Scopes:
    """What one of some routes of a path needs, where it is not said which."""
    return OPEN if OPEN in many else frozenset().union(*many)
