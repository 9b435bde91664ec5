"""What is in sight on a small screen, and whether text can be read on both themes."""

import pytest
from napari.utils.theme import get_theme
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit

from napari_nucseg.widgets.controls.tones import TONES

#: What the frame of a window and a panel of the desktop leave of a screen.
SCREENS = [(1366, 728), (1920, 1010)]


def parts(dock):
    return {
        dock.segment: [dock.segment.segment_button, dock.segment.progress],
        dock.correct: [dock.correct.add_button],
        dock.retrain: [dock.retrain.retrain_button, dock.retrain.progress],
        dock.folder: [
            dock.folder.segment_button,
            dock.folder.done_button,
            dock.folder.add_button,
            dock.folder.progress,
        ],
        dock.numbers: [
            dock.numbers.measure_button,
            dock.numbers.saving.save_button,
            dock.numbers.progress,
        ],
    }


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("area", ["right", "left"])
def test_button_progress_and_status_are_in_sight(window, screen, area):
    qt = window.viewer.window._qt_window
    frame = window.dock.parentWidget()
    sides = {
        "right": Qt.DockWidgetArea.RightDockWidgetArea,
        "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    }
    qt.resize(*screen)
    qt.addDockWidget(sides[area], frame)
    window.qtbot.wait(50)
    qt.resizeDocks([frame], [380], Qt.Orientation.Horizontal)
    window.qtbot.wait(100)
    assert window.dock.width() < 400
    window.wait(lambda: qt.height() == screen[1])
    for panel, needed in parts(window.dock).items():
        window.dock.open_part(panel)
        window.qtbot.wait(20)
        for part in (*needed, panel.reason, window.dock.status):
            assert part.visibleRegion().boundingRect().size() == part.size()


def test_nothing_is_cut_off_at_380_pixels(window):
    qt = window.viewer.window._qt_window
    qt.resize(1366, 728)
    qt.resizeDocks([window.dock.parentWidget()], [380], Qt.Orientation.Horizontal)
    window.qtbot.wait(100)
    for panel in parts(window.dock):
        window.dock.open_part(panel)
        window.qtbot.wait(20)
        for kind in (QAbstractButton, QComboBox, QLineEdit):
            for part in panel.findChildren(kind):
                if part.isVisible():
                    right = part.mapTo(window.dock, QPoint(part.width(), 0)).x()
                    assert right <= window.dock.width(), part.objectName() or part


def luminance(color):
    channels = [value / 255 for value in color]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", TONES)
def test_text_can_be_read(name):
    theme = get_theme(name)
    for tone, color in TONES[name].items():
        rgb = tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))
        for behind in (theme.background, theme.foreground):
            assert contrast(rgb, behind.as_rgb_tuple()[:3]) >= 4.5, tone


def test_tones_follow_the_theme(window):
    window.dock.show_message("The microscope is on fire.", True)
    for name in ("light", "dark"):
        window.viewer.theme = name
        window.qtbot.wait(20)
        shown = window.dock.status.palette().color(window.dock.status.foregroundRole())
        assert shown.name() == TONES[name]["error"]
