"""PNG and JPEG files as arrays."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..support import some_of, warn_user
from .picture_checks import SIGNATURE_OF_PNG, check_jpeg, check_png, is_png_of_16_bits
from .unreadable import Damaged, unreadable

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

_SIGNATURE_OF_JPEG = b"\xff\xd8"

#: Some pixels of a JPEG, whatever its tables are.
_SOMETHING_ELSE = b"\x5a\xc3\x96" * 100

#: What Pillow warns of that is not about pixels.
_HARMLESS = re.compile("EXIF|APNG|ICC|[Mm]etadata")

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
        If it cannot be read, or is damaged.

    Warns
    -----
    UserWarning
        If something in it is odd.
    """
    try:
        data = path.read_bytes()
        if data.startswith(SIGNATURE_OF_PNG):
            data = check_png(data)
        ends = check_jpeg(data) if data.startswith(_SIGNATURE_OF_JPEG) else []
        # 16 bits of several channels are 8 to Pillow.
        if is_png_of_16_bits(data):
            import imagecodecs

            image = imagecodecs.png_decode(data)
            return image[..., 0] if image.ndim == 3 and image.shape[-1] == 2 else image
        with _pillow() as told:
            if ends:
                _check_all_is_there(data, ends)
            image = _decode(data, look_up)
        if not all(map(_HARMLESS.search, told)):
            raise Damaged(some_of(told))
    except Exception as error:  # Pillow raises what it comes across
        raise unreadable(path, error) from error
    if told:
        warn_user(f"{path}: {some_of(told)}")
    return image


def _check_all_is_there(data: bytes, ends: Sequence[int]) -> None:
    """Check that a JPEG has all the pixels that it declares.

    The decoder goes on silently where they end too early. Then it depends on what follows, so
    a small picture is decoded once as it is and once with something else behind the pixels.
    """
    import PIL.Image

    parts = [data[i:j] for i, j in itertools.pairwise([0, *ends, len(data)])]
    small = []
    for content in (data, _SOMETHING_ELSE.join(parts)):
        with PIL.Image.open(io.BytesIO(content)) as picture:
            if "progressive" not in picture.info:  # most of that would be left out
                picture.draft("L", (1, 1))
            small.append(np.asarray(picture))
    if not np.array_equal(small[0], small[1]):
        raise Damaged("its pixels end too early")


def _decode(data: bytes, look_up: bool) -> np.ndarray:
    """Decode what Pillow can, as grey values, RGB or RGBA."""
    import PIL.Image

    with PIL.Image.open(io.BytesIO(data)) as picture:
        if picture.mode == "P" and not look_up:
            return np.asarray(picture)
        if picture.mode == "P" and "transparency" in picture.info:
            # Looked up at once it would be warned of; the colors are the same.
            return np.asarray(picture.convert("RGBA").convert("RGB"))
        return np.asarray(picture.convert(_MODES.get(picture.mode, picture.mode)))


@contextlib.contextmanager
def _pillow() -> Iterator[list[str]]:
    """Let Pillow open pictures of any size, and collect what it warns of."""
    import PIL.Image

    told: list[str] = []
    with _one_at_a_time, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        # Large fields are an attack to it.
        most, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
        try:
            yield told
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = most
            told += dict.fromkeys(str(warning.message) for warning in caught)
