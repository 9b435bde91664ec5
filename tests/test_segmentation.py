import numpy as np
import pytest

from napari_nucseg.image.field import Field
from napari_nucseg.measure.metrics import compare
from napari_nucseg.network.precision import PRECISION_VARIABLE
from napari_nucseg.pipeline.segmentation import SegmentParameters, relabel, segment_field
from napari_nucseg.support.callbacks import Callbacks, Stopped


def test_simulated_nuclei_are_found(nuclei, simulated, monkeypatch):
    monkeypatch.delenv(PRECISION_VARIABLE, raising=False)
    calls = []
    result = segment_field(
        simulated, nuclei, SegmentParameters(), Callbacks(lambda *call: calls.append(call))
    )
    assert compare(result.labels, simulated.labels).ap_pooled[0.5] > 0.8
    assert result.labels.dtype == np.int32
    assert 18 < result.diameter < 32
    assert all(0 <= done <= total for done, total, _ in calls)
    provenance = result.provenance
    assert provenance["model"] == "nuclei"
    assert provenance["precision"] == "float32"
    assert provenance["weights_sha256"] == nuclei.card.weights_sha256
    assert provenance["parameters"] == SegmentParameters().as_dict()


def test_relabel_equals_segmenting_with_the_parameters(nuclei, simulated):
    other = SegmentParameters(probability=0.8, minimum_size=200)
    first = segment_field(simulated, nuclei, SegmentParameters())
    again = relabel(first, other)
    assert (again.labels == segment_field(simulated, nuclei, other).labels).all()
    assert again.provenance["parameters"] == other.as_dict()
    assert (relabel(again, SegmentParameters()).labels == first.labels).all()


@pytest.mark.filterwarnings("ignore:Expected numbers in 'image', got NaN or infinity")
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 1)),
        np.full((40, 40), 7, np.uint8),
        np.full((40, 40), np.nan),
        np.eye(40, dtype=bool),
        -np.ones((3, 50)),
    ],
)
def test_images_without_nuclei_or_sense_are_survived(nuclei, image):
    labels = segment_field(Field(image), nuclei, SegmentParameters()).labels
    assert labels.shape == image.shape


def test_nan_pixels_do_not_spoil_the_rest(nuclei, simulated):
    image = simulated.image.astype(np.float32) - 500
    image[0, 0], image[5, 5] = np.nan, np.inf
    with pytest.warns(UserWarning, match="in 'a', got NaN or infinity for 2 of its 36864"):
        labels = segment_field(Field(image, name="a"), nuclei, SegmentParameters()).labels
    assert compare(labels, simulated.labels).ap_pooled[0.5] > 0.75


def test_diameter_larger_than_the_image_is_told(nuclei, simulated):
    parameters = SegmentParameters(diameter=max(simulated.shape) + 1)
    with pytest.warns(UserWarning, match=r"which has \d+ x \d+ pixels, got a diameter of"):
        segment_field(simulated, nuclei, parameters)


def test_labels_taken_for_an_image_are_told(nuclei, simulated):
    with pytest.warns(UserWarning, match="in 'a', got what looks like labels"):
        segment_field(Field(simulated.labels, name="a"), nuclei, SegmentParameters())


def test_channel_is_used(nuclei, simulated):
    two = Field(np.stack([np.zeros_like(simulated.image), simulated.image]), "CYX")
    with pytest.raises(ValueError, match="Choose a channel"):
        segment_field(two, nuclei, SegmentParameters())
    one = segment_field(two, nuclei, SegmentParameters(channel=1)).labels
    assert (one == segment_field(simulated, nuclei, SegmentParameters()).labels).all()


def test_segmentation_can_be_stopped(nuclei, simulated):
    with pytest.raises(Stopped):
        segment_field(
            simulated, nuclei, SegmentParameters(), Callbacks(should_stop=lambda: True)
        )
