"""Edits of labels as plain functions, what is suspicious, states, and the journal."""

from .add import add
from .delete import delete
from .edit import Edit, combine
from .gestures import Gesture, Meaning, meaning_of
from .holes import fill_holes
from .journal import Journal, Restored
from .merge import ids_along, merge
from .missed import missed_nuclei
from .pieces import pieces, separate
from .plane import Plane, plane_of
from .push import begin_push, push
from .redraw import redraw, replaced_by
from .regions import next_id
from .resize import grow, shrink
from .select import ids_at_border, ids_in_box, ids_in_polygon, ids_smaller_than
from .smooth import smooth
from .split import split_along, split_at
from .states import State, States
from .suspicion import MAYBE_MISSED, NOTHING_UNUSUAL, Suspicions, suspicions
from .warm_up import warm_up

__all__ = [
    "MAYBE_MISSED",
    "NOTHING_UNUSUAL",
    "Edit",
    "Gesture",
    "Journal",
    "Meaning",
    "Plane",
    "Restored",
    "State",
    "States",
    "Suspicions",
    "add",
    "begin_push",
    "combine",
    "delete",
    "fill_holes",
    "grow",
    "ids_along",
    "ids_at_border",
    "ids_in_box",
    "ids_in_polygon",
    "ids_smaller_than",
    "meaning_of",
    "merge",
    "missed_nuclei",
    "next_id",
    "pieces",
    "plane_of",
    "push",
    "redraw",
    "replaced_by",
    "separate",
    "shrink",
    "smooth",
    "split_along",
    "split_at",
    "suspicions",
    "warm_up",
]
