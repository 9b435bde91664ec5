"""That warnings point at the line of the user, and that none is swallowed."""

import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import napari_nucseg
from napari_nucseg import evaluate, segment
from napari_nucseg.image import Field, read_fields
from napari_nucseg.image.pairs import find_pairs
from napari_nucseg.support import warn_user
from napari_nucseg.training.training_set import TrainingSet

PACKAGE = Path(napari_nucseg.__file__).parent
ODD = np.where(np.eye(64, dtype=bool), np.nan, 1).astype(np.float32)


def line_of_warning(function, *values, **keywords):
    """Call a function and return the difference of the lines of its warning and of the call."""
    with pytest.warns(UserWarning) as caught:
        line = inspect.currentframe().f_lineno + 1
        function(*values, **keywords)
    assert [Path(warning.filename) for warning in caught] == [Path(__file__)] * len(caught)
    return {warning.lineno - line for warning in caught}


def test_segment_warns_of_the_line_that_called_it():
    assert line_of_warning(segment, ODD) == {0}
    assert line_of_warning(segment, np.ones((8, 8), np.uint8), diameter=50) == {0}


def test_evaluate_warns_of_the_line_that_called_it():
    mask = np.zeros((40, 40), np.uint8)
    mask[5:15, 5:15] = mask[20:30, 20:30] = 1
    assert line_of_warning(evaluate, mask, mask) == {0}


def test_folders_warn_of_the_line_that_read_them(pairs, tmp_path):
    import shutil

    folder = tmp_path / "pairs"
    shutil.copytree(pairs, folder)
    shutil.copy(folder / "images" / "a.tif", folder / "images" / "c.tif")
    assert line_of_warning(find_pairs, folder) == {0}
    assert line_of_warning(read_fields, [folder]) == {0}


def test_training_set_warns_of_the_line_that_read_it(tmp_path, field):
    training_set = TrainingSet(tmp_path / "set")
    training_set.add(field)
    for path in training_set.folder.glob("*/*.json"):
        path.write_text("{}")
    assert line_of_warning(training_set.fields) == {0}


def test_each_image_of_a_loop_is_warned_of():
    fields = [Field(ODD, name="same"), Field(ODD, name="same")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for field in fields:
            segment(field)
    assert len([w for w in caught if "NaN" in str(w.message)]) == 2


def test_filters_hold():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warn_user("quiet")
        warnings.filterwarnings("error", "loud")
        with pytest.raises(UserWarning, match="loud"):
            warn_user("loud")


def test_no_other_way_to_warn_the_user():
    others = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"warnings\.warn(_explicit)?\(", path.read_text(encoding="utf-8"))
    }
    assert others == {"support/warn.py"}
