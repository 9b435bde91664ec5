"""Whether an array is still what it was, without a copy of it."""

import numpy as np
import pytest

from napari_nucseg.widgets.layers.fingerprint import Fingerprint


@pytest.mark.parametrize("shape", [(3, 4), (700, 900), (3, 500, 600), (0, 5)])
def test_what_is_the_same_fits(shape):
    array = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    fingerprint = Fingerprint(array)
    assert fingerprint.shape == shape
    assert fingerprint.fits(array)
    assert fingerprint.fits(array.astype(np.int64))
    assert fingerprint.fits(np.asfortranarray(array))


def test_each_edit_is_seen_and_its_undo():
    array = np.zeros((700, 900), np.int32)
    fingerprint = Fingerprint(array)
    for place in ((0, 0), (699, 899), (350, 1), (0, 0)):
        array[place] = 5
        assert not fingerprint.fits(array)
        assert not fingerprint.fits(array)
        array[place] = 0
        assert fingerprint.fits(array)


def test_other_shape_does_not_fit():
    fingerprint = Fingerprint(np.zeros((4, 6), np.int32))
    assert not fingerprint.fits(np.zeros((6, 4), np.int32))
    assert not fingerprint.fits(np.zeros((4, 5), np.int32))
