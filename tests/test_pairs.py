import numpy as np
import PIL.Image
import pytest
import tifffile
from scipy import ndimage

from napari_nucseg.image.pairs import find_pairs, read_fields, read_pair


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        PIL.Image.fromarray(array.astype(np.uint8)).save(path)
    else:
        tifffile.imwrite(path, array)


def speckled(labels):
    """Make an image of labels: no two pixels that touch have the same intensity."""
    y, x = np.indices(labels.shape)
    return (labels > 0) * 100 + 10 * (y % 3) + 30 * (x % 3) + 1


@pytest.mark.parametrize("images", ["images", "inputs"])
def test_equal_names_in_two_folders(tmp_path, two_nuclei, images):
    write(tmp_path / images / "a.png", speckled(two_nuclei))
    write(tmp_path / "masks" / "a.tif", two_nuclei.astype(np.uint16))
    (field,) = read_fields([tmp_path])
    assert field.name == "a"
    assert (field.labels == two_nuclei).all()


def test_one_file_per_nucleus(tmp_path, two_nuclei):
    write(tmp_path / "x1" / "images" / "x1.png", speckled(two_nuclei))
    for number in (1, 2):
        mask = (two_nuclei == number) * 255
        write(tmp_path / "x1" / "masks" / f"{number}.png", mask)
    (pair,) = find_pairs(tmp_path)
    assert pair.name == "x1"
    assert (read_pair(pair).labels == two_nuclei).all()


def test_overlapping_nuclei_keep_the_first(tmp_path):
    write(tmp_path / "x" / "images" / "x.png", np.ones((5, 6)))
    for name, columns in (("a", slice(0, 4)), ("b", slice(3, 6))):
        mask = np.zeros((5, 6))
        mask[:4, columns] = 255
        write(tmp_path / "x" / "masks" / f"{name}.png", mask)
    (field,) = read_fields([tmp_path])
    assert field.labels[0].tolist() == [1, 1, 1, 1, 2, 2]


def test_binary_mask_is_taken_apart_with_a_warning(tmp_path):
    mask = np.zeros((8, 12))
    mask[2:5, 1:4] = mask[2:5, 7:10] = 255
    write(tmp_path / "images" / "a.png", speckled(mask))
    write(tmp_path / "masks" / "a.png", mask)
    with pytest.warns(UserWarning, match="touch"):
        (field,) = read_fields([tmp_path])
    assert sorted(np.unique(field.labels)) == [0, 1, 2]


def test_no_file_of_a_nucleus_is_no_nucleus_and_told(tmp_path):
    for name in "xyz":
        write(tmp_path / name / "images" / f"{name}.png", np.ones((4, 6)))
        (tmp_path / name / "masks").mkdir()
    write(tmp_path / "x" / "masks" / "1.png", np.eye(4, 6))
    with pytest.warns(UserWarning, match=r"2 images in .* without nuclei.*: y, z") as warnings:
        fields = read_fields([tmp_path])
    assert len(warnings) == 1
    assert [field.nuclei for field in fields] == [1, 0, 0]


def test_folders_without_a_single_image_are_named(tmp_path):
    for name, images in (("a", ["1"]), ("b", ["1", "2"]), ("c", [])):
        (tmp_path / name / "images").mkdir(parents=True)
        for image in images:
            write(tmp_path / name / "images" / f"{image}.png", np.ones((4, 6)))
        write(tmp_path / name / "masks" / "1.png", np.eye(4, 6))
    says = r"Left out 2 folders in .* with more than one image, or none: b, c"
    with pytest.warns(UserWarning, match=says) as warnings:
        assert [pair.name for pair in find_pairs(tmp_path)] == ["a"]
    assert len(warnings) == 1


@pytest.mark.parametrize("other", ["images/a.tif", "inputs/a.png"])
def test_of_two_images_of_one_name_the_first_is_taken(tmp_path, two_nuclei, other):
    for image in ("images/a.png", other):
        write(tmp_path / image, speckled(two_nuclei))
    write(tmp_path / "masks" / "a.png", two_nuclei)
    with pytest.warns(UserWarning, match="Left out 1 image in .* of the same name") as warnings:
        (pair,) = find_pairs(tmp_path)
    assert len(warnings) == 1
    assert pair.image == tmp_path / "images" / "a.png"


def test_single_nucleus_is_no_reason_to_warn(tmp_path, recwarn):
    mask = np.zeros((8, 12))
    mask[2:5, 1:4] = 7
    write(tmp_path / "images" / "a.png", speckled(mask))
    write(tmp_path / "masks" / "a.png", mask)
    (field,) = read_fields([tmp_path])
    assert np.unique(field.labels).tolist() == [0, 7]
    assert not recwarn.list


def test_images_without_mask_are_named(tmp_path, two_nuclei):
    for name in ("a", "b"):
        write(tmp_path / "images" / f"{name}.png", two_nuclei)
    write(tmp_path / "masks" / "a.png", two_nuclei)
    with pytest.warns(UserWarning, match=r"b\.png"):
        pairs = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["a"]


def test_masks_without_image_are_named(tmp_path, two_nuclei):
    write(tmp_path / "images" / "a.png", speckled(two_nuclei))
    for name in "ab":
        write(tmp_path / "masks" / f"{name}.png", two_nuclei)
    with pytest.warns(UserWarning, match=r"Left out 1 mask in .* of the same name: b\.png"):
        assert [pair.name for pair in find_pairs(tmp_path)] == ["a"]


