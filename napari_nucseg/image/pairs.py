"""Pairs of image and mask in the usual layouts of folders."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..support import pluralize, some_of, warn_user
from .field import Field
from .files import read_image, read_labels
from .folders import images_in, labels_in
from .labels import as_labels
from .masks import (
    MaskIssue,
    instances_of,
    issue_of_background,
    looks_like_labels,
    warn_of_issues,
)

__all__ = ["Pair", "find_pairs", "read_fields", "read_pair"]

_IMAGE_FOLDERS = ("images", "inputs")
_MASK_FOLDER = "masks"


@dataclasses.dataclass(frozen=True)
class Pair:
    """An image file and the files of its masks.

    Parameters
    ----------
    image : Path
        The image.
    masks : tuple of Path
        One file with all nuclei, or any number of files with a nucleus each.
    name : str
        What to call the field.
    per_nucleus : bool, optional
        Whether each of the masks holds one nucleus.
    """

    image: Path
    masks: tuple[Path, ...]
    name: str
    per_nucleus: bool = False


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
        If images have no mask, or masks no image, or there is more than one image where one
        is expected; they are left out. If there is no file of a nucleus.
    """
    folder = Path(folder)
    if not folder.is_dir():
        got = "a file" if folder.exists() else "nothing"
        raise FileNotFoundError(
            f"Expected a folder with images/ and masks/ at {folder}, got {got}. Give the "
            f"folder that holds both."
        )
    pairs = _pairs_by_name(folder)
    if not pairs:
        pairs = _pairs_per_nucleus(folder)
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
    images = _one_of_each_name(folder, images)
    masks = labels_in(folder / _MASK_FOLDER)
    missing = [image.name for image in images if image.stem not in masks]
    if missing and len(missing) < len(images):
        warn_user(
            f"Left out {pluralize(missing, 'image')} in {folder} without a mask of the same "
            f"name: {some_of(missing)}",
        )
    pairs = [
        Pair(image, (masks[image.stem],), image.stem) for image in images if image.stem in masks
    ]
    stems = {image.stem for image in images}
    alone = [mask.name for stem, mask in masks.items() if stem not in stems]
    if pairs and alone:
        warn_user(
            f"Left out {pluralize(alone, 'mask')} in {folder} without an image of the same "
            f"name: {some_of(alone)}",
        )
    return pairs


def _one_of_each_name(folder: Path, images: Sequence[Path]) -> list[Path]:
    """Return the first image of each name: a mask belongs to one image."""
    first: dict[str, Path] = {}
    for image in images:
        first.setdefault(image.stem, image)
    others = [str(image.relative_to(folder)) for image in images if first[image.stem] != image]
    if others:
        warn_user(
            f"Left out {pluralize(others, 'image')} in {folder}, as there is another one of "
            f"the same name: {some_of(others)}. The first is taken.",
        )
    return list(first.values())


def _what_there_is(folder: Path) -> str:
    """Say what there is in place of pairs, if it is files of other names."""
    images, masks = _files(folder, _IMAGE_FOLDERS), _files(folder, [_MASK_FOLDER])
    if images and not masks:
        return f", but {pluralize(images, 'image')} such as {images[0].name} without any mask"
    if not images:
        return ""
    return (
        f", but images such as {images[0].name} ({len(images)}) and masks such as "
        f"{masks[0].name} ({len(masks)})"
    )


