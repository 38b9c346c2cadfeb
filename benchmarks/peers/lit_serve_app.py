"""The LitServe app: one Graph a worker. FOLDERS PORT WORKERS BATCH TIMEOUT_S.

FOLDERS is JSON, of each path the folder of its network.
"""

# No annotations as text here: LitServe compares that of decode_request with the class.

import json
import sys
from pathlib import Path
from typing import Any

import litserve
from fastapi import Request

FOLDERS, PORT, WORKERS, BATCH, TIMEOUT_S = sys.argv[1:6]


class GraphAPI(litserve.LitAPI):
    """One field in, an answer out."""

    def __init__(self, folder: str, **options: Any) -> None:
        super().__init__(**options)
        self.folder = folder

    def setup(self, device: str) -> None:
        """Load the network in the worker."""
        from graph import Graph

        del device
        self.graph = Graph(Path(self.folder))

    def decode_request(self, request: Request) -> bytes:
        """Return the only field's bytes; `request` is its parsed form by now."""
        [value] = request.values()
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
    timeout_s = float(TIMEOUT_S) if int(BATCH) > 1 else 0.0
    apis = [GraphAPI(folder, max_batch_size=int(BATCH), batch_timeout=timeout_s, api_path=path)
            for path, folder in json.loads(FOLDERS).items()]
    server = litserve.LitServer(apis, accelerator='cpu', workers_per_device=int(WORKERS))
    server.run(host='127.0.0.1', port=int(PORT), generate_client_file=False,
               log_level='warning')
