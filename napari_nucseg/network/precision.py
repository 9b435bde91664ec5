"""How precisely a network calculates."""

from __future__ import annotations

import os
from pathlib import Path

import keras

__all__ = ["PRECISIONS", "PRECISION_VARIABLE", "precision", "set_precision"]

#: Environment variable that chooses out of `PRECISIONS`.
PRECISION_VARIABLE = "NAPARI_NUCSEG_PRECISION"
PRECISIONS = ("float32", "bfloat16")

_PROCESSOR = Path("/proc/cpuinfo")
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}

#: Layers that give the outputs, and are always precise.
_OUTPUTS = {"maps", "from_depth", "size"}


def precision() -> str:
    """Choose how precisely to calculate.

    Returns
    -------
    str
        What `PRECISION_VARIABLE` says; otherwise ``"bfloat16"`` if the processor is known
        to have instructions for it, with which a network takes about half of the time.
        Only Linux on x86 tells; elsewhere it is ``"float32"``.

    Raises
    ------
    ValueError
        If the variable says something else.
    """
    chosen = os.environ.get(PRECISION_VARIABLE)
    if not chosen:
        return "bfloat16" if _has_bfloat16() else "float32"
    if chosen not in PRECISIONS:
        raise ValueError(
            f"Expected the environment variable {PRECISION_VARIABLE} to be one of "
            f"{', '.join(PRECISIONS)}, got {chosen!r}. Correct it, or remove it."
        )
    return chosen


def _has_bfloat16() -> bool:
    try:
        text = _PROCESSOR.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not _INSTRUCTIONS.isdisjoint(flags.split())


def set_precision(network: keras.Model, chosen: str) -> None:
    """Let a network calculate with that precision; weights and outputs stay float32.

    Parameters
    ----------
    network : keras.Model
        See `architecture.build_network`.
    chosen : str
        One of `PRECISIONS`.
    """
    mixed = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[chosen]
    for layer in network.layers:
        layer.dtype_policy = "float32" if layer.name in _OUTPUTS else mixed
