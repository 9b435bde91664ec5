"""The training set: corrected fields in a folder, safe against a crash and a second window."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..image import Field
from ..support import locked, new_file, new_folder, user_directory, warn_user
from .entry import Entry, identity_of, new_key
from .field_folder import (
    ABOUT_FILE,
    THUMBNAIL_FILE,
    read_entry,
    read_field,
    read_states,
    write_field,
)
from .set_folder import describe_set
from .thumbnail import draw_thumbnail

__all__ = ["DEFAULT_SET", "TrainingSet"]

#: Name of the training set that is used if none is chosen.
DEFAULT_SET = "default"

#: Folder of what was replaced or removed. Its name begins with a dot: it is no entry.
_OLDER = ".older"
_LOCK_FILE = ".lock"


class TrainingSet:
    """A folder of corrected fields.

    Every field is a folder of its own that appears whole or not at all. Several windows and
    programs may use the set at once: they change it one after the other.

    Parameters
    ----------
    folder : Path, optional
        Left out, the user's own training set.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder) if folder else user_directory() / "training_set"

    def __len__(self) -> int:
        return len(self.entries())

    @property
    def name(self) -> str:
        """What the set is called: as its folder, the user's first one `DEFAULT_SET`."""
        is_first = self.folder == user_directory() / "training_set"
        return DEFAULT_SET if is_first else self.folder.name

    def add(
        self,
        field: Field,
        source: Mapping[str, Any] | None = None,
        states: Mapping[int, int] | None = None,
    ) -> Entry:
        """Add a field, or the new corrections of one that is there.

        Parameters
        ----------
        field : Field
            With labels. The same image under the same name takes the place of what was
            there, which is kept as an older version.
        source : mapping, optional
            Where the labels came from, ready for JSON.
        states : mapping of int to int, optional
            What a person has done with each nucleus, see `corrections.State`.

        Returns
        -------
        Entry
            The new entry.

        Raises
        ------
        ValueError
            If the field has no labels or no nucleus.
        TimeoutError
            If another window or program has changed the set for too long.
        OSError
            If it cannot be written; the set is as before.
        """
        nuclei = 0 if field.labels is None else field.nuclei
        if nuclei == 0:
            raise ValueError(
                f"Expected nuclei in the labels of {field.name!r}, got none. Segment the "
                f"image or draw some nuclei, then add it."
            )
        here = TrainingSet(self.folder)  # a window may show another one meanwhile
        folder = here.folder / new_key(field.name)
        with contextlib.ExitStack() as held:
            with new_folder(folder) as aside:
                write_field(aside, field, source, states)
                # Only now: others need not wait while the pixels are written.
                held.enter_context(here._changing())
            entry = read_entry(folder)
            here._keep_older(entry)
        return entry

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
        for path in self.folder.glob(f"[!.]*/{ABOUT_FILE}"):
            try:
                entry = read_entry(path.parent)
            except (OSError, ValueError, KeyError, TypeError) as error:
                if _is_gone(path.parent):
                    return self.entries()
                warn_user(
                    f"The training field in {path.parent} is damaged and left out: {error}",
                )
                continue
            other = newest.get(entry.identity)
            if other is None or other.time < entry.time:
                newest[entry.identity] = entry
        return sorted(newest.values(), key=lambda entry: (entry.time, entry.key))

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
                fields.append(read_field(self.folder / entry.key))
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
        identity = identity_of(field.name, np.asarray(field.image))
        same = [entry for entry in self.entries() if entry.identity == identity]
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
        return read_field(self._folder_of(key))

    def states(self, key: str) -> dict[int, int]:
        """Read what a person has done with the nuclei of a field.

        Parameters
        ----------
        key : str
            Of its entry.

        Returns
        -------
        dict of int to int
            Values of `corrections.State` by nucleus; empty if none were saved.

        Raises
        ------
        KeyError
            If there is no such field.
        OSError, ValueError
            If they cannot be read.
        """
        return read_states(self._folder_of(key))

    def thumbnail(self, key: str) -> Path:
        """Return the small picture of a field; it is made if it is missing.

        Parameters
        ----------
        key : str
            Of its entry.

        Returns
        -------
        Path
            A PNG of at most 128 x 128 pixels, with the outlines of the nuclei.

        Raises
        ------
        KeyError
            If there is no such field.
        OSError, ValueError
            If the field cannot be read, or the picture not be written.
        """
        folder = self._folder_of(key)
        path = folder / THUMBNAIL_FILE
        if not path.is_file():
            with new_file(path) as aside:
                draw_thumbnail(read_field(folder), aside)
        return path

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
        OSError
            If it cannot be moved, or another program has changed the set for too long.
        """
        self._folder_of(key)
        with self._changing():
            entry = read_entry(self._folder_of(key))
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
        OSError
            If it cannot be moved, or another program has changed the set for too long.
        """
        kept = self.folder / _OLDER / _checked(key)
        if not (kept / ABOUT_FILE).exists():
            raise KeyError(f"Expected the key of a field that was removed, got {key!r}.")
        with self._changing():
            os.rename(kept, self.folder / key)
            entry = read_entry(self.folder / key)
            self._keep_older(entry)
        return entry

    def older(self) -> list[Entry]:
        """List what was replaced or removed and is kept.

        Returns
        -------
        list of Entry
            The newest last.
        """
        kept = []
        for path in self.folder.glob(f"{_OLDER}/*/{ABOUT_FILE}"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                kept.append(read_entry(path.parent))
        return sorted(kept, key=lambda entry: (entry.time, entry.key))

    def _folder_of(self, key: str) -> Path:
        folder = self.folder / _checked(key)
        if not (folder / ABOUT_FILE).is_file():
            raise KeyError(f"Expected the key of a field in the training set, got {key!r}.")
        return folder

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Keep other windows and programs from changing the set meanwhile."""
        with locked(self.folder / _LOCK_FILE):
            describe_set(self.folder)
            yield

    def _set_aside(self, key: str) -> None:
        """Keep an entry where it is not trained on."""
        kept = self.folder / _OLDER
        kept.mkdir(exist_ok=True)
        os.rename(self.folder / key, kept / key)

    def _keep_older(self, entry: Entry) -> None:
        """Set aside all other versions of a field."""
        for path in self.folder.glob(f"[!.]*/{ABOUT_FILE}"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                other = read_entry(path.parent)
                if other.identity == entry.identity and other.key != entry.key:
                    self._set_aside(other.key)


def _is_gone(folder: Path) -> bool:
    """Return whether an entry was corrected again or removed since it was listed."""
    return not os.path.lexists(folder / ABOUT_FILE)


def _checked(key: str) -> str:
    """Return a key that names a folder right inside of the set."""
    if not key or key.startswith(".") or Path(key).name != key:
        raise KeyError(f"Expected the key of a field in the training set, got {key!r}.")
    return key
