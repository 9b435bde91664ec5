"""The one way in which our tools change the labels of a layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from ...corrections import Edit, Plane, plane_of
from ..layers.shown import bare
from .brush import unused_label

__all__ = ["Editor"]


class Editor(QObject):
    """Does the edits of our tools, each as one step of the layer's history.

    So napari's undo and redo take them back in one order with the strokes of the brush.
    There is one editor for each dock widget: ``dock.correct.editor``.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose displayed plane is edited.

    Signals
    -------
    edited(object, object)
        A tool has changed labels: the `Labels` layer itself (not wrapped), and the `Edit`
        with an index for every axis of the layer. It is emitted after the labels have
        changed. Brush, undo, redo and scripts do not emit it: see the events ``paint``,
        ``set_data`` and ``labels_update`` of the layer for these.
    """

    edited = Signal(object, object)

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer

    def plane(self, layer: Any) -> Plane:
        """Return the plane of a layer that is displayed.

        Parameters
        ----------
        layer : Labels
            The layer, with two axes or more.

        Returns
        -------
        Plane
            Its labels, without a copy where the layer is a NumPy array.

        Raises
        ------
        ValueError
            If the view is in 3-D, or the displayed plane is not in the layer.
        """
        dims = self._viewer.dims
        ndim = bare(layer).ndim
        if dims.ndisplay != 2:
            raise ValueError("Expected the 2-D view, got the 3-D view. Switch to the 2-D view.")
        # Axes count from the last: the viewer may have more of them than the layer.
        displayed = [axis - (dims.ndim - ndim) for axis in dims.displayed]
        if min(displayed) < 0:
            raise ValueError(
                "Expected the axes of the labels to be displayed, got another axis. Roll the "
                "axes back."
            )
        position = bare(layer).world_to_data(dims.point)
        return plane_of(bare(layer).data, [float(index) for index in position], displayed)

    def new_id(self, layer: Any) -> int:
        """Return an id that no nucleus of the whole layer has, and make room for it.

        Parameters
        ----------
        layer : Labels
            The layer. Ask before its plane is taken: its data type may change.

        Returns
        -------
        int
            One more than the highest.
        """
        return unused_label(bare(layer))

    def do(self, layer: Any, plane: Plane, edit: Edit) -> bool:
        """Do an edit, and tell who listens.

        Parameters
        ----------
        layer : Labels
            The layer.
        plane : Plane
            The plane that the edit is for.
        edit : Edit
            What to change, with indices (Y, X) of the plane.

        Returns
        -------
        bool
            False if there was nothing to change.
        """
        if not edit:
            return False
        layer = bare(layer)
        _make_writable(layer)
        whole = plane.in_layer(edit)
        layer.data_setitem(whole.indices, np.asarray(whole.values))
        self.edited.emit(layer, whole)
        return True


def _make_writable(layer: Any) -> None:
    """Copy labels that cannot be changed where they are, such as those of Dask."""
    data = layer.data
    is_read_only = isinstance(data, np.ndarray) and not data.flags.writeable
    if is_read_only or hasattr(data, "dask"):
        layer.data = np.array(data)
