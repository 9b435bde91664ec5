"""The benchmark that presses anything answers also what its own answers open."""

from pathlib import Path

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QDialog, QMenu, QMessageBox, QWidget

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


class Least:
    """Random numbers, each of which is the least."""

    def integers(self, most):
        return 0

    def random(self):
        return 0.0


@pytest.fixture
def did():
    return []


@pytest.fixture
def answers(monkeypatch, did, qapp):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from _answers import Answers

    answers = Answers(Least(), lambda *words: did.append(words))
    answers.start()
    yield answers
    answers.stop()


def ask(dialog, qtbot):
    """Open a dialog, and return what was answered within some seconds."""
    qtbot.addWidget(dialog)
    limit = QTimer(dialog)
    limit.timeout.connect(lambda: dialog.done(-1))
    limit.start(10_000)
    return dialog.exec()


def test_dialog_that_an_answer_opens_is_answered(answers, did, qtbot):
    menu, answered = QMenu(), []
    qtbot.addWidget(menu)
    menu.addAction("Import…", lambda: answered.append(ask(QDialog(), qtbot)))
    menu.exec()
    qtbot.waitUntil(lambda: bool(answered), timeout=15_000)
    assert answered == [0]
    assert did == [("menu", "Import…"), ("close", "QDialog")]
    assert answers.open_now() is None


@pytest.mark.parametrize("refuses", [False, True])
def test_question_is_answered_or_refused(answers, did, qtbot, refuses):
    box = QMessageBox(QMessageBox.Icon.Question, "Remove", "Remove it?")
    first = box.addButton("Remove", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    answers.refuses = refuses
    ask(box, qtbot)
    assert (box.clickedButton() is first) is not refuses
    assert did == [("close", "QMessageBox") if refuses else ("answer", "Remove to Remove it?")]


def test_modal_widget_that_is_no_dialog_is_closed(answers, qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.setWindowModality(Qt.WindowModality.ApplicationModal)
    widget.show()
    assert answers.open_now() is widget
    qtbot.waitUntil(lambda: not widget.isVisible())
    assert answers.open_now() is None
