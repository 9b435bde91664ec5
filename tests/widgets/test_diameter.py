"""What is said beside the box of the diameter, and where its arrows start."""

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_nucseg.widgets.controls.diameter import diameter_in_words


@pytest.mark.parametrize(
    ("chosen", "measured", "says", "is_far"),
    [
        (None, None, "when you click Segment", False),
        (20, None, "", False),
        (None, 24.2, "Measured in this image: 24 px.", False),
        (30, 24, "Measured in this image: 24 px.", False),
        (3, 24, "8.0 times smaller than measured (24 px).", True),
        (48, 24, "2.0 times larger than measured (24 px).", True),
    ],
)
def test_words(chosen, measured, says, is_far):
    text, far = diameter_in_words(chosen, measured)
    assert says in text
    assert far == is_far


def measure(window, simulated):
    """Segment, and return the box and the diameter that was measured in the image.

    This is no fixture: pytest would keep its box, and with it the viewer, for too long.
    """
    window.viewer.add_image(simulated.image)
    labels = window.segment()
    box = window.dock.segment.form.boxes["diameter"].native
    assert box.text() == "auto"
    return box, round(labels.metadata["nucseg"]["diameter"])


def test_first_step_starts_from_the_measured_diameter(window, simulated):
    box, diameter = measure(window, simulated)
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert box.value() == diameter + 1
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert box.value() == diameter + 2
    box.setValue(box.minimum())
    window.dock.open_part(window.dock.segment)
    QTest.mouseClick(
        box, Qt.MouseButton.LeftButton, pos=QPoint(box.width() - 6, box.height() // 2)
    )
    assert box.value() == diameter + 1


def test_diameter_that_is_far_off_is_told_and_taken_back_with_a_click(window, simulated):
    box, diameter = measure(window, simulated)
    note = window.dock.segment.diameter_note
    assert f"{diameter} px" in note.text()
    box.setValue(3)
    assert "times smaller than measured" in note.text()
    assert note.property("tone") == "warning"
    note.linkActivated.emit("auto")
    assert box.text() == "auto"
    assert note.property("tone") == "hint"


def test_nothing_is_said_of_an_image_in_which_nothing_was_measured(window, simulated):
    box, _ = measure(window, simulated)
    box.setValue(3)
    window.viewer.add_image(simulated.image[:64, :64])
    assert "times" not in window.dock.segment.diameter_note.text()
