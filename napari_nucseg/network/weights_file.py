"""Write files of weights so that a full disk is an error and nothing else.

HDF5 does not recover when it cannot write to its file: it keeps the file open, complains when
Python ends, and crashes the process. So it writes to memory, and Python writes to the disk.
"""

from __future__ import annotations

import collections
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .backend import keras, ops

__all__ = ["write_weights"]


def write_weights(network: keras.Model, path: Path) -> None:
    """Write the weights of a network, and the state of its optimizer if it has one.

    Parameters
    ----------
    network : keras.Model
        The network.
    path : Path
        The file to make, an HDF5 file as Keras writes it: ``network.load_weights`` reads it.

    Raises
    ------
    OSError
        If it cannot be written, for example because the disk is full.
    """
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for place, part in _parts(network):
            own: dict[str, Any] = {}
            part.save_own_variables(own)
            group = file.create_group(f"{place}/vars")
            group.attrs["name"] = part.name
            for name, value in own.items():
                group[name] = ops.convert_to_numpy(value)
    path.write_bytes(buffer.getbuffer())


def _parts(network: keras.Model) -> Iterator[tuple[str, Any]]:
    """Yield what has weights, and where Keras looks for it in a file."""
    seen: collections.Counter[str] = collections.Counter()
    for layer in network.layers:
        kind = _snake_case(type(layer).__name__)
        yield f"layers/{kind}_{seen[kind]}" if seen[kind] else f"layers/{kind}", layer
        seen[kind] += 1
    optimizer = getattr(network, "optimizer", None)  # only one that is compiled has any
    if optimizer is not None:
        yield "optimizer", optimizer


def _snake_case(name: str) -> str:
    """Write the name of a class as Keras does in its files: ``conv2d`` for ``Conv2D``."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
