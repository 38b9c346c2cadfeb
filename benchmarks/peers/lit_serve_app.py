"""The LitServe app: one Graph a worker. FOLDER PORT WORKERS BATCH TIMEOUT_S."""

# No annotations as text here: LitServe compares that of decode_request with the class.

import sys
from pathlib import Path
from typing import Any

import litserve
from fastapi import Request

FOLDER, PORT, WORKERS, BATCH, TIMEOUT_S = sys.argv[1:6]


class GraphAPI(litserve.LitAPI):
    """The field ``data`` in, an answer out."""

    def setup(self, device: str) -> None:
        """Load the network in the worker."""
        from graph import Graph

        del device
        self.graph = Graph(Path(FOLDER))

    def decode_request(self, request: Request) -> bytes:
        """Return the field's bytes; `request` is its parsed form by now."""
        value = request['data']
        return value.encode() if isinstance(value, str) else value.file.read()

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        """Leave the joining to the graph, which does it after its ``preprocess``."""
        return inputs

    def unbatch(self, output: list[Any]) -> list[Any]:
        """One answer a request."""
        return output

    def predict(self, x: Any) -> Any:
        """Answer one request (LitServe does not batch then) or a list of them."""
        return self.graph.answer(x) if isinstance(x, list) else self.graph.answer([x])[0]

    def encode_response(self, output: Any) -> Any:
        """It is JSON already."""
        return output


if __name__ == '__main__':
    api = GraphAPI(max_batch_size=int(BATCH),
                   batch_timeout=float(TIMEOUT_S) if int(BATCH) > 1 else 0.0)
    server = litserve.LitServer(api, accelerator='cpu', workers_per_device=int(WORKERS))
    server.run(host='127.0.0.1', port=int(PORT), generate_client_file=False,
               log_level='warning')
