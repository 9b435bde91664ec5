"""Images and labels on disk: TIFF, PNG and JPEG to fields, and labels to TIFF."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..support import new_file, pluralize, some_of
from .field import Field, as_labels, has_channels_last

__all__ = [
    "IMAGE_SUFFIXES",
    "check_file",
    "read_image",
    "read_labels",
    "write_labels",
    "write_probability",
]

_LOSSY = (".jpg", ".jpeg")

#: Suffixes of the files that can be read.
IMAGE_SUFFIXES = (".tif", ".tiff", ".png", *_LOSSY)

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

#: Micrometers that a pixel can be high and wide.
_PIXEL_SIZES = (1e-4, 1e4)
_MICROMETERS = {"micron": 1.0, "um": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3, "mm": 1e3}


def read_image(path: str | Path) -> Field:
    """Read an image.

    Parameters
    ----------
    path : path
        A TIFF, PNG or JPEG file with a grey, color or multichannel image.

    Returns
    -------
    Field
        Named after the file, with the pixel size of an OME or ImageJ TIFF.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IsADirectoryError
        If it is a folder.
    TypeError
        If its intensities are complex numbers.
    ValueError
        If the file is not an image, is damaged, or says that it is a stack.

    Warns
    -----
    UserWarning
        If something in a TIFF is odd or missing, or only the first of its images is read.
    """
    return _read(check_file(path))


def _read(path: Path, *, look_up: bool = True) -> Field:
    """Read an image, with the colors of a palette looked up or as their numbers."""
    if path.suffix.lower() in (".tif", ".tiff"):
        image, axes, pixel_size = _read_tiff(path)
    else:
        image, axes, pixel_size = _read_picture(path, look_up=look_up), "", None
    try:
        return Field(
            image,
            axes,
            path.stem,
            pixel_size,
            "micrometer" if pixel_size else "pixel",
        )
    except (TypeError, ValueError) as error:
        raise type(error)(f"{path}: {error}") from error


def check_file(path: str | Path) -> Path:
    """Check that there is a file that can be read, without reading it.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file, or a folder.
    ValueError
        If its suffix is not one of `IMAGE_SUFFIXES`.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f"Expected an image file, got the folder {path}. Give its files; the commands "
            f"'nucseg segment' and 'nucseg evaluate' take a folder, too."
        )
    if not path.is_file():
        raise FileNotFoundError(f"Expected an image file, but there is nothing at {path}.")
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise ValueError(
            f"Expected a file with one of the suffixes {', '.join(IMAGE_SUFFIXES)}, got "
            f"{path}. Save it as TIFF first."
        )
    return path


def _read_tiff(path: Path) -> tuple[np.ndarray, str, tuple[float, float] | None]:
    """Return the image, its axes and the size of its pixels in micrometers."""
    import tifffile

    try:
        with _log_of("tifffile") as odd, tifffile.TiffFile(path) as file:
            if not file.series:
                raise ValueError("there is no image in it")
            series = file.series[0]
            others = [other for other in file.series[1:] if 2 * other.size >= series.size]
            image, axes = series.asarray(), series.axes.upper().replace("S", "C")
            pixel_size = _pixel_size(file)
    except Exception as error:  # tifffile raises what it comes across
        raise _unreadable(path, error) from error
    if odd:
        warnings.warn(f"{path}: {some_of(list(dict.fromkeys(odd)))}", stacklevel=3)
    if others:  # much smaller ones are thumbnails and labels of slides
        warnings.warn(
            f"{path} holds {pluralize(len(others) + 1, 'image')}, of which only the first is "
            f"read. Save each as a file of its own.",
            stacklevel=3,
        )
    for index in reversed(range(image.ndim)):
        if image.shape[index] == 1 and axes[index] not in "YX":
            image, axes = image.squeeze(index), axes[:index] + axes[index + 1 :]
    if axes in ("QYX", "IYX"):  # the file names no axis: the shape tells
        axes = "YXC" if has_channels_last(image.shape) else "CYX"
    if len(axes) == 3 and set(axes) == set("CYX"):
        image = np.moveaxis(image, [axes.index(axis) for axis in "CYX"], range(3))
        axes = "YXC" if _is_color(series.keyframe) else "CYX"
        image = np.moveaxis(image, 0, -1) if axes == "YXC" else image
    if axes not in ("YX", "YXC", "CYX"):
        raise ValueError(
            f"Expected a 2-D image, got {_axes_in_words(axes)}shape {image.shape} in {path}. "
            f"Save one plane of the stack or time series as a file of its own."
        )
    return _native(image), axes, pixel_size


def _axes_in_words(axes: str) -> str:
    """Say which axes there are, unless the file leaves some open: tifffile calls these Q."""
    return "" if "Q" in axes else f"axes {axes} and "


@contextlib.contextmanager
def _log_of(library: str) -> Iterator[list[str]]:
    """Collect what a library warns of in its log."""
    handler = logging.handlers.BufferingHandler(sys.maxsize)
    handler.setLevel(logging.WARNING)
    logger = logging.getLogger(library)
    messages: list[str] = []
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
        messages += [record.getMessage() for record in handler.buffer]


