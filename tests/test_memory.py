"""Memory: how much is free, and what is said if that is too little."""

import numpy as np
import pytest

from napari_nucseg import Field
from napari_nucseg.pipeline import SegmentParameters
from napari_nucseg.pipeline.segmentation import segment_field
from napari_nucseg.support import memory


def test_free_memory_is_some_of_that_of_the_computer():
    import psutil

    most = psutil.virtual_memory().total + psutil.swap_memory().total
    assert 0 < memory.free_memory() <= most


def test_container_may_have_less(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CONTAINER", tmp_path)
    free = memory.free_memory()
    for name, text in (
        ("max", "1000"),
        ("current", "900"),
        ("stat", "anon 1\ninactive_file 50"),
    ):
        (tmp_path / f"memory.{name}").write_text(text)
    assert memory.free_memory() == 150
    (tmp_path / "memory.max").write_text("max\n")  # what Linux says if there is no limit
    assert memory.free_memory() > free / 2


def test_work_that_does_not_fit_says_how_much_it_needs(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2_000_000_000)
    memory.check_memory(1e9, "work", "Do less.")
    with pytest.raises(
        MemoryError, match=r"at least 3\.0 GB .* for work, got 2\.0 GB\. Do less\."
    ):
        memory.check_memory(3e9, "work", "Do less.")


@pytest.mark.parametrize(
    ("shape", "needed"), [((30_000, 30_000), 18.9), ((30_000, 30_000, 3), 20.7)]
)
def test_slide_is_refused_before_it_is_read(monkeypatch, shape, needed):
    monkeypatch.setattr(memory, "free_memory", lambda: 12_000_000_000)
    slide = Field(np.broadcast_to(np.uint8(0), shape), name="slide")
    with pytest.raises(MemoryError, match=f"at least {needed} GB .*'slide' of 30000 x 30000"):
        segment_field(slide, None, SegmentParameters())
