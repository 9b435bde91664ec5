"""The parameters of a segmentation."""

from __future__ import annotations

import dataclasses

from ..support import FormRow, Parameters, parameter

__all__ = ["SegmentParameters", "StackParameters"]


#: Along which axis an image must have several planes for parameters to do something.
_FOR_AXES = (
    ("Z", "stacks (axis Z)", ("directions", "voxel_depth")),
    ("T", "time series (axis T)", ("range_per_frame", "largest_step")),
)


@dataclasses.dataclass(frozen=True)
class SegmentParameters(Parameters):
    """Parameters of a segmentation."""

    channel: int | None = parameter(
        None,
        "Channel to segment, counted from 0; left out, a grey or color image as it is.",
        minimum=0,
        maximum=1000,
    )
    diameter: float | None = parameter(
        None,
        "Typical diameter of a nucleus; left out, it is estimated.",
        unit="pixels",
        minimum=2,
        maximum=2000,
        row=FormRow("nucleus diameter", suffix=" px", step=1, auto="auto"),
    )
    probability: float = parameter(
        0.5,
        "How sure the network has to be of a nucleus and of every pixel of it.",
        minimum=0,
        maximum=1,
        row=FormRow(step=0.01, slider=True),
    )
    minimum_size: int = parameter(
        20,
        "Area below which an object is dropped.",
        unit="pixels",
        minimum=0,
        maximum=10**9,
        row=FormRow(suffix=" px²", step=1),
    )
    test_time_augmentations: int = parameter(
        1,
        "Turned and mirrored views of the image to average, up to 8: in stained tissue "
        "outlines are a little better, and it takes as many times as long. Nuclei that only "
        "some views show need a lower probability.",
        minimum=1,
        maximum=8,
        row=FormRow("views to average", step=1),
    )


@dataclasses.dataclass(frozen=True)
class StackParameters(Parameters):
    """Parameters of a stack or a time series, besides those of its planes."""

    directions: int | None = parameter(
        None,
        "Directions that a stack is looked at from. 1: its planes, XY, which are linked "
        "through z. 3: also XZ and YZ, which takes some times as long. Left out, 3 where a "
        "voxel is at most 3 times as deep as wide, and 1 where it is deeper or not known.",
        minimum=1,
        maximum=3,
    )
    voxel_depth: float | None = parameter(
        None,
        "How many times a voxel is as deep as wide; left out, what the image says.",
        minimum=0.01,
        maximum=1000,
    )
    range_per_frame: bool = parameter(
        False,
        "Measure the range of intensities on each time point by itself, as for light that "
        "changes; otherwise one range holds for all.",
    )
    largest_step: float = parameter(
        1.0,
        "How far a nucleus moves from one time point to the next at most.",
        unit="diameters of a nucleus",
        minimum=0.01,
        maximum=100,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.directions == 2:
            raise ValueError(
                "Expected 1 or 3 directions (XY; or XY, XZ and YZ), got 2. Leave them out to "
                "let the depth of the voxels decide."
            )

    def idle_for(self, axes: str) -> dict[str, str]:
        """Return the parameters that were changed and do nothing for an image.

        Parameters
        ----------
        axes : str
            The axes of the image that are longer than 1.

        Returns
        -------
        dict of str to str
            For which images each is, by its name.
        """
        standard = StackParameters().as_dict()
        changed = {name for name, value in self.as_dict().items() if value != standard[name]}
        return {
            name: meant
            for axis, meant, names in _FOR_AXES
            for name in names
            if axis not in axes and name in changed
        }
