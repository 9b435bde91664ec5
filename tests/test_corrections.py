"""Edits of labels, on images that one can draw in one's head."""

import numpy as np
import pytest
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
from scipy import ndimage

from napari_nucseg.corrections import (
    State,
    States,
    add,
    begin_push,
    combine,
    delete,
    fill_holes,
    grow,
    ids_at_border,
    ids_in_box,
    ids_in_polygon,
    ids_smaller_than,
    merge,
    next_id,
    pieces,
    plane_of,
    push,
    redraw,
    replaced_by,
    separate,
    shrink,
    smooth,
    split_along,
    split_at,
)

from .drawing import after, blobs, drawing_of, labels_of, maps_of

FOUR = labels_of("""
    11........
    11..22....
    ....22....
    ..........
    .333...44.
    .333...44.
    .333......
""")


# Delete


def test_delete_makes_background_of_all_that_are_named():
    changed = after(delete(FOUR, [2, 4, 2, 77, 0]), FOUR)
    assert sorted(np.unique(changed)) == [0, 1, 3]
    assert np.array_equal(changed == 3, FOUR == 3)


def test_delete_many_at_once():
    labels = np.arange(100, dtype=np.uint16).reshape(10, 10)
    changed = after(delete(labels, range(10, 95)), labels)
    assert np.unique(changed).tolist() == [*range(10), *range(95, 100)]


def test_nothing_to_delete_is_an_empty_edit():
    edit = delete(FOUR, [])
    assert not edit
    after(edit, FOUR)


def test_nucleus_is_in_a_box_if_half_of_it_is():
    assert ids_in_box(FOUR, (0, 0), (1, 4)) == [1]
    assert ids_in_box(FOUR, (2, 9), (0, 1)) == [1, 2]  # half of 1, from the other corner
    assert ids_in_box(FOUR, (5, 0), (-9, 99)) == [1, 2, 3, 4]
    assert ids_in_box(FOUR, (-9, -9), (-3, -3)) == []


def test_nucleus_is_in_a_lasso_if_half_of_it_is():
    lasso = [(3.5, -1), (3.5, 5), (9, 5), (9, -1)]
    assert ids_in_polygon(FOUR, lasso) == [3]
    assert ids_in_polygon(FOUR, lasso[:2]) == []
    assert ids_in_polygon(FOUR, [(20, 20), (20, 30), (30, 30)]) == []


def test_nuclei_at_the_border_and_small_ones():
    assert ids_at_border(FOUR) == [1, 3]
    assert ids_smaller_than(FOUR, 5) == [1, 2, 4]
    assert ids_smaller_than(FOUR, 4) == []


# Merge


def test_merge_keeps_the_id_that_the_path_began_in():
    labels = labels_of("112233\n112233")
    changed = after(merge(labels, [(0, 3), (0, 0)]), labels)
    assert drawing_of(changed) == "222233\n222233"


def test_merge_closes_a_gap():
    labels = labels_of("""
        ........
        .11..22.
        .11..22.
        .11..22.
        ........
    """)
    edit = merge(labels, [(2, 1), (2, 6)])
    assert drawing_of(after(edit, labels)) == drawing_of(
        labels_of("""
            ........
            .111111.
            .111111.
            .111111.
            ........
        """)
    )
    assert edit.removed == (2,)
    assert edit.touched == (1, 2)


def test_merge_bridges_a_wide_gap_only_along_the_path():
    labels = np.zeros((30, 60), np.int32)
    labels[10:20, 2:12], labels[10:20, 40:50], labels[0:5, 20:30] = 1, 2, 3
    changed = after(merge(labels, [(15, -5), (15, 59)]), labels)
    assert pieces(changed) == {}
    assert (changed[:, 50:] == 0).all()
    assert 28 * 1 <= np.count_nonzero(changed[:, 12:40] == 1) <= 28 * 3
    assert np.array_equal(changed == 3, labels == 3)


@pytest.mark.parametrize("path", [[(0, 0)], [(0, 3), (9, 3)], [(-5, -5), (-9, -9)], []])
def test_path_that_does_not_cross_two_nuclei_merges_nothing(path):
    assert not merge(FOUR, path)


