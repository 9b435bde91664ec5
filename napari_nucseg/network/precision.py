"""How precisely a network calculates."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from .backend import keras, tf

__all__ = ["PRECISIONS", "PRECISION_VARIABLE", "precision", "set_precision"]

#: How precisely a network can calculate.
PRECISIONS = ("float32", "bfloat16")

#: Environment variable that chooses out of them.
PRECISION_VARIABLE = "NAPARI_NUCSEG_PRECISION"

_PROCESSOR = Path("/proc/cpuinfo")
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}

#: Layers that give the outputs, and are always precise.
_OUTPUTS = {"maps", "from_depth", "size"}


def precision(*, training: bool = False) -> str:
    """Choose how precisely to calculate.

    Parameters
    ----------
    training : bool, optional
        Whether the network learns. What a network finds in an image should not depend on
        the processor, and bfloat16 lets a nucleus of little contrast come or go here and
        there; what training makes differs between machines anyway.

    Returns
    -------
    str
        What `PRECISION_VARIABLE` says; otherwise ``"float32"``, but ``"bfloat16"`` for
        training if the network runs on a processor that is known to have instructions
        for it, with which it takes less time. Only Linux on x86 tells; elsewhere, on a
        graphics card, and without oneDNN it is ``"float32"``.

    Raises
    ------
    ValueError
        If the variable says something else.
    """
    chosen = os.environ.get(PRECISION_VARIABLE)
    if not chosen:
        return "bfloat16" if training and _is_fast_in_bfloat16() else "float32"
    if chosen not in PRECISIONS:
        raise ValueError(
            f"Expected the environment variable {PRECISION_VARIABLE} to be one of "
            f"{', '.join(PRECISIONS)}, got {chosen!r}. Correct it, or remove it."
        )
    return chosen


def _is_fast_in_bfloat16() -> bool:
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" or tf.config.list_physical_devices("GPU"):
        return False
    return not _INSTRUCTIONS.isdisjoint(_flags(_PROCESSOR))


@functools.cache
def _flags(processor: Path) -> list[str]:
    """Return what Linux says the first processor can do, nothing where it is silent."""
    try:
        text = processor.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return next((line for line in text.splitlines() if line.startswith("flags")), "").split()


def set_precision(network: keras.Model, chosen: str) -> None:
    """Let a network calculate with that precision; weights and outputs stay float32.

    Parameters
    ----------
    network : keras.Model
        See `Architecture.build`.
    chosen : str
        One of `PRECISIONS`.
    """
    mixed = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[chosen]
    for layer in network.layers:
        layer.dtype_policy = "float32" if layer.name in _OUTPUTS else mixed
