"""A field of a training set on disk: a folder that a person can read."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..corrections import State
from ..image import Field, heard_of, read_old_axes
from ..support import read_object, some_of
from .entry import OLD_KEY, Entry, identity_of
from .thumbnail import draw_thumbnail

__all__ = [
    "ABOUT_FILE",
    "FIELD_FILES",
    "THUMBNAIL_FILE",
    "read_entry",
    "read_field",
    "read_states",
    "write_field",
]

ABOUT_FILE = "field.json"
THUMBNAIL_FILE = "thumbnail.png"
_IMAGE_FILE, _LABELS_FILE, _REVIEWED_FILE = "image.tif", "labels.tif", "reviewed.tif"
_STATES_FILE = "states.json"

#: All files that a field may have, without those that can be made again.
FIELD_FILES = (ABOUT_FILE, _IMAGE_FILE, _LABELS_FILE, _REVIEWED_FILE, _STATES_FILE)

#: More than a field can have, in bytes of an array: a damaged file must not fill the memory.
_MOST_BYTES = 16e9

#: What is said of a field, and of what type it is.
_KINDS = {"name": str, "axes": str, "added": str, "source": dict, "nuclei": int}


def write_field(
    folder: Path,
    field: Field,
    source: Mapping[str, Any] | None = None,
    states: Mapping[int, int] | None = None,
) -> None:
    """Write a field into an empty folder.

    Parameters
    ----------
    folder : Path
        The folder.
    field : Field
        With labels.
    source : mapping, optional
        Where the labels came from, ready for JSON.
    states : mapping of int to int, optional
        Values of `State` by nucleus.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    image, labels = np.asarray(field.image), np.asarray(field.known_labels)
    reviewed = field.reviewed
    about = {
        "name": field.name,
        "axes": field.axes,
        "color": field.is_color,
        "image_shape": image.shape,
        "pixel_size": field.pixel_size,
        "unit": field.unit,
        "nuclei": field.nuclei,
        "shape": field.shape,
        "reviewed": 1.0 if reviewed is None else round(float(reviewed.mean()), 4),
        "added": datetime.datetime.now().astimezone().isoformat(),
        "identity": identity_of(field.name, image),
        "source": dict(source or {}),
    }
    _write_array(folder / _IMAGE_FILE, image, is_color=field.is_color)
    _write_array(folder / _LABELS_FILE, labels)
    if reviewed is not None:
        # 255, so that it is seen as black and white in every program.
        _write_array(folder / _REVIEWED_FILE, reviewed.astype(np.uint8) * 255)
    if states:
        _write_states(folder / _STATES_FILE, states, labels)
    draw_thumbnail(field, folder / THUMBNAIL_FILE)
    text = json.dumps(about, indent=2, ensure_ascii=False)
    (folder / ABOUT_FILE).write_text(text + "\n", encoding="utf-8", errors="surrogateescape")


def read_entry(folder: Path) -> Entry:
    """Read what is known of a field, without its pixels.

    Parameters
    ----------
    folder : Path
        The folder of the field.

    Returns
    -------
    Entry
        The entry.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If it is not there, or damaged.
    """
    about = _read_about(folder)
    old = OLD_KEY.fullmatch(folder.name)
    entry = Entry(
        key=folder.name,
        name=about["name"],
        nuclei=about["nuclei"],
        shape=tuple(int(length) for length in about["shape"]),
        added=about["added"],
        source=about["source"],
        identity=str(about.get("identity") or (old[1] if old else folder.name)),
        reviewed=float(about.get("reviewed", 1.0)),
    )
    try:
        _ = entry.time
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"Expected date and time in {folder / ABOUT_FILE}, got {entry.added!r}."
        ) from error
    return entry


