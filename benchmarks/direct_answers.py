"""What an archive's service answers without a server, one request at a time.

``python direct_answers.py ARCHIVE``: reads a JSON list of requests from standard input, each
``{name: text or {"picture": path}}``, and writes a JSON list for each: its answer, or nothing
where the service finds the request wrong.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

from hooks import load_service

from mms.errors import BadRequest
from mms.worker.codecs.json_answer import to_json


def main() -> None:
    """Answer what standard input asks."""
    service = load_service(sys.argv[1])
    names = [entry['data_name'] for entry in service.signature['inputs']]
    answers = [answer(service, [raw(fields[name]) for name in names])
               for fields in json.load(sys.stdin)]
    # MXNet writes to standard output too.
    sys.stdout.write(f"\n[{', '.join(answers)}]\n")


def answer(service: Any, inputs: list[Any]) -> str:
    """Return a JSON list of the answer; an empty one for a request that is wrong."""
    try:
        return f'[{to_json(service.inference(inputs)).decode()}]'
    except BadRequest:
        return '[]'


def raw(value: Any) -> Any:
    """Return what ``_preprocess`` gets of a field."""
    if isinstance(value, dict):
        return Path(value['picture']).read_bytes()
    try:
        return json.loads(value)
    except ValueError:
        return ast.literal_eval(value)


if __name__ == '__main__':
    main()
