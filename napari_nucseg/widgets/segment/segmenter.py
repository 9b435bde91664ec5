"""One segmentation at a time: the image to the engine, and what it found back to the image."""

from __future__ import annotations

import dataclasses
from typing import Any

from qtpy.QtCore import QObject, Signal

from ...engine import Job, Segment, shared_engine
from ...pipeline import Segmentation, SegmentParameters
from ...registry import Model
from ..jobs import JobRunner
from ..layers.layers import field_of, sample_of, why_not_image

__all__ = ["Segmenter"]

_WAITS = {
    "starting": " as soon as the engine has started, which usually takes 5 to 10 s",
    "busy": " as soon as the engine has ended what it does",
}


class Segmenter(QObject):
    """Has images segmented, and looks whether they are still what they were.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the images are.
    runner : JobRunner
        Runs the job; shared with other parts.
    parent : QObject
        The parent.

    Signals
    -------
    found(object, object, object)
        The `Segmentation` of an image, the image layer, and the warnings.
    changed(object)
        A script has changed the pixels of an image layer meanwhile.
    ended()
        A job has ended, whatever came out.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    found = Signal(object, object, object)
    changed = Signal(object)
    ended = Signal()
    told = Signal(str, bool)

    def __init__(self, viewer: Any, runner: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._runner = runner
        #: Whether an image is being segmented.
        self.is_busy = False
        self._cancelled = False
        # The image, None if it has other data by now, and a number that tells of its pixels.
        self._image: Any | None = None
        self._sample: int | None = None
        runner.done.connect(self._finish)

    def start(self, image: Any, model: Model, parameters: SegmentParameters) -> bool:
        """Give an image to the engine.

        Parameters
        ----------
        image : Image
            The layer.
        model : Model
            What finds the nuclei.
        parameters : SegmentParameters
            The parameters.

        Returns
        -------
        bool
            False if the image cannot be segmented, which was told.
        """
        try:
            # The other channels need not travel to the engine.
            field = field_of(image).of_channel(parameters.channel)
        except (TypeError, ValueError) as error:
            self.told.emit(str(error), True)
            return False
        self._image, self._sample = image, sample_of(image)
        self.is_busy, self._cancelled = True, False
        waits = _WAITS.get(shared_engine().state, "")
        of_plane = dataclasses.replace(parameters, channel=None)
        self._runner.run(
            Segment(field, model.folder, of_plane, parameters.channel, keep_maps=True)
        )
        self.told.emit(f"Segmenting {image.name!r}{waits}…", False)
        return True

    def cancel(self) -> None:
        """End the job; if it ends by itself just then, nothing is changed all the same."""
        self._cancelled = True
        self._runner.cancel()

    def forget(self, image: Any) -> None:
        """Show nothing in an image that was given other data.

        Parameters
        ----------
        image : Image
            The layer.
        """
        if self._image == image:
            self._image = None

    def _finish(self, job: Job) -> None:
        """Hand on what the engine found, or say what went wrong."""
        if job.kind is not Segment:
            return
        image, self._image = self._image, None
        self.is_busy = False
        self.ended.emit()
        if self._cancelled or job.state == "stopped":
            self.told.emit("Cancelled. Nothing was changed.", False)
        elif job.state != "done":
            self.told.emit(str(job.error), True)
        else:
            if image is not None and sample_of(image) != self._sample:
                self.changed.emit(image)
                image = None
            reason = self._why_not_shown(job.result, image)
            if reason:
                self.told.emit(reason, False)
            else:
                self.found.emit(job.result, image, job.warnings)

    def _why_not_shown(self, found: Segmentation, image: Any) -> str:
        """Say why labels cannot be laid on their image any more, empty if they can."""
        if image is None or image not in self._viewer.layers:
            return "The image was closed or replaced meanwhile; its nuclei are not shown."
        reason = why_not_image(image)
        if not reason and field_of(image).shape != found.labels.shape:
            reason = "Its rows and columns are others now."
        if reason:
            return f"{image.name!r} was changed meanwhile; its nuclei are not shown. {reason}"
        return ""
