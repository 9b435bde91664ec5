"""The tool that leaves out images whose labels are doubtful."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_nucseg import segment
from napari_nucseg.simulate import simulate_field


@pytest.fixture(scope="module")
def tool(load_tool):
    return load_tool("clean_data")


def squares(*sides):
    """Squares of these sides beside each other, ten pixels apart."""
    labels = np.zeros((max(sides) + 4, sum(sides) + 10 * len(sides)), np.int32)
    left = 5
    for value, side in enumerate(sides, start=1):
        labels[2 : 2 + side, left : left + side] = value
        left += side + 10
    return labels


def test_ratio_of_areas_is_that_of_nuclei_in_both(tool):
    true = squares(10, 10, 10)
    found = np.where(true == 3, 0, true)
    assert tool.area_ratio(found, true) == 1
    found[12, :] = found[11, :]
    assert tool.area_ratio(found, true) == pytest.approx(1.1)
    assert tool.area_ratio(0 * true, true) == 1


def test_specks_are_small_and_smaller_than_others(tool):
    labels = squares(3, 12, 12)
    assert np.unique(tool.without_specks(labels, 0.2)).tolist() == [0, 2, 3]
    assert (tool.without_specks(labels, 0.0) == labels).all()
    small = squares(3, 4, 4)
    assert (tool.without_specks(small, 0.2) == small).all()
    assert not tool.without_specks(0 * labels, 0.2).any()


def test_images_that_the_model_cannot_follow_are_left_out(tool, nuclei, tmp_path, capsys):
    image = simulate_field((128, 128), seed=1).image
    labels = segment(image, nuclei)
    masks = {
        "good": labels,
        "wide": ndimage.grey_dilation(labels, (7, 7)),
        "one": np.where(labels > 0, 1, 0),
        "elsewhere": labels[::-1, ::-1],
    }
    for name, mask in masks.items():
        for folder, array in (("images", image), ("masks", mask.astype(np.uint16))):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(tmp_path / "data" / folder / f"{name}.tif", array)
    output = tmp_path / "clean"
    arguments = [str(nuclei.folder), str(tmp_path / "data"), str(output)]
    tool.main([*arguments, "--least-ap", "0.65"])
    names = sorted(path.relative_to(output).as_posix() for path in output.rglob("*.tif"))
    kept = [name for name in ("good", "one") if f"images/{name}.tif" in names]
    assert "good" in kept
    assert names == [f"{folder}/{name}.tif" for folder in ("images", "masks") for name in kept]
    assert (tifffile.imread(output / "masks" / "good.tif") == labels).all()
    assert f"{len(kept)} of 4" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        tool.main(arguments)
    assert "exist" in capsys.readouterr().err
