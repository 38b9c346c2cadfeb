"""Which service classes are made for which kind of model, and what their files name."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from mms.archive.manifest import is_symbolic

# Judged by name: old archives embed copies of these classes.
_GLUON_BASES = frozenset({'GluonImperativeBaseService', 'GluonVisionService'})
# In what imports MXNet, or one of the base classes that do.
_MXNET = (b'mxnet', b'gluon')
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


def names_mxnet(service_file: str) -> bool:
    """Whether the text of a service file has MXNet in it, or cannot be read; it may use it through
    another file all the same.
    """
    try:
        with open(service_file, 'rb') as file:
            text = file.read()
    except OSError:
        return True
    return any(name in text for name in _MXNET)
