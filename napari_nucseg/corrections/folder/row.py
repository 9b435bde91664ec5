"""What is known of one image of a folder."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path

__all__ = ["FINISHED", "FolderRow", "ImageState"]


class ImageState(enum.StrEnum):
    """How far a person has come with an image."""

    NEW = "new"
    SEGMENTED = "segmented"
    CORRECTED = "corrected"
    DONE = "done"
    TRAINING = "in training set"
    ERROR = "error"


#: The states of images that need no look any more.
FINISHED = (ImageState.DONE, ImageState.TRAINING)


@dataclasses.dataclass(frozen=True)
class FolderRow:
    """An image of a folder, as it stands in a list.

    Parameters
    ----------
    path : Path
        File of the image.
    labels : Path
        File of its labels; it need not exist.
    state : ImageState
        How far it is.
    reason : str, optional
        What is wrong with it, in words; empty if nothing is.
    size : int, optional
        Of the file, in bytes.
    shape : tuple of int or None, optional
        Height and width in pixels; None if the image was not read yet.
    nuclei : int or None, optional
        How many are in the labels; None if it is not known.
    suspicion : float or None, optional
        Mean estimated chance that a nucleus is wrong, 0 to 1; None if it is not known.
    made : str, optional
        What model and parameters made the labels, see `made_with`; empty if it is not known.
    """

    path: Path
    labels: Path
    state: ImageState
    reason: str = ""
    size: int = 0
    shape: tuple[int, int] | None = None
    nuclei: int | None = None
    suspicion: float | None = None
    made: str = ""

    @property
    def name(self) -> str:
        """Name of the file, by which the image is known in its folder."""
        return self.path.name

    @property
    def is_finished(self) -> bool:
        """Whether a person is done with it."""
        return self.state in FINISHED
