"""Labels that other programs have made: right to half a pixel, and safe to read."""

import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import tifffile

from napari_nucseg import Field, import_labels
from napari_nucseg.image import FOREIGN_SUFFIXES, read_foreign_labels, write_labels

SHAPE = (12, 16)


def square(x, y, width, height=None):
    height = width if height is None else height
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]


@pytest.fixture
def scene():
    """Nuclei of 1, 2 and 5 pixels, one with a hole, one of two pieces, and two that touch."""
    labels = np.zeros(SHAPE, np.int32)
    labels[1, 1] = 1
    labels[1, 4:6] = 2
    labels[3:6, 2], labels[4, 1], labels[4, 3] = 3, 3, 3
    labels[7:12, 0:5] = 4
    labels[9, 2] = 0
    labels[1, 8], labels[3, 8] = 5, 5
    labels[6:10, 8:11], labels[6:10, 11:15] = 6, 7
    return labels


CROSS = [[2, 3], [3, 3], [3, 4], [4, 4], [4, 5], [3, 5], [3, 6], [2, 6], [2, 5], [1, 5]]
CROSS += [[1, 4], [2, 4]]
#: The outlines of the scene: of each nucleus its rings.
RINGS = [
    [square(1, 1, 1)],
    [square(4, 1, 2, 1)],
    [[*CROSS, CROSS[0]]],
    [square(0, 7, 5), square(2, 9, 1)],
    [square(8, 1, 1), square(8, 3, 1)],
    [square(8, 6, 3, 4)],
    [square(11, 6, 4, 4)],
]


def feature(geometry, **more):
    return {"type": "Feature", "geometry": geometry, "properties": {}, **more}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": rings}


def qupath(rings):
    features = [feature(polygon(*one)) for one in rings]
    features[4] = feature({"type": "MultiPolygon", "coordinates": [[one] for one in rings[4]]})
    return features


def save_json(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


# GeoJSON


@pytest.mark.parametrize("kind", ["collection", "list"])
def test_geojson_of_qupath(tmp_path, scene, kind):
    features = qupath(RINGS)
    whole = {"type": "FeatureCollection", "features": features}
    path = save_json(tmp_path / "a.geojson", whole if kind == "collection" else features)
    assert np.array_equal(read_foreign_labels(path, SHAPE), scene)


def test_single_feature_is_read_and_of_a_cell_its_nucleus(tmp_path, scene):
    cell = feature(polygon(square(0, 0, 9)), nucleusGeometry=polygon(*RINGS[2]))
    found = read_foreign_labels(save_json(tmp_path / "a.json", cell), SHAPE)
    assert np.array_equal(found == 1, scene == 3)


@pytest.mark.parametrize("shift", [-0.49, 0.49])
def test_outlines_are_right_to_half_a_pixel(tmp_path, scene, shift):
    rings = [[(np.array(ring) + shift).tolist() for ring in one] for one in RINGS]
    found = read_foreign_labels(save_json(tmp_path / "a.geojson", qupath(rings)), SHAPE)
    assert np.array_equal(found, scene)


def test_outlines_at_the_border_are_cut(tmp_path):
    big = polygon(square(-1e300, -5, 2e300, 9))
    found = read_foreign_labels(save_json(tmp_path / "a.geojson", [feature(big)]), SHAPE)
    assert (found[:4] == 1).all()
    assert not found[4:].any()


def test_of_two_that_overlap_the_first_has_the_pixels(tmp_path):
    rings = [square(0, 0, 4), square(2, 0, 4), square(0, 1, 2)]
    path = save_json(tmp_path / "a.geojson", [feature(polygon(one)) for one in rings])
    with pytest.warns(UserWarning, match="1 outline of 3 got no pixel"):
        found = read_foreign_labels(path, SHAPE)
    assert (found[:4, :4] == 1).all()
    assert (found[:4, 4:6] == 2).all()


def test_round_nucleus_has_the_area_of_its_outline(tmp_path):
    angles = np.linspace(0, 2 * np.pi, 200)
    ring = np.stack([20.3 + 9 * np.cos(angles), 15.7 + 9 * np.sin(angles)], axis=1)
    path = save_json(tmp_path / "a.geojson", [feature(polygon(ring.tolist()))])
    y, x = np.nonzero(read_foreign_labels(path, (40, 40)))
    assert y.size == pytest.approx(np.pi * 81, rel=0.02)
    assert (x.mean() + 0.5, y.mean() + 0.5) == pytest.approx((20.3, 15.7), abs=0.1)


def test_lines_and_points_are_left_out(tmp_path, scene):
    point = feature({"type": "Point", "coordinates": [3, 3]})
    path = save_json(tmp_path / "a.geojson", [point, *qupath(RINGS)])
    with pytest.warns(UserWarning, match="1 shape without an area left out"):
        assert np.array_equal(read_foreign_labels(path, SHAPE), scene)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
        ("3", "no features"),
        ("[3]", "a feature that is '3'"),
        ('[{"geometry": 3}]', "a geometry that is '3'"),
        ('{"type": "Polygon", "coordinates": 3}', "type 'Polygon'"),
        ('{"type": "Polygon", "coordinates": [[[1]]]}', "no pairs of numbers"),
        ('{"type": "Polygon", "coordinates": [["ab", "cd"]]}', "no pairs of numbers"),
        ('{"type": "Polygon", "coordinates": [3]}', "no pairs of numbers"),
        ('{"type": "Polygon", "coordinates": [[[1, NaN], [2, 2], [3, 3]]]}', "not finite"),
        ('{"type": "MultiPolygon", "coordinates": [3]}', "no lists of rings"),
        ('{"type": "Surprise", "coordinates": []}', "type 'Surprise'"),
        ("[]", "got none"),
    ],
)
def test_geojson_that_is_broken_is_told(tmp_path, content, words):
    path = tmp_path / "broken.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=words) as caught:
        read_foreign_labels(path, SHAPE)
    assert "broken.geojson" in str(caught.value)


