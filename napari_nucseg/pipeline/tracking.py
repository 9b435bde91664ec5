"""Nuclei through time: from the labels of frames to tracks, and divisions."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..image import Division
from .assignment import assign

__all__ = ["Tracks", "link_frames"]

#: A nucleus that is missing in so many frames is still known when it is back.
_LONGEST_GAP = 1

#: How many of the nearest nuclei are considered.
_NEAREST = 6

#: What counts for a link beside the distance: how much of their outlines is shared, and the
#: logarithm of the ratio of their sizes. The score of a link that is just possible is 0.
_OVERLAP_WEIGHT, _SIZE_WEIGHT = 0.5, 0.25

#: A division: the sizes of the daughters together, as a part of that of their parent; the
#: size of the smaller one as a part of that of the larger one; the distance of their middle
#: from where the parent was, and their distance from each other, in diameters of the parent.
_SIZES_TOGETHER, _LEAST_RATIO = (0.55, 1.7), 0.45
_MIDDLE, _APART = 0.4, 1.3

#: A daughter is not larger than this part of its parent.
_LARGEST_DAUGHTER = 0.9


@dataclasses.dataclass(frozen=True, eq=False)
class Tracks:
    """Nuclei through time: a row for each nucleus in each frame.

    Parameters
    ----------
    track : ndarray of int, shape (N,)
        Number of the track, which is the label of the nucleus. Rows are in the order of
        tracks, then of frames.
    frame : ndarray of int, shape (N,)
        Counted from 0.
    position : ndarray of float, shape (N, 2) or (N, 3)
        Middle of the nucleus along (Z,) Y and X, in pixels.
    size : ndarray of int, shape (N,)
        Number of its pixels or voxels.
    divisions : tuple of Division
        Which tracks end in two others, in the order of frames.
    """

    track: np.ndarray
    frame: np.ndarray
    position: np.ndarray
    size: np.ndarray
    divisions: tuple[Division, ...] = ()

    def for_napari(self) -> tuple[np.ndarray, dict[int, list[int]]]:
        """Return what a Tracks layer of napari takes.

        Returns
        -------
        data : ndarray of float, shape (N, 4) or (N, 5)
            Track, frame, (Z,) Y, X.
        graph : dict of int to list of int
            By daughter its parent.
        """
        data = np.column_stack([self.track, self.frame, self.position]).astype(float)
        graph = {daughter: [one.parent] for one in self.divisions for daughter in one.daughters}
        return data, graph

    def table(self) -> dict[str, np.ndarray]:
        """Return the tracks as a table.

        Returns
        -------
        dict of str to ndarray, shape (M,)
            A row for each track: ``track``, its ``first_frame`` and ``last_frame``, the track
            of its ``parent`` (0 if it did not come from a division), and ``daughter_1`` and
            ``daughter_2``, into which it divides in the frame after its last one (0 if it
            does not).
        """
        numbers, start = np.unique(self.track, return_index=True)
        end = np.append(start[1:], self.track.size)
        parent = {d: one.parent for one in self.divisions for d in one.daughters}
        daughters = {one.parent: one.daughters for one in self.divisions}
        both = np.array([daughters.get(n, (0, 0)) for n in numbers.tolist()]).reshape(-1, 2)
        return {
            "track": numbers,
            "first_frame": self.frame[start],
            "last_frame": self.frame[end - 1] if numbers.size else self.frame,
            "parent": np.array([parent.get(n, 0) for n in numbers.tolist()], int),
            "daughter_1": both[:, 0],
            "daughter_2": both[:, 1],
        }


def link_frames(
    labels: np.ndarray,
    spacing: tuple[float, ...],
    largest_step: float,
    *,
    diameter: float,
) -> Tracks:
    """Let nuclei keep their numbers through time.

    From frame to frame nuclei are assigned to each other one to one. A link is better the
    nearer the two are, also seen from where the last step of a nucleus would bring it, the
    more their outlines overlap, and the more alike their sizes are. What is missing in one
    frame is still known in the next. A nucleus that appears beside another one divides, if
    the two are about as large together as the other one was before, lie to both sides of it,
    and are still two in the next frame.

    Parameters
    ----------
    labels : ndarray of int32, shape (T, Y, X) or (T, Z, Y, X)
        The nuclei of each frame by itself. They get the numbers of their tracks, which count
        from 1 in the order of their first pixels.
    spacing : tuple of float
        Distance between pixels along (Z,) Y and X, in any unit.
    largest_step : float
        How far a nucleus moves between two frames at most, in that unit.
    diameter : float
        Typical diameter of a nucleus in that unit.

    Returns
    -------
    Tracks
        The nuclei through time.
    """
    linker = _Linker(np.array(spacing, float), largest_step, diameter)
    for frame in labels:
        linker.add(frame)
    names = linker.names()
    for frame, seen in zip(labels, linker.frames, strict=True):
        numbers = np.zeros(int(frame.max(initial=0)) + 1, np.int32)
        numbers[seen.label] = [names[track] for track in seen.track]
        frame[...] = numbers[frame]
    return linker.tracks(names)


@dataclasses.dataclass(eq=False)
class _Frame:
    """The nuclei of a frame."""

    label: np.ndarray
    position: np.ndarray
    size: np.ndarray
    first: np.ndarray
    labels: np.ndarray
    track: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray) -> _Frame:
        inside = np.flatnonzero(labels)
        label, first, nucleus = np.unique(
            labels.ravel()[inside], return_index=True, return_inverse=True
        )
        size = np.bincount(nucleus, minlength=label.size)
        places = np.unravel_index(inside, labels.shape)
        sums = [np.bincount(nucleus, place, minlength=label.size) for place in places]
        position = np.stack(sums, axis=1) / np.maximum(size, 1)[:, np.newaxis]
        none = np.full(label.size, -1)
        return cls(label, position, size, inside[first], labels.copy(), none)


class _Linker:
    """Tracks while frames are added to them. A track is named later."""

    def __init__(self, spacing: np.ndarray, step: float, diameter: float) -> None:
        self._spacing, self._step, self._diameter = spacing, step, diameter
        self.frames: list[_Frame] = []
        self._count = 0
        #: Of each track that may go on: its last frame and place in it, and its last step.
        self._open: dict[int, tuple[int, int, np.ndarray]] = {}
        self.divisions: dict[int, tuple[int, int, int]] = {}  # by parent
        self._unsure: list[int] = []  # parents whose daughters are one frame old

    def add(self, labels: np.ndarray) -> None:
        """Add a frame."""
        now, t = _Frame.of(labels), len(self.frames)
        self.frames.append(now)
        if t > _LONGEST_GAP + 1:
            self.frames[t - _LONGEST_GAP - 2].labels = labels[:0]  # not needed any more
        tracks = list(self._open)
        one, two, score = self._candidates(tracks, now, t)
        linked, found = assign(one, two, score)
        steps = {}
        for place, nucleus in zip(linked.tolist(), found.tolist(), strict=True):
            track = tracks[place]
            before, index, _ = self._open[track]
            now.track[nucleus] = track
            gone = now.position[nucleus] - self.frames[before].position[index]
            steps[track] = gone * self._spacing / (t - before)
        self._confirm(now, t)
        self._divide(now, t, steps)
        for nucleus in np.flatnonzero(now.track < 0):
            now.track[nucleus] = self._new()
        still = {a: b for a, b in self._open.items() if t - b[0] <= _LONGEST_GAP}
        ended = set(self.divisions)
        self._open = {track: last for track, last in still.items() if track not in ended}
        zero = np.zeros(len(self._spacing))
        for nucleus, track in enumerate(now.track.tolist()):
            self._open[track] = (t, nucleus, steps.get(track, zero))

    def _new(self) -> int:
        self._count += 1
        return self._count - 1

    def _candidates(
        self, tracks: list[int], now: _Frame, t: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which open tracks may go on in which nuclei, and the scores."""
        from scipy.spatial import cKDTree

        if not tracks or not now.label.size:
            none = np.zeros(0, int)
            return none, none, none.astype(float)
        last = [self._open[track] for track in tracks]
        places = np.array([self.frames[f].position[i] for f, i, _ in last]) * self._spacing
        sizes = np.array([self.frames[f].size[i] for f, i, _ in last], float)
        passed = np.array([t - f for f, _, _ in last])
        ahead = places + np.array([step for _, _, step in last]) * passed[:, np.newaxis]
        there = now.position * self._spacing
        count = min(_NEAREST, now.label.size)
        near = cKDTree(there).query(places, k=range(1, count + 1))[1]
        one = np.repeat(np.arange(len(tracks)), count)
        two = near.ravel()
        reach = self._step * (1 + 0.5 * (passed[one] - 1))
        away = np.linalg.norm(places[one] - there[two], axis=1)
        missed = np.linalg.norm(ahead[one] - there[two], axis=1)
        score = 1 - 0.5 * ((away / reach) ** 2 + np.minimum(missed / reach, 1) ** 2)
        score -= _SIZE_WEIGHT * np.abs(np.log(now.size[two] / sizes[one]))
        score -= 0.2 * (passed[one] - 1)
        score += _OVERLAP_WEIGHT * self._overlap(last, one, two, now)
        possible = (away <= reach) & (score > 0)
        return one[possible], two[possible], score[possible]

    def _overlap(
        self,
        last: list[tuple[int, int, np.ndarray]],
        one: np.ndarray,
        two: np.ndarray,
        now: _Frame,
    ) -> np.ndarray:
        """Return the intersection over union of nuclei with where tracks were last."""
        found: dict[tuple[int, int, int], float] = {}
        for frame in {f for f, _, _ in last}:
            before = self.frames[frame]
            both = (before.labels > 0) & (now.labels > 0)
            wide = int(now.label.max(initial=0)) + 1
            pairs = before.labels[both].astype(np.int64) * wide + now.labels[both]
            for pair, count in zip(*np.unique(pairs, return_counts=True), strict=True):
                a = int(np.searchsorted(before.label, pair // wide))
                b = int(np.searchsorted(now.label, pair % wide))
                found[frame, a, b] = count / (before.size[a] + now.size[b] - count)
        keys = ((*last[a][:2], b) for a, b in zip(one.tolist(), two.tolist(), strict=True))
        return np.array([found.get(key, 0.0) for key in keys], float)

    def _divide(self, now: _Frame, t: int, steps: dict[int, np.ndarray]) -> None:
        """Find the nuclei that appear beside one that goes on, and divide its track."""
        from scipy.spatial import cKDTree

        if not t:
            return
        new = np.flatnonzero(now.track < 0)
        going = {int(k): n for n, k in enumerate(now.track) if k >= 0}
        before = self.frames[t - 1]
        parents = [
            (track, last[1])
            for track, last in self._open.items()
            if last[0] == t - 1 and track in going
        ]
        if not new.size or not parents:
            return
        tree = cKDTree(before.position[[index for _, index in parents]] * self._spacing)
        near = tree.query_ball_point(now.position[new] * self._spacing, 1.5 * self._diameter)
        ones, twos, scores = [], [], []
        for nucleus, numbers in zip(new.tolist(), near, strict=True):
            for number in numbers:
                track, index = parents[number]
                score = self._is_division(before, index, now, going[track], nucleus)
                if score > 0:
                    ones.append(number)
                    twos.append(nucleus)
                    scores.append(score)
        chosen = assign(np.array(ones, int), np.array(twos, int), np.array(scores, float))
        for number, nucleus in zip(*(one.tolist() for one in chosen), strict=True):
            parent = parents[number][0]
            first, second = self._new(), self._new()
            now.track[going[parent]], now.track[nucleus] = first, second
            steps.pop(parent, None)
            self.divisions[parent] = (first, second, t)
            self._unsure.append(parent)

    def _is_division(
        self, before: _Frame, parent: int, now: _Frame, one: int, two: int
    ) -> float:
        """Return how well two nuclei fit to what a nucleus divides into, 0 if they do not."""
        size = before.size[parent]
        sizes = np.sort(now.size[[one, two]])
        low, high = _SIZES_TOGETHER
        if not low * size <= sizes.sum() <= high * size or sizes[1] > _LARGEST_DAUGHTER * size:
            return 0.0
        if sizes[0] < _LEAST_RATIO * sizes[1]:
            return 0.0
        place = before.position[parent] * self._spacing
        first, second = now.position[[one, two]] * self._spacing
        middle = float(np.linalg.norm((first + second) / 2 - place)) / self._diameter
        apart = np.linalg.norm(first - second) / self._diameter
        return 1 - middle if middle <= _MIDDLE and apart <= _APART else 0.0

    def _confirm(self, now: _Frame, t: int) -> None:
        """Take back the divisions of the frame before of which only one daughter goes on."""
        seen = set(now.track.tolist())
        for parent in self._unsure:
            first, second, frame = self.divisions[parent]
            if (first in seen) == (second in seen):
                continue
            kept = first if first in seen else second
            del self.divisions[parent]
            for one in self.frames[frame:]:
                one.track[one.track == kept] = parent
        self._unsure = []

    def names(self) -> dict[int, int]:
        """Return the number of each track: from 1 in the order of their first pixels."""
        first: dict[int, tuple[int, int]] = {}
        for t, frame in enumerate(self.frames):
            for track, pixel in zip(frame.track.tolist(), frame.first.tolist(), strict=True):
                first.setdefault(track, (t, pixel))
        return {track: n for n, track in enumerate(sorted(first, key=first.__getitem__), 1)}

    def tracks(self, names: dict[int, int]) -> Tracks:
        """Return the tracks under their numbers."""
        track = np.array([names[k] for f in self.frames for k in f.track.tolist()], int)
        frame = np.repeat(np.arange(len(self.frames)), [f.label.size for f in self.frames])
        dimensions = len(self._spacing)
        positions = [np.zeros((0, dimensions)), *(f.position for f in self.frames)]
        sizes = [np.zeros(0, int), *(f.size for f in self.frames)]
        order = np.lexsort((frame, track))
        divisions = [
            Division(names[parent], _ordered(names[a], names[b]), t)
            for parent, (a, b, t) in self.divisions.items()
        ]
        divisions.sort(key=lambda one: (one.frame, one.parent))
        return Tracks(
            track[order],
            frame[order],
            np.concatenate(positions)[order],
            np.concatenate(sizes)[order],
            tuple(divisions),
        )


def _ordered(one: int, two: int) -> tuple[int, int]:
    return (min(one, two), max(one, two))
