"""Which of the files in a folder are images, and which are labels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..support import pluralize, some_of, warn_user
from .files import IMAGE_SUFFIXES
from .set_aside import is_set_aside

__all__ = [
    "LABELS_ENDING",
    "PROBABILITY_ENDING",
    "find_images",
    "images_in",
    "labels_in",
    "labels_name",
    "same_labels",
]

#: End of the name of a file with labels that we wrote, before the suffix.
LABELS_ENDING = "_labels"

#: End of the name of a file with a probability map that we wrote, before the suffix.
PROBABILITY_ENDING = "_probability"


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Find images to segment.

    Parameters
    ----------
    paths : iterable of path
        Files, which are taken as they are, whether they exist or not, and folders,
        of which the images are taken but not the labels and probability maps that we
        wrote there.

    Returns
    -------
    list of Path
        In the order given, those of a folder by name.

    Raises
    ------
    FileNotFoundError
        If there is no image in a folder.
    OSError
        If a folder may not be opened, or a path is too long.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        files = images_in(path)
        images = [file for file in files if not file.stem.endswith(LABELS_ENDING)]
        if not images:
            got = f"only {len(files)} named as labels, …{LABELS_ENDING}" if files else "none"
            raise FileNotFoundError(
                f"Expected images ({', '.join(IMAGE_SUFFIXES)}) in {path}, got {got}."
            )
        found += images
    return found


def images_in(folder: Path) -> list[Path]:
    """Return the files of a folder that have the suffix of an image.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    list of Path
        Sorted by name, without hidden files, probability maps that we wrote, and labels
        that were set aside.

    Raises
    ------
    OSError
        If its files may not be listed.
    """
    try:
        files = list(folder.iterdir())
    except OSError as error:
        raise type(error)(
            f"Expected a folder of images that may be opened, got {folder} "
            f"({error.strerror or error})."
        ) from error
    return sorted(
        file
        for file in files
        if file.suffix.lower() in IMAGE_SUFFIXES
        and not file.name.startswith(".")
        and not file.stem.endswith(PROBABILITY_ENDING)
        and not is_set_aside(file)
    )


def labels_name(image: Path) -> str:
    """Return what the file of the labels of an image is called.

    Parameters
    ----------
    image : Path
        File of the image.

    Returns
    -------
    str
        The name of a TIFF file.
    """
    return f"{image.stem}{LABELS_ENDING}.tif"


def same_labels(images: Iterable[Path]) -> dict[str, list[Path]]:
    """Return the images whose labels would overwrite each other's in a folder.

    Parameters
    ----------
    images : iterable of Path
        Files of images.

    Returns
    -------
    dict of str to list of Path
        By the name of the labels, two images or more, in the order given.
    """
    by_name: dict[str, list[Path]] = {}
    for image in images:
        by_name.setdefault(labels_name(image), []).append(image)
    return {name: some for name, some in by_name.items() if len(some) > 1}


def labels_in(folder: Path) -> dict[str, Path]:
    """Return the label images of a folder by what they are the labels of.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    dict of str to Path
        By the name without suffix and without `LABELS_ENDING`, in order of names.

    Warns
    -----
    UserWarning
        If files have the same name: of ``a.tif`` and ``a_labels.tif`` the second is taken,
        of files that differ in their suffix the last.
    """
    found: dict[str, Path] = {}
    others = []
    for file in sorted(images_in(folder), key=lambda file: file.stem.endswith(LABELS_ENDING)):
        name = file.stem.removesuffix(LABELS_ENDING)
        if name in found:
            others.append(found[name].name)
        found[name] = file
    if others:
        warn_user(
            f"Left out {pluralize(others, 'file')} in {folder}, as there is another one of the "
            f"same name: {some_of(others)}. …{LABELS_ENDING} is taken, or the last.",
        )
    return dict(sorted(found.items()))