def test_what_the_image_divides_is_not_merged():
    labels = labels_of("1..........2")
    assert not merge(labels, [(0, 0), (-9, 5), (0, 11)])


# Split


def test_line_splits_and_the_larger_part_keeps_the_id():
    labels = labels_of("\n".join(["..11111111"] * 4))
    edit = split_along(labels, [(-1, 4), (5, 4)])
    changed = after(edit, labels)
    assert np.unique(changed[:, 5:]).tolist() == [1]
    assert np.unique(changed[:, 2:4]).tolist() == [2]
    assert np.array_equal(changed > 0, labels > 0)
    assert edit.new_ids == (2,)


def test_line_splits_all_nuclei_that_it_divides_and_no_others():
    labels = np.zeros((20, 30), np.int32)
    labels[2:18, 2:12], labels[2:18, 14:24], labels[2:10, 26:30] = 7, 3, 5
    edit = split_along(labels, [(9, 0), (9, 25), (12, 29)], new_id=40)
    changed = after(edit, labels)
    assert edit.new_ids == (40, 41)
    assert edit.touched == (3, 7)
    assert pieces(changed) == {}


@pytest.mark.parametrize("path", [[(9, 0), (9, 6)], [(2, 0), (2, 29)], [(0, 0), (0, 29)]])
def test_line_that_ends_inside_or_cuts_off_a_rim_splits_nothing(path):
    labels = np.zeros((20, 30), np.int32)
    labels[2:18, 2:12] = 1
    assert not split_along(labels, path)


def test_diagonal_line_splits_without_holes():
    labels = np.zeros((24, 24), np.int32)
    labels[4:20, 4:20] = 1
    changed = after(split_along(labels, [(0, 1), (23, 22)]), labels)
    assert np.array_equal(changed > 0, labels > 0)
    assert pieces(changed) == {}


def peanut():
    labels = np.zeros((30, 50), np.int32)
    y, x = np.indices(labels.shape)
    for middle in (15, 33):
        labels[np.hypot(y - 15, x - middle) < 11] = 4
    return labels


def test_click_splits_at_the_saddle_of_the_shape():
    labels = peanut()
    changed = after(split_at(labels, (15, 12)), labels)
    assert [len(np.unique(half[half > 0])) for half in (changed[:, :23], changed[:, 26:])] == [
        1,
        1,
    ]
    assert pieces(changed) == {}
    assert set(np.unique(changed)) == {0, 4, 5}


def test_click_splits_where_the_maps_say():
    labels = np.zeros((30, 60), np.int32)
    labels[5:25, 5:55] = 1
    foreground, distance = blobs(labels.shape, [(15, 15), (15, 40)], 14)
    edit = split_at(labels, (15, 50), maps_of(foreground, distance), new_id=9)
    changed = after(edit, labels)
    assert edit.new_ids == (9,)
    assert changed[15, 24] != changed[15, 31]
    assert pieces(changed) == {}


def test_click_on_background_or_on_a_disc_splits_nothing():
    labels = np.zeros((30, 30), np.int32)
    y, x = np.indices(labels.shape)
    labels[np.hypot(y - 15, x - 15) < 11] = 4
    assert not split_at(labels, (0, 0))
    assert not split_at(labels, (-4, 99))
    assert not split_at(labels, (15, 15))


# Add


def test_added_nucleus_is_what_the_maps_show():
    foreground, distance = blobs((80, 80), [(40, 40)], 14)
    labels = np.zeros((80, 80), np.int32)
    edit = add(labels, (36, 44), maps_of(foreground, distance))
    changed = after(edit, labels)
    assert edit.new_ids == (1,)
    assert np.array_equal(changed > 0, foreground > 0.5)


@pytest.mark.parametrize("strength", [0.6, 0.3])
def test_faint_nucleus_is_added_below_the_threshold(strength):
    foreground, distance = blobs((80, 80), [(40, 40)], 14)
    labels = np.zeros((80, 80), np.int32)
    maps = maps_of(strength * foreground, distance)
    changed = after(add(labels, (40, 40), maps, probability=0.7), labels)
    assert 0.8 < np.count_nonzero(changed) / (np.pi * 14**2) < 1.4


