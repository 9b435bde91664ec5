"""A folder of images to be segmented and corrected, and how far a person has come."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...image import (
    Stamp,
    find_images,
    labels_name,
    read_provenance,
    same_labels,
    stamp_of,
)
from ...support import remove_leftovers
from ..journal import Journal
from ..journals import Journals, LeftJournal
from .record import Note, Record, RecordFile
from .row import FINISHED, FolderRow, ImageState
from .stored import StoredLabels, is_corrected, read_stored, write_stored

__all__ = ["RESULT", "FolderWork", "Saved", "made_with"]

#: In the provenance of a layer, and so in its journal: the file that its labels belong to.
RESULT = "result"

#: What a window may claim an image for.
_OPEN, _SEGMENT, _RECOVER = "open", "segment", "recover"

#: The states of images whose labels a model must not replace.
_OF_A_PERSON = (ImageState.CORRECTED, *FINISHED)

_DAY = 24 * 3600.0  # seconds


def made_with(weights: str, parameters: Mapping[str, Any]) -> str:
    """Return what labels of the same model and parameters have in common.

    Parameters
    ----------
    weights : str
        Checksum of the weights of the model.
    parameters : mapping of str to object
        By name, as ``as_dict`` of `SegmentParameters` returns them.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    text = json.dumps([weights, dict(parameters)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _made(provenance: Mapping[str, Any]) -> str:
    """Return what made labels, out of what they say."""
    parameters = provenance.get("parameters")
    known = parameters if isinstance(parameters, Mapping) else {}
    return made_with(str(provenance.get("weights_sha256")), known)


class Saved(NamedTuple):
    """What has become of the file of labels that were saved.

    Parameters
    ----------
    stamp : tuple of int or None
        See `image.stamp_of`: of the file now.
    aside : Path or None
        Where corrections are that were in it before and not in the new labels; None if there
        were none.
    """

    stamp: Stamp | None
    aside: Path | None


class FolderWork:
    """The images of a folder, the files of their labels, and what is done with each.

    The labels are where ``nucseg segment FOLDER`` writes them. A small JSON beside them
    holds what they do not say. It is changed for one image at a time, so that several
    windows may work on a folder, and a process that is killed loses nothing. All methods
    but `rows` and `path_of` wait for the disk.

    Parameters
    ----------
    folder : path
        With the images.
    output : path, optional
        Folder for the labels; left out, they come beside the images.
    """

    def __init__(self, folder: str | Path, output: str | Path | None = None) -> None:
        self.folder = Path(folder).absolute()
        #: Where the labels are.
        self.output = Path(output or folder).absolute()
        self._window = uuid.uuid4().hex
        self._file = RecordFile(self.output)
        self._record = Record()
        self._images: dict[str, Path] = {}
        self._clashes: dict[str, str] = {}
        self._sizes: dict[str, int] = {}

    def _labels_of(self, image: Path) -> Path:
        """Return the file of the labels of an image, as ``nucseg segment`` calls it."""
        return self.output / labels_name(image)

    # What there is

    def open(self) -> list[FolderRow]:
        """List the images, and look at the labels that are there.

        Returns
        -------
        list of FolderRow
            By name.

        Raises
        ------
        FileNotFoundError
            If there is no image in the folder.
        NotADirectoryError
            If it is no folder.
        ValueError
            If the folder for the labels has those of another folder of images.
        OSError
            If nothing can be written to the folder for the labels.
        """
        if not self.folder.is_dir():
            raise NotADirectoryError(
                f"Expected a folder of images, but there is none at {self.folder}. Choose "
                f"another one."
            )
        self._images = {path.name: path for path in find_images([self.folder])}
        self._sizes = {name: (stamp_of(p) or (0, 0))[1] for name, p in self._images.items()}
        self._clashes = self._find_clashes()
        self.output.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.output, _DAY)
        found = self._look(self._file.read().notes)

        def change(record: Record) -> None:
            record.folder = self._checked_folder(record.folder)
            for name, (before, note) in found.items():
                # Another window may have done something meanwhile, and knows better.
                if record.notes.get(name) == before:
                    record.notes[name] = note

        self._change(change)
        return self.rows()

    def _checked_folder(self, noted: str) -> str:
        """Return what to note as the folder of images, unless another one is noted.

        Images are known by their names alone, and those of two folders may have the same. A
        folder that is gone does not count: it was moved or has another name now.
        """
        other = self.output / noted
        if noted and other.is_dir() and not other.samefile(self.folder):
            raise ValueError(
                f"Expected a folder for the labels of {self.folder} alone, got {self.output}, "
                f"which has those of {other.resolve()}. Choose another folder for the labels."
            )
        try:
            return Path(os.path.relpath(self.folder, self.output)).as_posix()
        except ValueError:  # on another drive
            return str(self.folder)

    def _find_clashes(self) -> dict[str, str]:
        """Say of which images the labels would overwrite each other's."""
        return {
            path.name: f"{' and '.join(path.name for path in paths)} would both become "
            f"{result}. Rename one of them."
            for result, paths in same_labels(self._images.values()).items()
            for path in paths
        }

    def _look(self, notes: Mapping[str, Note]) -> dict[str, tuple[Note | None, Note]]:
        """Return what is noted of images, and what is to be noted, where that differs."""
        found = {}
        for name, path in self._images.items():
            before = notes.get(name)
            now = self._followed(before or Note(), path)
            if now != before:
                found[name] = (before, now)
        return found

    def _followed(self, note: Note, path: Path) -> Note:
        """Return what is to be noted of an image, as its files are now."""
        labels = self._labels_of(path)
        stamp = stamp_of(labels)
        if stamp is None:
            is_same = note.state == ImageState.ERROR and note.image == stamp_of(path)
            # An image without nuclei may be done that never had labels.
            is_empty = note.state in FINISHED and note.labels is None
            stays = is_same or is_empty
            return note if stays else Note(shape=note.shape, claims=note.claims)
        if stamp == note.labels:
            return note
        # Somebody else has written them, or this process was killed right then.
        provenance = read_provenance(labels)
        state = note.state if note.state in FINISHED else ImageState.CORRECTED
        made = note.made
        if not is_corrected(provenance):
            state, made = ImageState.SEGMENTED, _made(provenance)
        return Note(state, shape=note.shape, made=made, labels=stamp, claims=note.claims)

    def rows(self) -> list[FolderRow]:
        """Return what is known of all images, without a look at the disk.

        Returns
        -------
        list of FolderRow
            By name. Empty before `open`.
        """
        return [self._row(name, path) for name, path in list(self._images.items())]

    def _row(self, name: str, path: Path) -> FolderRow:
        note = self._record.notes.get(name, Note())
        clash = self._clashes.get(name)
        return FolderRow(
            path,
            self._labels_of(path),
            ImageState.ERROR if clash else ImageState(note.state),
            clash or note.reason,
            self._sizes.get(name, 0),
            note.shape,
            note.nuclei,
            note.suspicion,
            note.made,
        )

    def row(self, name: str) -> FolderRow:
        """Return what is known of one image, without a look at the disk.

        Parameters
        ----------
        name : str
            Of its file.

        Returns
        -------
        FolderRow
            The image.

        Raises
        ------
        KeyError
            If there is no such image.
        """
        return self._row(name, self._images[name])

    def to_segment(self, made: str) -> list[FolderRow]:
        """Return the images that have no labels of a model and parameters yet.

        Parameters
        ----------
        made : str
            Model and parameters, see `made_with`.

        Returns
        -------
        list of FolderRow
            New ones, those with an error, and those that another model or other parameters
            have segmented, unless a person has done something with them.
        """
        states = (ImageState.NEW, ImageState.ERROR)
        return [
            row
            for row in self.rows()
            if row.name not in self._clashes
            and (
                row.state in states or (row.state is ImageState.SEGMENTED and row.made != made)
            )
        ]

    # Who works on what

    def claim(self, name: str, *, to_segment: bool = False) -> str:
        """Claim an image for this window, to open it or to segment it.

        Which one was opened last is kept, see `at`.

        Parameters
        ----------
        name : str
            The image.
        to_segment : bool, optional
            Whether it is to be segmented, which is refused if a person has corrected or
            finished it; left out, it is to be opened.

        Returns
        -------
        str
            Why it cannot be had, in words; empty if it is claimed now. The claim of a process
            that ended does not count.
        """
        return self._claim(name, _SEGMENT if to_segment else _OPEN)

    def _claim(self, name: str, purpose: str) -> str:
        reasons = []

        def change(record: Record) -> None:
            note = record.notes.get(name, Note())
            holder = note.holder(self._window)
            if holder is not None:
                process = holder.get("process")
                reasons.append(f"Another window works on {name} (process {process}).")
                return
            if purpose == _SEGMENT:
                # As the files are now, whatever this window knows.
                note = record.notes[name] = self._followed(note, self._images[name])
                if note.state in _OF_A_PERSON:
                    reasons.append(f"A person has worked on {name}: it is {note.state}.")
                    return
            record.notes[name] = note.claimed(self._window, purpose)
            record.at = name if purpose == _OPEN else record.at

        self._change(change)
        return reasons[0] if reasons else ""

    def release(self, name: str, *, to_segment: bool = False) -> None:
        """Give an image back.

        Parameters
        ----------
        name : str
            The image.
        to_segment : bool, optional
            As in `claim`.
        """
        self._release(name, _SEGMENT if to_segment else _OPEN)

    def _release(self, name: str, purpose: str) -> None:
        self._note(name, lambda note: note.released(self._window, purpose))

    # What was done

    def note_segmented(
        self,
        name: str,
        *,
        nuclei: int,
        suspicion: float,
        shape: tuple[int, int],
        made: str,
    ) -> None:
        """Note that the labels of an image were written by a segmentation.

        What a person has corrected or finished meanwhile stays that.

        Parameters
        ----------
        name : str
            The image.
        nuclei, suspicion, shape, made
            See `FolderRow`.
        """
        stamp = stamp_of(self._labels_of(self._images[name]))

        def written(note: Note) -> Note:
            note = note.released(self._window, _SEGMENT)
            is_of_person = note.state in _OF_A_PERSON
            if is_of_person and note.labels == stamp:
                return note  # of labels that she has saved since
            return Note(
                note.state if is_of_person else ImageState.SEGMENTED,
                nuclei=nuclei,
                shape=shape,
                suspicion=suspicion,
                made=made,
                labels=stamp,
                claims=note.claims,
            )

        self._note(name, written)

    def note_failed(self, name: str, reason: str) -> None:
        """Note why an image cannot be segmented. Labels that are there stay what they are.

        Parameters
        ----------
        name : str
            The image.
        reason : str
            What is wrong with it.
        """
        path = self._images[name]

        def failed(note: Note) -> Note:
            note = note.released(self._window, _SEGMENT)
            if note.labels is not None:
                return dataclasses.replace(note, reason=reason)
            return Note(
                ImageState.ERROR,
                reason,
                shape=note.shape,
                image=stamp_of(path),
                claims=note.claims,
            )

        self._note(name, failed)

    def mark(self, name: str, state: ImageState) -> None:
        """Note how far a person is with an image.

        Parameters
        ----------
        name : str
            The image.
        state : ImageState
            Such as `ImageState.DONE`.
        """
        self._note(name, lambda note: dataclasses.replace(note, state=state))

    def read(self, name: str) -> StoredLabels | None:
        """Read the labels of an image.

        Parameters
        ----------
        name : str
            The image.

        Returns
        -------
        StoredLabels or None
            None if there are none yet.

        Raises
        ------
        OSError, TypeError, ValueError
            If the file is damaged, or no labels.
        """
        path = self._labels_of(self._images[name])
        return read_stored(path) if path.is_file() else None

    def save(self, name: str, stored: StoredLabels, state: ImageState | None = None) -> Saved:
        """Write what a person has made of the labels of an image.

        Parameters
        ----------
        name : str
            The image.
        stored : StoredLabels
            The labels. What is finished stays finished. Corrections in the file that are not
            those from which these were made, as their stamp says, are set aside.
        state : ImageState, optional
            How far the person is with the image now, noted once the labels are written.

        Returns
        -------
        Saved
            What the file is now, and where the one of before is if it was set aside.

        Raises
        ------
        OSError
            If they cannot be written; the file of before stays.
        """
        image = self._images[name]
        path = self._labels_of(image)
        provenance = {key: value for key, value in stored.provenance.items() if key != RESULT}
        aside = write_stored(path, image, dataclasses.replace(stored, provenance=provenance))
        stamp, labels = stamp_of(path), stored.labels

        def saved(note: Note) -> Note:
            if not stored.corrected:  # found anew: nobody has looked at how doubtful it is
                note = dataclasses.replace(note, suspicion=None, made=_made(provenance))
            found = ImageState.CORRECTED if stored.corrected else ImageState.SEGMENTED
            return dataclasses.replace(
                note,
                state=state or (note.state if note.state in FINISHED else found),
                reason="",
                nuclei=int(np.unique(labels[labels > 0]).size),
                shape=(int(labels.shape[0]), int(labels.shape[1])),
                labels=stamp,
            )

        self._note(name, saved)
        return Saved(stamp, aside)

    def recover(self, journals: Journals) -> list[str]:
        """Write corrections that are only in a journal, as of a process that was killed.

        Parameters
        ----------
        journals : Journals
            Where to look. Journals of other images stay as they are, and those that are older
            than the labels of their image, unless they are the same.

        Returns
        -------
        list of str
            The images whose corrections are in their files now.
        """
        by_result = {str(self._labels_of(path)): name for name, path in self._images.items()}
        found = []
        for left in journals.left():
            provenance = left.reference.get("provenance")
            result = provenance.get(RESULT) if isinstance(provenance, dict) else None
            name = by_result.get(str(result))
            if name is not None and not self._claim(name, _RECOVER):
                # Whatever is wrong with one, the window offers it.
                with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
                    if self._recover(name, left, journals):
                        found.append(name)
                self._release(name, _RECOVER)
        return found

    def _recover(self, name: str, left: LeftJournal, journals: Journals) -> bool:
        """Write the corrections of a journal, and return whether they were not there yet."""
        written = stamp_of(self._labels_of(self._images[name]))
        is_newer = written is None or written[0] <= left.written * 1e9
        mine = journals.claim(left.folder)
        try:
            kept, known = Journal(mine).restore(), self.read(name)
            is_known = known is not None and np.array_equal(known.labels, kept.labels)
            if not is_newer and not is_known:
                journals.release(mine)
                return False
            if is_newer:
                about = dict(kept.reference["provenance"])
                self.save(name, StoredLabels(kept.labels, about, kept.states, corrected=True))
        except BaseException:
            journals.release(mine)
            raise
        journals.remove(mine)
        return is_newer

    # What is kept of the folder itself

    @property
    def at(self) -> str:
        """The image that was shown last, empty if none was or it is gone."""
        return self._record.at if self._record.at in self._images else ""

    @property
    def settings(self) -> dict[str, Any]:
        """How the folder is segmented and listed, as it was kept."""
        return dict(self._record.settings)

    def keep_settings(self, settings: Mapping[str, Any]) -> None:
        """Keep how the folder is segmented and listed.

        Parameters
        ----------
        settings : mapping of str to object
            Ready for JSON. Others that were kept stay.
        """
        self._change(lambda record: record.settings.update(settings))

    def _note(self, name: str, change: Callable[[Note], Note]) -> None:
        def of_image(record: Record) -> None:
            record.notes[name] = change(record.notes.get(name, Note()))

        self._change(of_image)

    def _change(self, change: Callable[[Record], None]) -> None:
        self._record = self._file.change(change)