def test_outlines_of_several_planes_are_refused(tmp_path):
    planes = [{**polygon(square(1, 1, 3)), "plane": {"c": -1, "z": z, "t": 0}} for z in (0, 1)]
    path = save_json(tmp_path / "a.geojson", [feature(plane) for plane in planes])
    with pytest.raises(ValueError, match=r"a\.geojson, but it has outlines of 2 planes"):
        read_foreign_labels(path, SHAPE)


# ImageJ

TYPES = {"polygon": 0, "rectangle": 1, "oval": 2, "line": 3, "freehand": 7, "traced": 8}


def roi(kind, box, points=(), *, path=(), subpixel=(), position=0):
    """Return a ROI as ImageJ writes it: header, whole numbers, perhaps others, a path."""
    left, top, right, bottom = box
    data = bytearray(64)
    data[:4] = b"Iout"
    struct.pack_into(">hB", data, 4, 227, TYPES[kind])
    struct.pack_into(">hhhhH", data, 8, top, left, bottom, right, len(points))
    struct.pack_into(">i", data, 36, len(path))
    if subpixel:
        struct.pack_into(">h", data, 50, 128)
        if kind in ("oval", "rectangle"):
            struct.pack_into(">4f", data, 18, *subpixel)
            subpixel = ()
    struct.pack_into(">i", data, 56, position)
    if path:
        return bytes(data) + struct.pack(f">{len(path)}f", *path)
    for axis, start in ((0, left), (1, top)):
        data += struct.pack(f">{len(points)}h", *(one[axis] - start for one in points))
    for axis in (0, 1):
        data += struct.pack(f">{len(subpixel)}f", *(one[axis] for one in subpixel))
    return bytes(data)


def roi_of(rings):
    points = np.array([point for ring in rings for point in ring])
    box = (*points.min(axis=0), *points.max(axis=0))
    if len(rings) == 1:
        return roi("traced", box, rings[0][:-1])
    path = []
    for ring in rings:
        path += [0, *ring[0], *(n for point in ring[1:] for n in (1, *point)), 4]
    return roi("rectangle", box, path=path)


