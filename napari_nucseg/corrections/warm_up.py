"""Load what the edits need before the first one, so that it does not keep a person waiting."""

from __future__ import annotations

import numpy as np

from .merge import merge
from .redraw import redraw
from .smooth import smooth
from .split import split_at

__all__ = ["warm_up"]


def warm_up() -> None:
    """Do some edits on a small image: the libraries that they use are loaded then.

    A window calls it once, in another thread.
    """
    labels = np.zeros((16, 16), np.int32)
    labels[4:12, 2:7], labels[4:12, 9:14] = 1, 2
    edit = merge(labels, [(8, 4), (8, 11)])
    labels[edit.indices] = edit.values
    split_at(labels, (8, 4))
    smooth(labels)
    redraw(labels, [(2, 2), (2, 12), (12, 12), (12, 2)])
