import pytest

from napari_nucseg.pipeline.segmentation import SegmentParameters
from napari_nucseg.support.parameters import from_keywords
from napari_nucseg.training.parameters import TrainParameters


def test_defaults_are_valid_and_ready_for_json():
    assert SegmentParameters().as_dict() == {
        "channel": None,
        "diameter": None,
        "probability": 0.5,
        "minimum_size": 20,
        "test_time_augmentations": 1,
    }


def test_values_take_the_type_of_the_parameter():
    parameters = SegmentParameters(diameter=20, minimum_size=5.0)
    assert isinstance(parameters.diameter, float)
    assert isinstance(parameters.minimum_size, int)


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"probability": 1.5}, ValueError, "between 0 and 1"),
        ({"minimum_size": 2.5}, ValueError, "whole number"),
        ({"probability": "high"}, TypeError, "float"),
        ({"probability": None}, TypeError, "probability"),
        ({"channel": True}, TypeError, "int"),
        ({"diameter": float("nan")}, ValueError, "diameter"),
        ({"minimum_size": 10**400}, ValueError, "between 0 and 1e"),
    ],
)
def test_bad_values_are_refused_by_name(values, error, says):
    with pytest.raises(error, match=says):
        SegmentParameters(**values)


def test_unknown_keyword_names_the_known_ones():
    with pytest.raises(TypeError, match=r"probability.*threshold"):
        from_keywords(SegmentParameters, {"threshold": 1})


def test_patch_size_must_fit_the_network():
    with pytest.raises(ValueError, match="multiple of 32"):
        TrainParameters(patch_size=100)