def save_zip(path, rois, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for number, data in enumerate(rois):
            archive.writestr(f"{number:04d}.roi", data)
        archive.writestr("__MACOSX/ignored", b"something else")
    return path


def test_rois_of_imagej(tmp_path, scene):
    path = save_zip(tmp_path / "RoiSet.zip", [roi_of(rings) for rings in RINGS])
    assert np.array_equal(read_foreign_labels(path, SHAPE), scene)


def test_single_roi(tmp_path):
    (tmp_path / "a.roi").write_bytes(roi("rectangle", (3, 2, 6, 4)))
    expected = np.zeros(SHAPE)
    expected[2:4, 3:6] = 1
    assert np.array_equal(read_foreign_labels(tmp_path / "a.roi", SHAPE), expected)


def test_rois_between_pixels(tmp_path):
    points = square(3.4, 2.6, 3.0)[:-1]
    whole = [(round(x), round(y)) for x, y in points]
    rois = [
        roi("freehand", (3, 2, 7, 6), whole, subpixel=points),
        roi("oval", (8, 1, 12, 5), subpixel=(8.4, 0.8, 4, 4)),
    ]
    found = read_foreign_labels(save_zip(tmp_path / "a.zip", rois), SHAPE)
    expected = np.zeros(SHAPE)
    expected[3:6, 3:6] = 1
    y, x = np.indices(SHAPE) + 0.5
    expected[(x - 10.4) ** 2 + (y - 2.8) ** 2 < 4] = 2
    assert np.array_equal(found, expected)


def test_oval_of_any_size(tmp_path):
    rois = [roi("oval", (1, 1, 2, 2)), roi("oval", (4, 1, 6, 3))]
    found = read_foreign_labels(save_zip(tmp_path / "a.zip", rois), SHAPE)
    assert [*np.argwhere(found == 1)[0]] == [1, 1]
    assert np.count_nonzero(found == 1) == 1
    assert (found[1:3, 4:6] == 2).all()
    (tmp_path / "b.roi").write_bytes(roi("oval", (10, 20, 70, 80)))
    area = np.count_nonzero(read_foreign_labels(tmp_path / "b.roi", (100, 100)))
    assert area == pytest.approx(np.pi * 900, rel=0.01)


def test_curves_of_a_path(tmp_path):
    # A circle of four curves of third order.
    k, r, c = 5.5228, 10, 20
    path = [0, c + r, c, 3, c + r, c + k, c + k, c + r, c, c + r]
    path += [3, c - k, c + r, c - r, c + k, c - r, c, 3, c - r, c - k, c - k, c - r, c, c - r]
    path += [3, c + k, c - r, c + r, c - k, c + r, c, 4]
    (tmp_path / "a.roi").write_bytes(roi("rectangle", (10, 10, 30, 30), path=path))
    area = np.count_nonzero(read_foreign_labels(tmp_path / "a.roi", (40, 40)))
    assert area == pytest.approx(np.pi * r**2, rel=0.02)


def test_lines_of_imagej_are_left_out_and_planes_told(tmp_path):
    rois = [roi("line", (1, 1, 5, 5)), roi("rectangle", (3, 2, 6, 4), position=1)]
    path = save_zip(tmp_path / "a.zip", rois)
    with pytest.warns(UserWarning, match="1 shape without an area"):
        read_foreign_labels(path, SHAPE)
    save_zip(path, [*rois[1:], roi("rectangle", (3, 2, 6, 4), position=2)])
    with pytest.raises(ValueError, match="2 planes of a stack"):
        read_foreign_labels(path, SHAPE)


def test_broken_rois_are_told(tmp_path):
    good = roi("traced", (1, 1, 5, 5), square(1, 1, 4)[:-1])
    bad = [good[:70], b"something else", b"Iout", b"", good.replace(b"Iout", b"Oops")]
    bad += [roi("rectangle", (0, 0, 1, 1), path=path) for path in ([1, 2, 3], [9], [0, 1])]
    bad += [roi("oval", (0, 0, 1, 1), subpixel=(float("nan"), 0, 1, 1))]
    for data in bad:
        path = save_zip(tmp_path / "set.zip", [good, data])
        with pytest.raises(ValueError, match=r"set\.zip, but 0001\.roi is no ROI"):
            read_foreign_labels(path, SHAPE)


def test_broken_and_hostile_archives_are_told(tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"set\.zip, but it is no ZIP archive"):
        read_foreign_labels(path, SHAPE)
    save_zip(path, [bytes(20_000_000)])
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"set\.zip, but .* what is in it is too large"):
        read_foreign_labels(path, SHAPE)
    save_zip(path, [roi("rectangle", (1, 1, 5, 5))])
    data = bytearray(path.read_bytes())
    data[50] ^= 255
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"set\.zip, but it is no ZIP archive, or is damaged"):
        read_foreign_labels(path, SHAPE)


