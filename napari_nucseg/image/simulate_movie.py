"""A small simulator of movies: nuclei that move and divide, whose tracks are known."""

from __future__ import annotations

import dataclasses

import numpy as np

from .array import ArrayImage
from .division import Division

__all__ = ["SimulatedMovie", "simulate_movie"]

_MICROMETERS = 12.0  # diameter of a typical nucleus
_SECONDS = 300.0  # between frames
_APART = 1.05  # of the sum of two radii: closer ones push each other away
_ROUNDS = 30  # of pushing, in a frame
_DAUGHTER = 0.78  # radius of a daughter, as a part of that of its parent
_GROWTH = 1.04  # in a frame, until a nucleus is as large as its parent was
_TURN = 0.6  # how much the direction of a nucleus changes in a frame, radians
_PHOTONS, _BACKGROUND, _READ_NOISE, _OFFSET = 300.0, 0.08, 3.0, 100.0


@dataclasses.dataclass(frozen=True, eq=False)
class SimulatedMovie:
    """A movie and the truth about it.

    Parameters
    ----------
    image : ArrayImage
        Intensities of dtype uint16, axes TYX, with spacing and units.
    labels : ndarray of int32, shape (T, Y, X)
        A nucleus keeps its number from frame to frame; 0 is background.
    divisions : list of Division
        In the order of frames.
    """

    image: ArrayImage
    labels: np.ndarray
    divisions: list[Division]


@dataclasses.dataclass
class _Nucleus:
    number: int
    place: np.ndarray
    speed: float
    direction: float
    radius: float
    full_radius: float
    stretch: float
    angle: float
    light: float
    age: int = 0