def test_added_nucleus_leaves_others_alone():
    foreground, distance = blobs((80, 80), [(40, 30), (40, 54)], 14)
    labels = np.zeros((80, 80), np.int32)
    labels[(foreground > 0.5) & (np.arange(80) > 42)] = 8
    changed = after(add(labels, (40, 30), maps_of(foreground, distance)), labels)
    assert np.array_equal(changed == 8, labels == 8)
    assert (changed == 9).sum() > 400


@pytest.mark.parametrize("has_maps", [True, False])
def test_where_the_maps_show_nothing_a_disc_is_added(has_maps):
    labels = np.zeros((60, 60), np.int32)
    labels[:, 34:] = 1
    nothing = np.zeros(labels.shape)
    maps = maps_of(nothing, nothing) if has_maps else None
    changed = after(add(labels, (30, 30), maps, diameter=20), labels)
    assert 200 < np.count_nonzero(changed == 2) < 314
    assert np.array_equal(changed == 1, labels == 1)


def test_maps_of_a_part_are_laid_where_they_belong():
    foreground, distance = blobs((40, 40), [(20, 20)], 12)
    labels = np.zeros((200, 100), np.int32)
    maps = maps_of(foreground, distance)
    changed = after(add(labels, (120, 50), maps, origin=(100, 30)), labels)
    assert np.array_equal(changed[100:140, 30:70] > 0, foreground > 0.5)
    # Elsewhere they say nothing.
    assert after(add(labels, (20, 20), maps, origin=(100, 30), diameter=9), labels)[20, 20]


def test_click_on_a_nucleus_or_outside_adds_nothing():
    assert not add(FOUR, (0, 0))
    assert not add(FOUR, (-3, 0))


def test_ids_of_a_full_dtype():
    labels = np.zeros((20, 20), np.uint8)
    labels.ravel()[:255] = np.arange(1, 256)
    with pytest.raises(ValueError, match=r"room for 1 more .* uint8.*int32"):
        add(labels, (19, 19), diameter=3)
    labels[0, 6] = 0
    assert next_id(labels) == 7
    assert add(labels, (19, 19), diameter=3).new_ids == (7,)


# Redraw


SQUARE = [(2, 2), (2, 11), (11, 11), (11, 2)]


def test_outline_replaces_the_nucleus_that_it_overlaps_most(two_nuclei):
    changed = after(redraw(two_nuclei, SQUARE), two_nuclei)
    assert np.array_equal(changed == 2, two_nuclei == 2)
    inside = np.zeros(two_nuclei.shape, bool)
    inside[2:12, 2:12] = True
    assert not (changed == 1)[~inside].any()
    assert (changed == 1).sum() > (two_nuclei == 1).sum()


def test_outline_in_the_background_is_a_new_nucleus():
    edit = redraw(np.zeros((20, 20), np.int32), SQUARE, new_id=6)
    assert edit.new_ids == (6,)
    assert edit.touched == ()
    assert 81 <= edit.values.size <= 100


def test_outline_that_scratches_a_large_neighbor_is_a_new_nucleus():
    labels = np.zeros((40, 40), np.int32)
    labels[:, 10:] = 1
    changed = after(redraw(labels, SQUARE), labels)
    assert np.array_equal(changed == 1, labels == 1)
    assert (changed == 2).any()


def test_outline_around_pieces_makes_one_nucleus_of_them():
    labels = labels_of("""
        .........
        .11..22..
        .11......
        .....3344
        .11.13344
        .........
    """)
    edit = redraw(labels, [(0.4, 0.4), (0.4, 6.6), (4.6, 6.6), (4.6, 0.4)])
    assert edit.removed == (2, 3)
    assert drawing_of(after(edit, labels)) == drawing_of(
        labels_of("""
            .........
            .111111..
            .111111..
            .11111144
            .11111144
            .........
        """)
    )


