"""Somebody who answers dialogs and menus, so that none of them waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialog, QMenu, QMessageBox

_PAUSE = 30  # milliseconds


class Answers:
    """Answers what is open, also what waits in an event loop of its own.

    An answer may open the next dialog, and return only when that is closed. A timer does not
    fire while what it has called still runs. So there is a new timer for each answer.

    Parameters
    ----------
    rng : Generator
        Chooses the answers.
    did : callable
        Is told in words what was done, and where.
    """

    def __init__(self, rng: np.random.Generator, did: Callable[[str, str], None]) -> None:
        self._rng = rng
        self._did = did
        self._is_on = False
        #: Whether to refuse whatever is asked.
        self.refuses = False

    def start(self) -> None:
        """Answer from now on."""
        self._is_on = True
        self._wait()

    def stop(self) -> None:
        """Answer no more."""
        self._is_on = False

    @staticmethod
    def open_now() -> Any | None:
        """Return what waits for an answer.

        Returns
        -------
        QWidget or None
            A popup, such as a menu; otherwise a modal widget; None if there is neither.
        """
        return QApplication.activePopupWidget() or QApplication.activeModalWidget()

    def _wait(self) -> None:
        QTimer.singleShot(_PAUSE, self._answer)

    def _answer(self) -> None:
        if not self._is_on:
            return
        self._wait()
        popup, box = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if popup is not None:
            if self.refuses:
                QTest.keyClick(popup, Qt.Key.Key_Escape)
            elif isinstance(popup, QMenu):
                self._choose(popup)
            else:
                self._pick(popup)
        elif isinstance(box, QMessageBox) and not self.refuses:
            buttons = box.buttons()
            chosen = buttons[self._rng.integers(len(buttons))]
            self._did("answer", f"{chosen.text()} to {box.text()[:60]}")
            chosen.click()
        elif isinstance(box, QDialog):
            self._did("close", type(box).__name__)
            box.reject()
        elif box is not None:
            self._did("close", type(box).__name__)
            box.close()

    def _choose(self, menu: QMenu) -> None:
        """Choose something in a menu, or leave it."""
        actions = [one for one in menu.actions() if one.isEnabled() and one.text()]
        if not actions or self._rng.random() >= 0.8:
            QTest.keyClick(menu, Qt.Key.Key_Escape)
            return
        chosen = actions[self._rng.integers(len(actions))]
        self._did("menu", chosen.text())
        menu.setActiveAction(chosen)
        QTest.keyClick(menu, Qt.Key.Key_Return)

    def _pick(self, popup: Any) -> None:
        """Pick a line of a list that has opened, or leave it."""
        for _ in range(self._rng.integers(3)):
            QTest.keyClick(popup, Qt.Key.Key_Down)
        is_taken = self._rng.random() < 0.7
        QTest.keyClick(popup, Qt.Key.Key_Return if is_taken else Qt.Key.Key_Escape)
