"""Limits that a process has which was told no settings."""

from __future__ import annotations

# A 24 megapixel camera picture fits twice; decoded at 3 bytes a pixel it is 150 MB.
DEFAULT_MAX_IMAGE_PIXELS = 50_000_000
