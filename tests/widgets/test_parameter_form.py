"""The form that is made from a parameter object."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_nucseg.support.parameters import kind_of
from napari_nucseg.training.parameters import TrainParameters
from napari_nucseg.training.presets import FINE_TUNE_PRESETS
from napari_nucseg.widgets.parameter_form import ParameterForm


@pytest.fixture
def form(qtbot):
    form = ParameterForm(TrainParameters())
    qtbot.addWidget(form.native)
    return form


def test_each_number_has_a_box_that_says_what_it_is(form):
    for field in dataclasses.fields(TrainParameters):
        if field.default is None or kind_of(field) is bool:
            assert field.name not in form.boxes
            continue
        box = form.boxes[field.name]
        assert box.value == field.default
        assert type(box.value) is kind_of(field)
        assert box.tooltip == field.metadata["description"]


@pytest.mark.parametrize("preset", FINE_TUNE_PRESETS.values(), ids=FINE_TUNE_PRESETS)
def test_form_says_what_was_put_into_it(form, preset):
    form.show(preset)
    assert form.parameters() == preset


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
