"""Keras, loaded quietly and on the backend that is chosen here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Off by default on processors without AVX-512, where it is faster all the same.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what is written to standard error from below Python out of sight."""
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # a program without a terminal may have no standard error
        yield
        return
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# TensorFlow tells of the processor before it reads its log level.
with _quiet():
    import keras
    import tensorflow as tf
    from keras import layers, ops

__all__ = ["keras", "layers", "ops", "tf"]

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Expected Keras to run on TensorFlow, but it was loaded with the backend "
        f"{keras.backend.backend()!r} before. Import napari_nucseg.network first, or work "
        f"in a process of its own."
    )
