"""The blocks of a PEM file, in one pass: its size may be that of any file somebody has named."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

# No label is longer; each mark is looked at once, whatever stands around it.
_MARK = re.compile(rb'-----(BEGIN|END) ([A-Z0-9 ]{1,64})-----')
_BEGIN, _BEGINS = b'BEGIN', b'-----BEGIN '


class PEMBlock(NamedTuple):
    """One of them.

    Attributes
    ----------
    label
        What it is, such as ``PUBLIC KEY``.
    text
        From its first mark to its last.
    """

    label: str
    text: bytes


def pem_blocks(data: bytes) -> list[PEMBlock]:
    """Those in a file, in its order; what stands around them does not matter.

    Raises
    ------
    ValueError
        One begins, and does not end as it begins.
    """
    blocks = []
    begun: Optional[re.Match[bytes]] = None
    for mark in _MARK.finditer(data):
        if mark[1] == _BEGIN and begun is None:
            begun = mark
        elif begun is not None and mark[1] != _BEGIN and mark[2] == begun[2]:
            blocks.append(PEMBlock(mark[2].decode('ascii'), data[begun.start():mark.end()]))
            begun = None
        elif begun is not None:
            break
    if len(blocks) < data.count(_BEGINS):
        raise ValueError('a block is cut off: one begins, and does not end as it begins')
    return blocks
