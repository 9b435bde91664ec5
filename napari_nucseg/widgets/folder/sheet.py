"""What is in the viewer of one image of a folder."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
from napari.layers import Labels

from ...corrections import RESULT, FolderWork, ImageState, States, StoredLabels
from ...image import Field, Stamp, read_image
from ...pipeline import SegmentParameters
from ..journal.journal_keeper import keeper_of
from ..layers.field_layer import add_field
from ..layers.fingerprint import Fingerprint
from ..layers.image_file import note_file
from ..layers.layer_states import put_states, states_in
from ..layers.layers import METADATA_KEY, SHOWS, placement_of
from ..layers.origin import note_origin, origin_of
from ..layers.shown import FromFile, Result, bare, note_result, result_of_layer
from ..tools.brush import guard_brush

__all__ = ["Sheet", "as_stored", "load_image", "note_stamp"]

_NO_PIXELS = np.empty((0, 0), np.int32)


#: Which file layers were made from or written to, see `image.stamp_of`.
_stamps: weakref.WeakKeyDictionary[Any, Stamp | None] = weakref.WeakKeyDictionary()


def note_stamp(layer: Any, stamp: Stamp | None) -> None:
    """Note that the labels of a layer are those of a file.

    Parameters
    ----------
    layer : Labels
        The labels.
    stamp : tuple of int or None
        Of the file.
    """
    _stamps[bare(layer)] = stamp


class Sheet:
    """The layers of an image, and what its file says. No layer is held.

    Parameters
    ----------
    viewer : napari.Viewer
        Where it is shown.
    work : FolderWork
        The folder.
    name : str
        The image.
    stored : StoredLabels, optional
        What the file of its labels says; None if there is none.
    """

    def __init__(
        self, viewer: Any, work: FolderWork, name: str, stored: StoredLabels | None
    ) -> None:
        self._viewer = viewer
        self.work, self.name, self.stored = work, name, stored
        #: How far the person is with it, None if that is noted already.
        self.mark: ImageState | None = None
        self._image: Any = lambda: None
        self._labels: Any = lambda: None
        # Of the labels in the file; None if that is not known.
        self._fingerprint: Fingerprint | None = None

    @property
    def image(self) -> Any | None:
        """The layer of the image, None if it is gone."""
        image = self._image()
        return image if image is not None and image in self._viewer.layers else None

    @property
    def labels(self) -> Any | None:
        """The layer that shows the labels of the file, None if it is gone."""
        return self._labels()

    @property
    def result(self) -> str:
        """The file of its labels."""
        return str(self.work.row(self.name).labels)

    @property
    def waits_for_labels(self) -> bool:
        """Whether it was opened without labels, and there are some by now."""
        is_bare = self.stored is None and self.image is not None and not self.made()
        return is_bare and self.work.row(self.name).state is ImageState.SEGMENTED

    # Showing

    def find(self) -> bool:
        """Take layers that an earlier widget has opened, as long as they are there.

        Returns
        -------
        bool
            Whether there are any that were made from the file as it is now, or written to it.
            Nobody knows whether the file has all of them. Others stay in the viewer.
        """
        for layer in self._viewer.layers:
            origin = origin_of(layer, self._viewer)
            image = None if origin is None else origin.image()
            is_of_file = layer.metadata.get(METADATA_KEY, {}).get(RESULT) == self.result
            is_as_file = _stamps.get(bare(layer)) == (self.stored and self.stored.stamp)
            is_same = is_of_file and is_as_file and isinstance(layer, Labels)
            if is_same and image in self._viewer.layers:
                self._labels, self._image = weakref.ref(bare(layer)), weakref.ref(bare(image))
                return True
        return False

    def show_image(self, field: Field) -> None:
        """Add the layer of the image.

        Parameters
        ----------
        field : Field
            The image.
        """
        layer = bare(add_field(self._viewer, field))
        note_file(layer, self.work.row(self.name).path)
        self._image = weakref.ref(layer)

    def show_labels(self) -> None:
        """Add the layer of the labels."""
        image, stored = self.image, self.stored
        if image is None or stored is None:
            return
        layer = self._viewer.add_labels(
            stored.labels,
            name=f"{image.name} nuclei",
            metadata={METADATA_KEY: {**stored.provenance, RESULT: self.result}},
            **placement_of(image),
        )
        put_states(layer, stored.states)
        keeper_of(self._viewer).note_read(layer)
        note_origin(layer, image)
        guard_brush(bare(layer))
        if not stored.corrected and _is_whole(stored.provenance):
            found = FromFile(stored.labels, dict(stored.provenance))
            note_result(Result(image, layer, found))
        self.note_stored(layer, stored)

    def note_stored(self, layer: Any, stored: StoredLabels) -> None:
        """Note what the file says now.

        Parameters
        ----------
        layer : Labels
            The layer that shows it.
        stored : StoredLabels
            What it says. The pixels are not held a second time.
        """
        self._labels = weakref.ref(bare(layer))
        note_stamp(layer, stored.stamp)
        self._fingerprint = Fingerprint(stored.labels)
        self.stored = dataclasses.replace(stored, labels=_NO_PIXELS)

    def stamp_of(self, layer: Any) -> Stamp | None:
        """Return which file a layer was made from, or was written to.

        Parameters
        ----------
        layer : Labels
            The labels.

        Returns
        -------
        tuple of int or None
            See `image.stamp_of`; None if they are not those of the file.
        """
        is_of_file = layer is not None and self.labels is bare(layer)
        return self.stored.stamp if is_of_file and self.stored is not None else None

    # What there is

    def made(self) -> list[Any]:
        """Return the layers that were made from the image, the newest first."""
        image = self.image
        return [
            bare(layer)
            for layer in reversed(self._viewer.layers)
            if bare(layer) is not image and (self.has(layer) or bare(layer) is self.labels)
        ]

    def has(self, layer: Any) -> bool:
        """Return whether a layer was made from the image.

        Parameters
        ----------
        layer : Layer
            Wrapped or not.

        Returns
        -------
        bool
            True if it was.
        """
        origin, image = origin_of(bare(layer), self._viewer), self.image
        return image is not None and origin is not None and origin.image() is image

    def corrected(self, chosen: Any | None) -> Any | None:
        """Return the labels that a person works on.

        Parameters
        ----------
        chosen : Labels or None
            Those that are chosen to be corrected.

        Returns
        -------
        Labels or None
            The chosen ones if they are of this image, else those of the file, else the
            newest. None if there are none. What a model has found and nobody has touched
            is not taken instead of labels that a person has corrected.
        """
        drawn = [
            layer
            for layer in self.made()
            if isinstance(layer, Labels) and SHOWS not in layer.metadata.get(METADATA_KEY, {})
        ]
        of_file = next((layer for layer in drawn if layer is self.labels), None)
        first = None if chosen is None else bare(chosen)
        if of_file is not None and self._has_corrections() and not _is_touched(first):
            first = of_file
        for layer in (first, of_file):
            if any(layer is one for one in drawn):
                return layer
        return next(iter(drawn), None)

    def _has_corrections(self) -> bool:
        """Return whether the labels of the file, or the layer of it, are a person's."""
        is_corrected = self.stored is not None and self.stored.corrected
        return is_corrected or self.is_changed(self.labels)

    def is_changed(self, layer: Any | None) -> bool:
        """Return whether labels are others than those in the file.

        Parameters
        ----------
        layer : Labels or None
            The labels.

        Returns
        -------
        bool
            False without any.
        """
        if layer is None:
            return False
        stored, fingerprint, known = self.stored, self._fingerprint, self.labels
        if fingerprint is None or stored is None or known is None or known is not layer:
            return True
        is_reviewed = _reviewed(states_in(layer)) != _reviewed(stored.states)
        return is_reviewed or not fingerprint.fits(known.data)