def test_redrawn_nucleus_is_one_piece():
    labels = np.zeros((20, 20), np.int32)
    labels[:, 8:11] = 1
    outline = [(3, 1), (3, 17), (9, 17), (9, 1)]
    changed = after(redraw(labels, outline), labels)
    assert pieces(changed) == {}


@pytest.mark.parametrize("outline", [[], [(1, 1), (5, 5)], [(-5, -5), (-5, -9), (-9, -9)]])
def test_outline_of_nothing_draws_nothing(outline):
    assert not redraw(FOUR, outline)


# Push


def test_push_begins_inside_or_outside(two_nuclei):
    assert begin_push(two_nuclei, (5, 4), 2) == (1, True)
    assert begin_push(two_nuclei, (1, 4), 2) == (1, False)
    assert begin_push(two_nuclei, (0, 0), 1) == (0, False)
    assert begin_push(two_nuclei, (-3, 12), 7) == (2, False)


def test_push_outwards_adds_background_that_touches(two_nuclei):
    changed = after(push(two_nuclei, 1, [(5, 5), (0, 5)], 2, True), two_nuclei)
    assert (changed == 1).sum() > (two_nuclei == 1).sum()
    assert np.array_equal(changed == 2, two_nuclei == 2)
    assert changed[0, 5] == 1
    assert not push(two_nuclei, 1, [(0, 15)], 1, True)


def test_push_inwards_takes_away_and_keeps_one_piece():
    labels = np.zeros((20, 30), np.int32)
    labels[5:15, 5:25] = 1
    changed = after(push(labels, 1, [(0, 10), (19, 10)], 2, False), labels)
    assert pieces(changed) == {}
    assert (changed[:, :12] == 0).all()
    assert not push(labels, 1, [(10, 15)], 30, False)
    assert not push(labels, 0, [(10, 15)], 3, False)


def test_steps_of_a_stroke_are_one_edit(two_nuclei):
    labels, steps = two_nuclei.copy(), []
    for column in range(4, -1, -1):
        step = push(labels, 1, [(5, column)], 2.5, True)
        if step:
            steps.append(step)
            labels[step.indices] = step.values
    edit = combine(steps)
    assert np.array_equal(after(edit, two_nuclei), labels)
    assert edit.name == "push"
    with pytest.raises(ValueError, match="got none"):
        combine([])


def test_edits_that_cancel_out_are_no_edit(two_nuclei):
    first = delete(two_nuclei, [1])
    both = combine([first, first.reversed()])
    assert not both
    assert (both.new_ids, both.removed) == ((), ())


# Outlines


def test_smooth_takes_off_a_spike_and_fills_a_dent():
    labels = np.zeros((20, 20), np.int32)
    labels[5:15, 5:15] = 3
    rough = labels.copy()
    rough[10, 15:19] = 3
    rough[4, 9] = rough[7, 5] = 0
    changed = after(smooth(rough, [3]), rough)
    assert not changed[10, 17:].any()
    assert changed[7, 5] == 3
    assert (changed[6:14, 6:14] == 3).all()


def test_nuclei_that_touch_do_not_take_from_each_other(two_nuclei):
    changed = after(smooth(two_nuclei), two_nuclei)
    assert ((changed == two_nuclei) | (changed == 0) | (two_nuclei == 0)).all()


def test_holes_are_filled_with_the_nucleus_around_them():
    labels = labels_of("""
        1111..2222
        1..1..2.32
        1111..2222
        1...444444
        11114....4
        .5..4....4
        ....444444
    """)
    changed = after(fill_holes(labels), labels)
    assert drawing_of(changed) == drawing_of(
        labels_of("""
            1111..2222
            1111..2.32
            1111..2222
            1...444444
            1111444444
            .5..444444
            ....444444
        """)
    )
    assert np.array_equal(after(fill_holes(labels, [1]), labels) == 4, labels == 4)


def test_hole_larger_than_its_nucleus_is_no_hole():
    labels = np.zeros((20, 20), np.int32)
    labels[1:19, 1:19] = 1
    labels[2:18, 2:18] = 0
    assert not fill_holes(labels)


