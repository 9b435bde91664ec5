"""Channels in words, and the one that the viewer shows."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_nucseg.widgets.controls.channels import (
    channels_in_words,
    show_channel,
    shown_channel,
)


def test_what_is_taken_for_channels_is_said():
    def says(shape, **options):
        return channels_in_words(Image(np.zeros(shape, np.uint8), **options))

    short, long = says((5, 6, 7))
    assert short == "of 5 (first axis)"
    assert "shape (5, 6, 7)" in long
    assert "z-stack" in long
    assert says((60, 70, 5))[0] == "of 5 (last axis)"
    for nothing_is_assumed in (says((6, 7)), says((6, 7, 3), rgb=True), says((1, 6, 7))):
        assert nothing_is_assumed == ("", "")
    assert says((5, 6, 7), axis_labels=("c", "y", "x")) == ("of 5", "")


@pytest.mark.parametrize("scale", [(1, 1, 1), (2.5, 0.3, 0.3)])
def test_channel_of_the_slider(scale):
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((4, 6, 7)), scale=scale)
    for channel in (3, 0, 2):
        show_channel(viewer, image, channel)
        assert shown_channel(viewer, image) == channel
        assert viewer.dims.point[0] == channel * scale[0]
    # A series of another image has a slider of its own before that of the channels.
    viewer.add_image(np.zeros((5, 4, 6, 7)), scale=(1, *scale))
    show_channel(viewer, image, 1)
    viewer.dims.set_current_step(0, 4)
    assert shown_channel(viewer, image) == 1


@pytest.mark.parametrize(
    ("shape", "rgb"),
    [((6, 7), False), ((6, 7, 3), True), ((60, 70, 5), False), ((1, 6, 7), False)],
)
def test_no_slider_no_channel(shape, rgb):
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros(shape, np.uint8), rgb=rgb)
    before = viewer.dims.point
    show_channel(viewer, image, 1)
    assert shown_channel(viewer, image) is None
    assert viewer.dims.point == before


def test_slider_beyond_the_channels_chooses_none():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((3, 6, 7)))
    viewer.add_image(np.zeros((60, 6, 7)))
    viewer.dims.set_current_step(0, 2)
    assert shown_channel(viewer, image) == 2
    viewer.dims.set_current_step(0, 40)
    assert shown_channel(viewer, image) is None


def test_no_slider_where_channels_are_rows_of_the_view():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((4, 6, 7)))
    viewer.dims.ndisplay = 3
    assert shown_channel(viewer, image) is None
