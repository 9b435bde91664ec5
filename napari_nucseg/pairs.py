"""Pairs of image and mask in the usual layouts of folders."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from .field import Field, as_labels
from .files import LABELS_ENDING, images_in, read_image, read_labels, some_of

__all__ = ["Pair", "find_pairs", "read_fields", "read_pair", "split_binary"]

_IMAGE_FOLDERS = ("images", "inputs")
_MASK_FOLDER = "masks"

#: Values of a mask do not stand for nuclei if there are more pieces than this for each
#: value, and more than that in all above one for each. A corner of this side tells.
_MANY_PIECES, _MORE_PIECES, _CORNER = 3, 20, 2048


@dataclasses.dataclass(frozen=True)
class Pair:
    """An image file and the files of its masks.

    Parameters
    ----------
    image : Path
        The image.
    masks : tuple of Path
        One file with all nuclei, or one file per nucleus.
    name : str
        What to call the field.
    """

    image: Path
    masks: tuple[Path, ...]
    name: str


def find_pairs(folder: str | Path) -> list[Pair]:
    """Find the pairs in a folder.

    Parameters
    ----------
    folder : path
        Holds ``images/`` (or ``inputs/``) and ``masks/`` with files of the
        same names, or, as in the Data Science Bowl, ``<id>/images/*.png`` and
        ``<id>/masks/*.png`` with a file per nucleus.

    Returns
    -------
    list of Pair
        By name.

    Raises
    ------
    FileNotFoundError
        If there is no folder, or no pair in it.

    Warns
    -----
    UserWarning
        If images have no mask; they are left out.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected a folder of images and masks at {folder}.")
    pairs = _pairs_by_name(folder)
    if not pairs:
        nested = [_pair_per_nucleus(inner) for inner in sorted(folder.iterdir())]
        pairs = [pair for pair in nested if pair is not None]
    if not pairs:
        raise FileNotFoundError(
            f"Expected pairs of image and mask in {folder}: images/ (or inputs/) and "
            f"masks/ with files of the same names, or <id>/images/ and <id>/masks/ with "
            f"a file per nucleus. Found none{_what_there_is(folder)}."
        )
    return pairs


def _pairs_by_name(folder: Path) -> list[Pair]:
    """Find the pairs in which image and mask have the same name."""
    images = _files(folder, _IMAGE_FOLDERS)
    if not images or not (folder / _MASK_FOLDER).is_dir():
        return []
    masks = {
        file.stem.removesuffix(LABELS_ENDING): file for file in _files(folder, [_MASK_FOLDER])
    }
    missing = [image.name for image in images if image.stem not in masks]
    if missing and len(missing) < len(images):
        warnings.warn(
            f"{len(missing)} image(s) in {folder} have no mask of the same name and are "
            f"left out: {some_of(missing)}",
            stacklevel=3,
        )
    return [
        Pair(image, (masks[image.stem],), image.stem) for image in images if image.stem in masks
    ]


def _what_there_is(folder: Path) -> str:
    """Say what there is in place of pairs, if it is files of other names."""
    images, masks = _files(folder, _IMAGE_FOLDERS), _files(folder, [_MASK_FOLDER])
    if not (images and masks):
        return ""
    return (
        f", but images such as {images[0].name} ({len(images)}) and masks such as "
        f"{masks[0].name} ({len(masks)})"
    )


def _files(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return the image files of the folders of these names, as far as there are any."""
    inner = [folder / name for name in names]
    return [file for one in inner if one.is_dir() for file in images_in(one)]


def _pair_per_nucleus(folder: Path) -> Pair | None:
    """Return the pair of a folder with one image, and one mask per nucleus."""
    if not ((folder / "images").is_dir() and (folder / _MASK_FOLDER).is_dir()):
        return None
    images, masks = images_in(folder / "images"), images_in(folder / _MASK_FOLDER)
    return Pair(images[0], tuple(masks), folder.name) if len(images) == 1 else None


def read_pair(pair: Pair) -> Field:
    """Read an image with its labels.

    Parameters
    ----------
    pair : Pair
        The files.

    Returns
    -------
    Field
        With labels. A mask with a single value is taken apart into connected
        components.

    Raises
    ------
    ValueError
        If a file cannot be read or the shapes differ.

    Warns
    -----
    UserWarning
        If a mask is binary: nuclei that touch become one. If the values of a mask do not
        seem to stand for nuclei.
    """
    field = dataclasses.replace(read_image(pair.image), name=pair.name)
    if len(pair.masks) == 1:
        labels = read_labels(pair.masks[0])
    else:
        labels = _merge(pair.masks, field.shape)
    labels = split_binary(labels, pair.masks[0] if len(pair.masks) == 1 else None)
    try:
        return dataclasses.replace(field, labels=labels)
    except ValueError as error:
        raise ValueError(f"{pair.image}: {error}") from error


def _merge(masks: Sequence[Path], shape: tuple[int, int]) -> np.ndarray:
    """Number the nuclei of one file each; where two overlap the first stays."""
    labels = np.zeros(shape, np.int32)
    for number, path in enumerate(masks, start=1):
        mask = as_labels(read_labels(path), shape) > 0
        labels[mask & (labels == 0)] = number
    return labels


def split_binary(labels: np.ndarray, path: Path | None = None) -> np.ndarray:
    """Take a binary mask apart into its connected components.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        Instance labels, or a mask with a single value.
    path : Path, optional
        The file that it was read from, for the warning; left out, there is none.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        Instance labels.

    Warns
    -----
    UserWarning
        If it is a binary mask, in which nuclei that touch become one, or if it looks as
        if its values did not stand for nuclei.
    """
    from skimage.measure import label

    if np.unique(labels[labels > 0]).size != 1:
        if path is not None:
            _warn_of_pieces(labels, path)
        return labels
    components = label(labels > 0, connectivity=1).astype(np.int32)
    if components.max() > 1 and path is not None:
        warnings.warn(
            f"{path} is a binary mask: nuclei that touch in it become one. "
            f"Give each nucleus its own value if you can.",
            stacklevel=3,
        )
    return components


def _warn_of_pieces(labels: np.ndarray, path: Path) -> None:
    """Warn if the values are strewn over the image."""
    from skimage.measure import label

    corner = labels[:_CORNER, :_CORNER]
    values = np.unique(corner[corner > 0]).size
    pieces = int(label(corner, background=0, connectivity=1).max(initial=0))
    if pieces > max(_MANY_PIECES * values, values + _MORE_PIECES):
        warnings.warn(
            f"Expected a value of its own for each nucleus in {path}, got {values} values in "
            f"{pieces} pieces. If it is an image, a map of classes, or labels that were "
            f"smoothed or do not fit into 8 bits, give labels of 16 bits in its place.",
            stacklevel=4,
        )


def read_fields(folders: Iterable[str | Path]) -> list[Field]:
    """Read all pairs of some folders.

    Parameters
    ----------
    folders : iterable of path
        See `find_pairs`.

    Returns
    -------
    list of Field
        With labels.
    """
    return [read_pair(pair) for folder in folders for pair in find_pairs(folder)]
