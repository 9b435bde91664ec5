"""What makes a folder a training set, for programs and for people."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from ..support import new_file
from .field_folder import ABOUT_FILE

__all__ = ["README_FILE", "SET_FILE", "describe_set", "is_training_set"]

#: Says to programs that a folder is a training set.
SET_FILE = "training_set.json"

#: Says to people what is in it.
README_FILE = "README.txt"

_FORMAT = 1
_README = """\
This folder is a training set of napari-nucseg. It has a folder for each field:

    image.tif      the image
    labels.tif     the corrected nuclei: 0 is background, every nucleus has a number
    reviewed.tif   white where a person looked; left out, the whole field was reviewed
    states.json    which nuclei were accepted, and which were edited
    field.json     name, axes, pixel size, and where the labels came from
    thumbnail.png  a small picture, which is made again if it is missing

What was replaced or removed is kept in the folder .older, and is not trained on.
To train on this folder: nucseg fine-tune THIS_FOLDER --name "my model"
"""


def is_training_set(folder: str | Path) -> bool:
    """Return whether a folder is a training set.

    Parameters
    ----------
    folder : path
        The folder.

    Returns
    -------
    bool
        Whether it says so itself, or has a field as a training set has them.
    """
    folder = Path(folder)
    return (folder / SET_FILE).is_file() or any(folder.glob(f"[!.]*/{ABOUT_FILE}"))


def describe_set(folder: Path) -> None:
    """Write into a training set what it is, for programs and for people.

    Parameters
    ----------
    folder : Path
        The folder of the set.
    """
    if not (folder / SET_FILE).exists():
        created = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        with new_file(folder / README_FILE) as aside:
            aside.write_text(_README, encoding="utf-8")
        with new_file(folder / SET_FILE) as aside:
            aside.write_text(json.dumps({"format": _FORMAT, "created": created}) + "\n")
