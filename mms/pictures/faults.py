"""Why a picture is not decoded."""

from __future__ import annotations


class PictureFault(ValueError):
    """A picture is not to be decoded; the message says why."""


class Unreadable(PictureFault):
    """MXNet's decoder would not take it, or would not say that it could not."""


class TooManyPixels(PictureFault):
    """It has more pixels than are allowed.

    Attributes
    ----------
    width, height
        As its head has them, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f'{width} x {height} pixels are too many')
        self.width, self.height = width, height


class TooManyScans(PictureFault):
    """Each scan of a JPEG passes over all of its pixels, and it has too many.

    Attributes
    ----------
    width, height
        In pixels.
    scans
        How many were counted before it was given up.
    """

    def __init__(self, width: int, height: int, scans: int) -> None:
        super().__init__(f'{scans} scans of {width} x {height} pixels are too many')
        self.width, self.height, self.scans = width, height, scans
