"""JSON files that hold an object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["depth_of", "parse_object", "read_object"]


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Parameters
    ----------
    path : Path
        The file, in UTF-8.

    Returns
    -------
    dict
        Its values by name.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ValueError
        If it is damaged, or holds something else.
    """
    try:
        return parse_object(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"Expected a JSON object in {path}, got something else: {error}"
        ) from (error)


def depth_of(values: Any) -> int:
    """Return how many lists and objects lie inside of each other.

    Parameters
    ----------
    values : object
        Read from JSON.

    Returns
    -------
    int
        0 for a number or a text.
    """
    depth, level = 0, [values]
    while any(isinstance(one, dict | list) for one in level):
        depth += 1
        inner = [one for one in level if isinstance(one, dict | list)]
        level = [
            part for one in inner for part in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


def parse_object(text: str) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    text : str
        The object as text.

    Returns
    -------
    dict
        Its values by name.

    Raises
    ------
    ValueError
        If the text is damaged, or something else, such as ``null`` or a list.
    """
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise ValueError("Expected few lists and objects inside of each other.") from error
    if not isinstance(values, dict):
        raise ValueError(f"Expected a JSON object, got {text[:80]!r}.")
    return values
