"""The architectures: descriptions of networks, one file each.

A new architecture is a new file here: a frozen dataclass derived from `Architecture`. It
registers itself when this package imports it. Nothing here loads Keras before a network is
built.
"""

from __future__ import annotations

import importlib
import pkgutil

from .base import Architecture, EncoderWeights, kinds, read_architecture

__all__ = ["Architecture", "EncoderWeights", "discover", "kinds", "read_architecture"]


def discover() -> None:
    """Import all modules of this package, so that the architectures in them register."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


discover()
