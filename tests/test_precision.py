"""How precisely a network calculates."""

import numpy as np
import pytest

from napari_nucseg.network import precision as module
from napari_nucseg.network.architecture import build_network
from napari_nucseg.network.losses import compile_network
from napari_nucseg.network.mobilenet import MobileNetUNet
from napari_nucseg.network.precision import (
    PRECISION_VARIABLE,
    PRECISIONS,
    precision,
    set_precision,
)
from napari_nucseg.network.predict import Predictor, load_predictor
from napari_nucseg.network.unet import UNet

both = pytest.mark.parametrize(
    "architecture", [UNet((4, 6, 8, 10)), MobileNetUNet((4, 6, 8, 10), alpha=0.1)]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nflags : fpu avx2 avx512_bf16 avx512f\n", "bfloat16"),
        ("flags\t\t: fpu amx_bf16 amx_tile", "bfloat16"),
        ("flags : fpu avx2 avx512f\nbugs : avx512_bf16\n", "float32"),
        ("Features : fp asimd\n", "float32"),
        (None, "float32"),
    ],
)
def test_bfloat16_where_the_processor_has_it(monkeypatch, tmp_path, text, expected):
    monkeypatch.delenv(PRECISION_VARIABLE, raising=False)
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(module, "_PROCESSOR", path)
    assert precision() == expected


def test_precision_can_be_chosen(monkeypatch):
    for chosen in ("float32", "bfloat16"):
        monkeypatch.setenv(PRECISION_VARIABLE, chosen)
        assert precision() == chosen
    monkeypatch.setenv(PRECISION_VARIABLE, "int8")
    with pytest.raises(ValueError, match=r"float32, bfloat16, got 'int8'"):
        precision()


@pytest.mark.parametrize("setting", ["oneDNN off", "graphics card"])
def test_bfloat16_only_where_the_processor_calculates(monkeypatch, tmp_path, setting):
    monkeypatch.delenv(PRECISION_VARIABLE, raising=False)
    (tmp_path / "cpuinfo").write_text("flags : avx512_bf16")
    monkeypatch.setattr(module, "_PROCESSOR", tmp_path / "cpuinfo")
    if setting == "oneDNN off":
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    else:
        monkeypatch.setattr(module.tf.config, "list_physical_devices", lambda kind: [kind])
    assert precision() == "float32"


@both
def test_with_bfloat16_maps_are_nearly_the_same_and_weights_stay(architecture):
    network = build_network(architecture, batch_norm=False)
    plane = np.random.default_rng(0).random((64, 96, 3)).astype(np.float32)
    maps = {chosen: Predictor(network, chosen).maps(plane) for chosen in PRECISIONS}
    assert 0 < np.abs(maps["bfloat16"] - maps["float32"]).mean() < 0.01
    assert {weights.dtype for weights in network.get_weights()} == {np.dtype("float32")}
    set_precision(network, "float32")
    assert (Predictor(network, "float32").maps(plane) == maps["float32"]).all()


@both
@pytest.mark.parametrize("batch_norm", [True, False])
def test_network_learns_in_bfloat16_and_tells_in_float32(architecture, batch_norm):
    network = build_network(architecture, batch_norm=batch_norm)
    set_precision(network, "bfloat16")
    compile_network(network, 1e-2)
    rng = np.random.default_rng(0)
    images = rng.random((2, 32, 64, 3), np.float32)
    targets = {"maps": np.ones((2, 32, 64, 4)), "size": np.ones((2, 4, 8, 2))}
    losses = [float(network.train_on_batch(images, targets)[0]) for _ in range(8)]
    assert losses[-1] < losses[0]
    assert {str(output.dtype) for output in network(images).values()} == {"<dtype: 'float32'>"}


def test_model_is_loaded_again_for_another_precision(monkeypatch, nuclei):
    for chosen in PRECISIONS:
        monkeypatch.setenv(PRECISION_VARIABLE, chosen)
        assert load_predictor(nuclei).precision == chosen
