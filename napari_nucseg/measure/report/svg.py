"""Plots as SVG inside of a page."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

__all__ = ["bars", "histogram", "number"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 360, 190, 44, 34, 22
_BINS = 30


def number(value: float) -> str:
    """Write a number for people.

    Parameters
    ----------
    value : float
        Any.

    Returns
    -------
    str
        With four digits, or all those before the point; empty for NaN.
    """
    if np.isnan(value):
        return ""
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def histogram(values: np.ndarray, title: str) -> str:
    """Draw a histogram.

    Parameters
    ----------
    values : ndarray of float, shape (N,)
        Any; those that are not finite are left out.
    title : str
        What they are.

    Returns
    -------
    str
        SVG, from the smallest value to the largest, or to the 99.5th percentile if that is
        far below it; the last bar counts what is above.
    """
    values = values[np.isfinite(values)].astype(float)
    if not values.size:
        return _svg(title, [_text(_WIDTH / 2, _HEIGHT / 2, "none")])
    low, high = float(values.min()), float(values.max())
    most = float(np.percentile(values, 99.5))
    if high - low > 1.5 * (most - low) > 0:
        high = most
    if high <= low:
        high = low + 1
    counts, edges = np.histogram(values.clip(low, high), bins=_BINS, range=(low, high))
    names = [f"{number(edges[at])} to {number(edges[at + 1])}" for at in range(counts.size)]
    ends = [(_LEFT, low, "start"), (_WIDTH - 8, high, "end")]
    labels = [_text(x, _HEIGHT - 18, number(value), anchor) for x, value, anchor in ends]
    median = float(np.median(values))
    x = _LEFT + (_WIDTH - 8 - _LEFT) * (min(median, high) - low) / (high - low)
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
    told = _text(_WIDTH / 2, _HEIGHT - 4, f"median {number(median)}, n = {values.size}")
    return _svg(title, [*_rectangles(counts.tolist(), names), *labels, line, told])


def bars(values: Sequence[float], names: Sequence[str], title: str) -> str:
    """Draw a bar for each of some values.

    Parameters
    ----------
    values : sequence of float
        Not negative.
    names : sequence of str
        What each is of; shown while the pointer is over its bar.
    title : str
        What they are.

    Returns
    -------
    str
        SVG.
    """
    told = _text(_WIDTH / 2, _HEIGHT - 4, "images in the order of the table")
    return _svg(title, [*_rectangles(values, names), told])


def _rectangles(values: Sequence[float], names: Sequence[str]) -> list[str]:
    """Return bars with an axis to their left."""
    most = max(values, default=0) or 1
    width = (_WIDTH - 8 - _LEFT) / max(1, len(values))
    whole = _HEIGHT - _BOTTOM - _TOP
    drawn = [
        f'<path d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - 8}"/>',
        _text(_LEFT - 4, _TOP + 4, number(most), "end"),
        _text(_LEFT - 4, _HEIGHT - _BOTTOM, "0", "end"),
    ]
    for at, (value, name) in enumerate(zip(values, names, strict=True)):
        height = whole * value / most
        drawn.append(
            f'<rect x="{_LEFT + at * width:.2f}" y="{_HEIGHT - _BOTTOM - height:.2f}" '
            f'width="{max(width - 1, 0.5):.2f}" height="{height:.2f}">'
            f"<title>{html.escape(name)}: {number(value)}</title></rect>"
        )
    return drawn


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _svg(title: str, parts: Sequence[str]) -> str:
    heading = f'<text x="{_LEFT}" y="13" class="title">{html.escape(title)}</text>'
    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}"'
    return f"<svg {view}>{heading}{''.join(parts)}</svg>"
