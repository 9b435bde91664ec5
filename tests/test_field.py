import dataclasses
import pickle

import dask.array
import numpy as np
import pytest

from napari_nucseg.image.array import ArrayImage
from napari_nucseg.image.axes import guess_axes
from napari_nucseg.image.field import Field
from napari_nucseg.image.labels import as_labels


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5, 7), "YX"),
        ((5, 7, 3), "YXS"),
        ((2, 50, 70), "CYX"),
        ((50, 70, 2), "YXC"),
        ((30, 50, 70), "ZYX"),
    ],
)
def test_axes_are_guessed_from_the_shape(shape, axes):
    assert guess_axes(shape) == axes


@pytest.mark.parametrize("shape", [(5,), (2, 3, 50, 70)])
def test_axes_that_nobody_can_guess(shape):
    with pytest.raises(ValueError, match="without names of its axes"):
        guess_axes(shape)


def test_stack_is_refused_in_terms_of_its_axes():
    says = r"30 planes \(Z\), axes ZYX \(guessed.*Give the plane: z=… \(--z of the command"
    with pytest.raises(ValueError, match=says):
        Field(np.zeros((30, 50, 70)))
    says = (
        r"2 time points \(T\) and 2 channels \(C\) and 3 planes \(Z\), axes TCZYX\. .*t=…, z=…"
    )
    with pytest.raises(ValueError, match=says):
        Field(np.zeros((2, 2, 3, 5, 7)), "TCZYX")


@pytest.mark.parametrize("dtype", [complex, object, "U3"])
def test_what_is_no_real_number_is_refused(dtype):
    with pytest.raises(TypeError, match="integers or floating"):
        Field(np.zeros((4, 4), dtype))


@pytest.mark.parametrize("image", [None, {}, ["a.tif", "b.tif"]])
def test_what_is_no_array_is_named(image):
    with pytest.raises(TypeError, match=f"array of intensities, got {type(image).__name__}"):
        Field(image)


def test_empty_image_is_refused():
    with pytest.raises(ValueError, match="empty"):
        Field(np.zeros((0, 4)))


def test_axes_must_fit():
    with pytest.raises(ValueError, match="3 dimensions"):
        Field(np.zeros((4, 4)), "YXC")
    for axes in ("ZYW", "YYX", "CZY"):
        with pytest.raises(ValueError, match="axes out of"):
            Field(np.zeros((4, 4, 4)), axes)
    with pytest.raises(ValueError, match="3 or 4 samples"):
        Field(np.zeros((4, 4, 2)), "YXS")


def test_plane_of_each_kind():
    image = np.arange(2 * 4 * 5).reshape(2, 4, 5)
    assert (Field(image, "CYX").plane(1) == image[1]).all()
    color = np.zeros((4, 5, 4), np.uint8)
    assert Field(color).plane().shape == (4, 5, 3)
    assert Field(color).plane(2).shape == (4, 5)
    assert Field(image[0]).plane().shape == (4, 5)


class Lazy:
    """An image that is read when it is asked for, and is bound to this process."""

    def __init__(self, image):
        self.image, self.shape, self.dtype = image, image.shape, image.dtype

    def __getitem__(self, index):
        return self.image[index]

    def __array__(self, dtype=None, copy=None):
        return self.image

    def __reduce__(self):
        raise TypeError("cannot be pickled")


def test_lazy_image_is_read_when_the_field_travels(two_nuclei):
    field = Field(Lazy(two_nuclei * 5), name="far", labels=two_nuclei)
    assert isinstance(field.image, Lazy)
    again = pickle.loads(pickle.dumps(field))
    assert (again.image == two_nuclei * 5).all()
    assert (again.labels == two_nuclei).all()
    assert (again.axes, again.name) == ("YX", "far")


def test_parts_of_a_lazy_field(two_nuclei):
    lazy = Lazy(np.stack([two_nuclei, two_nuclei * 5]))
    field = Field(lazy, "CYX", labels=two_nuclei, pixel_size=(2, 1), unit="micrometer")
    part = field.crop(rows=slice(2, 6), columns=slice(4, 12))
    assert (part.shape, part.channels, part.pixel_size) == ((4, 8), 2, (2, 1))
    assert (part.plane(1) == two_nuclei[2:6, 4:12] * 5).all()
    assert (part.labels == two_nuclei[2:6, 4:12]).all()
    assert isinstance(part.in_memory().image, np.ndarray)
    assert Field(two_nuclei).crop(rows=slice(3)).labels is None


def test_axes_may_come_in_any_order(two_nuclei):
    turned = np.stack([two_nuclei, two_nuclei * 5]).transpose(2, 0, 1)
    field = Field(turned[:, None, :, :], "XTCY", labels=two_nuclei)
    assert (field.axes, field.shape) == ("CYX", two_nuclei.shape)
    assert (field.plane(1) == two_nuclei * 5).all()


def test_channels_of_a_field_are_no_color(two_nuclei):
    image = np.stack([two_nuclei] * 3, axis=-1)
    assert Field(image).is_color
    with pytest.raises(ValueError, match=r"3 channels .*samples of a color.* is S"):
        Field(image, "YXC").plane()