def test_grow_takes_background_only():
    labels = labels_of("......\n.1..2.\n......")
    assert drawing_of(after(grow(labels), labels)) == ".1..2.\n111222\n.1..2."
    assert drawing_of(after(grow(labels, [2]), labels)) == "....2.\n.1.222\n....2."


def test_shrink_keeps_what_would_be_gone_and_what_the_border_cuts_off():
    labels = labels_of("""
        111....
        111.222
        111.222
        ....222
        33.....
    """)
    assert drawing_of(after(shrink(labels), labels)) == drawing_of(
        labels_of("""
            11.....
            11.....
            .....22
            .......
            33.....
        """)
    )


def test_shrunk_nucleus_stays_in_one_piece():
    labels = np.zeros((12, 30), np.int32)
    labels[2:10, 2:10] = labels[5:7, 10:18] = labels[2:9, 18:26] = 1
    changed = after(shrink(labels, [1]), labels)
    assert np.argwhere(changed).max(axis=0).tolist() == [8, 9]


@pytest.mark.parametrize("work", [smooth, fill_holes, grow, shrink])
def test_nuclei_that_are_not_there_have_no_outlines(work):
    assert not work(FOUR, [99])
    assert not work(np.zeros((5, 5), np.uint8))


# Pieces


SCATTERED = labels_of("1.11.22\n1......\n..2.3..\n.2.....")


def test_pieces_are_found_and_separated():
    assert pieces(SCATTERED) == {1: 2, 2: 2}
    edit = separate(SCATTERED)
    changed = after(edit, SCATTERED)
    assert edit.new_ids == (4, 5)
    assert pieces(changed) == {}
    assert pieces(after(separate(SCATTERED, [2]), SCATTERED)) == {1: 2}
    assert not separate(SCATTERED, [3])


def test_nuclei_in_pieces_keep_them_when_all_are_changed():
    changed = after(grow(SCATTERED), SCATTERED)
    assert (changed[SCATTERED > 0] == SCATTERED[SCATTERED > 0]).all()
    assert not shrink(SCATTERED)


# Layers of any dimension


@pytest.mark.parametrize("displayed", [(1, 2), (2, 1), (0, 2), (2, 0)])
def test_edit_of_a_plane_is_one_of_the_layer(displayed):
    rng = np.random.default_rng(0)
    stack = np.kron(rng.integers(0, 40, (3, 4, 5)), np.ones((2, 3, 3), int)).astype(np.uint16)
    plane = plane_of(stack, (2.2, 4, 5), displayed)
    assert plane.labels.shape == tuple(stack.shape[axis] for axis in displayed)
    number = int(plane.labels.max())
    edit = plane.in_layer(delete(plane.labels, [number]))
    changed = stack.copy()
    changed[edit.indices] = edit.values
    assert number not in plane_of(changed, (2, 4, 5), displayed).labels
    (other,) = {0, 1, 2} - {*displayed}
    rest = [one for one in range(stack.shape[other]) if one != plane.position[other]]
    assert np.array_equal(stack.take(rest, other), changed.take(rest, other))


def test_plane_of_an_image_and_points_of_a_layer():
    plane = plane_of(FOUR)
    assert plane.labels is FOUR or plane.labels.base is FOUR
    assert plane_of(np.zeros((2, 3, 4)), (1, 0, 0), (2, 1)).point((1, 5, 7)) == (7, 5)


def test_plane_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"position inside .*got \(9, 0, 0\)"):
        plane_of(np.zeros((2, 3, 4)), (9, 0, 0))
    with pytest.raises(ValueError, match="two axes or more"):
        plane_of(np.zeros(3), (1,))


# States


