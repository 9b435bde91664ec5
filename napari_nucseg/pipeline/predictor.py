"""What the pipeline is handed: a predictor, and what a model says of itself."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np

from ..registry import Card

__all__ = [
    "DEFAULT_SPEC",
    "NETWORK_DIAMETER",
    "STRIDE",
    "Maps",
    "ModelSpec",
    "Predictor",
    "spec_of",
]


@dataclasses.dataclass(frozen=True)
class ModelSpec:
    """What the pipeline has to know of a model.

    Parameters
    ----------
    name, version : str, optional
        Name and version of the model; empty for a network that is not saved yet.
    weights_sha256 : str, optional
        Checksum of its weights.
    precision : str, optional
        Precision of the calculation, such as ``"float32"``.
    diameter : float, optional
        Diameter, in pixels, of a typical nucleus at the scale the network works at.
    stride : int, optional
        Height and width of what the network takes are multiples of this.
    halo : int, optional
        Pixels at the border of a tile whose prediction is not used, because the network
        does not see enough of what surrounds them.
    maps : tuple of str, optional
        Names of the maps, in the order of the channels.
    size_stride : int, optional
        Pixels, in height and in width, for each value of the size map.
    """

    name: str = ""
    version: str = ""
    weights_sha256: str = ""
    precision: str = "float32"
    diameter: float = 28.0
    stride: int = 32
    halo: int = 32
    maps: tuple[str, ...] = ("foreground", "distance", "boundary")
    size_stride: int = 8

    def index(self, name: str) -> int:
        """Return the channel of a map.

        Parameters
        ----------
        name : str
            Name of the map.

        Returns
        -------
        int
            Position in the last axis of what `Predictor.predict` returns.

        Raises
        ------
        KeyError
            If the model has no such map.
        """
        if name not in self.maps:
            raise KeyError(
                f"Expected a map out of {', '.join(self.maps)}, got {name!r}. Choose a model "
                f"that predicts it."
            )
        return self.maps.index(name)

    def for_card(self) -> dict[str, Any]:
        """Return what the card of a model says of its scale and maps.

        Returns
        -------
        dict of str to object
            The `spec` of a `Card`, ready for JSON, which `spec_of` reads.
        """
        return {
            "diameter": self.diameter,
            "stride": self.stride,
            "halo": self.halo,
            "size_stride": self.size_stride,
            "maps": list(self.maps),
        }


#: What holds for every model whose card does not say otherwise.
DEFAULT_SPEC = ModelSpec()

#: The diameter and the stride of `DEFAULT_SPEC`.
NETWORK_DIAMETER = DEFAULT_SPEC.diameter
STRIDE = DEFAULT_SPEC.stride


def spec_of(card: Card, precision: str = DEFAULT_SPEC.precision) -> ModelSpec:
    """Make the spec of a model from its card.

    Parameters
    ----------
    card : Card
        The card. What its spec leaves out is as `DEFAULT_SPEC` says.
    precision : str, optional
        Precision of the calculation.

    Returns
    -------
    ModelSpec
        With the name, the version, the checksum and the spec of the card.
    """
    said: dict[str, Any] = {
        key: tuple(v) if key == "maps" else v for key, v in card.spec.items()
    }
    return dataclasses.replace(
        DEFAULT_SPEC,
        **said,
        name=card.name,
        version=card.version,
        weights_sha256=card.weights_sha256,
        precision=precision,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Maps:
    """What a network predicts of each pixel, by name.

    Parameters
    ----------
    values : ndarray of float32, shape (..., Y, X, M)
        One channel for each map, 0 to 1.
    spec : ModelSpec, optional
        Of the model; it names the maps.
    """

    values: np.ndarray
    spec: ModelSpec = DEFAULT_SPEC

    def __post_init__(self) -> None:
        if self.values.shape[-1] != len(self.spec.maps):
            raise ValueError(
                f"Expected maps with a last axis of {len(self.spec.maps)} "
                f"({', '.join(self.spec.maps)}), got shape {self.values.shape}."
            )

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one map, shape (..., Y, X), without a copy."""
        return self.values[..., self.spec.index(name)]

    @property
    def nbytes(self) -> int:
        """Memory that the maps take, in bytes."""
        return self.values.nbytes


class Predictor(Protocol):
    """A network, whatever it runs on. Tiles are at the scale of the network."""

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""

    def predict(self, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the maps of tiles; several threads may call this at the same time.

        Parameters
        ----------
        tiles : ndarray of float32, shape (N, Y, X, 3)
            Normalized intensities; Y and X are any, see `pad_to_stride`.

        Returns
        -------
        maps : ndarray of float32, shape (N, Y, X, M)
            The maps that the spec names, 0 to 1.
        size : ndarray of float32, shape (N, Y / 8, X / 8) or larger
            Binary logarithm of the diameter of the nucleus over that of the spec, for each
            square of ``spec.size_stride`` pixels.
        """

    def resize(self, tiles: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Interpolate tiles or maps linearly, without aliasing.

        Parameters
        ----------
        tiles : ndarray of float32, shape (N, Y, X, C)
            Values of tiles.
        shape : tuple of int
            Height and width to resize to.

        Returns
        -------
        ndarray of float32, shape (N, *shape, C)
            The same array if it has that shape.
        """
