"""How a person corrects labels with the truth at hand: a fixed strategy for each set of tools.

A strategy sees the labels as they are, says the next gesture, and looks again. One press, drag
and release is a gesture, and so is one key.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from _wrong import Overlaps, Wrong, lines_between, middle_of, outline_of, wrong_nuclei
from skimage.graph import MCP_Geometric

from napari_nucseg.corrections import Meaning, ids_along, meaning_of

#: How long a drag through nuclei that shall be deleted is at most, from one to the next and in
#: all, in pixels: about a quarter and a half of the field.
_HOP, _LONGEST = 128.0, 256.0

#: How often the outlines are gone through.
_ROUNDS = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Gesture:
    """What a hand does.

    Parameters
    ----------
    kind : str
        What is wrong there, out of `_wrong.KINDS`; ``"setup"`` for what is done once.
    key : str
        The key, empty for the mouse.
    path : ndarray of float, shape (N, 2)
        (Y, X) in pixels of the field, from press to release. One point is a click.
    alt, right : bool
        Whether Alt is held, and whether the right button is pressed.
    clicks : int
        How many clicks do the same: a drag through nuclei deletes each of them.
    """

    kind: str
    key: str = ""
    path: np.ndarray = dataclasses.field(default_factory=lambda: np.empty((0, 2)))
    alt: bool = False
    right: bool = False
    clicks: int = 1

    @property
    def way(self) -> float:
        """How far the mouse is dragged, in pixels."""
        return float(np.hypot(*np.diff(self.path, axis=0).T).sum()) if len(self.path) else 0.0


@dataclasses.dataclass(frozen=True)
class Keys:
    """Which keys choose the tools.

    Parameters
    ----------
    correct, redraw : str
        The tool that needs no mode, and the one for outlines.
    """

    correct: str = "Q"
    redraw: str = "R"


class Person:
    """Somebody who corrects a field.

    Parameters
    ----------
    truth : ndarray of int, shape (Y, X)
        The true nuclei.
    look : callable
        Returns the labels as they are now.
    act : callable
        Does a gesture.
    adds_by_click : bool, optional
        Whether missed nuclei are clicked first, and drawn only if that fails.
    """

    def __init__(
        self,
        truth: np.ndarray,
        look: Callable[[], np.ndarray],
        act: Callable[[Gesture], None],
        *,
        adds_by_click: bool = True,
    ) -> None:
        self.truth, self.look, self._act = truth, look, act
        self.adds_by_click = adds_by_click
        self.done: list[Gesture] = []
        self._rng = np.random.default_rng(0)
        #: What was wrong at first, for each nucleus, true ones and found ones.
        self._kinds: dict[tuple[str, int], str] = {}
        for one in self.wrong():
            self._kinds |= {("true", number): one.kind for number in one.true}
            self._kinds |= {("found", number): one.kind for number in one.found}

    @property
    def counts(self) -> Counter[str]:
        """Gestures by kind of error."""
        return Counter(one.kind for one in self.done)

    def wrong(self) -> list[Wrong]:
        """Return what is wrong now."""
        return wrong_nuclei(self.look(), self.truth)

    def key(self, key: str, kind: str = "setup") -> None:
        """Press a key."""
        self.act(Gesture(kind, key))

    def act(self, gesture: Gesture) -> None:
        """Do a gesture."""
        self.done.append(gesture)
        self._act(gesture)

    def with_our_tools(self, keys: Keys) -> None:
        """Correct with one tool; only outlines that do not look like one need another."""
        if not self.wrong():
            return
        self.key(keys.correct)
        self._try_each(("divided",), self._merge)
        self._try_each(("merged",), self._split)
        if self.adds_by_click:
            self._try_each(("missed",), self._add)
        for _ in range(_ROUNDS):
            if self._redraw_all(self._loop):
                self.key(keys.redraw)
                self._redraw_all(self._outline)
                self.key(keys.correct)
            self._delete_all(alt=True)
            if not self.wrong():
                return

    def with_napari(self) -> None:
        """Encircle what is wrong with the brush, and fill what is too much with 0."""
        if not self.wrong():
            return
        for _ in range(_ROUNDS):
            if any(one.true for one in self.wrong()):
                self.key("P")
                self._redraw_all(self._encircle)
            if self.wrong():
                self.key("F")
                self.key("X")
                self._delete_all(alt=False)
            if not self.wrong():
                return

    def _try_each(self, kinds: Sequence[str], correct: Callable[[Wrong], bool]) -> None:
        """Correct errors of some kinds, and look again after each; each nucleus once."""
        tried: set[int] = set()
        while True:
            for one in self.wrong():
                if one.kind in kinds and not {*one.true} <= tried:
                    if not correct(one):
                        tried |= {*one.true}
                        continue
                    if one.kind != "merged":
                        tried |= {*one.true}
                    break
            else:
                return

    def _kind_of(self, true: Iterable[int] = (), found: Iterable[int] = ()) -> str:
        """Return what was wrong with a nucleus at first."""
        names = [("true", one) for one in true] + [("found", one) for one in found]
        return next((self._kinds[one] for one in names if one in self._kinds), "caused")

    def _merge(self, wrong: Wrong) -> bool:
        labels = self.look()
        middles = [middle_of(labels == one) for one in wrong.found]
        path = [middles.pop(0)]
        while middles:
            away = [float(np.hypot(*(one - path[-1]))) for one in middles]
            path.append(middles.pop(int(np.argmin(away))))
        if {*ids_along(labels, path)} != {*wrong.found}:
            return False
        self.act(Gesture(self._kind_of(wrong.true, wrong.found), path=np.array(path)))
        return True

    def _split(self, wrong: Wrong) -> bool:
        labels, (number, *_) = self.look(), wrong.found
        true = [self.truth == one for one in wrong.true]
        for index, mask in enumerate(true):
            others = np.any(true[:index] + true[index + 1 :], axis=0)
            for line in lines_between(labels == number, [mask, others]):
                asked = meaning_of(labels, line)
                if asked.meaning is Meaning.SPLIT and asked.ids == (number,):
                    self.act(Gesture(self._kind_of(wrong.true, wrong.found), path=line))
                    return bool((self.look() != labels).any())
        return False

    def _add(self, wrong: Wrong) -> bool:
        at = middle_of(self.truth == wrong.true[0])
        if self.look()[tuple(at.astype(int))]:
            return False
        self.act(Gesture(self._kind_of(wrong.true), path=at[np.newaxis]))
        return True

    def _redraw_all(self, draw: Callable[[str, np.ndarray], bool]) -> int:
        """Draw the true outlines that nothing matches, the large ones first.

        Returns how many of them could not be drawn.
        """
        todo = [number for one in self.wrong() for number in one.true]
        areas = {one: np.count_nonzero(self.truth == one) for one in todo}
        left = 0
        for number in sorted(areas, key=lambda one: -areas[one]):
            o = Overlaps(self.look(), self.truth)
            if not o.is_found[np.searchsorted(o.true, number)]:
                path = outline_of(self.truth == number, self._rng)
                left += not draw(self._kind_of([number]), path)
        return left

    def _loop(self, kind: str, path: np.ndarray) -> bool:
        """Draw an outline with the tool that needs no mode, if it will be taken for one."""
        is_one = meaning_of(self.look(), path).meaning is Meaning.REDRAW
        return is_one and self._outline(kind, path)

    def _outline(self, kind: str, path: np.ndarray) -> bool:
        self.act(Gesture(kind, path=path))
        return True

    def _encircle(self, kind: str, path: np.ndarray) -> bool:
        """Draw an outline with napari's brush, in a new label."""
        self.key("M", kind)
        self.act(Gesture(kind, path=path, right=True))
        return True

    def _delete_all(self, *, alt: bool) -> None:
        """Drag through nuclei that are nowhere near a true one, several at a time."""
        while True:
            labels = self.look()
            o = Overlaps(labels, self.truth)
            unwanted = o.found[~o.is_right]
            if unwanted.size == 0:
                return
            path, ids = way_through(labels, [int(one) for one in unwanted])
            kind = Counter(self._kind_of(found=[one]) for one in ids).most_common(1)[0][0]
            self.act(Gesture(kind, path=path, alt=alt, clicks=len(ids)))
            if np.array_equal(labels, self.look()):
                return


