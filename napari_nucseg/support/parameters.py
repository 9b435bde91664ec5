"""Parameter objects: one frozen dataclass per step describes itself.

The description, unit and range of every parameter are written once, beside its
default. Keyword arguments, command-line options, the forms of the dock widget
and the provenance record are all made from them.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any

__all__ = ["FormRow", "Parameter", "Parameters", "from_keywords", "parameter", "parameters_of"]

_KINDS = (bool, int, float)


@dataclasses.dataclass(frozen=True)
class FormRow:
    """How a form shows a parameter.

    Parameters
    ----------
    label : str, optional
        What stands before the box; left out, the name of the parameter.
    suffix : str, optional
        What stands behind the number, such as ``" px"``.
    step : float, optional
        How much one click on an arrow of the box changes the number; left out, it grows
        with the number.
    auto : str, optional
        What the box shows for None. Without it a form has no row for a parameter that
        is None.
    slider : bool, optional
        Whether the form has a slider in place of a box.
    """

    label: str = ""
    suffix: str = ""
    step: float | None = None
    auto: str = ""
    slider: bool = False


def parameter(
    default: Any,
    description: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    row: FormRow | None = None,
) -> Any:
    """Declare one parameter of a parameter object.

    Parameters
    ----------
    default : object
        Value that is used when the person gives none. ``None`` means "found
        out from the image or the model".
    description : str
        One sentence for tooltips and ``--help``.
    unit : str, optional
        Unit of the value, such as ``"pixels"``.
    minimum, maximum : float, optional
        Inclusive range of allowed values.
    row : FormRow, optional
        How a form shows it.

    Returns
    -------
    dataclasses.Field
        To be assigned in the body of a dataclass.
    """
    about = {
        "description": description,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "row": row or FormRow(),
    }
    return dataclasses.field(default=default, metadata=about)


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a parameter object, as it was declared.

    Parameters
    ----------
    name : str
        Name of the parameter.
    kind : type
        Type of its values: bool, int or float.
    default : object
        See `parameter`.
    description, unit : str
        See `parameter`.
    minimum, maximum : float or None
        See `parameter`.
    row : FormRow
        See `parameter`.
    """

    name: str
    kind: type
    default: Any
    description: str
    unit: str
    minimum: float | None
    maximum: float | None
    row: FormRow

    def check(self, value: Any) -> Any:
        """Check a value.

        Parameters
        ----------
        value : object
            For this parameter; not None.

        Returns
        -------
        bool, int or float
            The value in the type of the parameter.

        Raises
        ------
        TypeError
            If it is not of that type.
        ValueError
            If it is out of range.
        """
        wrong_type = (
            f"Expected {self.name!r} to be of type {self.kind.__name__}, got {value!r}."
        )
        if isinstance(value, bool) is not (self.kind is bool) or isinstance(value, str):
            raise TypeError(wrong_type)
        try:
            converted = self.kind(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(wrong_type) from error
        if self.kind is float and math.isnan(converted):
            raise ValueError(f"Expected {self.name!r} to be a number, got {value!r}.")
        if converted != value:
            raise ValueError(f"Expected {self.name!r} to be a whole number, got {value!r}.")
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        if not low <= converted <= high:
            raise ValueError(
                f"Expected {self.name!r} between {low:g} and {high:g}, got {value!r}."
            )
        return converted


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Base of all parameter objects: checks every value against its range.

    Raises
    ------
    TypeError
        If a value is not of the type of its default.
    ValueError
        If a value is outside its range.
    """

    def __post_init__(self) -> None:
        for declared in parameters_of(type(self)):
            value = getattr(self, declared.name)
            if value is not None:
                object.__setattr__(self, declared.name, declared.check(value))
            elif declared.default is not None:
                raise TypeError(f"Expected a value for {declared.name!r}, got None.")

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name, ready for JSON.

        Returns
        -------
        dict
            One entry per parameter.
        """
        return dataclasses.asdict(self)


def parameters_of(kind: type[Parameters]) -> tuple[Parameter, ...]:
    """Return what a parameter object declares.

    Parameters
    ----------
    kind : type
        A subclass of `Parameters`.

    Returns
    -------
    tuple of Parameter
        In the order of their declaration.

    Raises
    ------
    TypeError
        If the annotation of a parameter is not bool, int or float, with or without None.
    """
    hints = typing.get_type_hints(kind)
    return tuple(
        Parameter(
            name=field.name,
            kind=_kind_of(field.name, hints[field.name]),
            default=field.default,
            **field.metadata,
        )
        for field in dataclasses.fields(kind)
    )


def _kind_of(name: str, hint: Any) -> type:
    """Return the type of a parameter's values out of its annotation."""
    is_union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    parts = typing.get_args(hint) if is_union else (hint,)
    kinds = [part for part in parts if part is not type(None)]
    if len(kinds) != 1 or kinds[0] not in _KINDS:
        raise TypeError(
            f"Expected the parameter {name!r} to be declared as bool, int or float, or as one "
            f"of these or None, got {hint}."
        )
    return kinds[0]


def from_keywords(kind: type, keywords: dict[str, Any]) -> Any:
    """Make a parameter object from keyword arguments.

    Parameters
    ----------
    kind : type
        A subclass of `Parameters`.
    keywords : dict
        Values by parameter name. Those left out keep their default.

    Returns
    -------
    object
        Of type `kind`.

    Raises
    ------
    TypeError
        If a name is not one of the parameters of `kind`.
    """
    known = [declared.name for declared in parameters_of(kind)]
    unknown = sorted(set(keywords) - set(known))
    if unknown:
        raise TypeError(
            f"Expected parameters out of {', '.join(known)}; got {', '.join(unknown)}."
        )
    return kind(**keywords)
