"""The form that is made from a parameter object."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from magicgui.widgets import FloatSlider
from qtpy.QtWidgets import QFormLayout, QWidget

from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.support.parameters import parameters_of
from napari_nucseg.training.budgets import BUDGETS, fine_tune_parameters
from napari_nucseg.training.parameters import TrainParameters
from napari_nucseg.widgets.controls.parameter_form import ParameterForm


@pytest.fixture
def form(qtbot):
    form = ParameterForm(TrainParameters())
    qtbot.addWidget(form.native)
    return form


@pytest.fixture
def main(qtbot):
    """The form of the main parameters, in rows that belong to somebody else."""
    owner = QWidget()
    qtbot.addWidget(owner)
    rows = QFormLayout(owner)
    yield ParameterForm(SegmentParameters(), rows), rows  # the owner lives until then


def test_each_number_has_a_box_that_says_what_it_is(form):
    for declared in parameters_of(TrainParameters):
        if declared.name == "minutes":  # its box is there, for the budget that is chosen
            continue
        if declared.default is None or declared.kind is bool:
            assert declared.name not in form.boxes
            continue
        box = form.boxes[declared.name]
        assert box.value == declared.default
        assert (box.min, box.max) == (declared.minimum, declared.maximum)
        assert box.tooltip == declared.description
    assert form.boxes["patch_size"].step == 32


def test_rows_of_the_main_form_are_those_of_the_declaration(main):
    form, rows = main
    labels = {name: rows.labelForField(box.native).text() for name, box in form.boxes.items()}
    assert labels == {
        "diameter": "nucleus diameter",
        "probability": "probability",
        "minimum_size": "minimum size",
        "test_time_augmentations": "views to average",
    }
    for declared in parameters_of(SegmentParameters):
        if declared.name != "channel":
            box = form.boxes[declared.name]
            assert box.tooltip == declared.description
            assert box.max == declared.maximum
    assert isinstance(form.boxes["probability"], FloatSlider)
    assert form.boxes["probability"].min == 0
    assert form.boxes["minimum_size"].native.text() == "20 px²"
    assert form.parameters() == SegmentParameters()


def test_none_is_shown_as_auto_and_comes_back(main):
    form, _ = main
    box = form.boxes["diameter"].native
    assert box.text() == "auto"
    assert form.parameters().diameter is None
    box.stepUp()
    assert box.text() == "2 px"
    assert form.parameters().diameter == 2
    form.show(SegmentParameters(diameter=31))
    assert box.text() == "31 px"
    form.show(SegmentParameters())
    assert box.text() == "auto"


def test_changes_are_told(main):
    form, _ = main
    told = []
    form.on_change(lambda: told.append(form.parameters()))
    form.boxes["probability"].value = 0.29
    form.boxes["minimum_size"].value = 40
    assert [told[0].probability, told[-1].minimum_size] == [0.29, 40]


@given(
    st.builds(
        SegmentParameters,
        diameter=st.none() | st.integers(2, 2000),
        probability=st.integers(0, 100).map(lambda part: part / 100),
        minimum_size=st.integers(0, 10**9),
        test_time_augmentations=st.integers(1, 8),
    )
)
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_main_parameters_come_back(main, parameters):
    form, _ = main
    form.show(parameters)
    assert form.parameters() == parameters


def test_what_has_no_row_is_given_by_name(main):
    form, _ = main
    assert form.parameters(channel=3).channel == 3


@pytest.mark.parametrize("budget", BUDGETS)
def test_form_says_what_was_put_into_it(form, budget):
    parameters = fine_tune_parameters(budget)
    form.show(parameters)
    assert form.parameters() == parameters


@given(
    st.builds(
        TrainParameters,
        epochs=st.integers(1, 10_000),
        patch_size=st.integers(2, 64).map(lambda patches: 32 * patches),
        learning_rate=st.integers(1, 10**7).map(lambda rate: rate / 10**7),
        seed=st.integers(0, 2**31 - 1),
    )
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_values_come_back(form, parameters):
    form.show(parameters)
    assert form.parameters() == parameters


def test_values_that_do_not_go_together(form):
    form.boxes["patch_size"].value = 100
    with pytest.raises(ValueError, match="multiple of 32"):
        form.parameters()
