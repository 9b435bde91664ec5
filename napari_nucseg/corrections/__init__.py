"""Edits of labels as plain functions, what is suspicious, states, and the journal."""

from .add import add
from .blocks import BLOCK, Key, block_of, keys_at, keys_in
from .delete import delete
from .edit import Edit, combine
from .folder import (
    FILTERS,
    ORDERS,
    RESULT,
    Filter,
    FolderRow,
    FolderWork,
    ImageState,
    Order,
    Saved,
    StoredLabels,
    arrange,
    count_of,
    following,
    made_with,
)
from .gestures import Gesture, Meaning, meaning_of
from .holes import fill_holes
from .journal import Journal, Restored
from .journals import Journals, LeftJournal
from .merge import ids_along, merge
from .missed import missed_nuclei
from .pieces import pieces, separate
from .plane import Plane, plane_of
from .push import begin_push, push
from .queue import Queue
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
    "BLOCK",
    "FILTERS",
    "MAYBE_MISSED",
    "NOTHING_UNUSUAL",
    "ORDERS",
    "RESULT",
    "Edit",
    "Filter",
    "FolderRow",
    "FolderWork",
    "Gesture",
    "ImageState",
    "Journal",
    "Journals",
    "Key",
    "LeftJournal",
    "Meaning",
    "Order",
    "Plane",
    "Queue",
    "Restored",
    "Saved",
    "State",
    "States",
    "StoredLabels",
    "Suspicions",
    "add",
    "arrange",
    "begin_push",
    "block_of",
    "combine",
    "count_of",
    "delete",
    "fill_holes",
    "following",
    "grow",
    "ids_along",
    "ids_at_border",
    "ids_in_box",
    "ids_in_polygon",
    "ids_smaller_than",
    "keys_at",
    "keys_in",
    "made_with",
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