def simulate_movie(
    frames: int = 8,
    shape: tuple[int, int] = (160, 160),
    *,
    diameter: float = 20.0,
    nuclei: int = 20,
    displacement: float = 0.5,
    divisions: float = 0.02,
    seed: int = 0,
) -> SimulatedMovie:
    """Simulate a movie of nuclei under a fluorescence microscope.

    Parameters
    ----------
    frames : int, optional
        How many.
    shape : tuple of int, optional
        Height and width in pixels.
    diameter : float, optional
        Typical diameter of a nucleus in pixels, 6 or more.
    nuclei : int, optional
        How many there are in the first frame; fewer if no more fit in.
    displacement : float, optional
        How far a nucleus moves from frame to frame at most, in diameters.
    divisions : float, optional
        Chance of a nucleus to divide in a frame, 0 to 1.
    seed : int, optional
        The same seed gives the same movie.

    Returns
    -------
    SimulatedMovie
        Image, labels with the numbers of tracks, and divisions.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    for name, value, low, high in (
        ("frames", frames, 1, 10_000),
        ("diameter", diameter, 6, 1000),
        ("nuclei", nuclei, 0, 100_000),
        ("displacement", displacement, 0, 5),
        ("divisions", divisions, 0, 1),
    ):
        if not low <= value <= high:
            raise ValueError(f"Expected {name} from {low} to {high}, got {value}.")
    rng = np.random.default_rng(seed)
    limit = displacement * diameter
    population = _first_frame(shape, diameter, nuclei, limit, rng)
    count, happened = len(population), []
    image = np.zeros((frames, *shape), np.uint16)
    labels = np.zeros((frames, *shape), np.int32)
    for frame in range(frames):
        if frame:
            population, born = _divide(population, divisions, count, frame, rng)
            happened += born
            count += 2 * len(born)
            _move(population, shape, limit, born, rng)
        labels[frame], light = _draw(population, shape)
        image[frame] = _camera(light, diameter, rng)
    size = _MICROMETERS / diameter
    return SimulatedMovie(
        ArrayImage(
            image,
            "TYX",
            name="simulated movie",
            spacing={"T": _SECONDS, "Y": size, "X": size},
            unit={"T": "second", "Y": "micrometer", "X": "micrometer"},
        ),
        labels,
        happened,
    )


def _first_frame(
    shape: tuple[int, int], diameter: float, count: int, limit: float, rng: np.random.Generator
) -> list[_Nucleus]:
    """Put nuclei where there is room."""
    placed: list[_Nucleus] = []
    for _ in range(40 * count):
        if len(placed) == count:
            break
        radius = diameter / 2 * rng.lognormal(0, 0.1)
        place = rng.uniform(radius, np.array(shape) - radius)
        near = [
            np.linalg.norm(one.place - place) < 1.1 * _APART * (one.radius + radius)
            for one in placed
        ]
        if not any(near):
            number = len(placed) + 1
            placed.append(_made(number, place, radius, limit, rng))
    return placed


def _made(
    number: int,
    place: np.ndarray,
    radius: float,
    limit: float,
    rng: np.random.Generator,
) -> _Nucleus:
    return _Nucleus(
        number,
        place,
        speed=limit * rng.uniform(0.2, 1),
        direction=rng.uniform(0, 2 * np.pi),
        radius=radius,
        full_radius=radius,
        stretch=rng.uniform(0.85, 1.0),
        angle=rng.uniform(0, np.pi),
        light=rng.lognormal(0, 0.15),
        age=int(rng.integers(10)),
    )


def _divide(
    population: list[_Nucleus],
    chance: float,
    count: int,
    frame: int,
    rng: np.random.Generator,
) -> tuple[list[_Nucleus], list[Division]]:
    """Let some nuclei divide, if they are old enough."""
    after: list[_Nucleus] = []
    born = []
    for one in population:
        one.age += 1
        if one.age < 6 or rng.random() >= chance:
            after.append(one)
            continue
        angle = rng.uniform(0, np.pi)
        way = 0.62 * one.radius * np.array([np.sin(angle), np.cos(angle)])
        numbers = (count + 1, count + 2)
        count += 2
        for number, side in zip(numbers, (-1, 1), strict=True):
            daughter = dataclasses.replace(
                one,
                number=number,
                place=one.place + side * way,
                radius=_DAUGHTER * one.radius,
                direction=rng.uniform(0, 2 * np.pi),
                angle=angle + np.pi / 2,
                age=0,
            )
            after.append(daughter)
        born.append(Division(one.number, numbers, frame))
    return after, born


def _move(
    population: list[_Nucleus],
    shape: tuple[int, int],
    limit: float,
    born: list[Division],
    rng: np.random.Generator,
) -> None:
    """Move nuclei in their direction; those too close to each other push each other away."""
    if not population:
        return
    before = np.array([one.place for one in population])
    new = {number for division in born for number in division.daughters}
    for one in population:
        one.direction += rng.normal(0, _TURN)
        way = np.array([np.sin(one.direction), np.cos(one.direction)])
        if one.number not in new:  # these have just moved away from each other
            one.place = one.place + one.speed * way
            one.radius = min(one.full_radius, one.radius * _GROWTH)
    places = np.array([one.place for one in population])
    radii = np.array([one.radius for one in population])
    for _ in range(_ROUNDS):
        apart = places[:, np.newaxis] - places
        distance = np.linalg.norm(apart, axis=-1) + np.eye(len(places)) * 1e9
        lack = np.maximum(_APART * (radii[:, np.newaxis] + radii) - distance, 0)
        places = places + 0.25 * (
            apart / distance[..., np.newaxis] * lack[..., np.newaxis]
        ).sum(1)
        places = np.clip(places, radii[:, np.newaxis], np.array(shape) - radii[:, np.newaxis])
    moved = places - before
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    places = before + moved * np.minimum(1, limit / np.maximum(length, 1e-9))
    for one, place in zip(population, places, strict=True):
        if np.linalg.norm(place - one.place) > 0.5 * one.speed:
            one.direction += np.pi  # something was in the way
        one.place = place


def _draw(population: list[_Nucleus], shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw ellipses; where two overlap a pixel belongs to the one whose middle is nearer."""
    labels = np.zeros(shape, np.int32)
    nearest = np.ones(shape)
    light = np.zeros(shape)
    for one in population:
        reach = one.radius * 1.1 + 1
        low = np.maximum(np.floor(one.place - reach), 0).astype(int)
        high = np.minimum(np.ceil(one.place + reach) + 1, shape).astype(int)
        y = (np.arange(low[0], high[0]) + 0.5 - one.place[0])[:, np.newaxis]
        x = np.arange(low[1], high[1]) + 0.5 - one.place[1]
        along = x * np.cos(one.angle) + y * np.sin(one.angle)
        across = y * np.cos(one.angle) - x * np.sin(one.angle)
        radius = np.hypot(along * one.stretch, across / one.stretch) / one.radius
        box = (slice(low[0], high[0]), slice(low[1], high[1]))
        mine = radius < nearest[box]
        nearest[box][mine] = radius[mine]
        labels[box][mine] = one.number
        light[box][mine] = one.light
    return labels, light


def _camera(light: np.ndarray, diameter: float, rng: np.random.Generator) -> np.ndarray:
    from scipy import ndimage

    seen = ndimage.gaussian_filter(light, 0.05 * diameter) + _BACKGROUND
    counts = rng.poisson(_PHOTONS * seen) + rng.normal(_OFFSET, _READ_NOISE, light.shape)
    return np.clip(np.round(counts), 0, np.iinfo(np.uint16).max).astype(np.uint16)
