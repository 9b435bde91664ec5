"""The pictures in the list of the training set, and the mark on what nobody has corrected."""

import dataclasses

from qtpy.QtGui import QColor

from napari_nucseg.training import TrainingSet

AMBER = QColor("#ffb000").rgb()


def colors(item):
    """Return all colors of the picture of an item, which is 44 pixels wide."""
    image = item.icon().pixmap(44, 44).toImage()
    return {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}


def test_fields_are_listed_with_their_pictures(trained_on, window, simulated):
    fields = window.dock.correct.fields
    item = fields.entries.item(0)
    window.wait(lambda: len(colors(item)) > 20)
    assert AMBER not in colors(item)
    (entry,) = trained_on.entries()
    assert trained_on.thumbnail(entry.key).is_file()
    # It stays when the list is made anew, and more fields than are read at once have one.
    for number in range(9):
        trained_on.add(dataclasses.replace(simulated, name=f"field {number}"))
    fields.list_entries()
    rows = range(fields.entries.count())
    assert max(len(colors(fields.entries.item(row))) for row in rows) > 20
    window.wait(lambda: all(len(colors(fields.entries.item(row))) > 20 for row in rows))


def test_field_without_a_picture_is_listed_all_the_same(trained_on, window):
    (entry,) = trained_on.entries()
    for path in (trained_on.folder / entry.key).glob("*.[tp]*"):
        path.unlink()
    fields = window.dock.correct.fields
    fields.list_entries()
    assert fields.entries.count() == 1


def test_result_that_nobody_has_corrected_is_marked(window, simulated):
    panel = window.dock.correct
    window.viewer.add_image(simulated.image, name="dish")
    labels = window.segment()
    assert panel.mark.isVisibleTo(panel)
    labels.paint((2, 2), 999)
    window.wait(lambda: not panel.mark.isVisibleTo(panel))
    labels.undo()
    window.wait(lambda: panel.mark.isVisibleTo(panel))
    window.viewer.add_labels(labels.data.copy(), name="dish drawn by hand")
    assert not panel.mark.isVisibleTo(panel)


def test_field_that_nobody_has_corrected_is_marked_until_somebody_does(window, simulated):
    panel = window.dock.correct
    entries = panel.fields.entries
    window.viewer.add_image(simulated.image, name="dish")
    window.segment()
    window.add("Add")
    window.wait(lambda: entries.count() == 1)
    assert "not corrected, from model 'nuclei'" in entries.item(0).text()
    assert "1 not corrected" in panel.fields.summary.text()
    assert AMBER in colors(entries.item(0))
    window.viewer.layers.clear()
    entries.itemDoubleClicked.emit(entries.item(0))
    assert "Nobody has corrected these labels" in window.add("Cancel")
    window.viewer.layers[-1].paint((2, 2), 999)
    assert "Nobody" not in window.add("Add")
    window.wait(lambda: "corrected from model 'nuclei'" in entries.item(0).text())
    assert "not corrected" not in panel.fields.summary.text()
    assert AMBER not in colors(entries.item(0))
    (entry,) = TrainingSet().entries()
    assert entry.source["corrected"] is True
