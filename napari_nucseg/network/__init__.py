"""The network: the only code that loads TensorFlow and Keras."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Off by default on processors without AVX-512, where it is faster all the same.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Expected Keras to run on TensorFlow, but it was loaded with the backend "
        f"{keras.backend.backend()!r} before. Import napari_nucseg.network first, or work "
        f"in a process of its own."
    )