# Masks, and files of NumPy and Cellpose


def test_masks_keep_their_values(tmp_path, scene):
    scene[scene == 7] = 70
    write_labels(tmp_path / "a.tif", scene)
    tifffile.imwrite(tmp_path / "b_cp_masks.tif", scene.astype(np.uint32))
    np.save(tmp_path / "c.npy", scene[None].astype(np.uint16))
    for name in ("a.tif", "b_cp_masks.tif", "c.npy"):
        assert np.array_equal(read_foreign_labels(tmp_path / name, SHAPE), scene)


def test_binary_mask_is_taken_apart(tmp_path, scene):
    np.save(tmp_path / "a.npy", (scene[:4] > 0) * np.uint8(255))
    with pytest.warns(UserWarning, match="binary mask"):
        assert read_foreign_labels(tmp_path / "a.npy", (4, 16)).max() == 5


def cellpose(labels):
    """Return what Cellpose keeps of a segmentation."""
    return {
        "outlines": (labels > 0).astype(np.uint16),
        "masks": labels.astype(np.uint16),
        "chan_choose": [0, 0],
        "ismanual": np.zeros(7, bool),
        "filename": "a.tif",
        "flows": [np.zeros((*SHAPE, 3), np.uint8), None, [np.ones((2, 2), np.float32)]],
        "diameter": np.float64(3.5),
        "colors": np.asfortranarray(np.ones((7, 3), np.uint8)),
    }


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("order", ["C", "F", "big"])
def test_cellpose_seg_files(tmp_path, scene, protocol, order):
    content = cellpose(scene)
    if order == "big":
        content["masks"] = content["masks"].astype(">u4")
    else:
        content["masks"] = np.array(content["masks"], order=order)
    path = tmp_path / "a_seg.npy"
    with open(path, "wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(np.array(content, dtype=object), file, protocol=protocol)
    assert np.array_equal(read_foreign_labels(path, SHAPE), scene)


def test_cellpose_seg_file_as_numpy_saves_it(tmp_path, scene):
    np.save(tmp_path / "a_seg.npy", cellpose(scene))
    assert np.array_equal(read_foreign_labels(tmp_path / "a_seg.npy", SHAPE), scene)


def test_cellpose_seg_file_of_an_older_numpy(tmp_path, scene):
    content = pickle.dumps(np.array(cellpose(scene), dtype=object), protocol=2)
    assert b"numpy._core" in content or b"numpy.core" in content
    for name in (b"numpy.core", b"numpy._core"):
        other = content.replace(b"numpy._core", b"numpy.core").replace(b"numpy.core", name)
        (tmp_path / "a_seg.npy").write_bytes(header() + other)
        assert np.array_equal(read_foreign_labels(tmp_path / "a_seg.npy", SHAPE), scene)


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("was run",)


HOSTILE = {
    "code": Hostile(),
    "array of code": np.array([Hostile()], object),
    "class": {"masks": pickle.Unpickler},
    "function": {"masks": eval},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_a_file_is_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hostile_seg.npy"
    np.save(path, np.array({"masks": HOSTILE[name]}, dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"hostile_seg\.npy, but it cannot be unpickled"):
        read_foreign_labels(path, SHAPE)
    assert not (tmp_path / "was run").exists()


def header(descr="|O"):
    file = io.BytesIO()
    about = {"descr": descr, "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


def array(data, code="'i4'", shape="(I1000000000000\nt"):
    """Return a pickle of an array by hand, with what no honest program writes."""
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        b"(I1\n" + shape.encode() + b"cnumpy\ndtype\n(S" + code.encode() + b"\nI0\nI1\ntR"
        b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n" + data + b"tb."
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be unpickled"),
        (b"something else", "cannot be unpickled"),
        (array(b"S'abcd'\n"), "cannot be unpickled"),
        (array(b"I1000000000000\n"), "without numbers"),
        (array(b"S'abcd'\n", code="'i99999999'"), "cannot be unpickled"),
        (array(b"S'abcd'\n", code="'V4'"), "no array 'masks'"),
        (array(b"(lI1\na"), "no array 'masks'"),
        (pickle.dumps({"masks": [1, 2]}), "no array 'masks'"),
        (pickle.dumps({"something": 1}), "no array 'masks'"),
        (b"(" * 10 + b"l" * 10 + b".", "cannot be unpickled|no array"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "asks for builtins.eval"),
        (b"]" * 1_000_000 + b"a" * 999_999 + b".", "no array"),
        (b"c_codecs\nencode\n(Va\nVrot13\ntR.", "a text in 'rot13'"),
    ],
)
def test_broken_and_hostile_pickles_are_told(tmp_path, data, words):
    path = tmp_path / "bad_seg.npy"
    path.write_bytes(header() + data)
    with pytest.raises(ValueError, match=words) as caught:
        read_foreign_labels(path, SHAPE)
    assert "bad_seg.npy" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"something else", header("<i4"), header()[:20]])
