"""Parameter objects: one frozen dataclass per step describes itself.

The description, unit and range of every parameter are written once, beside its
default. Keyword arguments, command-line options, the forms of the dock widget
and the provenance record are all made from them.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

__all__ = ["Parameters", "from_keywords", "parameter"]


def parameter(
    default: Any,
    description: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
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
    }
    return dataclasses.field(default=default, metadata=about)


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
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None:
                object.__setattr__(self, field.name, check_value(field, value))
            elif field.default is not None:
                raise TypeError(f"Expected a value for {field.name!r}, got None.")

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name, ready for JSON.

        Returns
        -------
        dict
            One entry per parameter.
        """
        return dataclasses.asdict(self)


def check_value(field: dataclasses.Field, value: Any) -> Any:
    """Check the value of one parameter.

    Parameters
    ----------
    field : dataclasses.Field
        A field of a parameter object.
    value : object
        For it.

    Returns
    -------
    bool, int or float
        The value in the type of the field.

    Raises
    ------
    TypeError
        If it is not of that type.
    ValueError
        If it is out of range.
    """
    kind = kind_of(field)
    if isinstance(value, bool) is not (kind is bool) or isinstance(value, str):
        raise TypeError(
            f"Expected {field.name!r} to be of type {kind.__name__}, got {value!r}."
        )
    try:
        converted = kind(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"Expected {field.name!r} to be of type {kind.__name__}, got {value!r}."
        ) from error
    if kind is float and math.isnan(converted):
        raise ValueError(f"Expected {field.name!r} to be a number, got {value!r}.")
    if converted != value:
        raise ValueError(f"Expected {field.name!r} to be a whole number, got {value!r}.")
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    if not low <= converted <= high:
        raise ValueError(
            f"Expected {field.name!r} between {low:g} and {high:g}, got {value!r}."
        )
    return converted


def kind_of(field: dataclasses.Field) -> type:
    """Return the type of a parameter's values: ``bool``, ``int`` or ``float``.

    Parameters
    ----------
    field : dataclasses.Field
        A field of a parameter object.

    Returns
    -------
    type
        The type named first in the field's annotation.
    """
    name = str(field.type).split("|")[0].strip()
    return {"bool": bool, "int": int, "float": float}[name]


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
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = sorted(set(keywords) - set(known))
    if unknown:
        raise TypeError(
            f"Expected parameters out of {', '.join(known)}; got {', '.join(unknown)}."
        )
    return kind(**keywords)
