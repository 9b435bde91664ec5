"""Options that do nothing for an image, and are pointed out."""

from __future__ import annotations

import dataclasses

from ..image import BaseImage
from ..pipeline import StackParameters
from ..support import warn_user

__all__ = ["IdleOptions"]


@dataclasses.dataclass(frozen=True)
class IdleOptions:
    """The options for stacks and series of a command; each is pointed out once.

    Parameters
    ----------
    stack : StackParameters
        What was given.
    tracks : bool
        Whether tracks are to be written.
    """

    stack: StackParameters
    tracks: bool
    _told: set[str] = dataclasses.field(default_factory=set)

    def tell(self, image: BaseImage) -> None:
        """Point out the options that do nothing for an image.

        Parameters
        ----------
        image : BaseImage
            The image, without axes of length 1.

        Warns
        -----
        UserWarning
            One for each that was not pointed out for another image.
        """
        idle = self.stack.idle_for(image.axes)
        if self.tracks and "T" not in image.axes:
            idle["tracks"] = "time series (axis T)"
        for name, meant in idle.items():
            if name not in self._told:
                self._told.add(name)
                warn_user(
                    f"--{name.replace('_', '-')} is for {meant}, and does nothing for "
                    f"{image.name!r}, {image.describe()} (axes {image.axes})."
                )