def test_broken_arrays_are_told(tmp_path, data):
    path = tmp_path / "bad.npy"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"bad\.npy"):
        read_foreign_labels(path, SHAPE)


# All


def test_what_does_not_fit_is_told(tmp_path, scene):
    np.save(tmp_path / "a.npy", scene)
    with pytest.raises(ValueError, match=r"a\.npy.*\(10, 10\), got \(12, 16\)"):
        read_foreign_labels(tmp_path / "a.npy", (10, 10))
    np.save(tmp_path / "a.npy", scene - 5)
    with pytest.raises(ValueError, match=r"a\.npy.*from 0 to"):
        read_foreign_labels(tmp_path / "a.npy", SHAPE)
    np.save(tmp_path / "a.npy", np.zeros(SHAPE, np.uint8))
    with pytest.raises(ValueError, match=r"nuclei in .*a\.npy, got none"):
        read_foreign_labels(tmp_path / "a.npy", SHAPE)


def test_other_files_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none at .*a\.npy"):
        read_foreign_labels(tmp_path / "a.npy", SHAPE)
    for suffix in (".jpg", ".csv"):
        (tmp_path / f"a{suffix}").touch()
        with pytest.raises(ValueError, match=r"suffixes .*\.geojson"):
            read_foreign_labels(tmp_path / f"a{suffix}", SHAPE)
    assert ".zip" in FOREIGN_SUFFIXES


def test_labels_come_with_their_image(tmp_path, scene):
    image = np.arange(scene.size, dtype=np.uint16).reshape(SHAPE)
    tifffile.imwrite(tmp_path / "image.tif", image)
    path = save_json(tmp_path / "a.geojson", qupath(RINGS))
    for source in (image, tmp_path / "image.tif", Field(image)):
        field = import_labels(path, source)
        assert np.array_equal(field.known_labels, scene)
        assert np.array_equal(field.image, image)


def valid_files(folder, scene):
    """Return a file of each kind with outlines or arrays."""
    (folder / "a.roi").write_bytes(roi_of(RINGS[3]))
    (folder / "b.roi").write_bytes(roi("oval", (1, 1, 5, 5), subpixel=(1.5, 1.5, 3, 3)))
    np.save(folder / "a.npy", scene)
    np.save(folder / "a_seg.npy", {"masks": scene, "filename": "a", "flows": [[scene, None]]})
    return [
        folder / "a.roi",
        folder / "b.roi",
        folder / "a.npy",
        folder / "a_seg.npy",
        save_zip(folder / "a.zip", [roi_of(rings) for rings in RINGS[:2]]),
        save_json(folder / "a.geojson", qupath(RINGS)),
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_are_read_or_told(tmp_path, scene):
    rng = np.random.default_rng(0)
    for path in valid_files(tmp_path, scene):
        good = path.read_bytes()
        for attempt in range(150):
            data = bytearray(good)
            for place in rng.integers(0, len(data), rng.integers(1, 6)):
                data[place] = rng.integers(0, 256)
            path.write_bytes(
                data[: rng.integers(1, len(data) + 1)] if attempt % 3 == 0 else data
            )
            try:
                assert read_foreign_labels(path, SHAPE).shape == SHAPE
            except ValueError as error:
                assert path.name in str(error)