def test_what_edits_make_of_states(two_nuclei):
    states = States()
    states.accept([1, 2])
    merged = merge(two_nuclei, [(5, 4), (5, 10)])
    states.apply(merged)
    assert states[1] is State.EDITED
    states.accept([1])
    assert states[1] is State.EDITED
    labels = after(merged, two_nuclei)
    states.apply(split_along(labels, [(0, 8), (11, 8)], new_id=3))
    assert states.of([1, 3, 4]).tolist() == [State.EDITED, State.EDITED, State.UNREVIEWED]
    # Taken back, the other one is there again, accepted as it was.
    assert states[2] is State.ACCEPTED
    assert states.reviewed() == {1, 2, 3}
    states.mark([1, 0], State.UNREVIEWED)
    assert States(states.as_dict()).reviewed() == {2, 3}


# Anything, in any order


SIDE = 40
points = st.tuples(st.floats(-4, SIDE + 4), st.floats(-4, SIDE + 4))
paths = st.lists(points, min_size=1, max_size=5)


def piece_counts(labels):
    return {
        int(one): ndimage.label(labels == one, np.ones((3, 3)))[1]
        for one in np.unique(labels)
        if one
    }


class AnyEdits(RuleBasedStateMachine):
    """Edits in any order, held against what must be true of each of them."""

    @initialize(seed=st.integers(0, 999))
    def begin(self, seed):
        rng = np.random.default_rng(seed)
        seeds = np.zeros((SIDE, SIDE), np.int32)
        for number, (y, x) in enumerate(rng.integers(0, SIDE, (8, 2)), start=1):
            seeds[y, x] = number
        away, nearest = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
        self.labels = np.where(away < rng.uniform(4, 8), seeds[tuple(nearest)], 0)
        self.labels = after(separate(self.labels), self.labels)
        self.maps = maps_of(*blobs(self.labels.shape, rng.uniform(0, SIDE, (9, 2)), 6))
        self.undo = []

    def do(self, edit, may_touch=None):
        before = self.labels.copy()
        self.labels = after(edit, self.labels)
        assert np.array_equal(before[edit.indices], edit.before)
        for one in {*np.unique(before).tolist()} - {0, *edit.touched}:
            assert np.array_equal(before == one, self.labels == one)
        if may_touch is not None:
            assert {*edit.touched} <= {*may_touch}
        if edit:
            self.undo.append((edit, before))

    @rule(path=paths)
    def merge(self, path):
        self.do(merge(self.labels, path))

    @rule(path=paths)
    def split(self, path):
        self.do(split_along(self.labels, path))

    @rule(at=points, has_maps=st.booleans())
    def split_at(self, at, has_maps):
        self.do(split_at(self.labels, at, self.maps if has_maps else None, diameter=12))

    @rule(at=points, has_maps=st.booleans())
    def add(self, at, has_maps):
        self.do(add(self.labels, at, self.maps if has_maps else None, diameter=12), ())

    @rule(path=paths)
    def redraw(self, path):
        edit = redraw(self.labels, path)
        assert len(edit.new_ids) <= 1
        assert len(edit.changed) <= 1
        self.do(edit, replaced_by(self.labels, path))

    @rule(path=paths, radius=st.floats(0.5, 9))
    def push(self, path, radius):
        number, outwards = begin_push(self.labels, path[0], radius)
        self.do(push(self.labels, number, path, radius, outwards), [number])

    @rule(one=points, other=points)
    def delete(self, one, other):
        ids = ids_in_box(self.labels, one, other)
        self.do(delete(self.labels, ids), ids)

    @rule(work=st.sampled_from([smooth, fill_holes, grow, shrink]), data=st.data())
    def outlines(self, work, data):
        there = np.unique(self.labels[self.labels > 0]).tolist()
        some = st.none() | st.lists(st.sampled_from(there), max_size=3) if there else st.none()
        ids = data.draw(some)
        edit = work(self.labels, ids)
        assert edit.new_ids == edit.removed == ()
        self.do(edit, ids)

    @precondition(lambda self: self.undo)
    @rule()
    def take_back(self):
        edit, before = self.undo.pop()
        self.labels = after(edit.reversed(), self.labels)
        assert np.array_equal(self.labels, before)

    @invariant()
    def all_in_one_piece(self):
        assert {*piece_counts(self.labels).values()} <= {1}


def test_edits_in_any_order():
    rules = settings(max_examples=40, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(AnyEdits, settings=rules)
