"""Where the nuclei of a layer come from, as code that finds and measures them again."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np

from ...measure import MICROMETERS, MeasureRecipe
from ..layers.fingerprint import Fingerprint
from ..layers.image_file import file_of
from ..layers.shown import bare, result_of_layer
from .measured import measured_of
from .measurer import labels_of

__all__ = ["note_written", "recipe_of"]

#: By layers of labels: the file that they were written to, and a fingerprint of them then.
_written: weakref.WeakKeyDictionary[Any, tuple[Path, Fingerprint]] = weakref.WeakKeyDictionary()


def note_written(layer: Any, path: Path, labels: np.ndarray) -> None:
    """Note that the labels of a layer are in a file, so that code can read them there.

    Parameters
    ----------
    layer : Labels
        The layer.
    path : Path
        The file, which holds the labels as they are.
    labels : ndarray of int
        What was written.
    """
    _written[bare(layer)] = path, Fingerprint(labels)


def recipe_of(layer: Any | None, viewer: Any) -> MeasureRecipe:
    """Return what it takes to find and measure the nuclei of a layer again.

    Parameters
    ----------
    layer : Labels or None
        The layer.
    viewer : napari.Viewer
        Where its image is.

    Returns
    -------
    MeasureRecipe
        That of the segmentation alone if the nuclei were not measured.

    Raises
    ------
    ValueError
        If that cannot be done by code; says why.
    """
    if layer is None:
        raise ValueError("Segment an image first, or add a Labels layer.")
    layer = bare(layer)
    measured, result = measured_of(layer), result_of_layer(layer)
    is_fresh = result is not None and result.state() == "fresh"
    file = "" if is_fresh else _file_of(layer)
    if not is_fresh and not file:
        raise ValueError(
            "Labels that were drawn or edited by hand cannot be made by code: export them as a "
            "label TIFF, and the code reads that."
        )
    if measured is None and not is_fresh:
        raise ValueError("Measure the nuclei first.")
    image, made = "", {}
    if is_fresh and result is not None:
        image, made = _path_of(result.image), result.provenance
    if measured is None:
        return MeasureRecipe(file, image, made)
    images = {name: _path_of(one()) for name, one in measured.images.items()}
    return MeasureRecipe(file, image, made, _options(layer, measured.options), images)


def _options(layer: Any, options: Any) -> dict[str, Any]:
    """Return the arguments of `measure_nuclei`, the size of a pixel among them."""
    known = labels_of(layer)
    sizes = [
        size
        for axis, size, unit in zip(known.axes, known.spacing, known.unit, strict=True)
        if axis in "ZYX" and size and unit in MICROMETERS
    ]
    size = tuple(sizes) if len(sizes) == sum(axis in "ZYX" for axis in known.axes) else None
    return {**options, **({"pixel_size": size} if size else {})}


def _path_of(image: Any | None) -> str:
    """Return the file of an image layer."""
    path = None if image is None else file_of(image)
    if path is None or not Path(path).exists():
        name = "The image" if image is None else repr(image.name)
        raise ValueError(
            f"{name} was not opened from a file, so code cannot read it: save it, and open "
            f"the file."
        )
    return str(path)


def _file_of(layer: Any) -> str:
    """Return a file that holds the labels as they are, empty if there is none."""
    path, before = _written.get(layer, (None, None))
    if path is not None and before is not None and path.exists() and before.fits(layer.data):
        return str(path)
    return ""