def test_axes_of_the_images_may_be_given(tmp_path, two_nuclei):
    image = np.stack([speckled(two_nuclei)] * 3, axis=-1)
    write(tmp_path / "images" / "a.png", image)
    write(tmp_path / "masks" / "a.png", two_nuclei)
    (field,) = read_fields([tmp_path])
    assert (field.axes, field.is_color) == ("YXS", True)
    (field,) = read_fields([tmp_path], "YXC")
    assert (field.axes, field.channels, field.is_color) == ("CYX", 3, False)


def test_image_and_mask_the_other_way_round(tmp_path, two_nuclei):
    labels = np.kron(two_nuclei, np.ones((8, 8), int))
    write(tmp_path / "images" / "a.png", labels)
    write(tmp_path / "masks" / "a.png", speckled(labels))
    with pytest.raises(ValueError, match="the other way round"):
        read_fields([tmp_path])


def test_a_map_of_classes_of_a_flat_image_is_not_the_image(tmp_path):
    classes = np.zeros((40, 40), int)
    for number, corner in enumerate(range(1, 37, 4)):
        classes[corner : corner + 3, corner : corner + 3] = 1 + number % 2
        classes[corner : corner + 3, 36 - corner : 39 - corner] = 1 + number % 2
    write(tmp_path / "images" / "a.png", (classes > 0) * 255)
    write(tmp_path / "masks" / "a.png", classes)
    with (
        pytest.warns(UserWarning, match="looks like labels"),
        pytest.warns(UserWarning, match="in many pieces each"),
    ):
        read_fields([tmp_path])


def test_labels_in_place_of_an_image_are_told(tmp_path, two_nuclei):
    write(tmp_path / "images" / "a.png", two_nuclei)
    write(tmp_path / "masks" / "a.png", two_nuclei)
    with pytest.warns(UserWarning, match=r"a\.png what looks like labels"):
        read_fields([tmp_path])


def test_shapes_that_differ_name_the_file(tmp_path, two_nuclei):
    write(tmp_path / "images" / "a.png", two_nuclei[:5])
    write(tmp_path / "masks" / "a.png", two_nuclei)
    with pytest.raises(ValueError, match=r"a\.png.*belong together"):
        read_fields([tmp_path])


def test_no_pairs_shows_the_layouts(tmp_path):
    with pytest.raises(FileNotFoundError, match="masks/"):
        find_pairs(tmp_path)
    write(tmp_path / "images" / "a.png", np.ones((4, 6)))
    (tmp_path / "masks").mkdir()
    with pytest.raises(FileNotFoundError, match=r"a\.png without any mask"):
        find_pairs(tmp_path)
    with pytest.raises(FileNotFoundError, match="got a file"):
        find_pairs(tmp_path / "images" / "a.png")
    with pytest.raises(FileNotFoundError, match="folder"):
        find_pairs(tmp_path / "none")


def test_masks_of_one_mistake_are_told_once(tmp_path):
    mask = np.zeros((8, 12))
    mask[2:5, 1:4] = mask[2:5, 7:10] = 255
    for name in "abc":
        write(tmp_path / "images" / f"{name}.png", speckled(mask))
        write(tmp_path / "masks" / f"{name}.png", mask)
    with pytest.warns(UserWarning, match=r"in 3 masks .*c\.png.* binary") as warnings:
        read_fields([tmp_path])
    assert len(warnings) == 1


def test_one_nucleus_of_a_file_per_nucleus_stays_one(tmp_path):
    mask = np.zeros((8, 12))
    mask[2:5, 1:4] = mask[2:5, 7:10] = 255
    write(tmp_path / "a" / "images" / "a.png", speckled(mask))
    write(tmp_path / "a" / "masks" / "1.png", mask)
    (field,) = read_fields([tmp_path])
    assert field.labels.max() == 1
    write(tmp_path / "a" / "masks" / "2.png", mask[:4])
    with pytest.raises(ValueError, match=r"2\.png.*shape of their image"):
        read_fields([tmp_path])


def test_inverted_files_of_a_nucleus_each_are_told(tmp_path):
    for number in (1, 2):
        mask = np.full((8, 12), 255)
        mask[2:5, 4 * number : 4 * number + 3] = 0
        write(tmp_path / "a" / "masks" / f"{number}.png", mask)
    write(tmp_path / "a" / "images" / "a.png", speckled(mask))
    with pytest.warns(UserWarning, match=r"masks of a .* the value 0"):
        read_fields([tmp_path])


def test_labels_beside_their_image_are_the_mask(tmp_path, two_nuclei):
    write(tmp_path / "images" / "a.tif", speckled(two_nuclei))
    write(tmp_path / "masks" / "a.tif", two_nuclei * 50)
    write(tmp_path / "masks" / "a_labels.tif", two_nuclei)
    with pytest.warns(UserWarning, match=r"Left out 1 file in .*a\.tif"):
        (field,) = read_fields([tmp_path])
    assert (field.labels == two_nuclei).all()


def test_soft_edges_of_a_file_per_nucleus_do_not_matter(tmp_path, recwarn):
    write(tmp_path / "a" / "images" / "a.png", np.ones((30, 30)))
    for number in (1, 2):
        nucleus = np.zeros((30, 30))
        nucleus[12 * number - 6 : 12 * number + 2, 10:20] = 200
        soft = ndimage.gaussian_filter(nucleus, 1)
        write(tmp_path / "a" / "masks" / f"{number}.png", soft)
    assert read_pair(find_pairs(tmp_path)[0]).labels.max() == 2
    assert not recwarn.list
    (tmp_path / "a" / "masks" / "2.png").unlink()
    assert read_pair(find_pairs(tmp_path)[0]).labels.max() == 1
