"""Only what was reviewed counts."""

import pytest

from napari_nucseg.corrections import State, States
from napari_nucseg.training import TrainingSet
from napari_nucseg.widgets.layers.layer_states import put_states, states_in


@pytest.fixture
def labels(window, simulated):
    window.viewer.add_image(simulated.image, name="dish")
    labels = window.viewer.add_labels(simulated.labels, name="drawn")
    window.wait(lambda: window.dock.correct.labels.layer() == labels)
    return labels


def test_nothing_reviewed_is_the_whole_field(window, labels, simulated):
    panel = window.dock.correct
    assert not panel.reviewed_only.isEnabled()
    assert panel.reviewed_only.toolTip() == "No nucleus was reviewed yet."
    window.add()
    window.wait(lambda: len(TrainingSet()))
    (entry,) = TrainingSet().entries()
    assert (entry.nuclei, entry.reviewed) == (simulated.nuclei, 1.0)


def test_reviewed_nuclei_are_saved_with_their_states_and_opened_again(window, labels):
    panel = window.dock.correct
    states = States({1: State.ACCEPTED, 2: State.EDITED})
    put_states(labels, states)
    window.wait(panel.reviewed_only.isEnabled)
    panel.reviewed_only.setChecked(True)
    window.add()
    window.wait(lambda: len(TrainingSet()))
    (entry,) = TrainingSet().entries()
    assert entry.nuclei == 2
    assert 0 < entry.reviewed < 0.5
    assert TrainingSet().states(entry.key) == states.as_dict()

    window.wait(lambda: panel.fields.entries.count() == 1)
    panel.fields._open_field(panel.fields.entries.item(0))
    opened = panel.labels.layer()
    assert opened != labels
    assert states_in(opened).as_dict() == states.as_dict()
    assert panel.reviewed_only.isChecked()
    panel.reviewed_only.setChecked(False)
    asked = window.add("Cancel")
    assert f"{entry.reviewed:.0%} counted as reviewed. Now all of it does" in asked
    assert TrainingSet().entries() == [entry]
