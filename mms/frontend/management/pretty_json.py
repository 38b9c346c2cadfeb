"""Answers as MMS 1.x gives them: JSON over several lines, which no cache keeps."""

from __future__ import annotations

import json
from typing import Any

from mms.frontend.exchange import HTTPResponse, text_response
from mms.ipc.request import JSON


def pretty_response(status: int, value: Any) -> HTTPResponse:
    """A response of JSON for people to read."""
    response = text_response(status, JSON, json.dumps(value, indent=2) + '\n')
    response.headers.append(('Cache-Control', 'no-store'))
    return response