def _files(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return the image files of the folders of these names, as far as there are any."""
    inner = [folder / name for name in names]
    return [file for one in inner if one.is_dir() for file in images_in(one)]


def _pairs_per_nucleus(folder: Path) -> list[Pair]:
    """Find the folders with one image, and one mask per nucleus."""
    pairs, odd = [], []
    for inner in sorted(folder.iterdir()):
        if (inner / "images").is_dir() and (inner / _MASK_FOLDER).is_dir():
            images, masks = images_in(inner / "images"), images_in(inner / _MASK_FOLDER)
            if len(images) == 1:
                pairs.append(Pair(images[0], tuple(masks), inner.name, True))
            else:
                odd.append(inner.name)
    if odd:
        warn_user(
            f"Left out {pluralize(odd, 'folder')} in {folder} with more than one image, or "
            f"none: {some_of(odd)}",
        )
    empty = [pair.name for pair in pairs if not pair.masks]
    if empty:
        warn_user(
            f"Took {pluralize(empty, 'image')} in {folder} to be without nuclei, as there is "
            f"no file in masks/: {some_of(empty)}",
        )
    return pairs


def read_pair(pair: Pair, axes: str = "") -> Field:
    """Read an image with its labels.

    Parameters
    ----------
    pair : Pair
        The files.
    axes : str, optional
        Axes of the image, see `open_image`.

    Returns
    -------
    Field
        With labels. A mask with a single value is taken apart into connected
        components.

    Raises
    ------
    ValueError
        If a file cannot be read, the shapes differ, or labels stand in place of the image.

    Warns
    -----
    UserWarning
        If a mask is binary: nuclei that touch become one. If the values of a mask do not
        seem to stand for nuclei, or its background is not 0. If the image looks like labels.
    """
    field, issue = _read_with_issue(pair, axes)
    _warn_of_oddities([pair], [field], [issue])
    return field


def _read_with_issue(pair: Pair, axes: str) -> tuple[Field, MaskIssue | None]:
    """Read a pair, and tell what is odd about its mask."""
    # It is looked at in every epoch.
    field = dataclasses.replace(read_image(pair.image, axes), name=pair.name).in_memory()
    issue: MaskIssue | None
    if pair.per_nucleus:
        labels = _merge(pair.masks, field.shape)
        issue = issue_of_background(labels)
    else:
        mask = read_labels(pair.masks[0])
        labels, issue = instances_of(mask)
        _check_order(pair, field, mask, issue)
    try:
        return dataclasses.replace(field, labels=labels), issue
    except ValueError as error:
        raise ValueError(f"{pair.image} and {_mask_name(pair)}: {error}") from error


def _check_order(pair: Pair, field: Field, mask: np.ndarray, issue: MaskIssue | None) -> None:
    """Refuse labels in place of the image, and the image in place of the labels."""
    swapped = (
        issue is MaskIssue.SCATTERED_VALUES  # a map of classes is that, too
        and not looks_like_labels(mask)
        and looks_like_labels(np.asarray(field.image))
    )
    if swapped:
        raise ValueError(
            f"Expected an image in {pair.image} and its labels in {pair.masks[0]}, got them "
            f"the other way round, as it seems. Swap the two, or their folders."
        )


def _warn_of_oddities(
    pairs: Sequence[Pair], fields: Sequence[Field], issues: Sequence[MaskIssue | None]
) -> None:
    """Warn of what can be trained on, but hardly is what was meant, once for each kind."""
    warn_of_issues(zip(map(_mask_name, pairs), issues, strict=True))
    odd = [
        str(pair.image)
        for pair, field in zip(pairs, fields, strict=True)
        if looks_like_labels(np.asarray(field.image))
    ]
    if odd:
        who = odd[0] if len(odd) == 1 else f"{pluralize(odd, 'file')} ({some_of(odd)})"
        warn_user(
            f"Expected an image, got in {who} what looks like labels or a mask. Give what "
            f"they were made from.",
        )


def _mask_name(pair: Pair) -> str:
    return f"the masks of {pair.name}" if pair.per_nucleus else str(pair.masks[0])


def _merge(masks: Sequence[Path], shape: tuple[int, int]) -> np.ndarray:
    """Number the nuclei of one file each; where two overlap the first stays."""
    labels = np.zeros(shape, np.int32)
    for number, path in enumerate(masks, start=1):
        mask = read_labels(path)
        try:
            mask = as_labels(mask, shape) > 0
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        labels[mask & (labels == 0)] = number
    return labels


def read_fields(folders: Iterable[str | Path], axes: str = "") -> list[Field]:
    """Read all pairs of some folders.

    Parameters
    ----------
    folders : iterable of path
        See `find_pairs`.
    axes : str, optional
        Axes of the images, see `open_image`.

    Returns
    -------
    list of Field
        With labels.

    Raises
    ------
    FileNotFoundError, ValueError
        See `find_pairs` and `read_pair`.

    Warns
    -----
    UserWarning
        See there; once for all masks of one kind.
    """
    pairs = [pair for folder in folders for pair in find_pairs(folder)]
    read = [_read_with_issue(pair, axes) for pair in pairs]
    fields = [field for field, _ in read]
    _warn_of_oddities(pairs, fields, [issue for _, issue in read])
    return fields
