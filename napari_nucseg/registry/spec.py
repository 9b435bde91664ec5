"""What a card may say of the scale and the maps of its model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["check_spec"]

#: The smallest and the largest number that makes sense, in pixels.
_RANGES = {
    "diameter": (1, 1000),
    "stride": (1, 1024),
    "halo": (0, 1024),
    "size_stride": (1, 1024),
}


def check_spec(spec: Mapping[str, Any]) -> None:
    """Check what a card says of the scale and the maps of its model.

    Parameters
    ----------
    spec : mapping of str to object
        Any of ``diameter``, ``stride``, ``halo``, ``size_stride`` and ``maps``, see
        `pipeline.ModelSpec`. What is left out has the value that it has there.

    Raises
    ------
    ValueError
        If there is another key, or a value that makes no sense.
    """
    unknown = sorted(set(spec) - {*_RANGES, "maps"})
    if unknown:
        raise ValueError(
            f"Expected a spec of {', '.join([*_RANGES, 'maps'])}, got {', '.join(unknown)}."
        )
    for name, (low, high) in _RANGES.items():
        value = spec.get(name, low)
        is_number = type(value) is int or (name == "diameter" and type(value) is float)
        if not is_number or not math.isfinite(value) or not low <= value <= high:
            kind = "a number" if name == "diameter" else "a whole number"
            raise ValueError(
                f"Expected {name!r} in the spec to be {kind} of pixels from {low} to {high}, "
                f"got {value!r}."
            )
    maps = spec.get("maps", ["foreground"])
    are_names = isinstance(maps, list | tuple) and all(isinstance(name, str) for name in maps)
    if not are_names or not maps or len(set(maps)) != len(maps):
        raise ValueError(
            f"Expected 'maps' in the spec to be the names of the maps in their order, each "
            f"once, got {maps!r}."
        )