def way_through(labels: np.ndarray, unwanted: list[int]) -> tuple[np.ndarray, list[int]]:
    """Return a path through nuclei that touches no others, and which it meets.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The nuclei, 0 is background.
    unwanted : list of int
        The path begins in the first, and goes on to those that are near.

    Returns
    -------
    path : ndarray of float, shape (N, 2)
        (Y, X) in pixels.
    ids : list of int
        In the order of the path.
    """
    costs = np.where((labels == 0) | np.isin(labels, unwanted), 1.0, -1.0)
    middles = {one: middle_of(labels == one).astype(int) for one in unwanted}
    left = dict(middles)
    path, length = [left.pop(unwanted[0])], 0.0
    while left:
        hop, way = _way_to_nearest(costs, path[-1], [*left.values()])
        length += hop
        if length > _LONGEST:
            break
        path += way
        met = {int(labels[tuple(one)]) for one in way}
        left = {one: middle for one, middle in left.items() if one not in met}
    points = np.array(path, float)
    return points, ids_along(labels, points)


def _way_to_nearest(
    costs: np.ndarray, start: np.ndarray, ends: list[np.ndarray]
) -> tuple[float, list[np.ndarray]]:
    """Return the length of the shortest way, and its pixels; endless if all are too far."""
    reach = int(_HOP)
    box = tuple(
        slice(max(one - reach, 0), min(one + reach + 1, size))
        for one, size in zip(start, costs.shape, strict=True)
    )
    corner = np.array([part.start for part in box])
    size = np.array(costs[box].shape)
    near = [one - corner for one in ends]
    near = [one for one in near if ((one >= 0) & (one < size)).all()]
    if not near:
        return np.inf, []
    # A step to a side, so that no corner of another nucleus is touched.
    search = MCP_Geometric(costs[box], fully_connected=False)
    away, _ = search.find_costs([tuple(start - corner)], [tuple(one) for one in near], False)
    nearest = min(near, key=lambda one: away[tuple(one)])
    if not away[tuple(nearest)] <= _HOP:
        return np.inf, []
    way = search.traceback(tuple(nearest))[1:]
    return float(away[tuple(nearest)]), [np.array(one) + corner for one in way]
