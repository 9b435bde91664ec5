"""The parameters of a segmentation."""

from __future__ import annotations

import dataclasses

from ..support import FormRow, Parameters, parameter

__all__ = ["SegmentParameters"]


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
