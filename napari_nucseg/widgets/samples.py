"""Sample images under File > Open Sample."""

from __future__ import annotations

from typing import Any

import napari
import numpy as np
from napari.utils.notifications import show_error, show_info

from ..image import simulate_field
from .jobs import run_in_thread

__all__ = ["mitosis", "simulated", "tissue"]


def tissue() -> list[tuple[Any, ...]]:
    """Return a section of tissue with stained nuclei, from scikit-image.

    Returns
    -------
    list of tuple
        One image layer.
    """
    from skimage.data import immunohistochemistry

    return [(immunohistochemistry(), {"name": "tissue", "rgb": True}, "image")]


def simulated() -> list[tuple[Any, ...]]:
    """Return a simulated fluorescence field and its true nuclei.

    Returns
    -------
    list of tuple
        An image layer and a hidden labels layer.
    """
    field = simulate_field()
    where = {"scale": field.pixel_size, "units": (field.unit, field.unit)}
    return [
        (field.labels, {"name": "simulated truth", "visible": False, **where}, "labels"),
        (field.image, {"name": "simulated", **where}, "image"),
    ]


def mitosis() -> list[tuple[Any, ...]]:
    """Download an image of human cells and show it when it is there.

    Returns
    -------
    list of tuple
        A black image layer, which waits for the download and goes if that fails.
    """
    from skimage.data import human_mitosis

    viewer = napari.current_viewer()
    black = np.zeros((512, 512), np.uint8)
    show_info("Downloading the image…")

    def waiting() -> list[Any]:
        return [layer for layer in viewer.layers if layer.data is black]

    def show(image: Any) -> None:
        for layer in waiting():
            layer.data = image
            layer.name = "human mitosis"
            layer.reset_contrast_limits()

    def explain(error: Exception) -> None:
        for layer in waiting():
            viewer.layers.remove(layer)
        show_error(
            f"The image could not be downloaded; this sample needs the internet. The "
            f"other samples do not. ({type(error).__name__})"
        )

    run_in_thread(human_mitosis, show, explain)
    # Napari takes a sample without a layer for an error.
    return [(black, {"name": "human mitosis, downloading"}, "image")]
