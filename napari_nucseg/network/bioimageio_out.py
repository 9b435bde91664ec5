"""A model as a package of bioimage.io, which Fiji, ilastik, QuPath and others can run."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..image import simulate_field
from ..pipeline import CLIP, HIGH, LOW, ModelSpec, spec_of
from ..registry import Model
from ..support import __version__, check_new_file, new_file
from .onnx_out import OPSET, export_onnx
from .predict import load_predictor

__all__ = ["export_bioimageio"]

#: The version of the description, old enough for most programs.
_FORMAT = "0.5.4"
_WEIGHTS, _INPUT, _MAPS, _SIZE = "weights.onnx", "input.npy", "maps.npy", "size.npy"
_TEST_SHAPE = (128, 160)

_ABOUT = """# {name}

{description}

Made by napari-nucseg {version}. Resize images so that a typical nucleus has a diameter of
{diameter:g} pixels. A grey image is given three times, once for each color.

The outputs, each from 0 to 1: {maps}. `distance` is the distance to the background over the
largest one of the nucleus. `size` is the binary logarithm of the diameter of the nucleus over
{diameter:g} pixels.

From the maps to labels:

1. Foreground is where `foreground` is larger than 0.5.
2. The height of a pixel is `distance` times one minus `boundary`, smoothed by a Gaussian filter
   with a sigma of 1.5 pixels.
3. A peak of height p is a nucleus if it is at least min(0.3, max(0.05, 0.5 p)) higher than the
   saddle to any higher peak; a watershed of the heights within the foreground gives the areas.
4. A nucleus is kept if `foreground` times `distance` reaches 0.5 somewhere in it, or half of
   that at the edge of the image.

Trained on: {training_data}

License: {license}

## Validation

Look at the labels of some images of yours. `nucseg evaluate` scores them against labels drawn
by hand.
"""


def export_bioimageio(model: Model, destination: Path) -> Path:
    """Write a model as a package of bioimage.io.

    Parameters
    ----------
    model : Model
        The model.
    destination : Path
        The zip file to make: a description, the weights as ONNX, an image to test with and
        what the model gives for it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        If the package ``onnx`` is not installed.
    FileNotFoundError, ValueError
        See `export_onnx`.
    FileExistsError
        If there is such a file.
    OSError
        If it cannot be written.
    """
    check_new_file(destination)
    spec = spec_of(model.card)
    with tempfile.TemporaryDirectory() as folder:
        weights = export_onnx(model, Path(folder) / _WEIGHTS).read_bytes()
    files = {_WEIGHTS: weights, "README.md": _readme(model, spec).encode()}
    files |= {name: _as_npy(values) for name, values in _example(model).items()}
    described = json.dumps(_description(model, spec, files), indent=2, ensure_ascii=False)
    files["rdf.yaml"] = described.encode()  # JSON is YAML, too
    with new_file(destination) as aside, zipfile.ZipFile(aside, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return destination


def _readme(model: Model, spec: ModelSpec) -> str:
    card = model.card
    return _ABOUT.format(
        name=card.name,
        description=card.description,
        version=__version__,
        diameter=spec.diameter,
        maps=", ".join(f"`{name}`" for name in spec.maps),
        training_data=card.training_data or "not told",
        license=card.license or "not told",
    )


def _example(model: Model) -> dict[str, np.ndarray]:
    """Return an image to test with, and what the model gives for it."""
    plane = np.asarray(simulate_field(_TEST_SHAPE, seed=0).image, np.float32)
    image = np.repeat(plane[np.newaxis, np.newaxis], 3, axis=1)
    low, high = np.percentile(image, (LOW, HIGH))
    normalized = np.clip((image - low) / (high - low), *CLIP).astype(np.float32)
    maps, size = load_predictor(model).predict(normalized.transpose(0, 2, 3, 1))
    return {
        _INPUT: image,
        _MAPS: maps.transpose(0, 3, 1, 2),
        _SIZE: size[:, np.newaxis],
    }


def _as_npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def _description(model: Model, spec: ModelSpec, files: dict[str, bytes]) -> dict[str, Any]:
    """Return what bioimage.io has to know of a model."""
    card = model.card
    name = re.sub(r"[^A-Za-z0-9_+ ()-]", "-", card.name)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    # Nobody but who made a model can say what others may do with it.
    license = {"license": card.license} if card.license else {}
    return {
        "type": "model",
        "format_version": _FORMAT,
        "name": f"Nuclei of napari-nucseg: {name}".replace(":", " -"),
        "description": card.description or "Finds cell nuclei.",
        "authors": [{"name": _author(model)}],
        "cite": [
            {"text": "Ronneberger et al., U-Net, 2015", "doi": "10.1007/978-3-319-24574-4_28"}
        ],
        **license,
        "documentation": "README.md",
        "tags": ["nuclei", "instance-segmentation", "2d", "unet"],
        "timestamp": now.isoformat(),
        "inputs": [_input(spec)],
        "outputs": [_maps(spec), _size(spec)],
        "weights": {
            "onnx": {
                "source": _WEIGHTS,
                "sha256": hashlib.sha256(files[_WEIGHTS]).hexdigest(),
                "opset_version": OPSET,
            }
        },
    }


def _author(model: Model) -> str:
    return "napari-nucseg developers" if model.bundled else "a user of napari-nucseg"


def _input(spec: ModelSpec) -> dict[str, Any]:
    size = {"min": 3 * spec.stride, "step": spec.stride}
    return {
        "id": "image",
        "description": f"Nuclei with a diameter of {spec.diameter:g} pixels.",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": ["red", "green", "blue"]},
            {"type": "space", "id": "y", "size": size},
            {"type": "space", "id": "x", "size": size},
        ],
        "data": {"type": "float32"},
        "test_tensor": {"source": _INPUT},
        "preprocessing": [
            {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
            {
                "id": "scale_range",
                "kwargs": {
                    "axes": ["channel", "y", "x"],
                    "min_percentile": LOW,
                    "max_percentile": HIGH,
                },
            },
            {"id": "clip", "kwargs": {"min": CLIP[0], "max": CLIP[1]}},
        ],
    }


def _maps(spec: ModelSpec) -> dict[str, Any]:
    return {
        "id": "maps",
        "description": "Foreground, distance and boundary of nuclei.",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": list(spec.maps)},
            *({**_like(axis), "halo": spec.halo} for axis in "yx"),
        ],
        "data": {"type": "float32"},
        "test_tensor": {"source": _MAPS},
    }


def _size(spec: ModelSpec) -> dict[str, Any]:
    return {
        "id": "size",
        "description": f"Binary logarithm of the diameter over {spec.diameter:g} pixels.",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": ["size"]},
            *({**_like(axis), "scale": float(spec.size_stride)} for axis in "yx"),
        ],
        "data": {"type": "float32"},
        "test_tensor": {"source": _SIZE},
    }


def _like(axis: str) -> dict[str, Any]:
    """Describe an axis as long as that of the input."""
    return {"type": "space", "id": axis, "size": {"tensor_id": "image", "axis_id": axis}}
