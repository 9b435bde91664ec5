"""The label images that a command is given, and the images that belong to them."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..image import (
    IMAGE_SUFFIXES,
    LABELS_ENDING,
    PROBABILITY_ENDING,
    check_file,
    find_images,
    is_set_aside,
    labels_in,
)
from ..support import pluralize, some_of

__all__ = ["LabelFile", "add_label_files", "label_files", "with_images_beside"]


@dataclasses.dataclass(frozen=True)
class LabelFile:
    """A label image, and what belongs to it.

    Parameters
    ----------
    path : Path
        The labels.
    name : str
        What they are called in tables and messages.
    image : Path, optional
        The image that they were made from.
    """

    path: Path
    name: str
    image: Path | None = None

    @property
    def stem(self) -> str:
        """Name of the image without its suffix."""
        return self.path.stem.removesuffix(LABELS_ENDING)

    @property
    def probability(self) -> Path | None:
        """The probability map beside the labels, None if there is none."""
        path = self.path.with_name(f"{self.stem}{PROBABILITY_ENDING}.tif")
        return path if path.is_file() else None


def add_label_files(command: argparse.ArgumentParser, image: str) -> None:
    """Add the arguments for labels and their images.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Where to.
    image : str
        What the images are for.
    """
    command.add_argument(
        "labels",
        nargs="+",
        type=Path,
        metavar="LABELS",
        help=f"Label image, or folder of them. If names in a folder end with {LABELS_ENDING}, "
        f"only these are taken.",
    )
    command.add_argument(
        "--image",
        type=Path,
        metavar="IMAGE",
        help=f"Image that the labels were made from, or folder of them: those of one name "
        f"belong together, {LABELS_ENDING} may follow it. {image}",
    )


def label_files(options: Any) -> list[LabelFile]:
    """Return the labels that are asked for.

    Parameters
    ----------
    options : argparse.Namespace
        What was parsed.

    Returns
    -------
    list of LabelFile
        In the order given, those of a folder by name.

    Raises
    ------
    FileNotFoundError
        If something is not there, or labels have no image.
    ValueError
        If one image is given for several labels.
    """
    paths = [path for given in options.labels for path in _labels_at(given)]
    paths = list(dict.fromkeys(paths))
    names = [path.name for path in paths]
    unique = [path.name if names.count(path.name) == 1 else str(path) for path in paths]
    found = [LabelFile(path, name) for path, name in zip(paths, unique, strict=True)]
    return found if options.image is None else _with_images(found, options.image)


def _labels_at(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    named = [
        file
        for file in sorted(path.glob(f"*{LABELS_ENDING}.*"))
        if file.suffix.lower() in IMAGE_SUFFIXES
        and not file.name.startswith(".")
        and not is_set_aside(file)
    ]
    found = named or [*labels_in(path).values()]
    if not found:
        raise FileNotFoundError(
            f"Expected label images ({', '.join(IMAGE_SUFFIXES)}) in {path}, got none."
        )
    return found


def _with_images(files: Sequence[LabelFile], images: Path) -> list[LabelFile]:
    """Add the image of each."""
    if not images.is_dir():
        check_file(images)
        if len(files) > 1:
            raise ValueError(
                f"Expected a folder with an image for each of the {len(files)} label images, "
                f"got the file {images}. Give the folder that it is in."
            )
        return [dataclasses.replace(file, image=images) for file in files]
    by_stem = {path.stem: path for path in find_images([images])}
    missing = [file.name for file in files if file.stem not in by_stem]
    if missing:
        raise FileNotFoundError(
            f"Expected images in {images} for {pluralize(files, 'label image')}, got none for "
            f"{len(missing)}: {some_of(missing)}. Give both the same name; {LABELS_ENDING} may "
            f"follow that of the labels."
        )
    return [dataclasses.replace(file, image=by_stem[file.stem]) for file in files]


def with_images_beside(files: Sequence[LabelFile]) -> list[LabelFile]:
    """Add the image of the same name that lies beside each label image.

    Parameters
    ----------
    files : sequence of LabelFile
        The labels.

    Returns
    -------
    list of LabelFile
        Without an image where there is none.
    """
    found = []
    for file in files:
        beside = (file.path.with_name(file.stem + suffix) for suffix in IMAGE_SUFFIXES)
        image = next((path for path in beside if path.is_file() and path != file.path), None)
        found.append(dataclasses.replace(file, image=image))
    return found
