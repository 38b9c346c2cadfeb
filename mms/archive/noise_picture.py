"""Pictures of noise."""

from __future__ import annotations

import io
import random

from PIL import Image


def noise_picture(width: int, height: int, seed: int, brightness: float = 1.0) -> bytes:
    """A JPEG of random colours, the same for the same arguments.

    Parameters
    ----------
    width, height
        In pixels.
    brightness
        Largest value of a channel, as a share of 255.
    """
    noise = random.Random(seed).randbytes(height * width * 3)
    dimmed = noise.translate(bytes(int(value * brightness) for value in range(256)))
    file = io.BytesIO()
    Image.frombytes('RGB', (width, height), dimmed).save(file, 'JPEG')
    return file.getvalue()
