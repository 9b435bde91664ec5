"""The labels of six small images stay the same, to the bit."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from napari_nucseg import segment

DATA = Path(__file__).parent / "data"
RECORD = json.loads((DATA / "labels.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RECORD)
def test_labels_are_the_recorded_ones(name):
    labels = segment(DATA / name)
    assert labels.dtype == np.int32
    found = {
        "nuclei": int(labels.max()),
        "sha256": hashlib.sha256(np.ascontiguousarray(labels).tobytes()).hexdigest(),
    }
    assert found == RECORD[name]


def test_every_image_is_recorded():
    assert sorted(RECORD) == sorted(path.name for path in DATA.glob("*.png"))