def read_field(folder: Path) -> Field:
    """Read a field.

    Parameters
    ----------
    folder : Path
        The folder of the field.

    Returns
    -------
    Field
        With labels.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If it is not there, or damaged.
    """
    about = _read_about(folder)
    shape, plane = _lengths(about["image_shape"]), _lengths(about["shape"])
    mask = folder / _REVIEWED_FILE
    return Field(
        _read_array(folder / _IMAGE_FILE, shape),
        about["axes"] if "color" in about else read_old_axes(about["axes"], shape),
        about["name"],
        _pixel_size(about["pixel_size"], folder),
        str(about["unit"]),
        _read_array(folder / _LABELS_FILE, plane),
        reviewed=_read_array(mask, plane) > 0 if mask.exists() else None,
    )


def read_states(folder: Path) -> dict[int, int]:
    """Read the review states of the nuclei of a field.

    Parameters
    ----------
    folder : Path
        The folder of the field.

    Returns
    -------
    dict of int to int
        Values of `State` by nucleus; of those that were not saved, none.

    Raises
    ------
    OSError, ValueError
        If they cannot be read.
    """
    path = folder / _STATES_FILE
    if not path.exists():
        return {}
    told = read_object(path)
    try:
        return {
            int(label): int(state)
            for state in (State.ACCEPTED, State.EDITED)
            for label in told.get(state.name.lower(), [])
        }
    except TypeError as error:
        raise ValueError(f"Expected lists of labels in {path}, got something else.") from error


def _write_states(path: Path, states: Mapping[int, int], labels: np.ndarray) -> None:
    """Write the labels of each state; all others are unreviewed."""
    there = set(np.unique(labels).tolist())
    by_state = {
        state.name.lower(): sorted(
            int(n) for n, s in states.items() if s == state and n in there
        )
        for state in (State.ACCEPTED, State.EDITED)
    }
    path.write_text(json.dumps(by_state) + "\n", encoding="utf-8")


def _read_about(folder: Path) -> dict[str, Any]:
    """Read what is known of a field, and check the values that other code relies on."""
    path = folder / ABOUT_FILE
    try:
        about = read_object(path)
    except RecursionError as error:
        raise ValueError(f"Expected what is known of a field in {path}.") from error
    for name, kind in _KINDS.items():
        if not isinstance(about.get(name), kind):
            raise ValueError(
                f"Expected {name!r} to be {kind.__name__} in {path}, got {about.get(name)!r}."
            )
    return about


def _pixel_size(told: Any, folder: Path) -> tuple[float, float] | None:
    """Check a pixel size that was read from a file."""
    if not told:
        return None
    if not isinstance(told, list) or not all(type(n) in (int, float) for n in told):
        raise ValueError(f"Expected a pixel size in {folder / ABOUT_FILE}, got {told!r}.")
    height, width = told
    return float(height), float(width)


def _lengths(told: Any) -> tuple[int, ...]:
    """Check a shape that was read from a file."""
    good = isinstance(told, list) and all(type(n) is int and n > 0 for n in told)
    if not good or math.prod(told) > _MOST_BYTES:
        raise ValueError(f"Expected the shape of an image, got {told!r}.")
    return tuple(told)


def _write_array(path: Path, array: np.ndarray, *, is_color: bool = False) -> None:
    import tifffile

    if array.dtype == bool:
        array = array.astype(np.uint8)
    kind = "rgb" if is_color else "minisblack"
    tifffile.imwrite(path, array, compression="zlib", photometric=kind, metadata=None)


def _read_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read an array whose shape is known; a TIFF does not keep axes of length 1."""
    import tifffile

    try:
        with heard_of("tifffile") as told, tifffile.TiffFile(path) as file:
            series = file.series[0]
            # Before memory is taken for it.
            if series.size != math.prod(shape) or series.nbytes > _MOST_BYTES:
                raise ValueError(f"Expected the shape {shape}, got {series.shape}.")
            array = series.asarray().reshape(shape)
        if told:
            raise ValueError(some_of(told))
        return array
    except OSError:
        raise
    except Exception as error:  # tifffile raises what it comes across
        raise ValueError(f"{path} cannot be read: {error}") from error
