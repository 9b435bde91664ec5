"""The precision that a network calculates with."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from .backend import has_gpu, keras

__all__ = ["PRECISIONS", "PRECISION_VARIABLE", "precision", "set_precision"]

#: The precisions that a network can calculate with.
PRECISIONS = ("float32", "bfloat16")

#: Environment variable that chooses one of them.
PRECISION_VARIABLE = "NAPARI_NUCSEG_PRECISION"

_PROCESSOR = Path("/proc/cpuinfo")
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}

#: Layers of the outputs, which are always calculated in float32.
_OUTPUTS = {"maps", "from_depth", "size"}


def precision(*, training: bool = False) -> str:
    """Choose the precision to calculate with.

    Parameters
    ----------
    training : bool, optional
        Whether the network is trained. Labels should not depend on the processor, and in
        bfloat16 a few nuclei of low contrast are found or missed that are not in float32.
        Training gives other weights on every machine anyway.

    Returns
    -------
    str
        The value of `PRECISION_VARIABLE` if it is set. Otherwise ``"float32"``, except
        for training on a processor that has instructions for bfloat16, which takes less
        time: then ``"bfloat16"``. Only Linux on x86 tells which instructions there are.
        On other systems, on a graphics card, and without oneDNN it is ``"float32"``.

    Raises
    ------
    ValueError
        If the variable has another value.
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
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" or has_gpu():
        return False
    return not _INSTRUCTIONS.isdisjoint(_flags(_PROCESSOR))


@functools.cache
def _flags(processor: Path) -> list[str]:
    """Return the instructions of the first processor that Linux lists, if it lists any."""
    try:
        text = processor.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return next((line for line in text.splitlines() if line.startswith("flags")), "").split()


def set_precision(network: keras.Model, chosen: str) -> None:
    """Set the precision of a network; its weights and outputs stay float32.

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
