"""A form made from a parameter object."""

from __future__ import annotations

import dataclasses

from magicgui.widgets import Container, FloatSpinBox, SpinBox

from ..parameters import Parameters, kind_of

__all__ = ["ParameterForm"]


class ParameterForm:
    """One spin box for each number of a parameter object.

    Parameters
    ----------
    parameters : Parameters
        The values to begin with. A parameter that is None is not shown.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        boxes = []
        for field in dataclasses.fields(parameters):
            value = getattr(parameters, field.name)
            if value is None:
                continue
            about = field.metadata
            box = FloatSpinBox if kind_of(field) is float else SpinBox
            options = {"step": about["minimum"]} if kind_of(field) is float else {}
            if field.name == "patch_size":
                options["step"] = 16
            boxes.append(
                box(
                    name=field.name,
                    label=field.name.replace("_", " "),
                    value=value,
                    min=about["minimum"],
                    max=about["maximum"],
                    tooltip=about["description"],
                    **options,
                )
            )
        #: The magicgui widget; ``form.native`` is the Qt one.
        self.container = Container(widgets=boxes, labels=True)
        self.container.native.layout().setContentsMargins(0, 0, 0, 0)

    def show(self, parameters: Parameters) -> None:
        """Put other values into the form.

        Parameters
        ----------
        parameters : Parameters
            The values.
        """
        self._parameters = parameters
        for box in self.container:
            box.value = getattr(parameters, box.name)

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
        values = {box.name: box.value for box in self.container}
        return dataclasses.replace(self._parameters, **values)
