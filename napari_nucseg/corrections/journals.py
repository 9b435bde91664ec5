"""All journals of a person: whose they are, which are left by a crash, which may go."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import uuid
from pathlib import Path
from typing import Any

from ..support import (
    is_old,
    is_running,
    new_file,
    process_stamp,
    read_object,
    remove_leftovers,
    user_directory,
)
from .journal import Journal

__all__ = ["Journals", "LeftJournal"]

_OWNER, _DISCARDED = "owner.json", "discarded.json"
_DAY = 24 * 3600.0  # seconds


@dataclasses.dataclass(frozen=True)
class LeftJournal:
    """A journal that no running program keeps.

    Parameters
    ----------
    folder : Path
        Where it is.
    reference : dict
        What it says of its image and layer.
    written : float
        When it was last written, in seconds since the epoch.
    """

    folder: Path
    reference: dict[str, Any]
    written: float


class Journals:
    """The folder of all journals. Each is a folder of its own, and belongs to a process.

    Parameters
    ----------
    folder : Path, optional
        Left out, the user's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_directory() / "journals"

    def new(self) -> Path:
        """Make the folder of a new journal, which belongs to this process.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OSError
            If it cannot be made.
        """
        folder = self.folder / uuid.uuid4().hex
        self._own(folder)
        return folder

    def _own(self, folder: Path) -> None:
        with new_file(folder / _OWNER) as aside:
            aside.write_text(json.dumps(process_stamp()), encoding="utf-8")

    def left(self) -> list[LeftJournal]:
        """List the journals that can be restored.

        Returns
        -------
        list of LeftJournal
            Those that no running process keeps, except discarded and damaged ones; the
            newest first.
        """
        found = []
        for folder in self._folders():
            if (folder / _DISCARDED).exists() or self._is_owned(folder):
                continue
            # Another process may remove it at the same moment, or it is damaged.
            with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
                journal = Journal(folder)
                written = journal.path.stat().st_mtime
                found.append(LeftJournal(folder, journal.reference(), written))
        return sorted(found, key=lambda one: one.written, reverse=True)

    def claim(self, folder: Path) -> Path:
        """Make a left journal one of this process.

        Parameters
        ----------
        folder : Path
            The journal.

        Returns
        -------
        Path
            Where it is now.

        Raises
        ------
        FileNotFoundError
            If another process was faster.
        """
        mine = self.folder / uuid.uuid4().hex
        # Of two that try, one finds it.
        folder.rename(mine)
        self._own(mine)
        return mine

    def release(self, folder: Path) -> None:
        """Leave a journal of this process behind, to be restored at another time.

        Parameters
        ----------
        folder : Path
            The journal.
        """
        (folder / _OWNER).unlink(missing_ok=True)

    def discard(self, folder: Path) -> None:
        """Offer a journal no more. It is kept for some days, see `prune`.

        Parameters
        ----------
        folder : Path
            The journal.
        """
        with new_file(folder / _DISCARDED) as aside:
            aside.write_text("{}", encoding="utf-8")

    def take_back(self, folder: Path) -> None:
        """Offer a journal again that was discarded.

        Parameters
        ----------
        folder : Path
            The journal.
        """
        (folder / _DISCARDED).unlink(missing_ok=True)

    def remove(self, folder: Path) -> None:
        """Remove a journal from the disk.

        Parameters
        ----------
        folder : Path
            The journal; it need not exist.
        """
        shutil.rmtree(folder, ignore_errors=True)

    def prune(
        self, *, days: float = 30, discarded_days: float = 7, most_bytes: int = 2_000_000_000
    ) -> None:
        """Remove what is too old, and the oldest if all take too much room.

        So are folders of processes that were killed before they had written a journal.
        Journals that a running process keeps stay.

        Parameters
        ----------
        days, discarded_days : float, optional
            How long nobody has written a journal that is removed, in days.
        most_bytes : int, optional
            How much the others may take in all.
        """
        kept = []
        for folder in self._folders():
            if self._is_owned(folder):
                continue
            file = Journal(folder).path
            if not file.exists():
                # A process that was killed has left it, or one that has just begun makes it.
                if self._was_killed(folder) or is_old(folder, _DAY):
                    self.remove(folder)
                continue
            remove_leftovers(folder, _DAY)
            age = discarded_days if (folder / _DISCARDED).exists() else days
            if is_old(file, age * _DAY):
                self.remove(folder)
                continue
            with contextlib.suppress(OSError):
                about = file.stat()
                kept.append((about.st_mtime, about.st_size, folder))
        room = most_bytes
        for _, size, folder in sorted(kept, reverse=True):
            room -= size
            if room < 0:
                self.remove(folder)

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [folder for folder in self.folder.iterdir() if folder.is_dir()]

    def _was_killed(self, folder: Path) -> bool:
        """Return whether a process of this computer has made the folder, and has ended."""
        try:
            stamp = read_object(folder / _OWNER)
        except (OSError, ValueError):
            return False
        return stamp.get("host") == process_stamp()["host"] and not is_running(stamp)

    def _is_owned(self, folder: Path) -> bool:
        try:
            return is_running(read_object(folder / _OWNER))
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            # It is damaged, or in use.
            return not is_old(folder, _DAY)
