"""Tools, brush, undo, redo, save in any order, on a real layer, against a plain reference.

A short run belongs to the tests. The thorough one, 50 sequences of 200 actions, is
`pytest tests/widgets/test_correcting_stateful.py --hypothesis-profile=thorough`.
"""

import tempfile
from collections import deque
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from napari.components import ViewerModel
from scipy import ndimage

from napari_nucseg.corrections import (
    Journal,
    Queue,
    State,
    States,
    add,
    begin_push,
    block_of,
    combine,
    delete,
    fill_holes,
    grow,
    ids_at_border,
    ids_in_box,
    ids_in_polygon,
    ids_smaller_than,
    keys_in,
    merge,
    plane_of,
    push,
    redraw,
    separate,
    shrink,
    smooth,
    split_along,
    split_at,
)
from napari_nucseg.pipeline import Maps, SegmentParameters, instances_from_maps
from napari_nucseg.widgets.tools.editing import Editor

SIDE = 36
DIAMETER = 10
HISTORY = 100  # steps that napari keeps

points = st.tuples(st.floats(-4, SIDE + 4), st.floats(-4, SIDE + 4))
paths = st.lists(points, min_size=1, max_size=5)


def maps_of_blobs(middles):
    """Return maps of round nuclei."""
    y, x = np.indices((SIDE, SIDE))
    away = np.min([np.hypot(y - one, x - other) for one, other in middles], axis=0)
    radius = DIAMETER / 2
    foreground = np.clip((radius - away) / 4 + 0.5, 0, 1)
    distance = np.clip(1 - away / radius, 0, 1)
    maps = [foreground, distance, np.zeros_like(foreground)]
    return Maps(np.stack(maps, axis=-1).astype(np.float32))


def pieces_in(labels):
    """Return in how many pieces each nucleus of a plane lies."""
    return {
        int(one): ndimage.label(labels == one, np.ones((3, 3)))[1]
        for one in np.unique(labels)
        if one
    }


class Reference:
    """What the labels and the states must be: whole copies for every step."""

    def __init__(self, labels):
        self.labels = labels.copy()
        self.undone, self.done = deque(maxlen=HISTORY), deque(maxlen=HISTORY)
        #: States of nuclei by plane and label, and those that they had by how they looked.
        self.states, self._known = {}, {}

    def step(self, labels):
        """Go on to other labels, in one step."""
        if not np.array_equal(labels, self.labels):
            self.done.append(self.labels)
            self.undone.clear()
            self._show(labels)

    def undo(self):
        self._move(self.done, self.undone)

    def redo(self):
        self._move(self.undone, self.done)

    def _move(self, source, target):
        if source:
            target.append(self.labels)
            self._show(source.pop())

    def _show(self, labels):
        """Give a nucleus that looks as before its state of then; others are edited."""
        before, after = (looks_of(one) for one in (self.labels, labels))
        for one in {*before, *after}:
            if before.get(one) == after.get(one):
                continue
            if one in before:
                self._known[one, before[one]] = self.states.get(one, State.UNREVIEWED)
            if one in after:
                self.states[one] = self._known.get((one, after[one]), State.EDITED)
        self.labels = labels


def looks_of(labels):
    """Return the pixels of each nucleus, by plane and label."""
    planes = labels if labels.ndim == 3 else labels[np.newaxis]
    return {
        (at, int(one)): (plane == one).tobytes()
        for at, plane in enumerate(planes)
        for one in np.unique(plane)
        if one
    }


