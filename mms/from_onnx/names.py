"""Names of the nodes that a conversion makes: the same each time."""

from __future__ import annotations

from typing import Optional

from mms.mxnet_compat import mxnet as mx


class NodeNames(mx.name.NameManager):  # type: ignore[misc]  # MXNet has no types
    """Names a node of MXNet after the one of ONNX that it comes from."""

    def __init__(self) -> None:
        super().__init__()
        self.label = ''
        self._used: dict[str, int] = {}

    def get(self, name: Optional[str], hint: str) -> str:
        """A name of its own."""
        wanted = name or f'{self.label}/{hint}'
        number = self._used.get(wanted, 0)
        self._used[wanted] = number + 1
        return f'{wanted}_{number}' if number else wanted