def _is_color(page: Any) -> bool:
    """Whether channels are colors; three planes of 16 bits are called so without being it."""
    one_value = page.photometric in (0, 1, 3)  # grey, or looked up in a palette
    return not one_value and (page.planarconfig == 1 or page.dtype == np.uint8)


def _native(image: np.ndarray) -> np.ndarray:
    """Return the image in the byte order of this machine."""
    return image.astype(image.dtype.newbyteorder("="), copy=False)


def _pixel_size(file: Any) -> tuple[float, float] | None:
    """Return height and width of a pixel in micrometers if an OME or ImageJ TIFF says."""
    if file.is_ome and file.ome_metadata:
        from xml.etree import ElementTree

        for element in ElementTree.fromstring(file.ome_metadata).iter():
            if element.tag.endswith("}Pixels") and "PhysicalSizeX" in element.attrib:
                sizes = []
                for axis in "YX":
                    unit = element.get(f"PhysicalSize{axis}Unit", "µm")
                    sizes.append(
                        _number(element.get(f"PhysicalSize{axis}"))
                        * _MICROMETERS.get(unit, np.nan)
                    )
                return _known(sizes)
    if file.is_imagej and file.imagej_metadata:
        factor = _MICROMETERS.get(str(file.imagej_metadata.get("unit")), np.nan)
        tags = file.pages[0].tags
        sizes = []
        for name in ("YResolution", "XResolution"):
            numerator, denominator = tags[name].value if name in tags else (0, 1)
            sizes.append(factor * denominator / numerator if numerator else np.nan)
        return _known(sizes)
    return None


def _number(text: str | None) -> float:
    """Return the number that metadata give, NaN if it is none."""
    try:
        return float(text or "nan")
    except ValueError:
        return np.nan


def _known(sizes: list[float]) -> tuple[float, float] | None:
    return (sizes[0], sizes[1]) if _plausible(sizes) else None


def _plausible(sizes: Sequence[float]) -> bool:
    """Return whether a pixel can be of this size; metadata may say anything."""
    low, high = _PIXEL_SIZES
    return all(low <= size <= high for size in sizes)


def _read_picture(path: Path, *, look_up: bool) -> np.ndarray:
    """Read a PNG or JPEG, with the colors of a palette looked up or as their numbers."""
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
        raise _unreadable(path, error) from error


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


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"Expected an image in {path}, but it cannot be read ({error}). The file may be "
        f"damaged, incomplete or not what its name says."
    )


def read_labels(path: str | Path) -> np.ndarray:
    """Read a mask.

    Parameters
    ----------
    path : path
        A TIFF or PNG file with instance labels or a binary mask. If it has a palette, the
        numbers of its colors are the labels.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        The values as they are in the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a mask.
    """
    field = _read(check_file(path), look_up=False)
    if Path(path).suffix.lower() in _LOSSY:
        raise ValueError(
            f"Expected a mask that was saved without loss, got {path}: what JPEG changes a "
            f"little is the number of another nucleus. Save it as TIFF or PNG."
        )
    image = np.asarray(field.image)
    if image.ndim == 3:
        channels = np.moveaxis(image, field.axes.index("C"), 0)
        alpha = field.is_color and field.channels == 4
        if (channels[: 3 if alpha else None] != channels[0]).any():
            raise ValueError(
                f"Expected a mask with one value per pixel, got {field.channels} channels in "
                f"{path}. Save the mask as a grey image in which each nucleus has its own "
                f"value."
            )
        image = channels[0]
    try:
        return as_labels(image, image.shape)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{path}: {error}") from error


def write_labels(path: str | Path, labels: np.ndarray, field: Field | None = None) -> None:
    """Write labels as a compressed TIFF that ImageJ can open.

    Parameters
    ----------
    path : path
        File to make or replace; it appears whole or not at all.
    labels : ndarray of int, shape (Y, X)
        0 is background and every nucleus has a positive integer.
    field : Field, optional
        The pixel size is taken from here, if a pixel can be of that size.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    labels = as_labels(labels, labels.shape)
    if labels.max(initial=0) <= np.iinfo(np.uint16).max:
        labels = labels.astype(np.uint16)
    _write_tiff(Path(path), labels, field)


def write_probability(
    path: str | Path, probability: np.ndarray, field: Field | None = None
) -> None:
    """Write a probability map as a compressed TIFF that ImageJ can open.

    Parameters
    ----------
    path : path
        File to make or replace; it appears whole or not at all.
    probability : ndarray of uint8, shape (Y, X)
        255 is 1.
    field : Field, optional
        The pixel size is taken from here, if a pixel can be of that size.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    _write_tiff(Path(path), probability, field)


def _write_tiff(path: Path, plane: np.ndarray, field: Field | None) -> None:
    import tifffile

    options: dict[str, Any] = {}
    known = field.pixel_size if field and field.unit == "micrometer" else None
    if known and _plausible(known):
        height, width = known
        options["resolution"] = (1 / width, 1 / height)
        options["metadata"] = {"unit": "um", "axes": "YX"}
    imagej = plane.dtype in (np.uint8, np.uint16)
    with new_file(path) as aside:
        tifffile.imwrite(aside, plane, compression="zlib", imagej=imagej, **options)