def test_channel_must_be_chosen_and_exist():
    channels = Field(np.zeros((2, 40, 50)), "CYX", "cells")
    with pytest.raises(ValueError, match="Choose a channel from 0 to 1"):
        channels.plane()
    with pytest.raises(ValueError, match="from 0 to 1"):
        channels.plane(2)
    with pytest.raises(ValueError, match="channel 0"):
        Field(np.zeros((4, 5))).plane(1)


def test_one_channel_of_a_field_is_a_grey_field(two_nuclei):
    image = np.stack([two_nuclei, two_nuclei * 2])
    one = Field(image, "CYX", labels=two_nuclei).of_channel(1)
    assert one.axes == "YX"
    assert (one.image == two_nuclei * 2).all()
    assert one.labels is two_nuclei


def test_one_channel_is_read_no_earlier_than_needed(two_nuclei):
    lazy = dask.array.from_array(np.stack([two_nuclei, two_nuclei * 2]), chunks=2)
    one = Field(lazy, "CYX").of_channel(1)
    assert isinstance(one.image, dask.array.Array)
    assert (one.plane() == two_nuclei * 2).all()
    with pytest.raises(ValueError, match="from 0 to 1"):
        Field(lazy, "CYX").of_channel(2)


def test_labels_of_other_shape_are_refused(two_nuclei):
    with pytest.raises(ValueError, match="belong together"):
        Field(np.zeros((5, 5)), labels=two_nuclei)


def test_float_labels_with_whole_numbers_are_accepted(two_nuclei):
    labels = as_labels(two_nuclei.astype(float), two_nuclei.shape)
    assert labels.dtype == np.int32
    assert (labels == two_nuclei).all()


@pytest.mark.parametrize("bad", [0.5, np.nan, -1, 2.0**40])
def test_other_labels_are_refused(bad):
    with pytest.raises(ValueError, match="Expected labels"):
        as_labels(np.full((2, 2), bad), (2, 2))


def test_labels_of_other_dtype_are_refused():
    with pytest.raises(TypeError, match="integer"):
        as_labels(np.zeros((2, 2), complex), (2, 2))


def test_field_remembers_which_plane_it_is_and_of_which_axes():
    whole = ArrayImage(np.zeros((2, 3, 2, 30, 40)), "TZCYX")
    field = Field(whole.select(z=2, t=1))
    assert (field.origin.axes, field.origin.guessed) == ("TZCYX", False)
    assert field.origin.plane == {"T": 1, "Z": 2}
    for other in (
        field.of_channel(1),
        field.crop(slice(3, 9)),
        field.in_memory(),
        dataclasses.replace(field, name="a"),
        pickle.loads(pickle.dumps(field)),
    ):
        assert other.origin == field.origin
    assert field.with_axes("SYX".replace("S", "C")).origin.axes == "TZCYX"


def test_places_are_those_of_the_whole_image():
    for array in (np.zeros((1, 8, 30, 40)), Lazy(np.zeros((1, 8, 30, 40)))):
        whole = ArrayImage(array, "TZYX")
        part = whole.view({"Z": slice(2, None, 2)}, "XYZT")
        assert part.select(z=1).origin.plane == {"Z": 4}
        assert part.select(z=1, t=0).squeeze().origin.axes == "TZYX"
        renamed = part.with_axes("XYTC").select(t=2)
        assert (renamed.origin.axes, renamed.origin.plane) == ("CTYX", {"T": 6})
        plane = whole.select(z=3).squeeze()
        assert plane.with_axes("XY").origin.plane == {"Z": 3}


def test_axes_that_were_given_are_not_called_guessed():
    stack = np.zeros((2, 30, 40))
    assert Field(stack).origin.guessed
    assert not Field(np.zeros((30, 40))).origin.guessed
    for given in (Field(stack, "CYX"), Field(ArrayImage(stack, "CYX"))):
        for field in (given, given.crop(slice(9)), given.in_memory()):
            assert not field.source.guessed
            with pytest.raises(ValueError, match=r"axes out of CYX for"):
                field.source.select(z=1)
    with pytest.raises(ValueError, match=r"axes out of CYX \(guessed"):
        Field(stack).source.select(z=1)
    assert not Field(stack).with_axes("cyx").origin.guessed


def test_source_keeps_the_pixel_size():
    spacing = {"Y": 0.5, "X": 0.25}
    image = ArrayImage(
        np.zeros((2, 30, 40)), "CYX", spacing=spacing, unit={"X": "nm", "Y": "nm"}
    )
    field = Field(image)
    assert field.source.spacing == (None, 0.5, 0.25)
    assert field.source.unit == (None, "nm", "nm")
    other = dataclasses.replace(field, pixel_size=(2.0, 3.0), unit="micrometer")
    assert other.source.pixel_size == (2.0, 3.0)
    assert other.source.unit[1:] == ("micrometer",) * 2
    thin = field.crop(columns=slice(None, None, 2))
    assert (thin.pixel_size, thin.unit) == ((0.5, 0.5), "nm")
