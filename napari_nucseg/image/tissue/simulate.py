"""A simulator of packed tissue, fluorescent or stained, whose labels are known.

First nuclei get places (`tissue_layout`) and pixels (`tissue_masks`), in two layers that
lie over each other, and a third one out of focus. Then each gets its chromatin
(`tissue_chromatin`). At last the section goes under a fluorescence microscope
(`tissue_light`) or is stained (`tissue_stains`).
"""

from __future__ import annotations

import dataclasses
import enum
import math
import numbers

import numpy as np

from ..field import Field
from .chromatin import Chromatin, Texture
from .layout import Ground, TissueKind, lay_out
from .light import Exposure, fluorescence, out_of_focus
from .masks import draw_labels, edge_depth, in_front, one_piece
from .nuclei import Nuclei
from .stains import Section, Stain, stained

__all__ = ["Species", "draw_tissue", "simulate_tissue"]

_MICROMETERS = 7.5  # diameter of a typical nucleus in a section
_LABELED = 0.4  # share of a nucleus behind that has to be seen
_CONTRAST = 10.0  # greatest ratio of brightness
_SEEDS = 2**32
_STREAM = 0  # of random numbers; the fields of a test set come from another one


class Species(enum.StrEnum):
    """Whose nuclei they are, which decides on their chromatin."""

    #: Bright spots, the chromocenters.
    MOUSE = "mouse"
    #: Smooth, with heterochromatin at the rim, and nucleoli.
    HUMAN = "human"


def simulate_tissue(
    shape: tuple[int, int] = (512, 512),
    kind: TissueKind | str = TissueKind.EPITHELIUM,
    seed: int = 0,
    *,
    diameter: float = 24.0,
    stain: Stain | str = Stain.FLUORESCENCE,
    species: Species | str | None = None,
    bits: int | None = None,
) -> Field:
    """Simulate a section through packed tissue.

    Parameters
    ----------
    shape : tuple of int, optional
        Height and width in pixels.
    kind : TissueKind or str, optional
        What tissue: "epithelium", "lymphoid", "stroma" or "mixed".
    seed : int, optional
        0 to 2**32 - 1. The same seed gives the same field.
    diameter : float, optional
        Diameter of a circle with the area of a typical nucleus, in pixels, 6 to 200.
    stain : Stain or str, optional
        "fluorescence" gives a grey image of dtype uint8 or uint16; "he", "dab" and
        "pas" give colors of dtype uint8.
    species : Species or str, optional
        "mouse" or "human"; drawn by the seed when left out.
    bits : int, optional
        Depth of a fluorescence image, 8, 12 or 16; drawn by the seed when left out.

    Returns
    -------
    Field
        The image and its true labels: numbers without gaps, every nucleus in one piece.
        Where nuclei lie over each other, pixels belong to the one in front. Nuclei far
        out of focus, and those that are hidden for the most part, have no label.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    if not (isinstance(seed, numbers.Integral) and 0 <= seed < _SEEDS):
        raise ValueError(
            f"Expected a seed that is a whole number from 0 to {_SEEDS - 1}, got {seed!r}."
        )
    rng = np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(_STREAM,)))
    return draw_tissue(
        shape, kind, rng, diameter=diameter, stain=stain, species=species, bits=bits
    )


def draw_tissue(
    shape: tuple[int, int],
    kind: TissueKind | str,
    rng: np.random.Generator,
    *,
    diameter: float,
    stain: Stain | str,
    species: Species | str | None = None,
    bits: int | None = None,
) -> Field:
    """Simulate a section with random numbers of one's own.

    Parameters
    ----------
    shape, kind, diameter, stain, species, bits
        See `simulate_tissue`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Field
        See `simulate_tissue`.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    shape = _checked_shape(shape)
    if not 6 <= diameter <= 200:
        raise ValueError(f"Expected a diameter from 6 to 200 pixels, got {diameter!r}.")
    if bits not in (None, 8, 12, 16):
        raise ValueError(f"Expected 8, 12 or 16 bits, or None, got {bits!r}.")
    kind, stain = TissueKind(kind), Stain(stain)
    species = Species(species or rng.choice(list(Species)))
    bits = bits or int(rng.choice([8, 12, 16]))
    tissue = _Tissue.grown(kind, shape, diameter, rng)
    look = _look(species, stain, rng)
    if stain is Stain.FLUORESCENCE:
        light = tissue.light(look, rng.uniform(0.15, 0.8))
        exposure = Exposure.drawn(diameter, bits, rng)
        cells = np.clip(tissue.ground.lumen / diameter, 0, 1)
        image = fluorescence(light, cells, diameter, exposure, rng)
    else:
        dye = tissue.light(look, rng.uniform(0.1, 0.45))
        section = Section(dye, tissue.labels, tissue.ground, diameter)
        image = stained(section, stain, rng)
    pixel = _MICROMETERS / diameter
    return Field(
        tissue.inside(image),
        axes="YXS" if image.ndim == 3 else "YX",
        name=f"simulated {kind.value}, {stain.value}",
        pixel_size=(pixel, pixel),
        unit="micrometer",
        labels=_numbered(one_piece(tissue.inside(tissue.labels))),
    )


