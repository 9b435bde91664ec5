"""Labels that other programs have made: masks, Cellpose, QuPath, ImageJ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from .files import check_file, read_labels
from .geojson_in import read_geojson
from .imagej_in import read_imagej_rois
from .labels import as_labels
from .masks import instances_of, warn_of_issues
from .numpy_in import read_numpy_labels
from .outlines_in import Outline, labels_of_outlines
from .pictures import LOSSY, PICTURE_SUFFIXES
from .tiff import TIFF_SUFFIXES

__all__ = ["FOREIGN_SUFFIXES", "read_foreign_labels"]

#: Who reads outlines, by suffix.
_OUTLINES: dict[str, Callable[[Path], list[Outline]]] = {
    ".geojson": read_geojson,
    ".json": read_geojson,
    ".roi": read_imagej_rois,
    ".zip": read_imagej_rois,
}
_NUMPY = ".npy"
_MASKS = tuple(one for one in (*TIFF_SUFFIXES, *PICTURE_SUFFIXES) if one not in LOSSY)

#: Suffixes of the files with labels of other programs.
FOREIGN_SUFFIXES = (*_MASKS, _NUMPY, *_OUTLINES)


def read_foreign_labels(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read labels that another program has made of an image.

    Nothing that is in a file is run.

    Parameters
    ----------
    path : path
        A mask as TIFF, PNG or NumPy file, ``_seg.npy`` of Cellpose, GeoJSON of QuPath, or ROI
        or ZIP of ROIs of ImageJ.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        0 is background. The labels of a mask are as they are; a mask with a single value is
        taken apart into its pieces. Outlines are numbered in their order.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is of another kind, damaged, of an image of another shape, or without nuclei. The
        message names the file.

    Warns
    -----
    UserWarning
        If there is something odd in it, such as lines between areas.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Expected a file with labels, but there is none at {path}.")
    suffix = path.suffix.lower()
    if suffix not in FOREIGN_SUFFIXES:
        raise ValueError(
            f"Expected labels in a file with one of the suffixes "
            f"{', '.join(FOREIGN_SUFFIXES)}, got {path}. Export them as one of these."
        )
    if suffix in _MASKS:
        labels = _checked(path, read_labels(check_file(path)), shape)
    else:
        try:
            labels = _read(path, suffix, shape)
        except (TypeError, ValueError) as error:
            text = str(error).rstrip(".")
            raise ValueError(f"Expected labels in {path}, but {text}.") from error
    if not labels.any():
        raise ValueError(f"Expected nuclei in {path}, got none in the image.")
    return labels


def _read(path: Path, suffix: str, shape: tuple[int, int]) -> np.ndarray:
    if suffix in _OUTLINES:
        return labels_of_outlines(_OUTLINES[suffix](path), shape)
    return _checked(path, np.squeeze(read_numpy_labels(path)), shape)


def _checked(path: Path, mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Check a mask, and take it apart if it has a single value."""
    try:
        labels, issue = instances_of(as_labels(mask, shape))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    warn_of_issues([(str(path), issue)])
    return labels
