"""Nuclei in the colors of a column, and one click back."""

from __future__ import annotations

import dataclasses
import html
import importlib.util
import weakref
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap, ensure_colormap

from ..layers.shown import bare
from .rows import Rows, is_number

__all__ = ["Coloring", "color_back", "coloring_of", "colors_of", "why_not_colored"]

#: Without the library numba, napari colors labels one by one only up to this one.
_MOST_LABELS = 1 << 16

_SHADES, _MAP = 200, "viridis"
#: The ends of the colors are these percentiles, so that one odd nucleus does not hide the rest.
_ENDS = (1.0, 99.0)

#: Of classes; they can be told apart by those who do not see red and green.
_PALETTE = (
    *("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2", "#b3e2cd"),
)
_NOTHING = "#7f7f7f"  # of nuclei without a value

#: By layers that we have colored: the colormap of before, and the colors of now.
_colored: weakref.WeakKeyDictionary[Any, tuple[Any, Coloring]] = weakref.WeakKeyDictionary()


@dataclasses.dataclass(frozen=True, eq=False)
class Coloring:
    """The colors of nuclei.

    Parameters
    ----------
    column : str
        What the nuclei are colored by.
    values : ndarray, shape (N,)
        Its values.
    colormap : DirectLabelColormap
        For the layer.
    legend : str
        What the colors mean, in rich text.
    """

    column: str
    values: np.ndarray
    colormap: DirectLabelColormap
    legend: str

    def show(self, layer: Any) -> None:
        """Color a layer.

        Parameters
        ----------
        layer : Labels
            The layer.
        """
        layer = bare(layer)
        before = _colored[layer][0] if layer in _colored else layer.colormap
        _colored[layer] = before, self
        layer.colormap = self.colormap


def coloring_of(rows: Rows, column: str) -> Coloring:
    """Make the colors of a column. That takes a moment with many nuclei.

    Parameters
    ----------
    rows : Rows
        All rows.
    column : str
        Name of the column.

    Returns
    -------
    Coloring
        Numbers have a continuous colormap, booleans and texts a color for each value.
    """
    values = rows.column(column)
    shade, colors, legend = _shaded(values) if is_number(values) else _classed(values)
    rgba = np.array([_rgba(color) for color in colors], np.float32)
    by_label: dict[int | None, Any] = {None: _rgba(_NOTHING), 0: np.zeros(4, np.float32)}
    by_label |= dict(zip(rows.ids.tolist(), rgba[shade], strict=True))
    return Coloring(column, values, DirectLabelColormap(color_dict=by_label), legend)


def _rgba(color: Any) -> np.ndarray:
    if isinstance(color, str):
        color = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)] + [1.0]
    return np.asarray(color, np.float32)


def _shaded(values: np.ndarray) -> tuple[np.ndarray, list[Any], str]:
    """Return which color each number has, the colors, and the legend."""
    known = values[np.isfinite(values)].astype(float)
    low, high = np.percentile(known, _ENDS) if known.size else (0.0, 1.0)
    if high <= low:
        low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    width = high - low or 1.0
    part = ((values.astype(float) - low) / width).clip(0, 1)
    shade = np.where(np.isfinite(part), np.nan_to_num(part) * (_SHADES - 1), _SHADES)
    colors = ensure_colormap(_MAP).map(np.linspace(0, 1, _SHADES))
    bar = "".join(
        f'<span style="color: {_hexed(colors[at])};">█</span>'
        for at in np.linspace(0, _SHADES - 1, 14).astype(int)
    )
    legend = f"{low:.4g} {bar} {high:.4g}"
    return shade.astype(int), [*colors, _NOTHING], legend


def _classed(values: np.ndarray) -> tuple[np.ndarray, list[Any], str]:
    """Return which color each class has, the colors, and the legend."""
    words = [_in_words(value) for value in values]
    names = sorted({*words} - {""})
    place = {name: at % len(_PALETTE) for at, name in enumerate(names)} | {"": len(_PALETTE)}
    shown = [
        f'<span style="color: {_PALETTE[place[name]]};">■</span> {html.escape(name)}'
        for name in names[: len(_PALETTE)]
    ]
    more = ["…"] if len(names) > len(_PALETTE) else []
    return (
        np.array([place[word] for word in words]),
        [*_PALETTE, _NOTHING],
        " ".join(shown + more),
    )


def _in_words(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    is_none = value is None or (isinstance(value, float) and np.isnan(value))
    return "" if is_none else str(value)


def _hexed(color: Any) -> str:
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in color[:3])


def colors_of(layer: Any | None) -> Coloring | None:
    """Return the colors that a layer has from us.

    Parameters
    ----------
    layer : Labels or None
        The layer.

    Returns
    -------
    Coloring or None
        None if it has its usual ones.
    """
    return None if layer is None else _colored.get(bare(layer), (None, None))[1]


def color_back(layer: Any) -> None:
    """Give a layer the colors that it had before.

    Parameters
    ----------
    layer : Labels
        The layer.
    """
    before, _ = _colored.pop(bare(layer), (None, None))
    if before is not None:
        bare(layer).colormap = before


def why_not_colored(rows: Rows) -> str:
    """Say why nuclei cannot be colored.

    Parameters
    ----------
    rows : Rows
        Their rows.

    Returns
    -------
    str
        The reason, empty if they can.
    """
    if not rows.ids.size:
        return "Measure the nuclei first."
    quick = any(map(importlib.util.find_spec, ("numba", "PartSegCore_compiled_backend")))
    if rows.ids.max() > _MOST_LABELS and not quick:
        return (
            f"There are labels above {_MOST_LABELS}, which napari colors only if the library "
            f"numba is installed: 'pip install numba'."
        )
    return ""
