"""Nuclei as polygons that run along the sides of pixels, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["Polygon", "polygons_of", "polygons_of_labels"]

#: The outer ring, then the holes: each an array (N, 2) of X and Y, where the first pixel
#: reaches from 0 to 1. Outer rings run clockwise as one sees them and holes the other way
#: round; the first point is not repeated at the end.
Polygon = list[np.ndarray]

_Point = tuple[int, int]


def polygons_of_labels(labels: np.ndarray) -> Iterator[tuple[int, list[Polygon]]]:
    """Yield the polygons of each nucleus.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.

    Yields
    ------
    label : int
        In rising order.
    polygons : list of Polygon
        See `polygons_of`.
    """
    from skimage.measure import regionprops

    for region in regionprops(labels):
        top, left, *_ = region.bbox
        yield int(region.label), polygons_of(region.image, (top, left))


def polygons_of(mask: np.ndarray, corner: tuple[int, int] = (0, 0)) -> list[Polygon]:
    """Return the polygons of a mask.

    They are valid by the rules of OGC: no ring meets itself, not even in a point. A pixel is
    in them if and only if it is in the mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X)
        Of one nucleus, which may have holes and several pieces.
    corner : tuple of int, optional
        Y and X of the first pixel of the mask in the image.

    Returns
    -------
    list of Polygon
        One for each piece. Pixels that meet in a corner only are two pieces.
    """
    rings = [_corners(ring) for ring in _rings(mask)]
    polygons = [[ring] for ring in rings if _area(ring) > 0]
    for hole in (ring for ring in rings if _area(ring) < 0):
        around = [one for one in polygons if len(polygons) == 1 or _is_within(hole, one[0])]
        min(around, key=lambda one: _area(one[0])).append(hole)
    offset = np.array(corner[::-1])
    return [[ring + offset for ring in polygon] for polygon in polygons]


def _rings(mask: np.ndarray) -> Iterator[list[_Point]]:
    """Yield rings of sides of pixels, with the mask to their right; none meets itself."""
    following = _sides(mask)
    while following:
        start = next(iter(following))
        path, places = [start], {start: 0}
        while True:
            point = _take(following, path)
            place = places.get(point)
            if place is None:
                places[point] = len(path)
                path.append(point)
                continue
            # The path meets itself: what lies behind that point is a ring of its own.
            yield path[place:]
            for one in path[place + 1 :]:
                del places[one]
            del path[place + 1 :]
            if path[-1] not in following:
                break


def _sides(mask: np.ndarray) -> dict[_Point, list[_Point]]:
    """Return where the sides between mask and background lead to from each corner, (X, Y)."""
    inside = np.pad(mask, 1)
    here = inside[1:-1, 1:-1]
    following: dict[_Point, list[_Point]] = {}
    for other, (x0, y0), (x1, y1) in (
        (inside[:-2, 1:-1], (0, 0), (1, 0)),  # along the top to the right
        (inside[1:-1, 2:], (1, 0), (1, 1)),  # along the right side down
        (inside[2:, 1:-1], (1, 1), (0, 1)),
        (inside[1:-1, :-2], (0, 1), (0, 0)),
    ):
        for y, x in zip(*(axis.tolist() for axis in np.nonzero(here & ~other)), strict=True):
            following.setdefault((x + x0, y + y0), []).append((x + x1, y + y1))
    return following


def _take(following: dict[_Point, list[_Point]], path: list[_Point]) -> _Point:
    """Take a side that begins where a path ends, and return where it leads to.

    Where two pixels meet in a corner only, the path turns to the right: it stays at the pixel
    that it came along, so that pieces that do not share a side become rings of their own.
    """
    point = path[-1]
    ends = following[point]
    chosen = 0
    if len(ends) == 2 and len(path) > 1:
        dx, dy = point[0] - path[-2][0], point[1] - path[-2][1]
        chosen = ends.index((point[0] - dy, point[1] + dx))
    end = ends.pop(chosen)
    if not ends:
        del following[point]
    return end


def _corners(ring: list[_Point]) -> np.ndarray:
    """Return the points of a ring where it turns."""
    points = np.array(ring)
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    return points[(before != after).all(axis=1)]


def _area(ring: np.ndarray) -> float:
    """Return the area within a ring, negative if it is a hole."""
    x, y = ring.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def _is_within(ring: np.ndarray, other: np.ndarray) -> bool:
    """Return whether a ring lies in another one that does not cross it."""
    # A point inside of the ring, next to its topmost, then leftmost corner.
    x, y = min(map(tuple, ring), key=lambda point: (point[1], point[0]))
    (x0, y0), (x1, y1) = other.T, np.roll(other, -1, axis=0).T
    crosses = (x0 == x1) & (x0 > x + 0.5) & ((y0 > y + 0.5) != (y1 > y + 0.5))
    return bool(np.count_nonzero(crosses) % 2)