class Correcting(RuleBasedStateMachine):
    """One person, one layer; whatever she does, in any order."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    def teardown(self):
        self.folder.cleanup()

    @initialize(
        seed=st.integers(0, 999),
        planes=st.integers(0, 2),
        dtype=st.sampled_from([np.uint8, np.uint16, np.int32]),
    )
    def begin(self, seed, planes, dtype):
        """Open a plane, or a stack of planes, that a model has segmented."""
        rng = np.random.default_rng(seed)
        count = max(planes, 1)
        self.maps = [maps_of_blobs(rng.uniform(0, SIDE, (9, 2))) for _ in range(count)]
        found = []
        for maps in self.maps:
            labels = self._segment(maps, 0.5)
            found.append(np.where(labels, labels + np.max(found, initial=0), 0))
        labels = np.stack(found).astype(dtype) if planes else found[0].astype(dtype)
        self.viewer = ViewerModel()
        self.editor = Editor(self.viewer)
        self.editor.edited.connect(self._note_edit)
        self._open(labels)

    def _segment(self, maps, probability):
        rules = SegmentParameters(probability=probability, minimum_size=4)
        return instances_from_maps(maps, rules, DIAMETER)

    def _open(self, labels):
        self.viewer.layers.clear()
        self.layer = self.viewer.add_labels(labels.copy(), scale=(2.0,) * labels.ndim)
        self.reference = Reference(labels)
        self.queues = [
            Queue(plane, maps, diameter=DIAMETER)
            for plane, maps in zip(self.planes(), self.maps, strict=True)
        ]
        self.states = [States() for _ in self.maps]
        self.journal = Journal(Path(self.folder.name))
        self.journal.begin(self.layer.data, {})

    def planes(self):
        """The planes of the layer."""
        return self.layer.data if self.layer.ndim == 3 else [self.layer.data]

    @property
    def at(self):
        """The plane that is displayed."""
        return self.viewer.dims.current_step[0] if self.layer.ndim == 3 else 0

    def shown(self, labels):
        """Return the displayed plane of other labels than those of the layer."""
        return plane_of(labels, (self.at, 0, 0) if labels.ndim == 3 else ())

    # What the person does

    def do(self, plane, edit, may_touch=None):
        """Let a tool write to the layer, and to the reference, in one step each."""
        shown = self.shown(self.reference.labels)
        before = pieces_in(shown.labels)
        labels = self.reference.labels.copy()
        in_layer = shown.in_layer(edit)
        assert np.array_equal(labels[in_layer.indices], edit.before)
        labels[in_layer.indices] = edit.values
        self._check(edit, labels, before)
        if may_touch is not None:
            assert {*edit.touched} <= {*may_touch}
        self.reference.step(labels)
        assert self.editor.do(self.layer, plane, edit) == bool(edit)
        self._follow()

    def _note_edit(self, layer, edit):
        assert layer is self.layer
        self.journal.record(edit)

    def _check(self, edit, labels, before):
        """Check what must be true of every edit by a tool."""
        old, new = self.reference.labels, labels
        assert {*np.unique(old[old != new]).tolist()} - {0} <= {*edit.touched}
        assert not {*edit.new_ids} & {*np.unique(old).tolist()}
        after = pieces_in(self.shown(new).labels)
        for one in edit.changed:
            assert after[one] <= before.get(one, 1)
        for one in edit.removed:
            assert one not in after

    def tool(self, function, *arguments, may_touch=None, **options):
        """Let a tool change the plane that is displayed."""
        plane = self.editor.plane(self.layer)
        untouched = plane.labels.copy()
        edit = function(plane.labels, *arguments, **options)
        assert np.array_equal(plane.labels, untouched)
        self.do(plane, edit, may_touch)

    @property
    def labels(self):
        """The labels of the plane that is displayed."""
        return self.editor.plane(self.layer).labels

    @property
    def free(self):
        return self.editor.new_id(self.layer)

    @rule(path=paths)
    def merge(self, path):
        self.tool(merge, path)

    @rule(path=paths)
    def split(self, path):
        self.tool(split_along, path, new_id=self.free)

    @rule(at=points, has_maps=st.booleans())
    def split_by_click(self, at, has_maps):
        maps = self.maps[self.at] if has_maps else None
        self.tool(split_at, at, maps, diameter=DIAMETER, new_id=self.free)

    @rule(at=points, has_maps=st.booleans())
    def add(self, at, has_maps):
        maps = self.maps[self.at] if has_maps else None
        self.tool(add, at, maps, diameter=DIAMETER, new_id=self.free, may_touch=())

    @rule(path=paths)
    def redraw(self, path):
        self.tool(redraw, path, new_id=self.free)

    @rule(path=paths, radius=st.floats(0.5, 9))
    def push(self, path, radius):
        """Push step by step, as the mouse moves; the window writes once."""
        plane = self.editor.plane(self.layer)
        labels = plane.labels.copy()
        number, outwards = begin_push(labels, path[0], radius)
        edits = []
        for start, end in zip(path, path[1:] or path, strict=False):
            edits.append(push(labels, number, [start, end], radius, outwards))
            labels[edits[-1].indices] = edits[-1].values
        self.do(plane, combine(edits), [number])

    @rule(one=points, other=points)
    def delete_in_a_box(self, one, other):
        ids = ids_in_box(self.labels, one, other)
        self.tool(delete, ids, may_touch=ids)

    @rule(path=paths)
    def delete_in_a_lasso(self, path):
        ids = ids_in_polygon(self.labels, path)
        self.tool(delete, ids, may_touch=ids)

    @rule(area=st.none() | st.integers(0, 60))
    def delete_the_small_or_those_at_the_border(self, area):
        labels = self.labels
        ids = ids_smaller_than(labels, area) if area else ids_at_border(labels)
        self.tool(delete, ids, may_touch=ids)

    @rule(work=st.sampled_from([smooth, fill_holes, grow, shrink]), data=st.data())
    def change_outlines(self, work, data):
        there = sorted(pieces_in(self.labels))
        some = st.none() | st.lists(st.sampled_from(there), max_size=3) if there else st.none()
        ids = data.draw(some)
        self.tool(work, ids, may_touch=ids)

    @rule()
    def separate(self):
        self.tool(separate, new_id=self.free)
        assert {*pieces_in(self.labels).values()} <= {1}

    @rule(path=paths, size=st.sampled_from([1, 4, 7]), data=st.data())
    def paint(self, path, size, data):
        """Paint a stroke with napari's brush: 0 erases, others may be new."""
        most = min(np.iinfo(self.layer.dtype).max, int(self.layer.data.max()) + 1)
        number = data.draw(st.integers(0, most))
        self.layer.brush_size = size
        radius = size // 2 + 0.5
        labels = self.reference.labels.copy()
        plane = self.shown(labels).labels
        y, x = np.indices(plane.shape)
        with self.layer.block_history():
            for at in np.clip(np.round(path), 0, SIDE - 1):
                where = (self.at, *at) if labels.ndim == 3 else tuple(at)
                self.layer.paint(where, number)
                plane[(y - at[0]) ** 2 + (x - at[1]) ** 2 <= radius**2] = number
        self.reference.step(labels)
        self._note_all()

    @precondition(lambda self: self.reference.done)
    @rule(times=st.integers(1, 4))
    def undo(self, times):
        for _ in range(times):
            self.layer.undo()
            self.reference.undo()
        self._note_all()

    @precondition(lambda self: self.reference.undone)
    @rule(times=st.integers(1, 4))
    def redo(self, times):
        for _ in range(times):
            self.layer.redo()
            self.reference.redo()
        self._note_all()

    def _note_all(self):
        """Tell journal and states that something else than a tool has changed the labels."""
        whole = [slice(0, size) for size in self.layer.data.shape]
        for key in keys_in(whole, self.layer.data.shape):
            self.journal.record_block(key, block_of(self.layer.data, key).copy())
        self._follow()

    def _follow(self):
        """Let states and queue follow the labels."""
        for queue, states, plane in zip(self.queues, self.states, self.planes(), strict=True):
            states.follow(queue.update(plane))
        self.journal.record_states(self.states[self.at])

    @precondition(lambda self: self.labels.any())
    @rule(data=st.data())
    def accept(self, data):
        there = sorted(pieces_in(self.labels))
        ids = data.draw(st.lists(st.sampled_from(there), min_size=1, max_size=4))
        self.states[self.at].accept(ids)
        for one in ids:
            if self.reference.states.get((self.at, one)) is not State.EDITED:
                self.reference.states[self.at, one] = State.ACCEPTED

    @rule()
    def look_at_the_queue(self):
        """Find in it what a queue that is made anew has."""
        places = self.queues[self.at].places
        anew = Queue(self.labels, self.maps[self.at], diameter=DIAMETER).places
        order, order_anew = (np.lexsort((one.x, one.y, one.ids)) for one in (places, anew))
        assert np.array_equal(places.ids[order], anew.ids[order_anew])

    @rule(step=st.integers(0, 2))
    def go_to_another_plane(self, step):
        if self.layer.ndim == 3:
            self.viewer.dims.set_current_step(0, (self.at + step) % len(self.maps))

    @rule()
    def save(self):
        """Write the journal; a new process finds all of it."""
        self.journal.flush()
        restored = Journal(Path(self.folder.name)).restore()
        assert restored.labels.dtype == self.layer.dtype
        assert np.array_equal(restored.labels, self.reference.labels)

        self.journal.record_states(self.states[self.at])
        self.journal.flush()
        # Those of other planes, which were written before, are gone.
        known = Journal(Path(self.folder.name)).restore().states
        wanted = self.states[self.at]
        assert known.reviewed() == wanted.reviewed()
        assert all(known[one] is wanted[one] for one in known.reviewed())

    @rule(probability=st.floats(0.1, 0.9))
    def segment_again(self, probability):
        """Open the labels of another probability."""
        planes = [self._segment(maps, probability) for maps in self.maps]
        labels = np.stack(planes) if self.layer.ndim == 3 else planes[0]
        self._open(labels.astype(self.layer.dtype))

    # What is true after each of it

    @invariant()
    def labels_are_those_of_the_reference(self):
        if hasattr(self, "layer"):
            assert np.array_equal(self.layer.data, self.reference.labels)

    @invariant()
    def states_are_those_of_the_reference(self):
        if hasattr(self, "layer"):
            for at, plane in enumerate(self.planes()):
                for one in np.unique(plane[plane != 0]).tolist():
                    wanted = self.reference.states.get((at, one), State.UNREVIEWED)
                    assert self.states[at][one] is wanted


def test_corrections_in_any_order():
    run_state_machine_as_test(Correcting, settings=settings())
