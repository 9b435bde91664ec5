"""The plane of a layer that is displayed, whatever the number of its axes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from .edit import Edit

__all__ = ["Plane", "plane_of"]


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """One plane of labels, and where it lies.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane, without a copy where the layer is a NumPy array.
    position : tuple of int
        Index along every axis of the layer; those of the two displayed axes mean nothing.
    displayed : tuple of int
        The axes of the layer that are Y and X.
    """

    labels: np.ndarray
    position: tuple[int, ...]
    displayed: tuple[int, int]

    def in_layer(self, edit: Edit) -> Edit:
        """Turn an edit of the plane into one of the layer.

        Parameters
        ----------
        edit : Edit
            Indices (Y, X).

        Returns
        -------
        Edit
            The same with an index for every axis of the layer.
        """
        size = edit.values.size
        indices = [np.full(size, index, np.intp) for index in self.position]
        for axis, index in zip(self.displayed, edit.indices, strict=True):
            indices[axis] = index
        return dataclasses.replace(edit, indices=tuple(indices))

    def point(self, coordinates: Sequence[float]) -> tuple[float, float]:
        """Return where a point of the layer lies in the plane.

        Parameters
        ----------
        coordinates : sequence of float
            One for every axis of the layer, in its pixels.

        Returns
        -------
        tuple of float
            Y and X in pixels.
        """
        y, x = (float(coordinates[axis]) for axis in self.displayed)
        return y, x


def plane_of(
    labels: Any, position: Sequence[float] = (), displayed: Sequence[int] = (-2, -1)
) -> Plane:
    """Return the plane of a layer that is displayed.

    Parameters
    ----------
    labels : array_like of int, two axes or more
        The labels of the whole layer.
    position : sequence of float, optional
        Index along every axis of the layer; left out for a layer of two axes.
    displayed : sequence of int, optional
        The axes that are Y and X.

    Returns
    -------
    Plane
        The plane.

    Raises
    ------
    ValueError
        If the layer has less than two axes, or the position is not in it.
    """
    ndim = len(labels.shape)
    if ndim < 2 or len(displayed) != 2:
        raise ValueError(
            f"Expected labels of two axes or more, of which two are displayed, got {ndim} with "
            f"{len(displayed)} displayed. Switch to the 2-D view."
        )
    y_axis, x_axis = (int(axis) % ndim for axis in displayed)
    where = [round(index) for index in position] or [0] * ndim
    if len(where) != ndim or any(
        not 0 <= where[axis] < labels.shape[axis]
        for axis in range(ndim)
        if axis not in (y_axis, x_axis)
    ):
        raise ValueError(
            f"Expected a position inside of shape {tuple(labels.shape)}, got {tuple(where)}."
        )
    index = tuple(
        slice(None) if axis in (y_axis, x_axis) else where[axis] for axis in range(ndim)
    )
    plane = np.asarray(labels[index])
    return Plane(plane.T if y_axis > x_axis else plane, tuple(where), (y_axis, x_axis))
