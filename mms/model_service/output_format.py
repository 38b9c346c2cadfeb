"""The outputs of a network as a client gets them: as texts, or as lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from mms.archive.signature import LISTS, OUTPUT_FORMAT, OUTPUT_FORMATS
from mms.errors import ServiceError
from mms.mxnet_engine.arrays import is_ndarray


def output_format_of(cls: type, signature: Mapping[str, Any]) -> Optional[str]:
    """What the signature says, else the class; None where neither does.

    Raises
    ------
    ServiceError
        The class says what is no output format.
    """
    chosen: Optional[str] = getattr(cls, OUTPUT_FORMAT, None)
    if chosen is not None and chosen not in OUTPUT_FORMATS:
        raise ServiceError(f'{cls.__name__}: {OUTPUT_FORMAT} must be one of '
                           f"{', '.join(OUTPUT_FORMATS)}, not {chosen!r}")
    said: Optional[str] = signature.get(OUTPUT_FORMAT)
    return said or chosen


def formatted(outputs: Any, output_format: Optional[str]) -> list[Any]:
    """Each output as nested lists, or as the text of such lists, as MMS 0.4 gave it.

    Parameters
    ----------
    outputs
        One NDArray, or a list of them.
    """
    arrays = [outputs] if is_ndarray(outputs) else outputs
    lists = [output.asnumpy().tolist() for output in arrays]
    return lists if output_format == LISTS else list(map(str, lists))
