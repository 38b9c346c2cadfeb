"""The bar of a command that moves many bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from mms.runtime.printable import one_line

if TYPE_CHECKING:
    from tqdm import tqdm


def byte_bar(total: Optional[int], shown: bool, name: str = '') -> tqdm[Any]:
    """A bar on standard error.

    Parameters
    ----------
    total
        Bytes in all; None where this is not known.
    shown
        Whether there is a bar to be seen.
    name
        Of what is moved.
    """
    from tqdm import tqdm

    return tqdm(total=total, desc=one_line(name), unit='B', unit_scale=True, disable=not shown)


def rename(bar: tqdm[Any], name: str) -> None:
    """Say beside a bar what is moved now."""
    bar.set_description(one_line(name), refresh=False)
