"""Which service classes are made for which kind of model."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from mms.archive.manifest import is_symbolic

# Judged by name: old archives embed copies of these classes.
_GLUON_BASES = frozenset({'GluonImperativeBaseService', 'GluonVisionService'})
_SYMBOLIC_BASES = frozenset({'MXNetBaseService', 'MXNetVisionService'})


def fits_format(names: AbstractSet[str], model_format: str) -> bool:
    """Whether a service class is made for a ``Model-Format``.

    Parameters
    ----------
    names
        Those of the class and of all its bases.
    model_format
        ``MXNet-Symbolic`` or ``Gluon-Imperative``.
    """
    is_gluon = bool(names & _GLUON_BASES)
    if is_symbolic(model_format):
        return bool(names & _SYMBOLIC_BASES) and not is_gluon
    return is_gluon
