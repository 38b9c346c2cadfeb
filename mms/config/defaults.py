"""Limits that a process has which was told no settings."""

from __future__ import annotations

# A 24 megapixel camera picture fits twice; decoded at 3 bytes a pixel it is 150 MB.
DEFAULT_MAX_IMAGE_PIXELS = 50_000_000
# Fields and files; of those that clients send, most have one.
DEFAULT_MAX_FORM_FIELDS = 10_000
