"""Labels for other programs, read back by the library of each format."""

import csv
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import roifile
import shapely
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_masks
from skimage.draw import polygon2mask

from napari_nucseg import Field, export_labels, import_labels, open_image
from napari_nucseg.cli import main
from napari_nucseg.image.files import read_image, read_labels, write_labels
from napari_nucseg.measure import FORMATS
from napari_nucseg.measure.outlines import polygons_of

SHAPE = (14, 18)


@pytest.fixture
def scene():
    """Nuclei of 1, 2 and 5 pixels, with holes, of two pieces, and two that touch.

    Their numbers leave gaps.
    """
    labels = np.zeros(SHAPE, np.int32)
    labels[1, 1] = 1
    labels[1, 4:6] = 2
    labels[3:6, 2], labels[4, 1], labels[4, 3] = 4, 4, 4
    labels[7:13, 0:6] = 7
    labels[9, 2], labels[10, 3] = 0, 0  # two holes that meet in a corner
    labels[1, 8], labels[3, 8] = 8, 8
    labels[6:10, 8:11], labels[6:10, 11:15] = 300, 12
    return labels


def in_order(labels):
    """Return labels numbered anew from 1."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


def exported(labels, tmp_path, to, **options):
    path = tmp_path / f"scene{FORMATS[to].ending}"
    export_labels(labels, path, to, **options)
    return path


# Outlines


@given(mask=arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
@settings(max_examples=200, deadline=None)
def test_polygons_are_valid_and_have_the_pixels_of_the_mask(mask):
    polygons = polygons_of(mask)
    shapes = [shapely.Polygon(outer, holes) for outer, *holes in polygons]
    whole = shapely.MultiPolygon(shapes)
    assert shapely.is_valid(whole), shapely.is_valid_reason(whole)
    assert whole.area == mask.sum()
    y, x = np.indices(mask.shape)
    inside = shapely.contains_xy(whole, x + 0.5, y + 0.5)
    np.testing.assert_array_equal(inside, mask)


def test_outline_of_a_pixel_is_its_square():
    ((ring,),) = polygons_of(np.ones((1, 1), bool), (5, 7))
    assert sorted(map(tuple, ring.tolist())) == [(7, 5), (7, 6), (8, 5), (8, 6)]


def test_points_along_a_side_are_left_out():
    ((ring,),) = polygons_of(np.ones((3, 9), bool))
    assert len(ring) == 4


# Round trips


@pytest.mark.parametrize("to", ["imagej", "geojson", "tiff", "ome-tiff", "cellpose"])
def test_nothing_is_lost_on_the_way_there_and_back(scene, tmp_path, to):
    path = exported(scene, tmp_path, to)
    field = import_labels(path, np.zeros(SHAPE))
    np.testing.assert_array_equal(in_order(field.labels), in_order(scene))


def test_rois_are_read_by_roifile(scene, tmp_path):
    found = {}
    for roi in roifile.roiread(exported(scene, tmp_path, "imagej")):
        mask = np.zeros(SHAPE, bool)
        for ring in roi.coordinates(multi=True):
            # The centers of pixels have whole numbers for scikit-image.
            mask ^= polygon2mask(SHAPE, ring[:, ::-1] - 0.5 - 1e-6)
        found[int(roi.name)] = mask
    assert list(found) == [1, 2, 4, 7, 8, 12, 300]
    for label, mask in found.items():
        np.testing.assert_array_equal(mask, scene == label)


def test_rois_say_where_they_are(scene, tmp_path):
    one, two, cross, holes, *_ = roifile.roiread(exported(scene, tmp_path, "imagej"))
    assert (one.left, one.top, one.right, one.bottom) == (1, 1, 2, 2)
    assert (two.left, two.top, two.right, two.bottom) == (4, 1, 6, 2)
    assert one.roitype == cross.roitype == roifile.ROI_TYPE.TRACED
    assert len(cross.coordinates()) == 12
    assert holes.composite
    assert one.name == "00001"


def test_same_labels_make_the_same_archive(scene, tmp_path):
    first = exported(scene, tmp_path / "a", "imagej").read_bytes()
    assert exported(scene, tmp_path / "b", "imagej").read_bytes() == first


def test_geojson_is_valid_and_has_measurements(scene, tmp_path):
    image = np.where(scene == 4, 100, 20)
    path = exported(scene, tmp_path, "geojson", image=image, pixel_size=0.5)
    collection = shapely.from_geojson(path.read_text(encoding="utf-8"))
    assert all(map(shapely.is_valid, collection.geoms))
    assert [one.area for one in collection.geoms] == [1, 2, 5, 34, 2, 16, 12]
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    cross = next(one["properties"] for one in features if one["properties"]["name"] == "4")
    assert cross["objectType"] == "detection"
    assert cross["measurements"]["area_um2"] == 1.25
    assert cross["measurements"]["mean_intensity"] == 100
    kinds = [one["geometry"]["type"] for one in features]
    assert kinds.count("MultiPolygon") == 1
    assert len(features[3]["geometry"]["coordinates"]) == 3


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_coco_is_read_by_pycocotools(scene, tmp_path):
    content = json.loads(exported(scene, tmp_path, "coco").read_text(encoding="utf-8"))
    assert content["images"] == [{"id": 1, "file_name": "scene", "height": 14, "width": 18}]
    back = np.zeros(SHAPE, np.int32)
    for one in content["annotations"]:
        mask = coco_masks.decode(one["segmentation"])
        back[mask > 0] = one["id"]
        assert one["area"] == coco_masks.area(one["segmentation"])
        assert one["bbox"] == coco_masks.toBbox(one["segmentation"]).tolist()
    np.testing.assert_array_equal(back, scene)


@given(labels=arrays(np.int32, (40, 50), elements=st.integers(0, 1)))
@settings(max_examples=25, deadline=None)
def test_runs_are_those_of_pycocotools(labels):
    with tempfile.TemporaryDirectory() as folder:
        path = exported(labels, Path(folder), "coco")
        annotations = json.loads(path.read_text(encoding="utf-8"))["annotations"]
    found = [one["segmentation"]["counts"] for one in annotations]
    expected = coco_masks.encode(np.asfortranarray(labels.astype(np.uint8)))["counts"]
    assert found == ([expected.decode()] if labels.any() else [])


def test_tiff_has_the_size_of_a_pixel(scene, tmp_path):
    path = exported(scene, tmp_path, "tiff", pixel_size=(0.5, 0.25))
    assert read_image(path).pixel_size == pytest.approx((0.5, 0.25))
    np.testing.assert_array_equal(read_labels(path), scene)
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        assert file.pages[0].dtype == np.uint16


def test_ome_says_axes_and_size_of_a_pixel(scene, tmp_path):
    stack = np.stack([scene, 0 * scene, scene[::-1]])
    path = exported(stack, tmp_path, "ome-tiff", pixel_size=(2, 0.5, 0.25))
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "ZYX"
        about = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        np.testing.assert_array_equal(file.asarray(), stack)
    sizes = [(about[f"PhysicalSize{axis}"], about[f"PhysicalSize{axis}Unit"]) for axis in "ZYX"]
    assert sizes == [(2, "µm"), (0.5, "µm"), (0.25, "µm")]
    # Our own reader agrees.
    image = open_image(path)
    assert (image.axes, image.spacing, set(image.unit)) == (
        "ZYX",
        (2, 0.5, 0.25),
        {"micrometer"},
    )


@pytest.mark.parametrize(
    ("axes", "images"), [("ZYX", (3, 1)), ("TYX", (1, 3)), ("TZYX", (3, 2))]
)
def test_stacks_and_series_are_hyperstacks_of_imagej(scene, tmp_path, axes, images):
    planes = np.stack([scene, 0 * scene, scene[::-1]])
    labels = np.stack([planes, planes[::-1]]) if axes == "TZYX" else planes
    path = exported(labels, tmp_path, "tiff", axes=axes, pixel_size=0.5)
    with tifffile.TiffFile(path) as file:
        known = file.imagej_metadata
        assert (known.get("slices", 1), known.get("frames", 1)) == images
        assert (known["unit"], known.get("spacing")) == ("um", 0.5 if "Z" in axes else None)
        np.testing.assert_array_equal(file.asarray(), labels)


def test_centroids_of_a_series_say_when(scene, tmp_path):
    path = exported(np.stack([scene, scene]), tmp_path, "centroids", axes="TYX")
    with open(path, newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    assert [row["t"] for row in rows] == ["0"] * 7 + ["1"] * 7
    assert rows[2]["centroid_y"] == rows[9]["centroid_y"] == "4"


def test_classes_go_with_the_nuclei(scene, tmp_path):
    classes = {4: "mitotic", 12: "dead"}
    text = exported(scene, tmp_path, "geojson", classes=classes).read_text(encoding="utf-8")
    told = [one["properties"].get("classification") for one in json.loads(text)["features"]]
    assert told == [None, None, {"name": "mitotic"}, None, None, {"name": "dead"}, None]
    text = exported(scene, tmp_path, "coco", classes=classes).read_text(encoding="utf-8")
    content = json.loads(text)
    names = {one["id"]: one["name"] for one in content["categories"]}
    assert list(names.values()) == ["nucleus", "dead", "mitotic"]
    kinds = {one["id"]: names[one["category_id"]] for one in content["annotations"]}
    assert {label: kind for label, kind in kinds.items() if kind != "nucleus"} == classes
    text = exported(scene, tmp_path, "centroids", classes=classes).read_text(encoding="utf-8")
    assert [row["class"] for row in csv.DictReader(text.splitlines())][2] == "mitotic"


def test_large_labels_for_imagej_are_floating(scene, tmp_path):
    path = exported(scene * 50_000, tmp_path, "tiff")
    assert tifffile.imread(path).dtype == np.float32
    np.testing.assert_array_equal(read_labels(path), scene * 50_000)
    with pytest.raises(ValueError, match="Number the nuclei anew"):
        exported(scene * 100_000, tmp_path, "tiff")


def test_masks_of_cellpose_are_numbered_anew(scene, tmp_path):
    path = exported(scene, tmp_path, "cellpose")
    assert path.name == "scene_masks.tif"
    masks = tifffile.imread(path)
    assert masks.dtype == np.uint16
    np.testing.assert_array_equal(masks, in_order(scene))


def test_centroids_count_from_the_center_of_the_first_pixel(scene, tmp_path):
    path = exported(scene, tmp_path, "centroids", pixel_size=0.5)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "label": "2",
        "centroid_y": "1",
        "centroid_x": "4.5",
        "centroid_y_um": "0.5",
        "centroid_x_um": "2.25",
    }


def test_overlay_has_outlines_in_the_border_of_nuclei(scene, tmp_path):
    image = np.full(SHAPE, 7, np.uint8)
    image[0, 0] = 9
    path = exported(scene, tmp_path, "overlay", image=image)
    picture = np.asarray(PIL.Image.open(path))
    colored = picture.max(axis=-1) != picture.min(axis=-1)
    assert picture.shape == (*SHAPE, 3)
    assert not colored[scene == 0].any()
    assert colored[1, 1] and colored[4, 1]
    assert not colored[7:9, 9].all()  # the inside of a nucleus is the image


@pytest.mark.parametrize("axes", ["YX", "CYX", "YXS"])
def test_overlay_of_all_kinds_of_images(scene, tmp_path, axes):
    image = np.random.default_rng(1).random((*SHAPE, 3))
    image = {"YX": image[..., 0], "CYX": np.moveaxis(image, -1, 0), "YXS": image}[axes]
    picture = PIL.Image.open(exported(scene, tmp_path, "overlay", image=image, axes=axes))
    assert np.asarray(picture).std() > 10


@pytest.mark.parametrize("to", sorted(FORMATS))
def test_image_without_nuclei_can_be_exported(tmp_path, to):
    assert exported(np.zeros(SHAPE, int), tmp_path, to).stat().st_size


# What cannot be exported


def test_unknown_format_is_told(scene, tmp_path):
    with pytest.raises(ValueError, match=r"Expected a format out of cellpose, .*, got 'word'"):
        export_labels(scene, tmp_path / "a", "word")


def test_stack_is_told(scene, tmp_path):
    says = r"labels of one plane, .* for imagej, got 2 planes of 14 x 18.* or ome-tiff or tiff,"
    with pytest.raises(ValueError, match=says):
        export_labels(np.stack([scene, scene]), tmp_path / "a.zip", "imagej")


def test_labels_too_large_for_rois_are_told(tmp_path):
    with pytest.raises(ValueError, match="at most 60535 pixels along each side"):
        export_labels(np.zeros((60_536, 1), int), tmp_path / "a.zip", "imagej")


# The command


def nucseg(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("to", sorted(FORMATS))
def test_folder_is_exported(scene, tmp_path, to, capsys):
    field = Field(scene, pixel_size=(0.5, 0.5), unit="micrometer")
    for name in "ab":
        write_labels(tmp_path / "labels" / f"{name}_labels.tif", scene, field)
    output = tmp_path / "out"
    assert nucseg("export", tmp_path / "labels", "--to", to, "--output", output) == 0
    ending = FORMATS[to].ending
    assert sorted(path.name for path in output.iterdir()) == [f"a{ending}", f"b{ending}"]
    assert f"a{ending}" in capsys.readouterr().out


def test_bad_file_is_named_and_the_rest_go_on(scene, tmp_path, capsys):
    write_labels(tmp_path / "a_labels.tif", scene)
    (tmp_path / "b_labels.tif").write_bytes(b"no image")
    assert nucseg("export", tmp_path, "--to=imagej", "--output", tmp_path / "out") == 1
    assert zipfile.is_zipfile(tmp_path / "out" / "a_rois.zip")
    messages = capsys.readouterr().err
    assert "b_labels.tif" in messages
    assert "Failed: 1 of 2." in messages


def test_labels_are_not_written_over(scene, tmp_path, capsys):
    write_labels(tmp_path / "a_labels.tif", scene)
    assert nucseg("export", tmp_path, "--to=tiff", "--output", tmp_path) == 1
    assert "Choose another folder" in capsys.readouterr().err
