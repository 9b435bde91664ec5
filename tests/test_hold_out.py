import dataclasses

import numpy as np
import pytest

from napari_nucseg.image.field import Field
from napari_nucseg.training.hold_out import check_fields, hold_out


def fields(count):
    """Fields of 8 x 20 with a nucleus on the left and on the right."""
    labels = np.zeros((8, 20), np.int32)
    labels[2:6, 2:6] = 1
    labels[2:6, 14:18] = 2
    return [Field(labels * 10, name=f"{i}", labels=labels) for i in range(count)]


def test_of_many_fields_some_are_held_out_whole():
    training, held_out = hold_out([fields(10), fields(5)], 0.2)
    assert [len(group) for group in training] == [8, 4]
    assert len(held_out) == 3
    names = {field.name for field in training[0]} | {field.name for field in held_out[:2]}
    assert len(names) == 10


def test_the_choice_is_random_and_the_same_again():
    first, again = ([field.name for field in hold_out([fields(20)], 0.3)[1]] for _ in range(2))
    assert first == again != [field.name for field in fields(20)[:6]]


def test_fields_that_are_added_leave_the_others_where_they_were():
    before = {field.name for field in hold_out([fields(4)], 0.2)[1]}
    for count in range(5, 40):
        after = {field.name for field in hold_out([fields(count)], 0.2)[1]}
        moved = after - before - {str(count - 1)}
        assert len(moved) <= len(after) - len(before)
        before = after
    shuffled = [fields(20)[i] for i in np.random.default_rng(0).permutation(20)]
    names = [{f.name for f in hold_out([some], 0.3)[1]} for some in (fields(20), shuffled)]
    assert names[0] == names[1]


def test_names_that_are_no_text_are_names_too():
    """File systems of other encodings have them."""
    odd = [dataclasses.replace(field, name=f"{field.name}\udce9") for field in fields(10)]
    training, held_out = hold_out([odd], 0.2)
    assert (len(training[0]), len(held_out)) == (8, 2)


@pytest.mark.parametrize("count", [1, 3])
def test_of_few_fields_a_strip_of_each_is_held_out(count):
    training, held_out = hold_out([fields(count)], 0.25)
    # A gap of two pixels, an eighth of the length, belongs to neither.
    assert [field.shape for field in training[0]] == [(8, 13)] * count
    assert [field.shape for field in held_out] == [(8, 5)] * count
    assert all(field.labels.any() for field in held_out)


def test_strip_is_on_the_other_side_where_the_first_has_no_nuclei():
    field = fields(1)[0]
    field.labels[:, 12:] = 0
    field.labels[2:6, 8:11] = 3
    _, held_out = hold_out([[field]], 0.25)
    assert held_out[0].labels.any()


def test_a_single_nucleus_serves_for_both_with_a_warning():
    field = fields(1)[0]
    field.labels[:] = 0
    field.labels[2:6, 8:11] = 1
    with pytest.warns(UserWarning, match="too few nuclei"):
        training, held_out = hold_out([[field]], 0.25)
    assert training[0][0] is held_out[0] is field


def test_fields_alone_in_their_groups_are_cut():
    training, held_out = hold_out([fields(1) for _ in range(5)], 0.25)
    assert [len(group) for group in training] == [1] * 5
    assert [field.shape for field in held_out] == [(8, 5)] * 5


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1)])
@pytest.mark.parametrize("part", [0.1, 0.9])
@pytest.mark.filterwarnings("ignore:.*too few nuclei")
def test_smallest_fields_leave_something_on_both_sides(shape, part):
    field = Field(np.ones(shape), labels=np.ones(shape, int))
    ((training,),), (held_out,) = hold_out([[field]], part)
    assert training.labels.any()
    assert held_out.labels.any()


def test_nothing_to_learn_from():
    with pytest.raises(ValueError, match="at least one field"):
        check_fields([])
    with pytest.raises(ValueError, match="'grey' without"):
        check_fields([Field(np.zeros((4, 4)), name="grey")])
    with pytest.raises(ValueError, match="all zero"):
        check_fields([Field(np.zeros((4, 4)), labels=np.zeros((4, 4), int))])
