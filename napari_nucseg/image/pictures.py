"""PNG and JPEG files as arrays."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .unreadable import unreadable

__all__ = ["LOSSY", "PICTURE_SUFFIXES", "read_picture"]

#: Suffixes of pictures whose pixels were changed to be saved.
LOSSY = (".jpg", ".jpeg")

PICTURE_SUFFIXES = (".png", *LOSSY)

#: What colors that are looked up or mixed in other ways are read as, by Pillow's mode.
_MODES = {
    "P": "RGB",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "LAB": "RGB",
    "HSV": "RGB",
    "LA": "L",
    "PA": "L",
}

_SIGNATURE_OF_PNG = b"\x89PNG\r\n\x1a\n"

_one_at_a_time = threading.Lock()


def read_picture(path: Path, *, look_up: bool) -> np.ndarray:
    """Read a PNG or JPEG.

    Parameters
    ----------
    path : Path
        The file.
    look_up : bool
        Whether the colors of a palette are looked up; otherwise their numbers are read.

    Returns
    -------
    ndarray, shape (Y, X), (Y, X, 3) or (Y, X, 4)
        Intensities of 8 or 16 bits, or of one.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    import PIL.Image

    try:
        with open(path, "rb") as file:
            beginning = file.read(len(_SIGNATURE_OF_PNG) + 18)
        # 16 bits of several channels are 8 to Pillow, and large fields an attack.
        if beginning.startswith(_SIGNATURE_OF_PNG) and beginning[24] == 16:
            import imagecodecs

            image = imagecodecs.png_decode(path.read_bytes())
            return image[..., 0] if image.ndim == 3 and image.shape[-1] == 2 else image
        with _large_pictures(), PIL.Image.open(path) as picture:
            if picture.mode == "P" and not look_up:
                return np.asarray(picture)
            return np.asarray(picture.convert(_MODES.get(picture.mode, picture.mode)))
    except Exception as error:  # Pillow raises what it comes across
        raise unreadable(path, error) from error


@contextlib.contextmanager
def _large_pictures() -> Iterator[None]:
    """Let Pillow open pictures of any size."""
    import PIL.Image

    with _one_at_a_time:
        most, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = most
