import json

import numpy as np
import pytest

from napari_nucseg.image.array import ArrayImage
from napari_nucseg.image.field import Field
from napari_nucseg.measure.metrics import compare
from napari_nucseg.network.precision import PRECISION_VARIABLE
from napari_nucseg.network.predict import load_predictor
from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.pipeline.segmentation import segment_field
from napari_nucseg.pipeline.stacks import relabel
from napari_nucseg.support.callbacks import Callbacks, Stopped


@pytest.fixture
def predictor(nuclei, monkeypatch):
    """The bundled model, ready to predict."""
    monkeypatch.delenv(PRECISION_VARIABLE, raising=False)
    return load_predictor(nuclei)


def test_simulated_nuclei_are_found(predictor, nuclei, simulated):
    calls = []
    result = segment_field(
        simulated, predictor, SegmentParameters(), Callbacks(lambda *call: calls.append(call))
    )
    assert compare(result.labels, simulated.labels).ap_pooled[0.5] > 0.8
    assert result.labels.dtype == np.int32
    assert 18 < result.diameter < 32
    assert all(0 <= done <= total for done, total, _ in calls)
    provenance = result.provenance
    assert provenance["model"] == "nuclei"
    assert provenance["precision"] == "float32"
    assert provenance["weights_sha256"] == nuclei.card.weights_sha256
    assert provenance["model_version"] == nuclei.card.version
    assert provenance["parameters"] == SegmentParameters().as_dict()
    assert json.loads(json.dumps(provenance)) == provenance


def test_provenance_names_the_plane(predictor, simulated):
    stack = np.stack([np.zeros_like(simulated.image)] * 5 + [simulated.image])
    image = ArrayImage(stack.reshape(2, 3, *simulated.shape), "TZYX")
    for t, z in ((0, 1), (1, 2)):
        found = segment_field(Field(image.select(t=t, z=z)), predictor, SegmentParameters())
        assert found.provenance["axes"] == "TZYX"
        assert found.provenance["axes_guessed"] is False
        assert found.provenance["plane"] == {"T": t, "Z": z}
    channels = Field(stack[:2])
    provenance = segment_field(channels, predictor, SegmentParameters(channel=1)).provenance
    assert (provenance["axes"], provenance["axes_guessed"]) == ("CYX", True)
    assert provenance["plane"] == {}
    assert json.loads(json.dumps(provenance)) == provenance


def test_relabel_equals_segmenting_with_the_parameters(predictor, simulated):
    other = SegmentParameters(probability=0.8, minimum_size=200)
    first = segment_field(simulated, predictor, SegmentParameters(), keep_maps=True)
    again = relabel(first, other)
    assert (again.labels == segment_field(simulated, predictor, other).labels).all()
    assert again.provenance["parameters"] == other.as_dict()
    assert (relabel(again, SegmentParameters()).labels == first.labels).all()


def test_maps_are_kept_if_they_are_wanted(predictor, simulated):
    without = segment_field(simulated, predictor, SegmentParameters())
    assert without.maps is None
    with pytest.raises(ValueError, match="keep_maps=True"):
        relabel(without, SegmentParameters())
    maps = segment_field(simulated, predictor, SegmentParameters(), keep_maps=True).maps
    assert maps.values.shape == (*simulated.shape, 3)
    assert without.probability.dtype == np.uint8
    assert np.abs(without.probability / 255 - maps["foreground"]).max() < 0.003


def test_table_has_a_row_for_each_nucleus(predictor, simulated):
    found = segment_field(simulated, predictor, SegmentParameters())
    table = found.nuclei
    assert table is found.nuclei
    assert table["label"].tolist() == list(range(1, found.labels.max() + 1))
    assert table["area"].sum() == (found.labels > 0).sum()
    assert table["area"].min() >= SegmentParameters().minimum_size
    assert table["mean_probability"].min() > 0.5
    again = relabel(
        segment_field(simulated, predictor, SegmentParameters(), keep_maps=True),
        SegmentParameters(minimum_size=200),
    )
    assert again.nuclei["area"].min() >= 200


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
def test_images_without_nuclei_or_sense_are_survived(predictor, image):
    labels = segment_field(Field(image), predictor, SegmentParameters()).labels
    assert labels.shape == image.shape


def test_nan_pixels_do_not_spoil_the_rest(predictor, simulated):
    image = simulated.image.astype(np.float32) - 500
    image[0, 0], image[5, 5] = np.nan, np.inf
    with pytest.warns(UserWarning, match="in 'a', got NaN or infinity for 2 of its 36864"):
        labels = segment_field(Field(image, name="a"), predictor, SegmentParameters()).labels
    assert compare(labels, simulated.labels).ap_pooled[0.5] > 0.75


def test_diameter_larger_than_the_image_is_told(predictor, simulated):
    parameters = SegmentParameters(diameter=max(simulated.shape) + 1)
    with pytest.warns(UserWarning, match=r"which has \d+ x \d+ pixels, got a diameter of"):
        segment_field(simulated, predictor, parameters)


def test_labels_taken_for_an_image_are_told(predictor, simulated):
    with pytest.warns(UserWarning, match="in 'a', got what looks like labels"):
        segment_field(Field(simulated.labels, name="a"), predictor, SegmentParameters())


def test_channel_is_used(predictor, simulated):
    two = Field(np.stack([np.zeros_like(simulated.image), simulated.image]), "CYX")
    with pytest.raises(ValueError, match="Choose a channel"):
        segment_field(two, predictor, SegmentParameters())
    one = segment_field(two, predictor, SegmentParameters(channel=1)).labels
    assert (one == segment_field(simulated, predictor, SegmentParameters()).labels).all()


def test_segmentation_can_be_stopped(predictor, simulated):
    with pytest.raises(Stopped):
        segment_field(
            simulated, predictor, SegmentParameters(), Callbacks(should_stop=lambda: True)
        )
