"""Nuclei keep their numbers through time, until they divide."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_nucseg.image import simulate_movie
from napari_nucseg.image.array import ArrayImage
from napari_nucseg.image.division import Division
from napari_nucseg.measure.track_files import write_tracks
from napari_nucseg.pipeline.tracking import link_frames

FLAT = (1.0, 1.0)


def frame(*disks, shape=(40, 60)):
    """Labels of disks, each given by y, x and radius."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for number, (cy, cx, radius) in enumerate(disks, 1):
        labels[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = number
    return labels


def follow(*frames):
    labels = np.stack(frames)
    return labels, link_frames(labels, FLAT, 10.0, diameter=10.0)


def test_nucleus_that_moves_keeps_its_number():
    labels, tracks = follow(
        frame((10, 10, 5), (10, 40, 5)), frame((10, 44, 5), (10, 15, 5)), frame((12, 20, 5))
    )
    assert [labels[1][10, 44], labels[1][10, 15], labels[2][12, 20]] == [2, 1, 1]
    assert tracks.track.tolist() == [1, 1, 1, 2, 2]
    assert tracks.frame.tolist() == [0, 1, 2, 0, 1]
    assert np.allclose(tracks.position[tracks.track == 1], [(10, 10), (10, 15), (12, 20)])
    assert tracks.divisions == ()


def test_nucleus_that_jumps_is_another_one():
    labels, _ = follow(frame((10, 10, 5)), frame((10, 30, 5)))
    assert labels.max() == 2


def test_crowd_that_moves_keeps_its_order():
    """Each nucleus comes nearer to where its neighbor was than it stays to itself."""
    labels, _ = follow(
        *(frame((10, 10 + s, 4), (10, 20 + s, 4), (10, 30 + s, 4)) for s in (0, 4, 8, 12))
    )
    for t, step in enumerate((0, 4, 8, 12)):
        assert [labels[t][10, x + step] for x in (10, 20, 30)] == [1, 2, 3]


def test_nucleus_that_is_missing_once_is_still_known():
    labels, tracks = follow(frame((10, 10, 5)), frame(), frame((10, 12, 5)))
    assert labels[2][10, 12] == 1
    assert tracks.frame.tolist() == [0, 2]
    labels, _ = follow(frame((10, 10, 5)), frame(), frame(), frame((10, 12, 5)))
    assert labels[3][10, 12] == 2


def dividing():
    return (
        frame((20, 20, 6), (20, 50, 6)),
        frame((20, 15, 4), (20, 25, 4), (20, 50, 6)),
        frame((20, 14, 4), (20, 26, 4), (20, 50, 6)),
    )


def test_division_gives_two_new_numbers():
    labels, tracks = follow(*dividing())
    assert tracks.divisions == (Division(1, (3, 4), 1),)
    assert [labels[2][20, 14], labels[2][20, 26], labels[2][20, 50]] == [3, 4, 2]
    table = {name: column.tolist() for name, column in tracks.table().items()}
    assert table == {
        "track": [1, 2, 3, 4],
        "first_frame": [0, 0, 1, 1],
        "last_frame": [0, 2, 2, 2],
        "parent": [0, 0, 1, 1],
        "daughter_1": [3, 0, 0, 0],
        "daughter_2": [4, 0, 0, 0],
    }


def test_nucleus_that_is_in_two_pieces_once_does_not_divide():
    whole, pieces, _ = dividing()
    labels, tracks = follow(whole, pieces, whole, whole)
    assert tracks.divisions == ()
    assert labels[3][20, 20] == 1


def test_new_nucleus_beside_another_one_is_no_daughter():
    """It is there, but the other one is as large as before."""
    labels, tracks = follow(frame((20, 20, 6)), frame((20, 20, 6), (20, 32, 5)))
    assert tracks.divisions == ()
    assert labels[1][20, 20] == 1


def test_tracks_of_stacks_know_how_deep_voxels_are():
    deep = np.zeros((2, 5, 20, 20), np.int32)
    deep[0, 0, 5:10, 5:10] = deep[1, 4, 5:10, 5:10] = 1
    near, far = deep.copy(), deep.copy()
    assert link_frames(near, (1.0, 1.0, 1.0), 10.0, diameter=5.0).track.max() == 1
    assert link_frames(far, (4.0, 1.0, 1.0), 10.0, diameter=5.0).track.max() == 2


def test_simulated_movie_is_followed():
    movie = simulate_movie(8, (160, 160), nuclei=25, divisions=0.1, seed=5)
    labels = movie.labels.copy()
    tracks = link_frames(labels, FLAT, 20.0, diameter=20.0)
    assert len(movie.divisions) == len(tracks.divisions) > 2
    pairs = np.unique(np.stack([labels.ravel(), movie.labels.ravel()]), axis=1)
    assert len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_numbers_do_not_depend_on_those_of_frames(seed):
    rng = np.random.default_rng(seed)
    places = [(8 + 16 * (n // 3), 8 + 20 * (n % 3), 4) for n in range(6)]
    frames = [frame(*(np.add(p, (*rng.integers(-3, 4, 2), 0)) for p in places)) for _ in "abc"]
    shuffled = [np.append(0, rng.permutation(6) + 1).astype(np.int32)[one] for one in frames]
    assert (follow(*frames)[0] == follow(*shuffled)[0]).all()


def test_empty_frames_have_no_tracks():
    labels, tracks = follow(frame(), frame())
    assert labels.max() == 0
    assert tracks.for_napari()[0].shape == (0, 4)
    assert all(column.size == 0 for column in tracks.table().values())


def test_data_and_graph_are_those_of_a_tracks_layer():
    data, graph = follow(*dividing())[1].for_napari()
    assert graph == {3: [1], 4: [1]}
    assert data[0].tolist() == [1, 0, 20, 20]
    order = np.lexsort((data[:, 1], data[:, 0]))
    assert (order == np.arange(len(data))).all()


def test_tracks_go_to_trackmate_and_csv(tmp_path):
    labels, tracks = follow(*dividing())
    spacing = {"T": 60.0, "Y": 0.5, "X": 0.5}
    unit = {"T": "second", "Y": "micrometer", "X": "micrometer"}
    image = ArrayImage(labels, "TYX", name="cells", spacing=spacing, unit=unit)
    write_tracks(tmp_path / "a.xml", tracks, image)
    root = ElementTree.parse(tmp_path / "a.xml").getroot()
    assert root.find("Model").attrib == {"spatialunits": "µm", "timeunits": "sec"}
    spots = {s.get("ID"): s for s in root.iter("Spot")}
    assert len(spots) == int(root.find("Model/AllSpots").get("nspots")) == tracks.track.size
    first = spots["0"]
    assert [float(first.get(f"POSITION_{a}")) for a in "XYT"] == [10, 10, 0]
    assert float(first.get("RADIUS")) == pytest.approx(3, abs=0.1)
    edges = {
        (one.get("SPOT_SOURCE_ID"), one.get("SPOT_TARGET_ID")) for one in root.iter("Edge")
    }
    assert len(edges) == 2 + 2 + 2  # of the nucleus beside, to the daughters, and of these
    frames = [(int(spots[a].get("FRAME")), int(spots[b].get("FRAME"))) for a, b in edges]
    assert all(b == a + 1 for a, b in frames)
    assert len(root.findall("Model/AllTracks/Track")) == 2
    write_tracks(tmp_path / "a.csv", tracks)
    rows = (tmp_path / "a.csv").read_text().splitlines()
    assert rows[0] == "track,frame,y,x,size,parent"
    assert rows[1] == "1,0,20.0,20.0,113,0"
    assert rows[-1].endswith(",1")
    with pytest.raises(ValueError, match=r"suffixes \.csv, \.xml for tracks"):
        write_tracks(tmp_path / "a.txt", tracks)