def as_stored(layer: Any, stamp: Stamp | None = None) -> StoredLabels:
    """Return what is to be written of a layer.

    Parameters
    ----------
    layer : Labels
        The labels.
    stamp : tuple of int, optional
        Of the file that they are from, see `Sheet.stamp_of`.

    Returns
    -------
    StoredLabels
        With a copy of the pixels.
    """
    states = states_in(layer)
    return StoredLabels(
        np.array(layer.data, np.int32),
        dict(layer.metadata.get(METADATA_KEY, {})),
        states,
        _is_touched(layer),
        stamp,
    )


def _is_touched(layer: Any | None) -> bool:
    """Return whether a person has made or looked at labels that were found by a model."""
    if layer is None:
        return False
    result = result_of_layer(layer)
    is_found = result is not None and result.state() == "fresh"
    return not is_found or bool(states_in(layer).reviewed())


def load_image(work: FolderWork, name: str) -> tuple[Field, StoredLabels | None]:
    """Read an image and its labels, which belong to this window from now on.

    Parameters
    ----------
    work : FolderWork
        The folder.
    name : str
        The image.

    Returns
    -------
    field : Field
        The image, in memory.
    stored : StoredLabels or None
        Its labels, None if there are none yet.

    Raises
    ------
    BlockingIOError
        If another window works on it.
    OSError, TypeError, ValueError
        If one of both cannot be read, or they do not fit together.
    """
    held = work.claim(name)
    if held:
        raise BlockingIOError(held)
    try:
        field = read_image(work.row(name).path).in_memory()
        stored = work.read(name)
        if stored is not None and stored.labels.shape != field.shape:
            raise ValueError(
                f"Expected labels of {field.shape[0]} x {field.shape[1]} pixels as the image, "
                f"got {stored.labels.shape[0]} x {stored.labels.shape[1]} in "
                f"{work.row(name).labels}. Move that file away."
            )
    except BaseException:
        work.release(name)
        raise
    return field, stored


def _reviewed(states: States) -> dict[int, int]:
    return {one: state for one, state in states.as_dict().items() if state}


def _is_whole(provenance: Mapping[str, Any]) -> bool:
    """Return whether labels say all that is shown of a segmentation."""
    needed = ("parameters", "weights_sha256", "model", "diameter", "blank")
    if any(name not in provenance for name in needed):
        return False
    try:
        SegmentParameters(**provenance["parameters"])
    except (TypeError, ValueError):
        return False
    return True
