"""What is noted of a folder of images: a small JSON that several windows may change."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...image import Stamp
from ...support import is_running, locked, new_file, process_stamp, read_object
from .row import ImageState

__all__ = ["Note", "Record", "RecordFile"]

_FILE, _LOCK = "nucseg_folder.json", ".nucseg_folder.lock"
_FORMAT = 1

_DAY = 24 * 3600.0  # seconds


@dataclasses.dataclass(frozen=True)
class Note:
    """What is noted of one image.

    Parameters
    ----------
    state : str, optional
        Its `ImageState`.
    reason : str, optional
        What is wrong with it.
    nuclei, suspicion, made
        See `FolderRow`.
    shape : tuple of int, optional
        Height and width in pixels.
    image, labels : tuple of int, optional
        See `image.stamp_of`: of the files as they were then.
    claims : mapping of str to object, optional
        Which window works on it, by what for.
    """

    state: str = ImageState.NEW
    reason: str = ""
    nuclei: int | None = None
    shape: tuple[int, int] | None = None
    suspicion: float | None = None
    made: str = ""
    image: Stamp | None = None
    labels: Stamp | None = None
    claims: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def holder(self, window: str) -> Mapping[str, Any] | None:
        """Return who works on the image, if it is another window that still runs.

        Parameters
        ----------
        window : str
            The window that asks.

        Returns
        -------
        mapping or None
            The stamp of its process. Whether one of another computer still runs is not known;
            it counts for a day.
        """
        for claim in self.claims.values():
            if claim.get("window") != window and _may_run(claim):
                return claim
        return None

    def claimed(self, window: str, purpose: str) -> Note:
        """Return the note with a claim.

        Parameters
        ----------
        window : str
            Who claims it.
        purpose : str
            What for.

        Returns
        -------
        Note
            A new one.
        """
        claim = {**process_stamp(), "window": window}
        return dataclasses.replace(self, claims={**self.claims, purpose: claim})

    def released(self, window: str, purpose: str) -> Note:
        """Return the note without a claim.

        Parameters
        ----------
        window : str
            Whose claim it is.
        purpose : str
            What for.

        Returns
        -------
        Note
            A new one.
        """
        mine = self.claims.get(purpose, {}).get("window") == window
        left = {name: one for name, one in self.claims.items() if name != purpose or not mine}
        return dataclasses.replace(self, claims=left)

    def as_dict(self) -> dict[str, Any]:
        """Return what differs from a note of which nothing is known, ready for JSON.

        Returns
        -------
        dict
            See `from_dict`.
        """
        return {name: value for name, value in vars(self).items() if value != _BLANK[name]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Note:
        """Return what `as_dict` has made; what cannot be is left out.

        Parameters
        ----------
        values : mapping
            From JSON.

        Returns
        -------
        Note
            The note.
        """
        known = {name: value for name, value in values.items() if name in _BLANK}
        for name in ("shape", "image", "labels"):
            if known.get(name) is not None:
                one, two = known[name]
                known[name] = (int(one), int(two))
        known["state"] = ImageState(known.get("state", ImageState.NEW))
        known["claims"] = {
            purpose: claim
            for purpose, claim in dict(known.get("claims", {})).items()
            if isinstance(claim, Mapping)
        }
        return cls(**known)


_BLANK: dict[str, Any] = {
    field.name: {} if field.name == "claims" else field.default
    for field in dataclasses.fields(Note)
}


def _may_run(claim: Mapping[str, Any]) -> bool:
    """Return whether the process that claims an image may still be there."""
    here = process_stamp()
    if claim.get("host", here["host"]) == here["host"]:
        return is_running(claim)
    began = claim.get("began")
    return isinstance(began, int | float) and abs(here["began"] - began) < _DAY


@dataclasses.dataclass
class Record:
    """All that is noted of a folder.

    Parameters
    ----------
    notes : dict of str to Note, optional
        By the name of the image.
    settings : dict of str to object, optional
        How the folder is segmented and listed.
    at : str, optional
        The image that was shown last.
    folder : str, optional
        Where the images are, from the folder of the record; empty if it is not known.
    """

    notes: dict[str, Note] = dataclasses.field(default_factory=dict)
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    at: str = ""
    folder: str = ""


class RecordFile:
    """The record on the disk. Windows and threads change it one after the other.

    Parameters
    ----------
    folder : Path
        Where the results are.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / _FILE

    def read(self) -> Record:
        """Return the record.

        Returns
        -------
        Record
            An empty one if there is none, or it is damaged: what is done is known from the
            files of results as well.
        """
        record = Record()
        with contextlib.suppress(OSError, ValueError):
            values = read_object(self.path)
            settings, at = values.get("settings"), values.get("at")
            folder = values.get("folder")
            record.folder = folder if isinstance(folder, str) else ""
            record.settings = settings if isinstance(settings, dict) else {}
            record.at = at if isinstance(at, str) else ""
            images = values.get("images")
            for name, about in images.items() if isinstance(images, dict) else ():
                with contextlib.suppress(AttributeError, LookupError, TypeError, ValueError):
                    record.notes[name] = Note.from_dict(about)
        return record

    def change(self, change: Callable[[Record], None]) -> Record:
        """Change the record, and wait until that is on the disk.

        Parameters
        ----------
        change : callable
            Given the record as it is now, changes it. If it raises, nothing is written.

        Returns
        -------
        Record
            As it is now.

        Raises
        ------
        OSError
            If it cannot be written.
        TimeoutError
            If another window or program has held it for too long.
        """
        with locked(self.path.with_name(_LOCK)):
            record = self.read()
            before = _as_text(record)
            change(record)
            text = _as_text(record)
            if text != before or not self.path.exists():
                with new_file(self.path) as aside:
                    aside.write_text(text, encoding="utf-8")
        return record


def _as_text(record: Record) -> str:
    values = {
        "format": _FORMAT,
        "at": record.at,
        "folder": record.folder,
        "settings": record.settings,
        "images": {name: note.as_dict() for name, note in sorted(record.notes.items())},
    }
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"