@dataclasses.dataclass(frozen=True)
class _Tissue:
    """Nuclei in focus, some behind them, and some far out of focus, with a margin."""

    nuclei: Nuclei  # of all layers
    layers: tuple[np.ndarray, ...]  # labels, from the front to the back
    labels: np.ndarray  # those that are seen
    ground: Ground
    diameter: float
    margin: int
    rng: np.random.Generator

    @classmethod
    def grown(
        cls,
        kind: TissueKind,
        shape: tuple[int, int],
        diameter: float,
        rng: np.random.Generator,
    ) -> _Tissue:
        margin = math.ceil(1.6 * diameter) + 2
        canvas = shape[0] + 2 * margin, shape[1] + 2 * margin
        nuclei, ground = lay_out(kind, canvas, diameter, rng)
        behind = _moved(nuclei, ground, rng.uniform(0.0, 0.3), 0.8 * diameter, rng)
        far = _moved(nuclei, ground, rng.uniform(0.0, 0.5), 1.5 * diameter, rng)
        layers, count = [], 0
        for layer in (nuclei, behind, far):
            drawn = draw_labels(layer, canvas, diameter, rng)
            layers.append(np.where(drawn > 0, drawn + count, 0))
            count += len(layer)
        labels = in_front(layers[0], layers[1], _LABELED)
        nuclei = nuclei.with_others(behind).with_others(far)
        return cls(nuclei, tuple(layers), labels, ground, diameter, margin, rng)

    def inside(self, array: np.ndarray) -> np.ndarray:
        """Return an array of the canvas without the margin."""
        margin = self.margin
        return np.ascontiguousarray(array[margin:-margin, margin:-margin])

    def light(self, look: Chromatin, spread: float) -> np.ndarray:
        """Return the light, or the dye, of all nuclei; `spread` is that of brightness."""
        rng, diameter = self.rng, self.diameter
        texture = Texture.drawn(diameter, rng)
        bright = _brightness(self.nuclei, spread, rng)
        blur = np.clip(rng.exponential(rng.uniform(0.05, 0.4), len(self.nuclei)), 0, 1)
        near, far = rng.uniform(0.5, 1.0), rng.uniform(0.15, 0.6)
        total = np.zeros(self.labels.shape, np.float32)
        depths = ((1.0, (0.0, 0.07)), (near, (0.05, 0.12)), (far, (0.2, 0.4)))
        for labels, (dim, levels) in zip(self.layers, depths, strict=True):
            amounts = texture.amounts(labels, edge_depth(labels), self.nuclei, look, rng)
            amounts *= np.r_[0, dim * bright].astype(np.float32)[labels]
            sigmas = tuple(diameter * level for level in levels)
            total += out_of_focus(amounts, labels, blur, sigmas)
        return total


def _moved(
    nuclei: Nuclei, ground: Ground, share: float, distance: float, rng: np.random.Generator
) -> Nuclei:
    """Return a share of the nuclei, moved by up to a distance: those of another layer."""
    some = nuclei.take(np.flatnonzero(rng.random(len(nuclei)) < share))
    way = rng.uniform(0, 2 * np.pi, len(some))
    move = rng.uniform(0.4, 1, (len(some), 1)) * np.c_[np.sin(way), np.cos(way)]
    moved = dataclasses.replace(some, places=some.places + distance * move)
    rows, columns = np.clip(moved.places.astype(int), 0, np.array(ground.lumen.shape) - 1).T
    return moved.take(ground.lumen[rows, columns] > 0)


def _brightness(nuclei: Nuclei, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Return how bright each nucleus is, 1 in the middle."""
    most = math.log(_CONTRAST) / 2
    return np.exp(np.clip(rng.normal(0, spread, len(nuclei)), -most, most))


def _look(species: Species, stain: Stain, rng: np.random.Generator) -> Chromatin:
    """Draw the look of the chromatin."""
    mouse, colored = species is Species.MOUSE, stain is not Stain.FLUORESCENCE
    holes = rng.uniform(0.2, 0.7)
    return Chromatin(
        mottle=rng.uniform(0.15, 0.45) if colored else rng.uniform(0.05, 0.25),
        spots=rng.uniform(1.0, 4.0) * (0.25 if colored else 1.0) if mouse else 0.0,
        nucleoli=holes if colored else -holes,
        rim=rng.uniform(0.1, 0.7) if colored else rng.uniform(0.0, 0.3),
        dome=rng.uniform(0.1, 0.4) if colored else rng.uniform(0.1, 0.6),
        gap=rng.uniform(0.0, 0.9),
        pale=rng.choice([0.0, rng.uniform(0.05, 0.5)]) * (1.0 if colored else 0.3),
    )


def _numbered(labels: np.ndarray) -> np.ndarray:
    """Return the labels with numbers without gaps."""
    present, places = np.unique(labels, return_inverse=True)
    start = 0 if present[0] == 0 else 1
    return (places.reshape(labels.shape) + start).astype(np.int32)


def _checked_shape(shape: tuple[int, int]) -> tuple[int, int]:
    if len(shape) != 2 or not all(isinstance(n, numbers.Integral) and n > 0 for n in shape):
        raise ValueError(
            f"Expected a shape of two positive whole numbers, height and width, got {shape!r}."
        )
    return int(shape[0]), int(shape[1])
