"""Which image labels belong to, so that it is found again after a crash."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image

from .image_file import file_of, is_read_here
from .layers import METADATA_KEY
from .origin import origin_of

__all__ = ["ImageReference", "Reference", "open_image_of", "reference_of"]

#: Side of the blocks of an image that are compared, in pixels.
_SIDE = 64

_PLACEMENT = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


@dataclasses.dataclass(frozen=True)
class ImageReference:
    """An image, and where it came from.

    Parameters
    ----------
    name : str
        Of its layer.
    shape : tuple of int
        Of its data, at full resolution.
    dtype : str
        Of its data.
    checksum : int or None
        Of three small blocks of it; None if they could not be read.
    path : str or None
        Its file.
    reader : str or None
        The plugin that read the file.
    sample : tuple of str or None
        Plugin and name, if it is a sample of a plugin.
    in_folder : bool
        Whether it was opened in a folder, and is opened with that again.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    checksum: int | None
    path: str | None = None
    reader: str | None = None
    sample: tuple[str, ...] | None = None
    in_folder: bool = False

    def is_shown_by(self, layer: Any) -> bool:
        """Return whether a layer shows this image.

        Parameters
        ----------
        layer : Layer
            Any layer.

        Returns
        -------
        bool
            Whether shape, type and pixels are the same, whatever it is called.
        """
        if not isinstance(layer, Image):
            return False
        data = _data_of(layer)
        is_alike = tuple(data.shape) == self.shape and str(data.dtype) == self.dtype
        if self.checksum is None:
            return is_alike and layer.name == self.name
        return is_alike and _checksum(data) == self.checksum


@dataclasses.dataclass(frozen=True)
class Reference:
    """What a journal must know to show its labels again.

    Parameters
    ----------
    name : str
        Of the labels layer.
    placement : dict
        Keyword arguments of ``viewer.add_labels`` that say where it lies.
    provenance : dict
        How the labels came about.
    image : ImageReference or None
        Their image, if it is known.
    """

    name: str
    placement: dict[str, Any]
    provenance: dict[str, Any]
    image: ImageReference | None

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON.

        Returns
        -------
        dict
            See `from_dict`.
        """
        # What others put into the metadata of a layer need not fit into JSON.
        return json.loads(json.dumps(dataclasses.asdict(self), default=str))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Reference:
        """Return what `as_dict` has made.

        Parameters
        ----------
        values : dict
            From JSON.

        Returns
        -------
        Reference
            The same.

        Raises
        ------
        LookupError, TypeError, ValueError
            If it is damaged.
        """
        image = values["image"]
        if image is not None:
            sample = image["sample"]
            known = {**image, "shape": tuple(image["shape"])}
            known["sample"] = tuple(sample) if sample else None
            image = ImageReference(**known)
        placement = dict(values["placement"])
        return cls(str(values["name"]), placement, dict(values["provenance"]), image)


def reference_of(layer: Any, viewer: Any) -> Callable[[], Reference]:
    """Return what is to be known of a labels layer.

    Parameters
    ----------
    layer : Labels
        The layer.
    viewer : napari.Viewer or None
        Where its image is looked for.

    Returns
    -------
    callable
        Returns the reference, without image if that is not known. It may take a while to
        read a part of the image. It touches no layer: another thread may call it.
    """
    origin = None if viewer is None else origin_of(layer, viewer)
    image = origin.image() if origin is not None and origin.is_same else None
    provenance = dict(layer.metadata.get(METADATA_KEY, {}))
    known = Reference(layer.name, _placement_of(layer), provenance, None)
    if image is None:
        return lambda: known
    data, name, source = _data_of(image), image.name, image.source
    path, in_folder = file_of(image), is_read_here(image)

    def describe() -> Reference:
        try:
            checksum = _checksum(data)
        except Exception:  # what reads lazy data raises what it comes across
            checksum = None
        about = ImageReference(
            name,
            tuple(int(length) for length in data.shape),
            str(data.dtype),
            checksum,
            path,
            source.reader_plugin,
            source.sample,
            in_folder,
        )
        return dataclasses.replace(known, image=about)

    return describe


def _placement_of(layer: Any) -> dict[str, Any]:
    """Return where a layer lies, ready for JSON."""
    values = {name: getattr(layer, name) for name in _PLACEMENT}
    values["affine"] = layer.affine.affine_matrix
    values["units"] = [str(unit) for unit in layer.units]
    return {name: np.asarray(value).tolist() for name, value in values.items()}


def _data_of(image: Any) -> Any:
    return image.data[0] if image.multiscale else image.data


def _checksum(data: Any) -> int:
    """Return a checksum of three blocks, which takes little time for data of any size."""
    checksum = 0
    for part in (0.0, 0.5, 1.0):
        box = []
        for length in data.shape:
            start = int(part * max(0, length - _SIDE))
            box.append(slice(start, start + _SIDE))
        # Of a stack some planes are enough.
        box[:-3] = [slice(one.start, one.start + 1) for one in box[:-3]]
        block = np.ascontiguousarray(data[tuple(box)])
        checksum = zlib.crc32(block.tobytes(), checksum)
    return checksum


def open_image_of(reference: Reference, viewer: Any) -> tuple[Any | None, str]:
    """Return the image that labels belong to, and open it if need be.

    Parameters
    ----------
    reference : Reference
        Of the labels.
    viewer : napari.Viewer
        Where it is looked for and opened.

    Returns
    -------
    image : Image or None
        Its layer; None if there is none.
    why_not : str
        Why there is none, in a sentence; empty if there is one.
    """
    image = reference.image
    if image is None:
        return None, "Which image the labels belong to is not known."
    shown = _find(image, viewer)
    if shown is not None:
        return shown, ""
    why_not = _why_not_there(image)
    if why_not:
        return None, why_not
    try:
        _open(image, viewer)
    except Exception as error:  # a reader raises what it comes across
        return None, f"Its image {image.path or image.name} cannot be opened: {error}"
    where = image.path or f"the sample {image.name!r}"
    changed = f"What is at {where} now is another image than the labels were made from."
    shown = _find(image, viewer)
    return shown, "" if shown is not None else changed


def _find(image: ImageReference, viewer: Any) -> Any | None:
    """Return the layer that shows an image, if there are several the one of its name."""
    shown = [layer for layer in viewer.layers if image.is_shown_by(layer)]
    return min(shown, key=lambda layer: layer.name != image.name, default=None)


def _why_not_there(image: ImageReference) -> str:
    if image.sample is not None:
        return ""
    if image.path is None:
        return f"Its image {image.name!r} was never a file: open it again yourself."
    if image.in_folder and Path(image.path).exists():
        return f"Its image is {image.path}: open its folder in part 4, or the file."
    # Addresses in the net are simply tried.
    if "://" in image.path or Path(image.path).exists():
        return ""
    return f"Its image is not at {image.path} any more."


def _open(image: ImageReference, viewer: Any) -> None:
    if image.sample is not None:
        viewer.open_sample(*image.sample)
    elif image.reader:
        viewer.open(image.path, plugin=image.reader)
    else:
        viewer.open(image.path)
