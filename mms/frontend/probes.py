"""Paths that tell whether the server is well: whoever asks there gets an answer before others."""

from __future__ import annotations

PROBES = frozenset({'/ping', '/health/live', '/health/ready', '/health/startup',
                    '/v2/health/live', '/v2/health/ready'})
