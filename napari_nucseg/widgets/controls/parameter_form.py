"""A form made from a parameter object."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from magicgui.widgets import FloatSlider, FloatSpinBox
from qtpy.QtWidgets import QFormLayout, QWidget

from ...support import Parameter, Parameters, parameters_of

__all__ = ["Box", "ParameterForm"]

#: What shows one number, of magicgui.
Box = FloatSlider | FloatSpinBox

#: Decimals of a number that can be 0 and has no step.
_DECIMALS = 2


class ParameterForm:
    """One box or slider for each number of a parameter object.

    Ranges, descriptions and the rest come from the declaration of each parameter.

    Parameters
    ----------
    parameters : Parameters
        The values to begin with. A parameter that is None has a row only if its `FormRow` says
        what to show for None. Parameters that are yes or no have no row.
    rows : QFormLayout, optional
        Where to add the rows; left out, a widget of the form's own, `native`.
    """

    def __init__(self, parameters: Parameters, rows: QFormLayout | None = None) -> None:
        self._parameters = parameters
        self._rows = [
            _Row(declared)
            for declared in parameters_of(type(parameters))
            if _has_row(declared, getattr(parameters, declared.name))
        ]
        #: The boxes of magicgui by the names of the parameters.
        self.boxes: dict[str, Box] = {row.name: row.box for row in self._rows}
        #: The Qt widget with all rows; None if they were added elsewhere.
        self.native: QWidget | None = None
        if rows is None:
            self.native = QWidget()
            rows = QFormLayout(self.native)
            rows.setContentsMargins(0, 0, 0, 0)
            rows.setSpacing(4)
        for row in self._rows:
            rows.addRow(row.label, row.box.native)
        self.show(parameters)

    def on_change(self, listen: Callable[[], None]) -> None:
        """Call a function whenever a number is changed.

        Parameters
        ----------
        listen : callable
            Called without arguments.
        """
        for box in self.boxes.values():
            box.changed.connect(lambda _: listen())

    def show(self, parameters: Parameters) -> None:
        """Put other values into the form.

        Parameters
        ----------
        parameters : Parameters
            The values.
        """
        self._parameters = parameters
        for row in self._rows:
            row.show(getattr(parameters, row.name))

    def parameters(self, **others: Any) -> Any:
        """Return what the form says.

        Parameters
        ----------
        **others
            Values by name of parameters that have no row.

        Returns
        -------
        object
            Of the type that the form was made from.

        Raises
        ------
        ValueError
            If the values do not go together.
        """
        values = {row.name: row.value() for row in self._rows}
        return dataclasses.replace(self._parameters, **values, **others)


def _has_row(declared: Parameter, value: Any) -> bool:
    if declared.kind is bool:
        return False
    return value is not None or bool(declared.row.auto)


class _Row:
    """A label and a box for one parameter."""

    def __init__(self, declared: Parameter) -> None:
        row = declared.row
        self.name = declared.name
        self.label = row.label or declared.name.replace("_", " ")
        self._has_auto = bool(row.auto)
        self._decimals = _decimals_of(declared)
        low = declared.minimum
        if self._has_auto and low is not None:
            # One step below what can be given stands for None.
            low -= row.step or 1
        options: dict[str, Any] = {
            "name": declared.name,
            "value": low,
            "min": low,
            "max": declared.maximum,
            "step": row.step,
            "tooltip": declared.description,
        }
        kind = FloatSlider if row.slider else FloatSpinBox
        known = {name: value for name, value in options.items() if value is not None}
        self.box: Box = kind(**known)
        if not row.slider:
            # Magicgui's box for whole numbers knows no suffix, and no text for a number.
            self.box.native.setDecimals(self._decimals)
            self.box.native.setSuffix(row.suffix)
            self.box.native.setSpecialValueText(row.auto)

    def show(self, value: Any) -> None:
        self.box.value = self.box.min if value is None else value

    def value(self) -> Any:
        """Return the number, None for what stands for it."""
        if self._has_auto and self.box.value <= self.box.min:
            return None
        return round(self.box.value, self._decimals)


def _decimals_of(declared: Parameter) -> int:
    """Return how many decimals of a number the form keeps: those of its step.

    Without a step, the least number other than 0 can be given.
    """
    if declared.kind is int:
        return 0
    least = declared.row.step or declared.minimum
    return max(0, math.ceil(-math.log10(least))) if least else _DECIMALS
