"""Memory: how much is free, and what is said if that is too little."""

import types

import numpy as np
import pytest
import tifffile

from napari_nucseg import Field
from napari_nucseg.engine import SegmentFile
from napari_nucseg.engine.tasks import KeptMaps, perform
from napari_nucseg.image import ArrayImage
from napari_nucseg.measure import Outputs
from napari_nucseg.pipeline import (
    DEFAULT_SPEC,
    SegmentParameters,
    StackParameters,
    segment_image,
)
from napari_nucseg.pipeline.segmentation import segment_field
from napari_nucseg.support import Callbacks, memory


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


def test_file_is_refused_before_it_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "free_memory", lambda: 1_000)
    monkeypatch.setattr(Field, "in_memory", lambda field: pytest.fail("it was read"))
    tifffile.imwrite(tmp_path / "slide.tif", np.zeros((40, 50), np.uint8))
    task = SegmentFile(
        tmp_path / "slide.tif", Outputs(tmp_path), "no model", SegmentParameters()
    )
    with pytest.raises(MemoryError, match="'slide' of 40 x 50 pixels"):
        perform(task, Callbacks(), KeptMaps())


@pytest.mark.parametrize(
    ("axes", "directions", "keep_maps", "told"),
    [
        ("ZYX", None, False, r"10\.0 GB .* half the resolution\.$"),
        ("ZYX", 3, False, r"23\.0 GB .*--directions 1"),
        ("ZYX", 3, True, r"23\.0 GB .*--directions 1"),
        ("TYX", None, False, r"5\.0 GB .*--t of the command"),
        ("TYX", None, True, r"17\.0 GB .*--t of the command"),
    ],
)
def test_stack_is_refused_before_it_is_read(monkeypatch, axes, directions, keep_maps, told):
    monkeypatch.setattr(memory, "free_memory", lambda: 4_000_000_000)
    array = np.broadcast_to(np.uint16(0), (1000, 1000, 1000))  # a billion voxels
    image = ArrayImage(array, axes, name="embryo")
    predictor = types.SimpleNamespace(spec=DEFAULT_SPEC)  # it cannot predict anything
    with pytest.raises(MemoryError, match=f"at least {told}"):
        segment_image(
            image,
            predictor,
            SegmentParameters(diameter=20),
            StackParameters(directions=directions),
            keep_maps=keep_maps,
        )


def test_directions_that_are_found_out_later_are_checked_then(monkeypatch):
    shape = (10, 40, 40)
    monkeypatch.setattr(memory, "free_memory", lambda: 15 * np.prod(shape))
    image = ArrayImage(np.zeros(shape, np.uint16), "ZYX")
    predictor = types.SimpleNamespace(spec=DEFAULT_SPEC)
    with pytest.raises(MemoryError, match="--directions 1"):
        segment_image(
            image, predictor, SegmentParameters(diameter=10), StackParameters(voxel_depth=1)
        )
