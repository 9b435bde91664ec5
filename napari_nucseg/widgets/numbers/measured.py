"""What was measured of a layer, and whether the labels are still the same.

This belongs to the layers, not to a widget: it stays when the widget is closed.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...measure import Measurement
from ..layers.fingerprint import Fingerprint
from ..layers.layer_states import INDEX, put_columns, states_in
from ..layers.shown import bare
from .rows import LABEL

__all__ = ["Measured", "classes_of", "measured_of", "note_measured", "put_measured", "table_of"]

#: The class column that formats with classes take: the last of texts that is none of these.
_NO_CLASS = ("state", "reason")


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of a layer.

    Parameters
    ----------
    measurement : Measurement
        The numbers.
    fingerprint : Fingerprint
        Of the labels that they belong to.
    images : mapping of str to weakref of Image
        The images that intensities were measured in, by the names that they have in columns.
    options : mapping of str to object
        Arguments of `measure_nuclei`.
    """

    measurement: Measurement
    fingerprint: Fingerprint
    images: Mapping[str, weakref.ref[Any]]
    options: Mapping[str, Any]


_measured: weakref.WeakKeyDictionary[Any, Measured] = weakref.WeakKeyDictionary()


def note_measured(layer: Any, measured: Measured) -> None:
    """Note what was measured of a layer.

    Parameters
    ----------
    layer : Labels
        The layer.
    measured : Measured
        What was measured.
    """
    _measured[bare(layer)] = measured


def measured_of(layer: Any | None) -> Measured | None:
    """Return what was measured of a layer.

    Parameters
    ----------
    layer : Labels or None
        The layer.

    Returns
    -------
    Measured or None
        None if nothing was.
    """
    return None if layer is None else _measured.get(bare(layer))


def put_measured(layer: Any, measured: Measured) -> None:
    """Put numbers into the features of a layer, one row for each measured nucleus.

    Columns of an earlier measurement are replaced; states, classes and the columns of other
    plugins stay.

    Parameters
    ----------
    layer : Labels
        The layer.
    measured : Measured
        What was measured.
    """
    layer = bare(layer)
    before, table = measured_of(layer), measured.measurement.table
    columns = {name: values for name, values in table.items() if name != LABEL}
    features = layer.features
    if before is not None:
        old = [name for name in before.measurement.table if name in features]
        features = features.drop(columns=old)
    if INDEX in features:
        # What has no nucleus any more has no row.
        features = features[features[INDEX].isin([*table[LABEL], *_others_of(layer, table)])]
    layer.features = features
    put_columns(layer, table[LABEL], columns)
    note_measured(layer, measured)


def _others_of(layer: Any, table: Mapping[str, Any]) -> set[int]:
    """Return nuclei that were drawn, or reviewed, since the measured labels were copied."""
    reviewed: set[int] = states_in(layer).reviewed()
    left = set(layer.features[INDEX]) - set(table[LABEL].tolist()) - reviewed
    if not left or not isinstance(layer.data, np.ndarray):
        return reviewed
    drawn = layer.data[np.isin(layer.data, [*left])]
    return reviewed | set(np.unique(drawn).tolist())


def table_of(layer: Any) -> Measurement:
    """Return what is written to a file: the numbers, and what else the features have.

    Parameters
    ----------
    layer : Labels
        One that was measured.

    Returns
    -------
    Measurement
        With the columns of states, classes and other plugins after those of the numbers.
    """
    measured, features = measured_of(layer), bare(layer).features
    if measured is None:
        raise ValueError(f"Expected labels that were measured, got {layer.name!r}.")
    measurement = measured.measurement
    table = dict(measurement.table)
    rows = features.set_index(INDEX).reindex(table[LABEL])
    for name in rows:
        if name not in table:
            table[str(name)] = _plain(rows[name].to_numpy())
    return dataclasses.replace(measurement, table=table)


def _plain(values: np.ndarray) -> np.ndarray:
    """Return a column of numbers as it is, and one of anything else as texts."""
    if values.dtype.kind in "biuf":
        return values
    import pandas as pd

    return np.array(["" if pd.isna(value) else str(value) for value in values], object)


def classes_of(layer: Any) -> dict[int, str]:
    """Return the classes of nuclei, for formats that have them.

    Parameters
    ----------
    layer : Labels
        The layer.

    Returns
    -------
    dict of int to str
        By label: of the last column of texts that is neither a state nor a reason.
    """
    features = bare(layer).features
    if INDEX not in features:
        return {}
    measured = measured_of(layer)
    others = _NO_CLASS if measured is None else (*_NO_CLASS, *measured.measurement.table)
    texts = [
        name
        for name in features
        if name not in others and features[name].dtype.kind not in "biuf"
    ]
    if not texts:
        return {}
    words = _plain(features[texts[-1]].to_numpy())
    return {
        int(one): str(word)
        for one, word in zip(features[INDEX], words, strict=True)
        if str(word)
    }
