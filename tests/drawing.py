"""Labels as drawings, and edits that are done."""

import numpy as np

from napari_nucseg.pipeline import Maps


def labels_of(drawing, dtype=np.int32):
    """Return the labels of a drawing: a line for each row, a dot for background."""
    rows = drawing.split()
    return np.array([[0 if one == "." else int(one) for one in row] for row in rows], dtype)


def drawing_of(labels):
    """Return the drawing of labels whose ids have one digit."""
    return "\n".join("".join("." if one == 0 else str(one) for one in row) for row in labels)


def after(edit, labels):
    """Return the labels after an edit, and check that it says of them what is true."""
    changed = labels.copy()
    assert np.array_equal(labels[edit.indices], edit.before)
    assert not (edit.before == edit.values).any()
    assert edit.values.dtype == labels.dtype
    changed[edit.indices] = edit.values
    old, new = ({*np.unique(one).tolist()} - {0} for one in (labels, changed))
    assert {*edit.new_ids} == new - old
    assert {*edit.removed} == old - new
    different = labels != changed
    there = {*labels[different].tolist(), *changed[different].tolist()} & old
    assert {*edit.touched} == there
    return changed


def maps_of(foreground, distance, boundary=None):
    """Return maps of planes of numbers."""
    boundary = np.zeros_like(foreground) if boundary is None else boundary
    return Maps(np.stack([foreground, distance, boundary], axis=-1).astype(np.float32))


def blobs(shape, middles, radius):
    """Return the foreground and the distance of round nuclei, 0 to 1."""
    y, x = np.indices(shape)
    away = np.min([np.hypot(y - one, x - other) for one, other in middles], axis=0)
    foreground = np.clip((radius - away) / 4 + 0.5, 0, 1)
    return foreground, np.clip(1 - away / radius, 0, 1)
