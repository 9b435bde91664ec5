import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_nucseg.pipeline.predictor import STRIDE
from napari_nucseg.pipeline.tiles import pad_to_stride, tiles_of

lengths = st.integers(1, 300)


@settings(max_examples=200, deadline=None)
@given(lengths, lengths, st.integers(8, 128), st.integers(0, 40), st.integers(1, 40))
def test_cores_cover_every_pixel_once(rows, columns, core, halo, step):
    seen = np.zeros((rows, columns), int)
    plane = np.arange(rows * columns).reshape(rows, columns)
    shapes = set()
    for tile in tiles_of((rows, columns), core=core, halo=halo, step=step):
        seen[tile.target] += 1
        assert (plane[tile.source][tile.core] == plane[tile.target]).all()
        shapes.add(plane[tile.source].shape)
    assert (seen == 1).all()
    assert len(shapes) == 1


@settings(max_examples=100, deadline=None)
@given(lengths, lengths, st.integers(8, 128), st.integers(0, 40))
def test_tiles_come_in_pairs_unless_the_plane_is_small(rows, columns, core, halo):
    tiles = tiles_of((rows, columns), core=core, halo=halo)
    if len(tiles) % 2:
        assert rows * columns <= core * core / 4


@settings(max_examples=100, deadline=None)
@given(lengths, st.integers(8, 128), st.integers(0, 40), st.integers(1, 40))
def test_a_halo_surrounds_every_core_that_is_not_at_the_edge(length, core, halo, step):
    for tile in tiles_of((length, 8), core=core, halo=halo, step=step):
        source, target = tile.source[0], tile.target[0]
        assert target.start - source.start >= min(halo, target.start)
        assert source.stop - target.stop >= min(halo, length - target.stop)


@settings(max_examples=100, deadline=None)
@given(lengths, st.integers(8, 128), st.integers(0, 40), st.integers(1, 40))
def test_tiles_begin_on_the_grid_but_for_the_last(length, core, halo, step):
    tiles = tiles_of((length, 8), core=core, halo=halo, step=step)
    *firsts, _ = sorted({tile.source[0].start for tile in tiles})
    assert all(first % step == 0 for first in firsts)
    assert tiles[-1].source[0].stop == length


def test_padding_reaches_the_stride_and_keeps_what_was_there():
    tiles = np.random.default_rng(0).random((2, 17, 32, 3))
    padded = pad_to_stride(tiles)
    assert padded.shape == (2, STRIDE, 32, 3)
    assert (padded[:, :17] == tiles).all()
    assert pad_to_stride(padded) is padded
    assert pad_to_stride(tiles, 8).shape == (2, 24, 32, 3)
