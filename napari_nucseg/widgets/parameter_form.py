"""A form made from a parameter object."""

from __future__ import annotations

import dataclasses

from magicgui.widgets import FloatSpinBox, SpinBox
from qtpy.QtWidgets import QFormLayout, QWidget

from ..pipeline import STRIDE
from ..support import Parameters, kind_of

__all__ = ["ParameterForm"]


class ParameterForm:
    """One spin box for each number of a parameter object.

    Parameters
    ----------
    parameters : Parameters
        The values to begin with. What is None, or said with yes or no, is not shown.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        #: The magicgui boxes by the names of the parameters.
        self.boxes: dict[str, FloatSpinBox | SpinBox] = {}
        #: The Qt widget with all of them.
        self.native = QWidget()
        rows = QFormLayout(self.native)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        for field in dataclasses.fields(parameters):
            value = getattr(parameters, field.name)
            if value is None or kind_of(field) is bool:
                continue
            about = field.metadata
            box = FloatSpinBox if kind_of(field) is float else SpinBox
            options = {"step": about["minimum"]} if kind_of(field) is float else {}
            if field.name == "patch_size":
                options["step"] = STRIDE
            self.boxes[field.name] = box(
                name=field.name,
                value=value,
                min=about["minimum"],
                max=about["maximum"],
                tooltip=about["description"],
                **options,
            )
            rows.addRow(field.name.replace("_", " "), self.boxes[field.name].native)

    def show(self, parameters: Parameters) -> None:
        """Put other values into the form.

        Parameters
        ----------
        parameters : Parameters
            The values.
        """
        self._parameters = parameters
        for name, box in self.boxes.items():
            box.value = getattr(parameters, name)

    def parameters(self) -> Parameters:
        """Return what the form says.

        Returns
        -------
        object
            Of the type that the form was made from.

        Raises
        ------
        ValueError
            If the values do not go together.
        """
        values = {name: box.value for name, box in self.boxes.items()}
        return dataclasses.replace(self._parameters, **values)
