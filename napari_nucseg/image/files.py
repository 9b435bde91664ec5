"""Images and labels on disk: which reader a file has, and labels to TIFF."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..support import new_file, pluralize, warn_user
from .array import ArrayImage
from .base import BaseImage
from .field import Field
from .formats import INSTALLED, FormatImage, why_not_installed
from .labels import as_labels
from .microns import MICROMETER, is_plausible
from .pictures import LOSSY, PICTURE_SUFFIXES, read_picture
from .provenance import PROVENANCE
from .tiff import TIFF_SUFFIXES, TiffImage
from .understood import understood

__all__ = [
    "IMAGE_SUFFIXES",
    "check_file",
    "open_image",
    "open_planes",
    "read_image",
    "read_labels",
    "write_labels",
    "write_probability",
]

#: Suffixes of the files that can be read.
IMAGE_SUFFIXES = (*TIFF_SUFFIXES, *PICTURE_SUFFIXES, *INSTALLED)


def open_image(path: str | Path, axes: str = "") -> BaseImage:
    """Open an image, without reading its pixels if that is possible.

    Parameters
    ----------
    path : path
        A file with one of the `IMAGE_SUFFIXES`.
    axes : str, optional
        A letter for each axis (T, C, Z, Y, X, S), in place of those that the file names or
        that are guessed.

    Returns
    -------
    BaseImage
        Named after the file, of any number of dimensions.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IsADirectoryError
        If it is a folder.
    TypeError
        If its intensities are complex numbers.
    ValueError
        If the file is not an image or is damaged, if its pixels are neither grey values nor
        colors, or its axes cannot be guessed. What is damaged behind the beginning of a file
        is found when the pixels are read. The message names the file.

    Warns
    -----
    UserWarning
        If there are more images in a TIFF than the first, which is read; and when its pixels
        are read, if something is odd or missing.

    Notes
    -----
    Pixels are grey values or RGB: where 0 is white, inks, YCbCr and L*a*b* are converted, and
    the colors of a palette are looked up, unless they only tint intensities.
    """
    return _open(check_file(path), axes)


def _open(path: Path, axes: str = "", *, look_up: bool = True) -> BaseImage:
    """Open an image, with the colors of a palette looked up or as their numbers."""
    suffix = path.suffix.lower()
    try:
        if suffix in PICTURE_SUFFIXES:
            return ArrayImage(read_picture(path, look_up=look_up), axes, name=path.stem)
        if suffix not in TIFF_SUFFIXES:
            return FormatImage(path, axes)
        image = TiffImage(path, axes, as_labels=not look_up)
    except (TypeError, ValueError) as error:
        raise _in_file(path, error) from error
    if image.large_count > 1:  # much smaller ones are thumbnails and labels of slides
        warn_user(
            f"{path} holds {pluralize(image.large_count, 'image')}, of which only the first is "
            f"read. Save each as a file of its own.",
        )
    return image


def _in_file(path: Path, error: Exception) -> Exception:
    """Return an error whose message names the file."""
    return error if str(path) in str(error) else type(error)(f"{path}: {error}")


def read_image(
    path: str | Path, axes: str = "", *, z: int | None = None, t: int | None = None
) -> Field:
    """Read a plane of an image.

    Parameters
    ----------
    path : path
        A file with a grey, color or multichannel image, or a stack of them.
    axes : str, optional
        See `open_image`.
    z, t : int, optional
        Which plane of a stack and which time point, counted from 0.

    Returns
    -------
    Field
        Named after the file, with the pixel size of an OME or ImageJ TIFF. Its pixels are
        read when they are needed.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, TypeError
        See `open_image`.
    ValueError
        See there, and if the image is a stack of which no plane is chosen.

    Warns
    -----
    UserWarning
        See `open_image`.
    """
    return _read(check_file(path), axes, z=z, t=t)


def open_planes(
    path: str | Path,
    axes: str = "",
    *,
    z: int | None = None,
    t: int | None = None,
    channel: int | str | None = None,
) -> BaseImage:
    """Open an image and choose planes of it, without reading its pixels if possible.

    Parameters
    ----------
    path, axes, z, t
        See `read_image`. A stack of which no plane is chosen is a stack.
    channel : int or str, optional
        The channel that will be looked at, if one was asked for: then planes without names of
        their axes are channels.

    Returns
    -------
    BaseImage
        Without axes of length 1, in the usual order, named after the file, with the axes that
        it is taken to have (`understood`).

    Raises
    ------
    FileNotFoundError, IsADirectoryError, TypeError, ValueError
        See `open_image`; also if there is no such plane.

    Warns
    -----
    UserWarning
        See `open_image` and `understood`.
    """
    path = check_file(path)
    image = _open(path, axes)
    try:
        chosen = image.select(z=z, t=t).squeeze().in_order()
    except (TypeError, ValueError) as error:
        raise _in_file(path, error) from error
    chosen.name = path.stem
    return understood(chosen, channel)


def _read(path: Path, axes: str = "", *, look_up: bool = True, **places: int | None) -> Field:
    """Read a plane, with the colors of a palette looked up or as their numbers."""
    image = _open(path, axes, look_up=look_up)
    try:
        return Field(image.select(**places).squeeze().in_order(), name=path.stem)
    except (TypeError, ValueError) as error:
        raise _in_file(path, error) from error


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
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        raise ValueError(
            f"Expected a file with one of the suffixes {', '.join(IMAGE_SUFFIXES)}, got "
            f"{path}. {why_not_installed(suffix) or 'Save it as TIFF first.'}"
        )
    return path


def read_labels(path: str | Path) -> np.ndarray:
    """Read a mask.

    Parameters
    ----------
    path : path
        A TIFF or PNG file with instance labels or a binary mask. If it has a palette, the
        numbers of its colors are the labels; if 0 is white in it, the largest number is the
        background.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        The values as they are in the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a mask, is damaged, or was saved with loss.
    """
    field = _read(check_file(path), look_up=False)
    if Path(path).suffix.lower() in LOSSY:
        raise ValueError(
            f"Expected a mask that was saved without loss, got {path}: what JPEG changes a "
            f"little is the number of another nucleus. Save it as TIFF or PNG."
        )
    image = np.asarray(field.image)
    if image.ndim == 3:
        channels = np.moveaxis(image, _axis_of_channels(field), 0)
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


def _axis_of_channels(field: Field) -> int:
    return next(place for place, axis in enumerate(field.axes) if axis in "CS")


def write_labels(
    path: str | Path,
    labels: np.ndarray,
    field: Field | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write labels as a compressed TIFF that ImageJ can open.

    Parameters
    ----------
    path : path
        File to make or replace; it appears whole or not at all.
    labels : ndarray of int, shape (Y, X)
        0 is background and every nucleus has a positive integer.
    field : Field, optional
        The pixel size is taken from here, if a pixel can be of that size.
    provenance : mapping of str to object, optional
        How the labels came about, which `read_provenance` returns; ImageJ shows it with
        *Image, Show Info*.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    labels = as_labels(labels, labels.shape)
    if labels.max(initial=0) <= np.iinfo(np.uint16).max:
        labels = labels.astype(np.uint16)
    _write_tiff(Path(path), labels, field, provenance)


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


def _write_tiff(
    path: Path,
    plane: np.ndarray,
    field: Field | None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    import tifffile

    options: dict[str, Any] = {}
    known = field.pixel_size if field and field.unit == MICROMETER else None
    if known and is_plausible(known):
        height, width = known
        options["resolution"] = (1 / width, 1 / height)
        options["metadata"] = {"unit": "um", "axes": "YX"}
    if provenance:
        text = json.dumps(dict(provenance), indent=2)
        options["metadata"] = {"axes": "YX", PROVENANCE: text, **options.get("metadata", {})}
    imagej = plane.dtype in (np.uint8, np.uint16)
    with new_file(path) as aside:
        tifffile.imwrite(aside, plane, compression="zlib", imagej=imagej, **options)
