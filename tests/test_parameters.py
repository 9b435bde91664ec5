"""Parameter objects. Annotations are not postponed here; in the package they are."""

import dataclasses
from typing import Optional

import pytest

from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.support.parameters import (
    FormRow,
    Parameters,
    from_keywords,
    parameter,
    parameters_of,
)
from napari_nucseg.training.parameters import TrainParameters


@dataclasses.dataclass(frozen=True)
class NotPostponed(Parameters):
    """Parameters whose annotations are types, not text."""

    count: int = parameter(3, "How many.", minimum=1)
    width: float | None = parameter(None, "How wide.", unit="pixels")
    height: Optional[float] = parameter(None, "How high.")  # noqa: UP045
    quick: bool = parameter(False, "Whether to hurry.")


def kinds_of(kind):
    return {declared.name: declared.kind for declared in parameters_of(kind)}


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


def test_types_are_known_with_and_without_postponed_annotations():
    assert kinds_of(NotPostponed) == {
        "count": int,
        "width": float,
        "height": float,
        "quick": bool,
    }
    assert kinds_of(SegmentParameters) == {
        "channel": int,
        "diameter": float,
        "probability": float,
        "minimum_size": int,
        "test_time_augmentations": int,
    }
    assert kinds_of(TrainParameters)["keep_last"] is bool
    made = NotPostponed(count=4.0, width=2, quick=True)
    assert made.as_dict() == {"count": 4, "width": 2.0, "height": None, "quick": True}
    with pytest.raises(ValueError, match="between 1 and inf"):
        NotPostponed(count=0)


@pytest.mark.parametrize("annotation", [str, int | float, list[int], None])
def test_other_types_of_parameters_are_refused(annotation):
    kind = dataclasses.make_dataclass(
        "Odd", [("name", annotation, parameter(1, "Odd."))], bases=(Parameters,), frozen=True
    )
    with pytest.raises(TypeError, match="'name' to be declared as bool, int or float"):
        kind()


def test_declaration_tells_all_of_a_parameter():
    declared = {one.name: one for one in parameters_of(SegmentParameters)}
    diameter = declared["diameter"]
    assert (diameter.minimum, diameter.maximum, diameter.unit) == (2, 2000, "pixels")
    assert (diameter.default, diameter.row.auto, diameter.row.suffix) == (None, "auto", " px")
    assert declared["test_time_augmentations"].row.label == "views to average"
    assert declared["channel"].row == FormRow()
    patch_size = next(one for one in parameters_of(TrainParameters) if one.name == "patch_size")
    assert patch_size.row.step == 32
