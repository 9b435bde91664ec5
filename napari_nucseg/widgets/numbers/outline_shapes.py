"""Outlines of nuclei as a Shapes layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...measure import polygons_of_labels
from ...support import pluralize
from ..layers.layers import placement_of, plane_of
from ..layers.shown import bare

__all__ = ["show_outlines"]

#: Napari draws shapes one by one: with more the window would be stuck.
_MOST = 3000


def show_outlines(viewer: Any, labels: Any) -> tuple[str, bool]:
    """Add a Shapes layer with the outlines of nuclei.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    labels : Labels
        The nuclei, of a plane.

    Returns
    -------
    text : str
        What was done, or why not.
    is_error : bool
        Whether nothing was done.
    """
    plane = np.asarray(plane_of(labels))
    if plane.ndim != 2:
        return "Outlines are drawn of a plane; these labels are a stack.", True
    outlines, ids, parts = [], [], []
    for label, polygons in polygons_of_labels(plane):
        for polygon in polygons:
            for at, ring in enumerate(polygon):
                # X, Y from the corner of the first pixel; napari counts from its middle.
                outlines.append(ring[:, ::-1] - 0.5)
                ids.append(label)
                parts.append("hole" if at else "outline")
    if len(outlines) > _MOST:
        return (
            f"These are {len(outlines)} outlines, and napari is slow with more than {_MOST} "
            f"shapes. Export them as GeoJSON or ROIs.",
            True,
        )
    if not outlines:
        return "There are no nuclei to draw.", True
    active = viewer.layers.selection.active
    viewer.add_shapes(
        outlines,
        shape_type="polygon",
        edge_color="#f2a33c",
        face_color="transparent",
        edge_width=1,
        name=f"{labels.name} outlines",
        features={"label": ids, "part": parts},
        **placement_of(bare(labels)),
    )
    viewer.layers.selection.active = active
    return f"Added the outlines of {pluralize(len({*ids}))}.", False
