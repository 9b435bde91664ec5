"""Models for other programs: the same maps with ONNX Runtime as with Keras."""

import json
import sys
import zipfile

import numpy as np
import pytest

from napari_nucseg import export_model
from napari_nucseg.cli import main
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.network import bioimageio_out
from napari_nucseg.network.onnx_out import export_onnx
from napari_nucseg.network.predict import load_predictor
from napari_nucseg.pipeline import instances, spec_of
from napari_nucseg.pipeline.normalize import CLIP, HIGH, LOW, normalize
from napari_nucseg.registry import load_model

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


def tiles(rows, columns, count=2):
    fields = [simulate_field((rows, columns), seed=seed) for seed in range(count)]
    return np.stack([normalize(np.asarray(field.image)) for field in fields])


@pytest.fixture(scope="module")
def exported(tmp_path_factory, quick_learner):
    folder = tmp_path_factory.mktemp("onnx")
    models = {"nuclei": load_model("nuclei"), "unet": load_model(quick_learner)}
    return {
        name: (model, export_onnx(model, folder / f"{name}.onnx"))
        for name, model in models.items()
    }


@pytest.mark.parametrize("name", ["nuclei", "unet"])
def test_maps_are_those_of_keras(exported, name):
    model, path = exported[name]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for given in (tiles(64, 96), tiles(160, 128, 1)):
        maps, size = session.run(["maps", "size"], {"image": given.transpose(0, 3, 1, 2)})
        theirs, their_size = load_predictor(model).predict(given)
        np.testing.assert_allclose(maps.transpose(0, 2, 3, 1), theirs, atol=1e-4)
        np.testing.assert_allclose(size[:, 0], their_size, atol=1e-4)
        assert np.ptp(theirs) > 0.1  # so it would have been seen


def test_file_says_what_it_takes(exported):
    model, path = exported["nuclei"]
    about = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
    assert about["name"] == "nuclei"
    assert about["maps"] == "foreground,distance,boundary"
    assert (about["diameter"], about["stride"], about["halo"]) == ("28.0", "32", "32")
    assert about["weights_sha256"] == model.card.weights_sha256


def test_nothing_is_overwritten(exported):
    model, path = exported["unet"]
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="which exists"):
        export_onnx(model, path)
    assert path.read_bytes() == before


def test_layer_that_is_not_known_is_named(monkeypatch, tmp_path, quick_learner):
    from napari_nucseg.network import onnx_out

    monkeypatch.setattr(onnx_out, "_LAYERS", {"Conv2D": onnx_out._LAYERS["Conv2D"]})
    with pytest.raises(ValueError, match=r"layers of Conv2D, got ToDepth \('to_depth'\)"):
        export_onnx(load_model(quick_learner), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_other_formats_are_chosen_by_name(quick_learner, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = export_model(quick_learner, ".", "onnx")
    assert path == tmp_path / "quick learner.onnx"
    assert main(["models", "export", str(quick_learner), "other.onnx", "--format=onnx"]) == 0
    assert (tmp_path / "other.onnx").read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="zip, onnx, bioimageio, got 'keras'"):
        export_model(quick_learner, "a", "keras")


def test_package_that_is_missing_is_named(quick_learner, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'napari-nucseg\[onnx\]'"):
        export_model(quick_learner, tmp_path, "onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    path = export_model("nuclei", tmp_path_factory.mktemp("bioimageio"), "bioimageio")
    assert path.name == "nuclei.bioimageio.zip"
    return path


def test_package_gives_what_it_says_for_its_example(package):
    with zipfile.ZipFile(package) as archive:
        arrays = {
            name: np.load(archive.open(f"{name}.npy")) for name in ("input", "maps", "size")
        }
        described = json.loads(archive.read("rdf.yaml"))
        session = onnxruntime.InferenceSession(archive.read("weights.onnx"))
    _, scale, clip = (step["kwargs"] for step in described["inputs"][0]["preprocessing"])
    image = arrays["input"]
    low, high = np.percentile(image, (scale["min_percentile"], scale["max_percentile"]))
    image = ((image - low) / (high - low)).clip(clip["min"], clip["max"]).astype(np.float32)
    maps, size = session.run(["maps", "size"], {"image": image})
    np.testing.assert_allclose(maps, arrays["maps"], atol=1e-4)
    np.testing.assert_allclose(size, arrays["size"], atol=1e-4)
    names = [output["axes"][1]["channel_names"] for output in described["outputs"]]
    assert names == [["foreground", "distance", "boundary"], ["size"]]


def test_package_says_what_is_done_here(package):
    with zipfile.ZipFile(package) as archive:
        described, about = json.loads(archive.read("rdf.yaml")), archive.read("README.md")
    _, scale, clip = (step["kwargs"] for step in described["inputs"][0]["preprocessing"])
    assert (scale["min_percentile"], scale["max_percentile"]) == (LOW, HIGH)
    assert (clip["min"], clip["max"]) == CLIP
    most, least, part = instances.MIN_PROMINENCE, instances._NOISE, instances._PART_OF_PEAK
    assert f"at least min({most}, max({least}, {part} p)) higher" in about.decode()
    assert described["license"] == "BSD-3-Clause"  # that of the bundled model


def test_model_without_a_license_is_given_none(quick_learner):
    model = load_model(quick_learner)
    spec = spec_of(model.card)
    described = bioimageio_out._description(model, spec, {bioimageio_out._WEIGHTS: b""})
    assert "license" not in described
    assert "License: not told\n" in bioimageio_out._readme(model, spec)


@pytest.mark.filterwarnings("ignore")  # of packages that are not ours
def test_package_is_valid(package):
    spec = pytest.importorskip("bioimageio.spec")
    described = spec.load_description(package, perform_io_checks=True)
    errors = described.validation_summary
    assert errors.status == "valid-format", errors.format()
    assert described.name == "Nuclei of napari-nucseg - nuclei"


def test_name_of_the_file_says_which_format(tmp_path):
    assert onnxruntime.InferenceSession(export_model("nuclei", tmp_path / "a.onnx"))
    assert zipfile.is_zipfile(export_model("nuclei", tmp_path / "a.zip"))
