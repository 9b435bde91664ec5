"""The training set: corrected fields on disk, safe against a crash."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from ..image import Field, read_old_axes
from ..support import new_folder, read_object, user_directory, warn_user

__all__ = ["Entry", "TrainingSet"]

#: Folder of what was replaced or removed. Its name begins with a dot: it is no entry.
_OLDER = ".older"
_IMAGE_FILE, _LABELS_FILE, _ABOUT_FILE = "image.tif", "labels.tif", "field.json"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A field in the training set, without its pixels.

    Parameters
    ----------
    key : str
        Name of its folder.
    name : str
        Name of the field.
    nuclei : int
        How many there are.
    shape : tuple of int
        Shape of the labels: height and width in pixels.
    added : str
        When, as ISO date and time.
    source : dict
        Where the labels came from before they were corrected.
    """

    key: str
    name: str
    nuclei: int
    shape: tuple[int, ...]
    added: str
    source: dict[str, Any]


class TrainingSet:
    """A folder of corrected fields.

    Every field is a folder of its own that appears whole or not at all.

    Parameters
    ----------
    folder : Path, optional
        Left out, the user's own training set.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder) if folder else user_directory() / "training_set"

    def __len__(self) -> int:
        return len(self.entries())

    def add(self, field: Field, source: dict[str, Any] | None = None) -> Entry:
        """Add a field, or the new corrections of one that is there.

        Parameters
        ----------
        field : Field
            With labels. The same image under the same name takes the place of what was
            there, which is kept as an older version.
        source : dict, optional
            Where the labels came from, ready for JSON.

        Returns
        -------
        Entry
            The new entry.

        Raises
        ------
        ValueError
            If the field has no labels or no nucleus.
        OSError
            If it cannot be written; the set is as before.
        """
        nuclei = 0 if field.labels is None else field.nuclei
        if nuclei == 0:
            raise ValueError(
                f"Expected nuclei in the labels of {field.name!r}, got none. Segment the "
                f"image or draw some nuclei, then add it."
            )
        image = np.asarray(field.image)
        identity = _identity(field.name, image)
        key = f"{identity}-{time.time_ns():020d}-{uuid.uuid4().hex[:6]}"
        about = {
            "name": field.name,
            "axes": field.axes,
            "color": field.is_color,
            "image_shape": image.shape,
            "pixel_size": field.pixel_size,
            "unit": field.unit,
            "nuclei": nuclei,
            "shape": field.shape,
            "added": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "source": source or {},
        }
        with new_folder(self.folder / key) as aside:
            _write_array(aside / _IMAGE_FILE, image)
            _write_array(aside / _LABELS_FILE, np.asarray(field.labels))
            (aside / _ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
        self._keep_older(identity, key)
        return _entry_of(self.folder / key)

    def entries(self) -> list[Entry]:
        """List the fields in the order in which they were added.

        Returns
        -------
        list of Entry
            Of two versions of a field, which only a crash leaves, the newer.

        Warns
        -----
        UserWarning
            If an entry is damaged; it is left out.
        """
        newest: dict[str, Entry] = {}
        for path in sorted(self.folder.glob(f"[!.]*/{_ABOUT_FILE}")):
            try:
                entry = _entry_of(path.parent)
            except (OSError, ValueError, KeyError, TypeError) as error:
                if _is_gone(path.parent):
                    return self.entries()
                warn_user(
                    f"The training field in {path.parent} is damaged and left out: {error}",
                )
                continue
            newest[entry.key.split("-")[0]] = entry
        return sorted(newest.values(), key=lambda entry: entry.key.split("-")[1])

    def fields(self) -> list[Field]:
        """Read all fields.

        Returns
        -------
        list of Field
            With labels.

        Warns
        -----
        UserWarning
            If an entry is damaged; it is left out.
        """
        fields = []
        for entry in self.entries():
            try:
                fields.append(self._read(entry))
            except (OSError, ValueError, KeyError, TypeError) as error:
                if _is_gone(self.folder / entry.key):
                    return self.fields()
                warn_user(
                    f"The training field {entry.name!r} is damaged and left out: {error}",
                )
        return fields

    def version_of(self, field: Field) -> Entry | None:
        """Return the entry whose place a field would take.

        Parameters
        ----------
        field : Field
            The field.

        Returns
        -------
        Entry or None
            None if the image is not in the set under this name.
        """
        identity = _identity(field.name, np.asarray(field.image))
        same = [entry for entry in self.entries() if entry.key.startswith(f"{identity}-")]
        return same[0] if same else None

    def read(self, key: str) -> Field:
        """Read a field.

        Parameters
        ----------
        key : str
            Of its entry.

        Returns
        -------
        Field
            With labels.

        Raises
        ------
        KeyError
            If there is no such field.
        OSError, ValueError
            If it cannot be read.
        """
        return self._read(self._entry(key))

    def remove(self, key: str) -> Entry:
        """Remove a field; `restore` brings it back.

        Parameters
        ----------
        key : str
            Of its entry.

        Returns
        -------
        Entry
            What was removed.

        Raises
        ------
        KeyError
            If there is no such field.
        """
        entry = self._entry(key)
        self._set_aside(key)
        return entry

    def restore(self, key: str) -> Entry:
        """Bring a field back that was removed, or an older version of one.

        Parameters
        ----------
        key : str
            Of its entry.

        Returns
        -------
        Entry
            What is in the set again. A version that is there now becomes an older one.

        Raises
        ------
        KeyError
            If nothing is kept under the key.
        """
        kept = self.folder / _OLDER / key
        if not (kept / _ABOUT_FILE).exists():
            raise KeyError(f"Expected the key of a field that was removed, got {key!r}.")
        for path in self.folder.glob(f"{key.split('-', maxsplit=1)[0]}-*"):
            self._set_aside(path.name)
        os.rename(kept, self.folder / key)
        return _entry_of(self.folder / key)

    def older(self) -> list[Entry]:
        """List what was replaced or removed and is kept.

        Returns
        -------
        list of Entry
            The newest last.
        """
        paths = self.folder.glob(f"{_OLDER}/*/{_ABOUT_FILE}")
        kept = [_entry_of(path.parent) for path in paths]
        return sorted(kept, key=lambda entry: entry.key.split("-")[1])

    def _entry(self, key: str) -> Entry:
        for entry in self.entries():
            if entry.key == key:
                return entry
        raise KeyError(f"Expected the key of a field in the training set, got {key!r}.")

    def _set_aside(self, key: str) -> None:
        """Keep an entry where it is not trained on."""
        kept = self.folder / _OLDER
        kept.mkdir(exist_ok=True)
        os.rename(self.folder / key, kept / key)

    def _read(self, entry: Entry) -> Field:
        folder = self.folder / entry.key
        about = _read_about(folder)
        pixel_size, shape = about["pixel_size"], about["image_shape"]
        # A TIFF does not keep axes of length 1.
        return Field(
            _read_array(folder / _IMAGE_FILE).reshape(shape),
            about["axes"] if "color" in about else read_old_axes(about["axes"], shape),
            about["name"],
            tuple(pixel_size) if pixel_size else None,
            about["unit"],
            _read_array(folder / _LABELS_FILE).reshape(about["shape"]),
        )

    def _keep_older(self, identity: str, key: str) -> None:
        for path in self.folder.glob(f"{identity}-*"):
            if path.name < key:
                with contextlib.suppress(OSError):
                    self._set_aside(path.name)


def _is_gone(folder: Path) -> bool:
    """Return whether an entry was corrected again or removed since it was listed."""
    return not os.path.lexists(folder / _ABOUT_FILE)


def _identity(name: str, image: np.ndarray) -> str:
    """Return what two versions of the same field have in common."""
    digest = hashlib.sha256(f"{name}\0{image.shape}\0{image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()[:16]


def _read_about(folder: Path) -> dict[str, Any]:
    """Read what is known of a field, and check the values that other code relies on."""
    about = read_object(folder / _ABOUT_FILE)
    for name, kind in (("name", str), ("axes", str), ("added", str), ("source", dict)):
        if not isinstance(about.get(name), kind):
            raise ValueError(
                f"Expected {name!r} to be {kind.__name__} in {folder / _ABOUT_FILE}, got "
                f"{about.get(name)!r}."
            )
    return about


def _entry_of(folder: Path) -> Entry:
    about = _read_about(folder)
    return Entry(
        key=folder.name,
        name=about["name"],
        nuclei=int(about["nuclei"]),
        shape=tuple(int(length) for length in about["shape"]),
        added=about["added"],
        source=about["source"],
    )


def _write_array(path: Path, array: np.ndarray) -> None:
    import tifffile

    if array.dtype == bool:
        array = array.astype(np.uint8)
    tifffile.imwrite(path, array, compression="zlib", photometric="minisblack", metadata=None)


def _read_array(path: Path) -> np.ndarray:
    import tifffile

    try:
        return tifffile.imread(path)
    except Exception as error:  # tifffile raises what it comes across
        raise ValueError(f"{path} cannot be read: {error}") from error
